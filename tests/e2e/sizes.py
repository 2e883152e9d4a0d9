"""What the functions weigh: size, glibc, time to the first `GET /next`, own processor time and memory while they work; written
into docs/sizes.md.

Each bootstrap runs by itself against a runtime API made here; what it calls are the emulators, behind the proxy. These are
numbers of this machine and its loopback, for comparison between versions; they are no Lambda cold starts.
"""

import gzip
import json
import os
import queue
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cloudtrail import refused_send
from conftest import Sender
from emulators.world import ACCOUNT, Emulators

ROOT = Path(__file__).parents[2]
BUILT = ROOT / ".aws-sam/build"
# What Amazon Linux 2023 brings: https://docs.aws.amazon.com/linux/al2023/ug/glibc.html
GLIBC_CEILING = (2, 34)
STARTS = 5
EVENTS = 100


class RuntimeApi:
    """Lambda's runtime API: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html"""

    def __init__(self):
        self.asked = threading.Event()
        self._events, self._answers = queue.Queue(), queue.Queue()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def do_GET(self):
                api.asked.set()
                event = api._events.get()
                headers = {
                    "Lambda-Runtime-Aws-Request-Id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                    "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 60_000),
                    "Lambda-Runtime-Invoked-Function-Arn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:sizes",
                }
                self._send(200, json.dumps(event).encode(), headers)

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self._send(202, b"{}", {})
                api._answers.put((self.path.rsplit("/", 1)[-1], json.loads(body)))

            def _send(self, status, body, headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        # A function that is stopped leaves its connection open.
        self._server.handle_error = lambda *_: None
        self.address = f"127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def invoke(self, event):
        self._events.put(event)
        kind, answer = self._answers.get(timeout=60)
        assert kind == "response", answer
        return answer

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


class Process:
    """A bootstrap between its start and its end."""

    def __init__(self, bootstrap, environment):
        self.api = RuntimeApi()
        runtime = {
            "AWS_LAMBDA_RUNTIME_API": self.api.address,
            "AWS_LAMBDA_FUNCTION_NAME": "sizes",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_REGION": environment["AWS_DEFAULT_REGION"],
        }
        begin = time.perf_counter()
        self._process = subprocess.Popen([bootstrap], env=environment | runtime, stdout=subprocess.DEVNULL)
        assert self.api.asked.wait(30), "the function never asked for an event"
        self.start_ms = (time.perf_counter() - begin) * 1000

    def cpu_ms(self):
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")

    def memory_mb(self):
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024

    def stop(self):
        self._process.kill()
        self._process.wait()
        self.api.stop()


def glibc(bootstrap):
    symbols = subprocess.run(["objdump", "-T", bootstrap], capture_output=True, text=True, check=True).stdout
    return max(tuple(map(int, found.split("."))) for found in re.findall(r"GLIBC_(\d+\.\d+)", symbols))


def prepare(emulators):
    """Where diagnose reads and writes, and a refusal for it."""
    sqs, dynamodb = emulators.client("sqs"), emulators.client("dynamodb")
    keys = {"": ("pk", "sk"), "due": ("due", "dueSince"), "list": ("sk", "lastSeen")}
    schema = {
        index: [{"AttributeName": hash, "KeyType": "HASH"}, {"AttributeName": range, "KeyType": "RANGE"}]
        for index, (hash, range) in keys.items()
    }
    dynamodb.create_table(
        TableName="findings",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in sorted({name for pair in keys.values() for name in pair})
        ],
        KeySchema=schema.pop(""),
        GlobalSecondaryIndexes=[
            {"IndexName": index, "KeySchema": key, "Projection": {"ProjectionType": "ALL"}}
            for index, key in schema.items()
        ],
    )
    iam = emulators.client("iam")
    iam.create_user(UserName="shop")
    key = iam.create_access_key(UserName="shop")["AccessKey"]
    sender = Sender(emulators, "shop", key["AccessKeyId"], key["SecretAccessKey"])
    emulators.client("sesv2").create_email_identity(EmailIdentity="example.com")
    address = "shop@example.com"
    refusal = sender.send(address)
    secret = emulators.client("secretsmanager").create_secret(Name="links", SecretString="0123456789abcdef" * 4)["ARN"]
    key = emulators.client("kms").create_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC")["KeyMetadata"]["Arn"]
    environment = emulators.environment() | {
        "SESAME_STACK": "sizes",
        "SESAME_STAGE": "$default",
        "SESAME_ACCOUNT": ACCOUNT,
        "SESAME_TABLE": "findings",
        "SESAME_TOPIC": emulators.client("sns").create_topic(Name="sizes")["TopicArn"],
        "SESAME_DEAD_LETTERS": sqs.create_queue(QueueName="dead")["QueueUrl"],
        "SESAME_OWN_ROLES": f"arn:aws:iam::{ACCOUNT}:role/sizes",
        "SESAME_APPROVAL_URL": "https://sesame.example",
        "SESAME_LINK_SECRET": secret,
        "SESAME_LINK_DAYS": "7",
        "SESAME_WEB_APPROVAL": "view",
        "SESAME_DECISION_KEY": key,
        "SESAME_REMEDIATION": "approve",
        "SESAME_REMEDIABLE_PRINCIPALS": "none",
        "SESAME_REMEDIABLE_IDENTITIES": "none",
        "SESAME_REQUIRED_BOUNDARY": "none",
        "SESAME_GRANTS_A_DAY": "5",
        "SESAME_APPROVALS_NEEDED": "1",
        "SESAME_READ_ROLE_NAME": "sesame-read",
        "SESAME_READ_ROLE_ACCOUNTS": "none",
        "SESAME_APPLY_ROLE_NAME": "sesame-apply",
        "SESAME_APPLY_ROLE_ACCOUNTS": "none",
    }
    return environment, lambda: refused_send(sender, refusal, address)


