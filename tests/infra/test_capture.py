"""The stack that records real events: it lints, and its rule lets through what is to be recorded."""

import pytest

import template
from event_cases import SEND
from event_pattern import matches
from test_template import run, tool

PATH = template.ROOT / "infra/capture.yaml"
RESOURCES = template.load(PATH)["Resources"]


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1", "us-gov-west-1"])
def test_cfn_lint_has_nothing_to_say(region):
    result = run(tool("cfn-lint"), "--regions", region, "--", str(PATH))
    assert result.returncode == 0, result.stdout + result.stderr


def test_allowed_and_refused_sends_are_recorded_under_any_detail_type():
    pattern = RESOURCES["Rule"]["Properties"]["EventPattern"]
    allowed = SEND | {"detail": {key: value for key, value in SEND["detail"].items() if not key.startswith("error")}}
    for event in (SEND, allowed, SEND | {"detail-type": "AWS Service Event via CloudTrail"}):
        assert matches(pattern, event)
    other = SEND | {"detail": SEND["detail"] | {"eventName": "GetSendQuota"}}
    assert not matches(pattern, other)


def test_only_the_rule_may_send_to_the_queue():
    (statement,) = RESOURCES["QueuePolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": ["Rule", "Arn"]}}}
    assert statement["Action"] == "sqs:SendMessage"
