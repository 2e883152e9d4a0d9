"""The emulators, started and stopped: MiniStack with IAM enforced, moto beside it, the proxy in front."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

import boto3
from botocore.config import Config

from .proxy import Proxy

ACCOUNT = "000000000000"
# Another account, whose owner is somebody else.
MEMBER = "444455556666"
REGION = "us-east-1"
HERE = Path(__file__).parent


class Emulators:
    """Use as a context manager; `log_folder` gets what the emulators print."""

    def __init__(self, log_folder):
        self._logs = Path(log_folder)
        self._stack = ExitStack()

    def __enter__(self):
        with ExitStack() as stack:
            ministack, moto = (f"http://127.0.0.1:{port}" for port in _free_ports(2))
            # For what is told apart by the host that a request names: HTTP APIs.
            self.ministack = ministack
            self.proxy = stack.enter_context(Proxy(ministack, moto, ACCOUNT))
            common = {
                name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_", "MINISTACK_"))
            } | {"PYTHONUNBUFFERED": "1"}
            # Functions get AWS_ENDPOINT_URL from MiniStack's own environment, so they call through the proxy.
            ours = {
                "AUTH": "true",
                "AWS_ENDPOINT_URL": self.proxy.url,
                "BIND_HOST": "127.0.0.1",
                "GATEWAY_PORT": ministack.rsplit(":", 1)[-1],
                "AWS_DEFAULT_REGION": REGION,
                "SESAME_MOTO": moto,
            }
            self._start(stack, "ministack", [str(HERE / "ministack_start.py")], common | ours)
            arguments = ["-m", "moto.server", "-H", "127.0.0.1", "-p", moto.rsplit(":", 1)[-1]]
            self._start(stack, "moto", arguments, common)
            _wait(ministack + "/_ministack/health")
            _wait(moto + "/moto-api/")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    def client(self, service, access_key="test", secret_key="test", token=None):
        """A client of the account's root user, or of the owner of a key. An account's number is its root user's key."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.proxy.url,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            aws_session_token=token,
            config=Config(retries={"max_attempts": 1}),
        )

    def environment(self, access_key="test"):
        """For command-line tools, with the rights of an account's root user."""
        return {
            "AWS_ENDPOINT_URL": self.proxy.url,
            "AWS_ACCESS_KEY_ID": access_key,
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": REGION,
            "SAM_CLI_TELEMETRY": "0",
        }

    def _start(self, stack, name, arguments, environment):
        log = stack.enter_context(open(self._logs / f"{name}.log", "wb"))
        process = subprocess.Popen(
            [sys.executable, *arguments], env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=self._logs
        )
        stack.callback(_stop, process)


def _free_ports(count):
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _wait(url, seconds=60):
    deadline = time.monotonic() + seconds
    while True:
        try:
            return urllib.request.urlopen(url, timeout=5).read()
        except OSError:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{url} did not answer within {seconds} seconds") from None
            time.sleep(0.1)


def _stop(process):
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
