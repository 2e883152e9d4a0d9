"""The main job: a send that the emulator refuses becomes a finding that its own advice proves right."""

import base64
import gzip
import json
import time
from pathlib import Path

import jsonschema
import pytest

from cloudtrail import refused_send
from conftest import IDENTITY, allow
from emulators.proxy import Fault
from emulators.world import ACCOUNT

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs/schema/finding.json").read_text())


@pytest.fixture
def report(emulators, stack):
    """Puts events where EventBridge puts them."""
    sqs = emulators.client("sqs")

    def put(*events):
        for event in events:
            body = event if isinstance(event, str) else json.dumps(event)
            sqs.send_message(QueueUrl=stack["DenialsUrl"], MessageBody=body)

    return put


def judge(finding):
    jsonschema.Draft202012Validator(SCHEMA).validate(finding)
    return finding


def only(items):
    assert len(items) == 1, items
    return items[0]


def test_a_send_refused_for_lack_of_an_allow_is_explained_and_its_remedy_lets_it_through(
    sender, identity, report, inbox
):
    sender.put_policy("send-elsewhere", allow("ses:SendEmail", on="elsewhere.example.com"))
    address = f"shop@{identity}"
    refusal = sender.send(address)
    assert refusal["Code"] == "AccessDeniedException"
    assert f"{IDENTITY}/{identity}" in refusal["Message"]

    report(refused_send(sender, refusal, address))
    finding, attributes = inbox.next()
    judge(finding)

    assert (finding["outcome"], finding["provenance"]) == ("denied", "cloudtrail")
    assert finding["principal"]["arn"] == sender.arn
    cause = only(finding["causes"])
    assert (cause["kind"], cause["layer"], cause["certainty"]) == ("no-allow", "identity-policy", "proven")
    near = cause["nearMisses"][0]
    assert (near["policy"]["name"], near["fails"]) == ("send-elsewhere", "Resource")
    assert finding["gaps"] == []
    assert attributes["phase"] == "finding"

    remedy = next(each for each in finding["remedies"] if each["id"] == only(finding["plan"]))
    assert (remedy["operation"], remedy["applicability"]) == ("put", "applicable")
    assert remedy["target"]["kind"] == "user-inline"
    sender.put_policy(remedy["target"]["policy"], remedy["after"])
    assert sender.send(address) is None, "the remedy lets this send through"
    other = sender.send("shop@other.example.com")
    assert other["Code"] == "AccessDeniedException", "and no other"


def test_a_deny_in_a_group_is_named_by_its_statement(emulators, sender, identity, report, inbox):
    sender.put_policy("send", allow("ses:SendEmail", on=identity))
    iam = emulators.client("iam")
    group = f"group-of-{sender.name}"
    iam.create_group(GroupName=group)
    iam.add_user_to_group(GroupName=group, UserName=sender.name)
    deny = {"Sid": "NoMail", "Effect": "Deny", "Action": "ses:Send*", "Resource": "*"}
    document = {"Version": "2012-10-17", "Statement": deny}
    iam.put_group_policy(GroupName=group, PolicyName="freeze", PolicyDocument=json.dumps(document))
    address = f"shop@{identity}"
    refusal = sender.send(address)
    assert "explicit deny" in refusal["Message"]

    report(refused_send(sender, refusal, address))
    finding, _ = inbox.next()
    judge(finding)
    cause = only([cause for cause in finding["causes"] if cause["kind"] == "explicit-deny"])
    assert (cause["policy"]["kind"], cause["policy"]["name"]) == ("group-inline", "freeze")
    assert cause["statement"] == {"index": 0, "sid": "NoMail", "pointer": "/Statement"}
    assert all(remedy["applicability"] != "applicable" for remedy in finding["remedies"])


