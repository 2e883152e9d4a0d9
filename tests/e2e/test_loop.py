"""The loop closed with the real functions: refused, approved, applied from the table's stream, sent, rolled back, refused again."""

import json
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest

from approval import Operator, own_policies, stored, until
from cloudtrail import refused_send
from conftest import allow


def test_refused_approved_applied_sent_rolled_back_refused_again(emulators, stack, mailer, operator, refused, inbox):
    address, finding = refused
    status, answer = operator.decide(finding, "approve", reason="the shop must send")
    assert (status, answer["state"]) == (200, "approved"), answer
    until(inbox, "applied")
    assert stored(emulators, stack, finding)["state"]["S"] == "applied"
    assert own_policies(emulators) == [f"sesame-{finding['id']}"]
    assert mailer.send(address) is None, "the very same send goes through"
    assert mailer.send("shop@other.example.com")["Code"] == "AccessDeniedException", "and no other"

    status, answer = operator.decide(finding, "rollback", reason="no longer wanted")
    assert status == 200, answer
    until(inbox, "rolled-back")
    assert own_policies(emulators) == []
    assert mailer.send(address)["Code"] == "AccessDeniedException"


def test_the_apply_function_calls_nothing_that_its_role_does_not_list(emulators, stack, operator, refused, inbox):
    _, finding = refused
    emulators.proxy.forget()
    assert operator.decide(finding, "approve")[0] == 200
    until(inbox, "applied")
    calls = {call.action for call in emulators.proxy.calls("ASIA")}
    assert {"iam:PutUserPolicy", "iam:GetUserPolicy", "kms:VerifyMac", "kms:GenerateMac", "dynamodb:PutItem"} <= calls
    assert not calls & {"iam:AttachUserPolicy", "iam:CreatePolicy", "iam:UpdateAssumeRolePolicy"}
    assert operator.decide(finding, "rollback")[0] == 200
    until(inbox, "rolled-back")


def test_a_second_decision_is_told_that_it_was_decided(operator, refused, inbox):
    _, finding = refused
    assert operator.decide(finding, "reject", reason="not ours")[0] == 200
    status, answer = operator.decide(finding, "approve")
    assert status >= 400 and "rejected" in answer["error"] + answer["message"], answer


def test_the_switch_stops_an_application_and_takes_nothing_back_away(emulators, stack, mailer, operator, refused, inbox):
    address, finding = refused
    table = emulators.client("dynamodb")
    key = {"pk": {"S": "control"}, "sk": {"S": "switch"}}
    table.put_item(TableName=stack["FindingsTable"], Item=key | {"apply": {"S": "off"}})
    try:
        assert operator.decide(finding, "approve")[0] == 200
        until(inbox, "failed")
    finally:
        table.delete_item(TableName=stack["FindingsTable"], Key=key)
    assert own_policies(emulators) == []
    assert mailer.send(address)["Code"] == "AccessDeniedException"


def test_an_item_that_says_approved_grants_nothing(emulators, stack, mailer, refused, inbox):
    """Whoever can write to the table, and cannot sign."""
    address, finding = refused
    item = stored(emulators, stack, finding)
    item["state"] = {"S": "approved"}
    item["version"] = {"N": str(int(item["version"]["N"]) + 1)}
    emulators.client("dynamodb").put_item(TableName=stack["FindingsTable"], Item=item)
    time.sleep(5)
    assert own_policies(emulators) == []
    assert mailer.send(address)["Code"] == "AccessDeniedException"


def test_a_principal_that_is_not_listed_gets_nothing(emulators, stack, sender, identity, operator, inbox):
    sender.put_policy("send-elsewhere", allow("ses:SendEmail", on="elsewhere.example.com"))
    address = f"shop@{identity}"
    event = json.dumps(refused_send(sender, sender.send(address), address))
    emulators.client("sqs").send_message(QueueUrl=stack["DenialsUrl"], MessageBody=event)
    finding, _ = inbox.next()
    status, _ = operator.decide(finding, "approve")
    if status == 200:
        until(inbox, "failed")
    names = emulators.client("iam").list_user_policies(UserName=sender.name)["PolicyNames"]
    assert names == ["send-elsewhere"]


def test_nobody_decides_without_a_signature(emulators, stack, refused):
    _, finding = refused
    host = urlsplit(stack["ApiUrl"]).netloc
    body = json.dumps({"finding": finding["id"], "generation": 1, "verdict": "approve", "remedies": []}).encode()
    request = urllib.request.Request(emulators.ministack + "/decide", data=body, method="POST", headers={"Host": host})
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request, timeout=60)
    assert error.value.code == 403


def test_who_may_invoke_nothing_decides_nothing(emulators, stack, refused):
    _, finding = refused
    stranger = Operator(emulators, {"DecideArn": "arn:aws:execute-api:us-east-1:000000000000:other/*", "ApiUrl": stack["ApiUrl"]}, "stranger")
    assert stranger.decide(finding, "approve")[0] == 403
