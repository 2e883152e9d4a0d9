"""The template that the owners of other accounts deploy."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import template

ROOT = template.ROOT
PATH = ROOT / "infra/member-account.yaml"
TEMPLATE = template.load(PATH)
(ROLE,) = [resource["Properties"] for resource in TEMPLATE["Resources"].values()]
STATEMENTS = ROLE["Policies"][0]["PolicyDocument"]["Statement"]
APPLY = json.loads((ROOT / "infra/statements/apply.json").read_text())


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1"])
def test_cfn_lint_has_nothing_to_say(region):
    tool = str(Path(sys.executable).parent / "cfn-lint")
    result = subprocess.run([tool, "--regions", region, "--", str(PATH)], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_only_the_stacks_apply_role_enters_and_only_with_the_external_id():
    (trust,) = ROLE["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Action"] == "sts:AssumeRole"
    assert trust["Principal"] == {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${StackAccount}:root"}}
    arn = "arn:${AWS::Partition}:iam::${StackAccount}:role/${StackName}-ApplyRole-*"
    assert trust["Condition"] == {
        "StringEquals": {"sts:ExternalId": {"Ref": "StackName"}},
        "ArnLike": {"aws:PrincipalArn": {"Fn::Sub": arn}},
    }


def test_it_may_do_what_the_apply_role_may_do_to_policies_and_nothing_else():
    own = [statement for statement in STATEMENTS if statement not in APPLY]
    assert [statement["Sid"] for statement in own] == ["NeverTheseRoles"], "it has a deny of its own, for its own ARN"
    left_out = {each.get("Sid") or each["Fn::If"][1]["Sid"] for each in APPLY if each not in STATEMENTS}
    assert left_out == {
        "TakeDecisions", "SetPoisonAside", "WriteLogs", "KeepFindings", "LeaveTheSwitch", "PublishFindings",
        "ReadOrganization", "EnterListedAccounts", "NeverTheseRoles",
    }  # fmt: skip
    (never,) = own
    (there,) = [each for each in APPLY if each.get("Sid") == "NeverTheseRoles"]
    assert (never["Effect"], never["Action"]) == ("Deny", there["Action"])
    arn = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/"
    assert never["Resource"] == [{"Fn::Sub": arn + part} for part in ["${RoleName}", "aws-reserved/*", "aws-service-role/*"]]


def test_nothing_is_listed_by_default():
    for name in ["RemediablePrincipals", "RemediableIdentities", "RequiredBoundary"]:
        assert TEMPLATE["Parameters"][name]["Default"] == "none"
    assert "Default" not in TEMPLATE["Parameters"]["StackAccount"]
