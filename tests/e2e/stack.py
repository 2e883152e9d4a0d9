"""The stack as a user deploys it: `sam deploy` of what `sam build` built, into the emulators."""

import os
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILT = ROOT / ".aws-sam/build/template.yaml"
# It lives in an environment of its own: it and MiniStack want different versions of botocore.
SAM = os.environ.get("SESAME_SAM", "sam")


MEMBER_TEMPLATE = ROOT / "infra/member-account.yaml"


class Stack:
    """A stack of an account; `account` is the number of another one than ours."""

    def __init__(self, emulators, name="sesame", account=None):
        self.emulators, self.name, self._key = emulators, name, account or "test"
        self.outputs = {}

    def deploy(self, template=BUILT, **parameters):
        command = [SAM, "deploy", "--template-file", str(template), "--stack-name", self.name, "--resolve-s3"]
        # The roles of another account have names that are known here; those of the stack itself have CloudFormation's.
        capability = "CAPABILITY_NAMED_IAM" if template == MEMBER_TEMPLATE else "CAPABILITY_IAM"
        command += ["--capabilities", capability, "--no-confirm-changeset", "--no-progressbar"]
        if parameters:
            command += ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())]
        keep = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
        begin = time.monotonic()
        environment = keep | self.emulators.environment(self._key)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, cwd="/")
        assert done.returncode == 0, done.stdout + done.stderr
        self.deploy_seconds = time.monotonic() - begin
        (stack,) = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        return self

    def client(self, service):
        """A client of the root user of the account that the stack is in."""
        return self.emulators.client(service, self._key)

    def __getitem__(self, output):
        return self.outputs[output]

    def logs(self):
        """Everything that the diagnose function has logged, line by line."""
        client = self.emulators.client("logs")
        events = client.filter_log_events(logGroupName=self["DiagnoseLogGroup"])["events"]
        return [event["message"] for event in events]
