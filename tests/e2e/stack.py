"""The stack as a user deploys it: `sam deploy` of what `sam build` built, into the emulators."""

import os
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILT = ROOT / ".aws-sam/build/template.yaml"
# It lives in an environment of its own: it and MiniStack want different versions of botocore.
SAM = os.environ.get("SESAME_SAM", "sam")


class Stack:
    def __init__(self, emulators, name="sesame"):
        self.emulators, self.name = emulators, name
        self.outputs = {}

    def deploy(self, **parameters):
        command = [SAM, "deploy", "--template-file", str(BUILT), "--stack-name", self.name, "--resolve-s3"]
        command += ["--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar"]
        if parameters:
            command += ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())]
        keep = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
        begin = time.monotonic()
        done = subprocess.run(command, env=keep | self.emulators.environment(), capture_output=True, text=True, cwd="/")
        assert done.returncode == 0, done.stdout + done.stderr
        self.deploy_seconds = time.monotonic() - begin
        (stack,) = self.emulators.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        self.outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        return self

    def __getitem__(self, output):
        return self.outputs[output]

    def logs(self):
        """Everything that the diagnose function has logged, line by line."""
        client = self.emulators.client("logs")
        events = client.filter_log_events(logGroupName=self["DiagnoseLogGroup"])["events"]
        return [event["message"] for event in events]