def test_a_sending_authorization_policy_is_read(emulators, sender, identity, report, inbox):
    sender.put_policy("send", allow("ses:SendEmail", on="elsewhere.example.com"))
    statement = {
        "Effect": "Deny",
        "Principal": {"AWS": sender.arn},
        "Action": "ses:SendEmail",
        "Resource": f"{IDENTITY}/{identity}",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    emulators.client("sesv2").create_email_identity_policy(EmailIdentity=identity, PolicyName="not-shop", Policy=policy)
    address = f"shop@{identity}"
    report(refused_send(sender, sender.send(address), address))
    finding, _ = inbox.next()
    judge(finding)
    layers = {cause["layer"]: cause for cause in finding["causes"]}
    assert layers["sending-authorization-policy"]["policy"]["name"] == "not-shop"


def test_repeats_are_counted_and_told_once(sender, identity, report, inbox, stored):
    address = f"shop@{identity}"
    refusal = sender.send(address)
    first, second = (refused_send(sender, refusal, address) for _ in range(2))
    report(first)
    finding, _ = inbox.next()
    report(first, second)
    assert stored(finding["id"], lambda item: int(item["version"]["N"]) >= 3)
    assert inbox.nothing()


@pytest.fixture
def stored(emulators, stack):
    """Waits until the stored finding is as it should be."""
    dynamodb = emulators.client("dynamodb")

    def wait(finding, condition, seconds=20):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            key = {"pk": {"S": finding}, "sk": {"S": "record"}}
            item = dynamodb.get_item(TableName=stack["FindingsTable"], Key=key).get("Item")
            if item and condition(item):
                return item
            time.sleep(0.1)
        raise AssertionError(f"{finding} did not become what was expected within {seconds} seconds: {item}")

    return wait


def test_what_cannot_be_read_is_a_gap_with_its_reason(emulators, sender, identity, report, inbox):
    sender.put_policy("send", allow("ses:SendEmail", on="elsewhere.example.com"))
    address = f"shop@{identity}"
    refusal = sender.send(address)
    emulators.proxy.inject(Fault("iam:GetUserPolicy", 403, "AccessDenied", times=1))
    report(refused_send(sender, refusal, address))
    finding, _ = inbox.next()
    judge(finding)
    gap = only(finding["gaps"])
    assert (gap["layer"], gap["reason"]) == ("identity-policy", "access-denied")
    assert gap["source"] == f"iam:GetUserPolicy {sender.name} send"


def test_throttling_is_waited_out(emulators, sender, identity, report, inbox):
    address = f"shop@{identity}"
    refusal = sender.send(address)
    emulators.proxy.inject(Fault("ses:GetEmailIdentity", 429, "TooManyRequestsException", times=1))
    report(refused_send(sender, refusal, address))
    finding, _ = inbox.next()
    assert [gap for gap in judge(finding)["gaps"] if gap["source"].startswith("ses:")] == []


def test_a_finding_that_could_not_be_published_is_published_later(emulators, stack, sender, identity, report, inbox):
    # A message comes again after the queue's visibility timeout; six minutes are too long for a test.
    sqs = emulators.client("sqs")
    sqs.set_queue_attributes(QueueUrl=stack["DenialsUrl"], Attributes={"VisibilityTimeout": "2"})
    address = f"shop@{identity}"
    refusal = sender.send(address)
    emulators.proxy.inject(Fault("sns:Publish", 403, "AuthorizationError", times=1))
    report(refused_send(sender, refusal, address))
    finding, _ = inbox.next()
    assert judge(finding)["event"]["count"] == 1
    assert [call.action for call in emulators.proxy.calls("ASIA")].count("sns:Publish") == 2
    sqs.set_queue_attributes(QueueUrl=stack["DenialsUrl"], Attributes={"VisibilityTimeout": "360"})


def test_a_message_that_cannot_be_read_is_put_aside_with_its_reason(
    emulators, stack, sender, identity, report, inbox
):
    address = f"shop@{identity}"
    report("{nonsense", refused_send(sender, sender.send(address), address))
    finding, _ = inbox.next()
    assert finding["principal"]["arn"] == sender.arn, "the other message is worked through"
    answer = emulators.client("sqs").receive_message(
        QueueUrl=stack["DeadLettersUrl"], WaitTimeSeconds=10, MessageAttributeNames=["All"]
    )
    dead = only(answer["Messages"])
    assert dead["Body"] == "{nonsense"
    assert "line 1" in dead["MessageAttributes"]["reason"]["StringValue"]
    assert any("put aside" in line for line in stack.logs())


def test_the_function_calls_nothing_that_its_role_does_not_list(emulators, stack, sender, identity, report, inbox):
    address = f"shop@{identity}"
    report(refused_send(sender, sender.send(address), address))
    inbox.next()
    calls = {call.action for call in emulators.proxy.calls("ASIA")}
    statements = json.loads((ROOT / "infra/statements/diagnose.json").read_text())
    listed = set()
    for statement in statements:
        actions = statement.get("Fn::If", [None, statement])[1]["Action"]
        listed.update([actions] if isinstance(actions, str) else actions)
    assert {"iam:GetUser", "ses:GetEmailIdentity", "dynamodb:PutItem", "sns:Publish"} <= calls
    assert calls <= listed, calls - listed


def test_an_event_passed_directly_counts_as_that_and_not_as_cloudtrail(emulators, stack, sender, identity, inbox):
    address = f"shop@{identity}"
    event = refused_send(sender, sender.send(address), address)
    client = emulators.client("lambda")
    answer = client.invoke(FunctionName=stack["DiagnoseFunction"], Payload=json.dumps(event).encode())
    assert "FunctionError" not in answer
    finding, _ = inbox.next()
    assert judge(finding)["provenance"] == "invoke"
    assert all(remedy["applicability"] != "applicable" for remedy in finding["remedies"])


def test_a_log_line_is_explained_as_advice_only(emulators, stack, sender, identity, inbox):
    address = f"shop@{identity}"
    line = f"2026-11-23 ERROR mailer: {sender.send(address)['Message']}"
    payload = {
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNT,
        "logGroup": "/app/mailer",
        "logStream": "1",
        "subscriptionFilters": ["refusals"],
        "logEvents": [{"id": "1", "timestamp": 1795392000000, "message": line}],
    }
    data = base64.b64encode(gzip.compress(json.dumps(payload).encode())).decode()
    event = json.dumps({"awslogs": {"data": data}}).encode()
    answer = emulators.client("lambda").invoke(FunctionName=stack["DiagnoseFunction"], Payload=event)
    assert "FunctionError" not in answer, answer["Payload"].read()
    finding, _ = inbox.next()
    assert judge(finding)["provenance"] == "log"
    assert finding["principal"]["arn"] == sender.arn
    assert all(remedy["applicability"] != "applicable" for remedy in finding["remedies"])


def test_the_log_has_one_line_of_metrics_for_each_batch(stack, sender, identity, report, inbox):
    address = f"shop@{identity}"
    report(refused_send(sender, sender.send(address), address))
    inbox.next()
    lines = [json.loads(line) for line in stack.logs() if line.startswith('{"_aws"')]
    assert lines and all(line["Stack"] == "sesame" and line["Function"] == "diagnose" for line in lines)
    assert any((line["Messages"], line["Denials"], line["Findings"]) == (1, 1, 1) for line in lines)
