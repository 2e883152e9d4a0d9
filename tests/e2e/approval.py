"""People who decide, and what comes of it."""

import json
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from emulators.world import ACCOUNT, REGION


class Operator:
    """A person at the command line: a user who may invoke the API's signed routes."""

    def __init__(self, emulators, stack, name="on-call"):
        iam = emulators.client("iam")
        iam.create_user(UserName=name)
        statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": stack["DecideArn"]}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName=name, PolicyName="decide", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        self.arn = f"arn:aws:iam::{ACCOUNT}:user/{name}"
        self._credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])
        # The emulator tells APIs apart by the host; its name need not resolve.
        self._host = urlsplit(stack["ApiUrl"]).netloc
        self._port = emulators.ministack

    @property
    def key(self):
        return self._credentials.access_key, self._credentials.secret_key

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = AWSRequest(method, f"http://{self._host}{path}", data=data, headers={"Host": self._host, "Content-Type": "application/json"})
        SigV4Auth(self._credentials, "execute-api", REGION).add_auth(request)
        sent = urllib.request.Request(self._port + path, data=data, method=method, headers=dict(request.headers))
        try:
            with urllib.request.urlopen(sent, timeout=60) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def decide(self, finding, verdict, **more):
        return self.ask("POST", "/decide", order(finding, verdict) | more)


def order(finding, verdict):
    """What the signed door takes: the whole plan of a finding, or none of it."""
    body = {"finding": finding["id"], "generation": finding["generation"], "verdict": verdict, "remedies": []}
    if verdict == "approve":
        planned = [remedy for remedy in finding["remedies"] if remedy["id"] in finding["plan"]]
        body["remedies"] = [{name: remedy[name] for name in ("id", "beforeDigest", "afterDigest")} for remedy in planned]
    return body


def until(inbox, phase, seconds=60):
    """The next notice of this phase; others on the way are let pass."""
    deadline = time.monotonic() + seconds
    seen = []
    while time.monotonic() < deadline:
        notice, attributes = inbox.next(max(1, deadline - time.monotonic()))
        seen.append(attributes["phase"])
        if attributes["phase"] == phase:
            return notice
    raise AssertionError(f"no notice of {phase}; there were {seen}")


def stored(emulators, stack, finding):
    key = {"pk": {"S": finding["id"]}, "sk": {"S": "record"}}
    return emulators.client("dynamodb").get_item(TableName=stack["FindingsTable"], Key=key, ConsistentRead=True)["Item"]


def own_policies(emulators):
    return emulators.client("iam").list_user_policies(UserName="listed-mailer")["PolicyNames"]