def invocations(event):
    """What each function is invoked with while it is measured; the answer is not looked at but for diagnose's."""
    stream = {
        "eventID": "1",
        "eventName": "MODIFY",
        "eventSource": "aws:dynamodb",
        "dynamodb": {
            "SequenceNumber": "1",
            "Keys": {"pk": {"S": "f-0000000000000000"}, "sk": {"S": "record"}},
            "NewImage": {
                "pk": {"S": "f-0000000000000000"}, "sk": {"S": "record"}, "state": {"S": "approved"}
            },
        },
    }
    page = {
        "version": "2.0",
        "routeKey": "GET /f/{id}",
        "rawPath": "/f/f-0000000000000000",
        "rawQueryString": "",
        "headers": {},
        "requestContext": {"http": {"method": "GET", "path": "/f/f-0000000000000000", "sourceIp": "192.0.2.1"}},
        "isBase64Encoded": False,
    }
    return {
        "Diagnose": lambda: batch(event()),
        "Apply": lambda: {"Records": [stream]},
        "Approve": lambda: page,
        "Sweep": lambda: {},
    }


def batch(event):
    return {"Records": [{"messageId": "m", "eventSource": "aws:sqs", "body": json.dumps(event)}]}


def measure(bootstrap, environment, make):
    starts = []
    for _ in range(STARTS):
        process = Process(bootstrap, environment)
        starts.append(process.start_ms)
        process.stop()
    process = Process(bootstrap, environment)
    try:
        begin = time.perf_counter()
        process.api.invoke(make())
        first_ms = (time.perf_counter() - begin) * 1000
        before = process.cpu_ms()
        for _ in range(EVENTS):
            process.api.invoke(make())
        return {
            "start_ms": round(statistics.median(starts), 1),
            "first_event_ms": round(first_ms, 1),
            "cpu_ms_per_event": round((process.cpu_ms() - before) / EVENTS, 2),
            "memory_mb": round(process.memory_mb(), 1),
        }
    finally:
        process.stop()


def main():
    results = {}
    with tempfile.TemporaryDirectory() as logs, Emulators(logs) as emulators:
        environment, event = prepare(emulators)
        made = invocations(event)
        for bootstrap in sorted(BUILT.glob("*/bootstrap")):
            content = bootstrap.read_bytes()
            needed = glibc(bootstrap)
            if needed > GLIBC_CEILING:
                sys.exit(f"{bootstrap.parent.name} needs glibc {needed}, and Lambda has {GLIBC_CEILING}")
            results[bootstrap.parent.name] = {
                "size_mb": round(len(content) / 1e6, 2),
                "gzip_mb": round(len(gzip.compress(content, 6)) / 1e6, 2),
                "glibc": ".".join(map(str, needed)),
            } | measure(bootstrap, environment, made[bootstrap.parent.name])
    (ROOT / ".aws-sam/sizes.json").write_text(json.dumps(results, indent=2) + "\n")
    page = PAGE + "".join(row(name, numbers) for name, numbers in results.items())
    (ROOT / "docs/sizes.md").write_text(page)
    print(page)


COLUMNS = ["size_mb", "gzip_mb", "glibc", "start_ms", "first_event_ms", "cpu_ms_per_event", "memory_mb"]
PAGE = f"""# What the functions weigh

Written by `make sizes` from the functions as they are deployed (x86_64). Each runs by itself against a runtime API on this
machine and calls emulators on loopback: numbers to compare versions by, and no cold starts of Lambda. `start` is the median of
{STARTS} starts, from the process to its first `GET /next`; `first event` has the first connections in it; `CPU` is the
function's own processor time for each of {EVENTS} further events; memory is resident after them. Diagnose works through a
refusal that it counts to a stored finding; the others are measured on the shortest way through: a record that is not there
(Apply), a page without its cookie (Approve), nothing to do (Sweep). Needing a newer glibc than the
{".".join(map(str, GLIBC_CEILING))} of Amazon Linux 2023 is an error.

| function | MB | gzip, MB | glibc | start, ms | first event, ms | CPU, ms | memory, MB |
|---|---|---|---|---|---|---|---|
"""


def row(name, numbers):
    return f"| {name} | " + " | ".join(str(numbers[column]) for column in COLUMNS) + " |\n"


if __name__ == "__main__":
    main()
