"""The template that the owners of other accounts deploy: one role that reads, one that writes to what is listed."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import calls
import template

ROOT = template.ROOT
PATH = ROOT / "infra/member-account.yaml"
TEMPLATE = template.load(PATH)
ROLES = {name: resource["Properties"] for name, resource in TEMPLATE["Resources"].items()}
APPLY = json.loads((ROOT / "infra/statements/apply.json").read_text())
DIAGNOSE = json.loads((ROOT / "infra/statements/diagnose.json").read_text())


def statements(role):
    """With everything in it that a parameter can put there."""
    (policy,) = ROLES[role]["Policies"]
    return [each["Fn::If"][1] if "Fn::If" in each else each for each in policy["PolicyDocument"]["Statement"]]


def allowed(role):
    actions = [each["Action"] for each in statements(role) if each["Effect"] == "Allow"]
    return {action for each in actions for action in ([each] if isinstance(each, str) else each)}


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1"])
def test_cfn_lint_has_nothing_to_say(region):
    tool = str(Path(sys.executable).parent / "cfn-lint")
    result = subprocess.run([tool, "--regions", region, "--", str(PATH)], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("role", "who"), [("ReadRole", ["DiagnoseRole", "SweepRole", "ApplyRole"]), ("ApplyRole", ["ApplyRole"])]
)
def test_only_the_stacks_roles_that_need_it_enter_and_only_with_the_external_id(role, who):
    (trust,) = ROLES[role]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Action"] == "sts:AssumeRole"
    assert trust["Principal"] == {"AWS": {"Fn::Sub": "arn:${AWS::Partition}:iam::${StackAccount}:root"}}
    assert set(trust["Condition"]) == {"StringEquals", "ArnLike"}
    assert trust["Condition"]["StringEquals"] == {"sts:ExternalId": {"Ref": "StackName"}}
    arns = trust["Condition"]["ArnLike"]["aws:PrincipalArn"]
    arns = arns if isinstance(arns, list) else [arns]
    assert arns == [{"Fn::Sub": f"arn:${{AWS::Partition}}:iam::${{StackAccount}}:role/${{StackName}}-{name}-*"} for name in who]
    roles = {f"{function.capitalize()}Role" for function in calls.functions() if "sts:AssumeRole" in calls.called(function)}
    assert set(who) <= roles, "it lets somebody in who never asks"


def test_the_read_role_may_do_what_reading_an_account_calls_and_nothing_else():
    reads = {action for action in calls.of_module("collect") if not action.startswith("organizations:")}
    # The organization is read with the stack's own role; here only whether there is one.
    assert allowed("ReadRole") == reads | {"organizations:DescribeOrganization"}
    assert not any(each["Effect"] == "Deny" for each in statements("ReadRole"))


def test_the_read_role_reads_its_own_account_as_widely_as_the_stack_reads_its_own_and_no_wider():
    own = [each for each in statements("ReadRole") if each not in DIAGNOSE]
    assert own == [
        {"Sid": "AskForTheOrganization", "Effect": "Allow", "Action": "organizations:DescribeOrganization", "Resource": "*"}
    ]
    for action in allowed("ReadRole"):
        assert action.split(":")[1].startswith(("Get", "List", "Describe")), action


def test_the_apply_role_may_do_what_the_writer_calls_and_nothing_else():
    assert allowed("ApplyRole") == calls.of_module("writer")


def test_the_apply_role_reads_and_writes_what_is_listed_alone_and_only_where_something_is():
    assert TEMPLATE["Resources"]["ApplyRole"]["Condition"] == "Writes"
    assert TEMPLATE["Conditions"]["Writes"] == {"Fn::Or": [{"Condition": "HasPrincipals"}, {"Condition": "HasIdentities"}]}
    assert "Condition" not in TEMPLATE["Resources"]["ReadRole"]
    for statement in statements("ApplyRole"):
        if statement["Effect"] == "Allow":
            assert statement["Resource"] in [{"Ref": "RemediablePrincipals"}, {"Ref": "RemediableIdentities"}], statement["Sid"]
    writes = [each for each in statements("ApplyRole") if each["Sid"].startswith("WriteTo")]
    assert writes == [each["Fn::If"][1] for each in APPLY if "Fn::If" in each and each["Fn::If"][1] in writes]
    assert len(writes) == 2


def test_the_apply_role_never_touches_these_roles():
    (never,) = [each for each in statements("ApplyRole") if each["Effect"] == "Deny"]
    (there,) = [each for each in APPLY if each.get("Sid") == "NeverTheseRoles"]
    assert (never["Sid"], never["Action"]) == (there["Sid"], there["Action"])
    arn = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/"
    parts = ["${ReadRoleName}", "${ApplyRoleName}", "aws-reserved/*", "aws-service-role/*"]
    assert never["Resource"] == [{"Fn::Sub": arn + part} for part in parts]


def test_nothing_is_listed_by_default():
    for name in ["RemediablePrincipals", "RemediableIdentities", "RequiredBoundary"]:
        assert TEMPLATE["Parameters"][name]["Default"] == "none"
    assert "Default" not in TEMPLATE["Parameters"]["StackAccount"]


def test_names_that_both_templates_ask_for_are_the_same_by_default_and_of_one_form():
    stack = template.load()["Parameters"]
    for name in ["ReadRoleName", "ApplyRoleName", "RemediablePrincipals", "RemediableIdentities", "RequiredBoundary"]:
        for part in ["Type", "Default", "AllowedPattern"]:
            assert TEMPLATE["Parameters"][name][part] == stack[name][part], name


def test_the_names_of_the_stacks_roles_fit_into_the_names_of_roles():
    longest = re.fullmatch(r"\^\[A-Za-z\]\[A-Za-z0-9-\]\{0,(\d+)\}\$", TEMPLATE["Parameters"]["StackName"]["AllowedPattern"])
    assert 1 + int(longest[1]) + len("-DiagnoseRole-") + len("0123456789ABC") <= 64
