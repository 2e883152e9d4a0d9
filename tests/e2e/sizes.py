"""What the functions weigh: size, glibc, time to the first `GET /next`, own processor time and memory while they work; written
into docs/sizes.md.

    python sizes.py

Deploys what `sam build` built into the emulators, for the environment that each function gets there, and then runs each
bootstrap by itself: the loop of refused, told, approved and applied, once for each of some users, and sweeps over what was
applied. What does not come out as it should is an error, so that nothing but real work is measured.
"""

import base64
import io
import json
import statistics
import sys
import time
import zipfile
from contextlib import ExitStack
from pathlib import Path

from approval import order, stored
from cloudtrail import refused_send
from conftest import Sender
from emulators.world import ACCOUNT, Emulators
from glibc import CEILING, needed, text
from inbox import Inbox
from runtime_api import Process
from stack import ROOT, Stack

BUILT = ROOT / ".aws-sam/build"
LOGS = ROOT / ".aws-sam/sizes"
PAGE = ROOT / "docs/sizes.md"
BEGIN, END = "<!-- begin: make sizes -->\n", "<!-- end: make sizes -->\n"
FUNCTIONS = ["Diagnose", "Approve", "Apply", "Sweep"]
STARTS = 5
# The first is apart: it has the first connections in it.
USERS = 41
SWEEPS = 11


class Measured:
    """A running function and what its events have cost."""

    def __init__(self, process):
        self.process, self.first_ms, self.events = process, None, 0

    def invoke(self, event):
        begin = time.perf_counter()
        answer = self.process.api.invoke(event)
        if self.first_ms is None:
            self.first_ms, self._cpu_before = (time.perf_counter() - begin) * 1000, self.process.cpu_ms()
        else:
            self.events += 1
        return answer

    def numbers(self):
        return {
            "first_event_ms": round(self.first_ms),
            "cpu_ms_per_event": round((self.process.cpu_ms() - self._cpu_before) / self.events, 1),
            "memory_mb": round(self.process.memory_mb(), 1),
        }


class World:
    """The deployed stack, users whose sends are refused, and what the measured functions are invoked with."""

    def __init__(self, emulators):
        self._emulators, iam = emulators, emulators.client("iam")
        self._senders = []
        for number in range(USERS):
            name = f"shop-{number}"
            iam.create_user(UserName=name)
            key = iam.create_access_key(UserName=name)["AccessKey"]
            self._senders.append(Sender(emulators, name, key["AccessKeyId"], key["SecretAccessKey"]))
        emulators.client("sesv2").create_email_identity(EmailIdentity="example.com")
        principals = ",".join(sender.arn for sender in self._senders)
        self._stack = Stack(emulators).deploy(Remediation="approve", RemediablePrincipals=principals, GrantsADay=100)
        # Only the process that is measured gets the stream's records.
        functions = emulators.client("lambda")
        for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
            functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        self._inbox = Inbox(emulators, self._stack["TopicArn"])

    def environment(self, name):
        """What the template and the emulators give to a function."""
        functions = self._emulators.client("lambda")
        given = functions.get_function_configuration(FunctionName=self._stack[f"{name}Function"])["Environment"]
        return given["Variables"] | self._emulators.environment()

    def loop(self, diagnose, approve, apply):
        """Each user's refusal, from the event to the applied policy."""
        for sender in self._senders:
            address = "shop@example.com"
            event = refused_send(sender, sender.send(address), address)
            message = {"messageId": "m", "eventSource": "aws:sqs", "body": json.dumps(event)}
            assert diagnose.invoke({"Records": [message]}) == {"batchItemFailures": []}
            finding = self._published("finding")
            answer = approve.invoke(request("POST", "/decide", order(finding, "approve")))
            assert answer["statusCode"] == 200, answer
            item = stored(self._emulators, self._stack, finding)
            assert item["state"]["S"] == "approved", item["state"]
            assert apply.invoke({"Records": [record(item)]}) == {"batchItemFailures": []}
            item = stored(self._emulators, self._stack, finding)
            assert item["state"]["S"] == "applied", item["state"]
            assert sender.send(address) is None, "the very same send goes through"

    def sweeps(self, sweep):
        for _ in range(SWEEPS):
            self._emulators.proxy.forget()
            assert sweep.invoke({})["failed"] == []
            read = [call for call in self._emulators.proxy.calls() if call.action == "iam:GetUserPolicy"]
            assert len(read) >= USERS, "it did not look after everything that was applied"

    def _published(self, phase):
        while True:
            notice, attributes = self._inbox.next()
            if attributes["phase"] == phase:
                return notice


