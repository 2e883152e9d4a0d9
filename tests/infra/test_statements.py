"""Each role's statements, held against the operations that its function's code calls: no more, no fewer."""

import json
from pathlib import Path

import pytest

import calls

ROOT = Path(__file__).parents[2]
FUNCTIONS = calls.functions()
# What the service does with the role by itself, before our code runs: pollers of the queue and of the stream, and the log.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
# https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html
LOG = {"logs:CreateLogStream", "logs:PutLogEvents"}
BY_LAMBDA = {
    "diagnose": LOG | {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"},
    "apply": LOG | {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"},
    "approve": LOG,
    "sweep": LOG,
}
# Policies that stand beside the role, since the key's policy names the role.
BESIDE = {"diagnose": set(), "apply": {"kms:VerifyMac"}, "approve": {"kms:GenerateMac"}, "sweep": set()}
# SES knows no resource for GetAccount. The ARNs of an organization hold its management account, which nobody is asked for when
# the stack is deployed. https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsorganizations.html
ON_ANY_RESOURCE = {
    "ses:GetAccount",
    "organizations:DescribeOrganization",
    "organizations:DescribeAccount",
    "organizations:DescribeOrganizationalUnit",
    "organizations:DescribePolicy",
    "organizations:ListParents",
    "organizations:ListPoliciesForTarget",
}
# What may be written outside of the stack, by whom, and where: nothing that is not in a parameter.
WRITES = {
    "iam:PutUserPolicy": {"Ref": "RemediablePrincipals"},
    "iam:DeleteUserPolicy": {"Ref": "RemediablePrincipals"},
    "iam:PutRolePolicy": {"Ref": "RemediablePrincipals"},
    "iam:DeleteRolePolicy": {"Ref": "RemediablePrincipals"},
    "ses:CreateEmailIdentityPolicy": {"Ref": "RemediableIdentities"},
    "ses:DeleteEmailIdentityPolicy": {"Ref": "RemediableIdentities"},
}
# Roles of other accounts that may be entered, and the condition that holds them to the accounts of a parameter.
ENTERS = {
    "EnterReadRoles": ("ReadsOthers", "ReadRoleName", "ReadRoleAccounts"),
    "EnterApplyRoles": ("WritesToOthers", "ApplyRoleName", "ApplyRoleAccounts"),
}
WHO_ENTERS = {
    "diagnose": ["EnterReadRoles"],
    "apply": ["EnterReadRoles", "EnterApplyRoles"],
    "approve": [],
    "sweep": ["EnterReadRoles"],
}


def statements(function):
    """The statements of a role with everything in it that a parameter can put there."""
    listed = json.loads((ROOT / f"infra/statements/{function}.json").read_text())
    return [statement["Fn::If"][1] if "Fn::If" in statement else statement for statement in listed]


def actions(statement):
    listed = statement["Action"]
    return [listed] if isinstance(listed, str) else listed


def allowed(function):
    return {
        action for statement in statements(function) if statement["Effect"] == "Allow" for action in actions(statement)
    } | BESIDE[function]


def test_the_sources_are_read_at_all():
    diagnose, apply = calls.called("diagnose"), calls.called("apply")
    assert {"iam:GetRole", "ses:GetEmailIdentity", "dynamodb:PutItem", "sns:Publish", "sqs:SendMessage"} <= diagnose
    assert {"secretsmanager:GetSecretValue", "sts:AssumeRole"} <= diagnose
    assert "secretsmanager:GetSecretValue" not in apply
    assert {"iam:PutRolePolicy", "ses:CreateEmailIdentityPolicy", "kms:VerifyMac", "sts:AssumeRole"} <= apply
    assert not any(action in diagnose for action in WRITES)


def test_every_function_has_its_statements():
    assert sorted(path.stem for path in (ROOT / "infra/statements").glob("*.json")) == FUNCTIONS


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_operation_that_is_called_is_allowed(function):
    assert calls.called(function) - allowed(function) == set()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_nothing_is_allowed_that_is_not_called(function):
    assert allowed(function) - calls.called(function) - BY_LAMBDA[function] == set()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_statement_is_wider_than_its_actions_need(function):
    for statement in statements(function):
        assert not any("*" in action for action in actions(statement)), statement["Sid"]
        assert not {"NotAction", "NotResource"} & set(statement)
        if statement["Effect"] == "Allow" and statement["Resource"] == "*":
            assert set(actions(statement)) <= ON_ANY_RESOURCE, statement["Sid"]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_is_written_is_the_stacks_own_or_listed_by_a_parameter(function):
    own = {"sqs", "dynamodb", "sns", "logs", "secretsmanager", "kms"}
    for statement in statements(function):
        if statement["Effect"] == "Deny":
            continue
        for action in actions(statement):
            service, operation = action.split(":")
            if action in WRITES:
                assert function == "apply", f"{action} is for the apply function alone"
                assert statement["Resource"] == WRITES[action]
            elif service in own:
                resources = statement["Resource"]
                resources = resources if isinstance(resources, list) else [resources]
                for resource in resources:
                    is_own = set(resource) & {"Fn::GetAtt", "Ref"} or "${Findings.Arn}" in resource.get("Fn::Sub", "")
                    assert is_own, f"{statement['Sid']} reaches beyond this stack"
            elif action == "sts:AssumeRole":
                assert statement["Sid"] in WHO_ENTERS[function]
            else:
                assert operation.startswith(("Get", "List", "Describe")), action


@pytest.mark.parametrize("function", FUNCTIONS)
def test_other_accounts_are_entered_by_the_name_of_a_role_and_only_those_that_are_listed(function):
    listed = json.loads((ROOT / f"infra/statements/{function}.json").read_text())
    entering = [
        each for each in listed if "Fn::If" in each and "sts:AssumeRole" in actions(each["Fn::If"][1])
    ]
    expected = []
    for sid in WHO_ENTERS[function]:
        condition, role, accounts = ENTERS[sid]
        statement = {
            "Sid": sid,
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Resource": {"Fn::Sub": f"arn:${{AWS::Partition}}:iam::*:role/${{{role}}}"},
            "Condition": {"StringEquals": {"aws:ResourceAccount": {"Ref": accounts}}},
        }
        expected.append({"Fn::If": [condition, statement, {"Ref": "AWS::NoValue"}]})
    assert entering == expected


def test_the_apply_role_writes_only_with_lists_and_where_asked_for_within_a_boundary():
    listed = json.loads((ROOT / "infra/statements/apply.json").read_text())
    conditional = {
        action: statement["Fn::If"][0]
        for statement in listed
        if "Fn::If" in statement
        for action in actions(statement["Fn::If"][1])
    }
    assert set(conditional) == set(WRITES) | {"sts:AssumeRole"}
    assert conditional["iam:PutRolePolicy"] == "HasPrincipals"
    assert conditional["ses:CreateEmailIdentityPolicy"] == "HasIdentities"
    (principals,) = [s for s in statements("apply") if s["Sid"] == "WriteToListedPrincipals"]
    condition = {"StringEquals": {"iam:PermissionsBoundary": {"Ref": "RequiredBoundary"}}}
    assert principals["Condition"] == {"Fn::If": ["HasBoundary", condition, {"Ref": "AWS::NoValue"}]}


def test_the_apply_role_never_touches_these_roles_nor_the_switch():
    denied = {s["Sid"]: s for s in statements("apply") if s["Effect"] == "Deny"}
    roles = denied["NeverTheseRoles"]
    assert {"iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:AttachRolePolicy", "iam:PassRole"} <= set(actions(roles))
    texts = json.dumps(roles["Resource"])
    for part in ["role/aws-reserved/*", "role/aws-service-role/*", "${AWS::StackName}-ApplyRole-*", "DiagnoseRole"]:
        assert part in texts
    switch = denied["LeaveTheSwitch"]
    assert switch["Condition"] == {"ForAnyValue:StringEquals": {"dynamodb:LeadingKeys": ["control"]}}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_statements_have_names_of_their_own(function):
    names = [statement["Sid"] for statement in statements(function)]
    assert len(set(names)) == len(names)
