"""A function by itself: its bootstrap as a process, against Lambda's runtime API made here.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import queue
import re
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from emulators.world import ACCOUNT, REGION


class RuntimeApi:
    """Hands out events one by one and takes what is answered."""

    def __init__(self):
        self.asked = threading.Event()
        self._events, self._answers = queue.Queue(), queue.Queue()
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Without it, headers and body leave as two packets and the second waits for an acknowledgement.
            wbufsize = -1

            def do_GET(self):
                api.asked.set()
                body = api._events.get()
                headers = {
                    "Lambda-Runtime-Aws-Request-Id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
                    "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 60_000),
                    "Lambda-Runtime-Invoked-Function-Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:measured",
                }
                self._send(200, body, headers)

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
        self._events.put(json.dumps(event).encode())
        kind, answer = self._answers.get(timeout=60)
        assert kind == "response", answer
        return answer

    def stop(self):
        self._server.shutdown()
        self._server.server_close()


class Process:
    """A bootstrap between its start and its end. Use as a context manager."""

    def __init__(self, bootstrap, environment, log):
        self.api = RuntimeApi()
        runtime = {
            "AWS_LAMBDA_RUNTIME_API": self.api.address,
            "AWS_LAMBDA_FUNCTION_NAME": "measured",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_REGION": REGION,
        }
        begin = time.perf_counter()
        self._process = subprocess.Popen([bootstrap], env=environment | runtime, stdout=log, stderr=log)
        if not self.api.asked.wait(30):
            self.__exit__()
            raise AssertionError(f"{bootstrap} never asked for an event; see {log.name}")
        self.start_ms = (time.perf_counter() - begin) * 1000
        self.start_cpu_ms = self.cpu_ms()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()
        self.api.stop()

    def cpu_ms(self):
        """Its processor time up to now. The clock's id is made of the process's as `clock_getcpuclockid` makes it on Linux."""
        return time.clock_gettime((~self._process.pid << 3) | 2) * 1000

    def memory_mb(self):
        """What of it is in memory, in MiB."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024
