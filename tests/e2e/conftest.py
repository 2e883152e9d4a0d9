"""One deployed stack for all end-to-end tests: a deployment takes longer than all of them."""

import json
import os
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from approval import Operator  # noqa: E402
from cloudtrail import refused_send  # noqa: E402
from emulators.world import ACCOUNT, MEMBER, REGION, Emulators  # noqa: E402
from inbox import Inbox  # noqa: E402
from stack import MEMBER_TEMPLATE, Stack  # noqa: E402

SESAME = os.environ.get("SESAME_CLI", str(Path(__file__).parents[2] / "target/debug/sesame"))
IDENTITY = f"arn:aws:ses:{REGION}:{ACCOUNT}:identity"
MEMBER_IDENTITY = f"arn:aws:ses:{REGION}:{MEMBER}:identity"
# An account that the stack may read, and whose owner has deployed nothing.
SILENT = "777788889999"


@pytest.fixture(scope="session")
def emulators(tmp_path_factory):
    with Emulators(tmp_path_factory.mktemp("emulators")) as running:
        yield running


@pytest.fixture(scope="session")
def listed(emulators):
    """A user and a role that the stack may write to; they are there before it, since it lists their ARNs."""
    iam = emulators.client("iam")
    user = iam.create_user(Path="/team/", UserName="listed-mailer")["User"]["Arn"]
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(Path="/team/", RoleName="listed-notifier", AssumeRolePolicyDocument=json.dumps(trust))
    return {"user": user, "role": role["Role"]["Arn"]}


@pytest.fixture(scope="session")
def listed_there(emulators):
    """A user of another account that the stack may write to."""
    return emulators.client("iam", MEMBER).create_user(Path="/team/", UserName="campaign")["User"]["Arn"]


@pytest.fixture(scope="session")
def stack(emulators, listed, listed_there):
    deployed = Stack(emulators).deploy(
        Remediation="approve",
        RemediablePrincipals=",".join([*listed.values(), listed_there]),
        RemediableIdentities=f"{IDENTITY}/listed.example.com,{MEMBER_IDENTITY}/brand.example.com",
        ReadRoleAccounts=f"{MEMBER},{SILENT}",
        ApplyRoleAccounts=MEMBER,
        GrantsADay="50",
    )
    # A function that does not even start would fail every test, each after its own long wait.
    answer = emulators.client("lambda").invoke(FunctionName=deployed["DiagnoseFunction"], Payload=b'{"Records":[]}')
    said = answer["Payload"].read()
    assert json.loads(said) == {"batchItemFailures": []}, said
    return deployed


@pytest.fixture(scope="session")
def member(emulators, stack, listed_there):
    """Another account, whose owner has deployed the roles for the stack and listed a user and an identity."""
    for identity in ["brand.example.com", "unlisted.example.com"]:
        emulators.client("sesv2", MEMBER).create_email_identity(EmailIdentity=identity)
    return Stack(emulators, "sesame-member", MEMBER).deploy(
        MEMBER_TEMPLATE,
        StackAccount=ACCOUNT,
        StackName=stack.name,
        RemediablePrincipals=listed_there,
        RemediableIdentities=f"{MEMBER_IDENTITY}/brand.example.com",
    )


@pytest.fixture(scope="session")
def subscription(emulators, stack):
    return Inbox(emulators, stack["TopicArn"])


@pytest.fixture
def inbox(emulators, subscription):
    """What is published from here on."""
    emulators.proxy.forget()
    subscription.empty()
    return subscription


@dataclass
class Sender:
    """A user with an access key, who sends from an identity of its account, or of another one."""

    emulators: Emulators
    name: str
    access_key: str
    secret_key: str
    path: str = "/"
    account: str = ACCOUNT

    @property
    def arn(self):
        return f"arn:aws:iam::{self.account}:user{self.path}{self.name}"

    def send(self, from_address, identity_arn=None):
        """Sends over the real API of the emulator; gives the refusal, or None when the send goes through."""
        client = self.emulators.client("sesv2", self.access_key, self.secret_key)
        text = {"Data": "hello"}
        identity = {"FromEmailAddressIdentityArn": identity_arn} if identity_arn else {}
        try:
            client.send_email(
                **identity,
                FromEmailAddress=from_address,
                Destination={"ToAddresses": ["to@example.net"]},
                Content={"Simple": {"Subject": text, "Body": {"Text": text}}},
            )
        except client.exceptions.ClientError as error:
            return error.response["Error"]
        return None

    def put_policy(self, name, document):
        iam = self.emulators.client("iam", "test" if self.account == ACCOUNT else self.account)
        iam.put_user_policy(UserName=self.name, PolicyName=name, PolicyDocument=json.dumps(document))


@pytest.fixture
def sender(emulators):
    """A user that nobody has allowed anything yet."""
    iam = emulators.client("iam")
    name = f"shop-{uuid.uuid4().hex[:8]}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return Sender(emulators, name, key["AccessKeyId"], key["SecretAccessKey"])


@pytest.fixture
def identity(emulators):
    """A verified domain of the account."""
    domain = f"{uuid.uuid4().hex[:8]}.example.com"
    emulators.client("sesv2").create_email_identity(EmailIdentity=domain)
    return domain


@pytest.fixture(scope="session")
def mailer(emulators, listed):
    """The user that the stack may write to."""
    key = emulators.client("iam").create_access_key(UserName="listed-mailer")["AccessKey"]
    return Sender(emulators, "listed-mailer", key["AccessKeyId"], key["SecretAccessKey"], "/team/")


@pytest.fixture(scope="session")
def operator(emulators, stack):
    """A person at the command line."""
    return Operator(emulators, stack)


@pytest.fixture
def refused(emulators, stack, mailer, identity, inbox):
    """A refused send of the listed user, and the finding that came of it. What it was granted goes afterwards."""
    address = f"shop@{identity}"
    refusal = mailer.send(address)
    assert refusal["Code"] == "AccessDeniedException"
    event = json.dumps(refused_send(mailer, refusal, address))
    emulators.client("sqs").send_message(QueueUrl=stack["DenialsUrl"], MessageBody=event)
    finding, attributes = inbox.next()
    assert attributes["phase"] == "finding"
    yield address, finding
    iam = emulators.client("iam")
    for name in iam.list_user_policies(UserName=mailer.name)["PolicyNames"]:
        iam.delete_user_policy(UserName=mailer.name, PolicyName=name)


def allow(*actions, on):
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": f"{IDENTITY}/{on}"}],
    }


@pytest.fixture
def sesame(emulators):
    """Runs the command line with the account's root user, or the owner of a key."""

    def run(*arguments, event=None, expect=0, key=None, terminal=None):
        environment = {"HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true"} | emulators.environment()
        environment["AWS_REGION"] = environment.pop("AWS_DEFAULT_REGION")
        if key:
            environment |= {"AWS_ACCESS_KEY_ID": key[0], "AWS_SECRET_ACCESS_KEY": key[1]}
        given = {"stdin": terminal} if terminal is not None else {"input": json.dumps(event) if event else None}
        done = subprocess.run([SESAME, *arguments], env=environment, capture_output=True, text=True, **given)
        assert done.returncode == expect, done.stdout + done.stderr
        return done

    return run