def request(method, path, body):
    """As an HTTP API passes it on when a user has signed it:
    https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
    """
    http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "sesame"}
    caller = {"iam": {"accountId": ACCOUNT, "userArn": f"arn:aws:iam::{ACCOUNT}:user/on-call"}}
    return {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json", "user-agent": "sesame"},
        "requestContext": {"accountId": ACCOUNT, "stage": "$default", "authorizer": caller, "http": http},
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }


def record(item):
    """As the table's stream passes a changed item on:
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
    """
    binary = lambda value: base64.b64encode(value).decode()  # noqa: E731
    image = json.loads(json.dumps(item, default=binary))
    change = {
        "Keys": {name: image[name] for name in ("pk", "sk")},
        "NewImage": image,
        "SequenceNumber": "4421584500000000017450439091",
        "StreamViewType": "NEW_IMAGE",
    }
    return {"eventID": "1", "eventName": "MODIFY", "eventSource": "aws:dynamodb", "dynamodb": change}


def size(bootstrap):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(bootstrap, "bootstrap")
    version = needed(bootstrap)
    if version > CEILING:
        sys.exit(f"{bootstrap} needs glibc {text(version)}, and Lambda has {text(CEILING)}")
    return {
        "size_mb": round(bootstrap.stat().st_size / 1e6, 2),
        "zip_mb": round(packed.tell() / 1e6, 2),
        "glibc": text(version),
    }


def starts(open_process):
    wall, cpu = [], []
    for _ in range(STARTS):
        with open_process() as process:
            wall.append(process.start_ms)
            cpu.append(process.start_cpu_ms)
    return {"start_ms": round(statistics.median(wall), 1), "start_cpu_ms": round(statistics.median(cpu), 1)}


def main():
    results = {name: size(BUILT / name / "bootstrap") for name in FUNCTIONS}
    LOGS.mkdir(parents=True, exist_ok=True)
    with ExitStack() as running:
        emulators = running.enter_context(Emulators(LOGS))
        world = World(emulators)
        measured = {}
        for name in FUNCTIONS:
            log = running.enter_context(open(LOGS / f"{name}.log", "wb"))
            environment = world.environment(name)
            open_process = lambda: Process(BUILT / name / "bootstrap", environment, log)  # noqa: E731
            results[name] |= starts(open_process)
            measured[name] = Measured(running.enter_context(open_process()))
        world.loop(measured["Diagnose"], measured["Approve"], measured["Apply"])
        world.sweeps(measured["Sweep"])
        for name in FUNCTIONS:
            results[name] |= measured[name].numbers()
    (LOGS / "sizes.json").write_text(json.dumps(results, indent=2) + "\n")
    table = HEAD + "".join(row(name, numbers) for name, numbers in results.items()) + "\n"
    before, rest = PAGE.read_text().split(BEGIN)
    PAGE.write_text(before + BEGIN + table + END + rest.split(END)[1])
    print(table)


COLUMNS = {
    "size_mb": "MB",
    "zip_mb": "zip, MB",
    "glibc": "glibc",
    "start_ms": "start, ms",
    "start_cpu_ms": "its CPU, ms",
    "first_event_ms": "first event, ms",
    "cpu_ms_per_event": "CPU an event, ms",
    "memory_mb": "memory, MiB",
}
HEAD = f"""
Written by `make sizes`.

| function | {" | ".join(COLUMNS.values())} |
|---|{"---|" * len(COLUMNS)}
"""


def row(name, numbers):
    return f"| {name} | " + " | ".join(str(numbers[column]) for column in COLUMNS) + " |\n"


if __name__ == "__main__":
    main()
