"""The role's statements, held against the operations that the code calls: no more, no fewer."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "shared/aws/src"
# Clients as the code names them, and the prefix of their actions.
CLIENTS = {
    "dynamodb": "dynamodb",
    "iam": "iam",
    "organizations": "organizations",
    "ses": "ses",
    "sns": "sns",
    "sqs": "sqs",
}
# What the service does with the role by itself, before our code runs: the queue's poller, and the log.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
BY_LAMBDA = {
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
}
# Called by other functions than diagnose.
NOT_DIAGNOSE = {"dynamodb:Query"}
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


def called():
    """Actions of every `client.some_operation()` in the sources."""
    found = set()
    call = re.compile(r"\b(%s)\s*\.\s*([a-z_]+)\(\)" % "|".join(CLIENTS))
    for source in SOURCES.rglob("*.rs"):
        # `sesame snapshot` runs with the credentials of whoever calls it.
        if "survey" in source.parts:
            continue
        text = re.sub(r"\n\s*", "", source.read_text())
        for client, operation in call.findall(text):
            found.add(f"{CLIENTS[client]}:{''.join(word.capitalize() for word in operation.split('_'))}")
    return found


def statements():
    return json.loads((ROOT / "infra/statements/diagnose.json").read_text())


def actions(statement):
    listed = statement["Action"]
    return [listed] if isinstance(listed, str) else listed


def allowed():
    return {action for statement in statements() for action in actions(statement)}


def test_the_sources_are_read_at_all():
    assert {"iam:GetRole", "ses:GetEmailIdentity", "dynamodb:PutItem", "sns:Publish", "sqs:SendMessage"} <= called()


def test_every_operation_that_is_called_is_allowed():
    assert called() - NOT_DIAGNOSE - allowed() == set()


def test_nothing_is_allowed_that_is_not_called():
    assert allowed() - called() - BY_LAMBDA == set()


def test_no_statement_is_wider_than_its_actions_need():
    for statement in statements():
        assert statement["Effect"] == "Allow"
        assert not any("*" in action for action in actions(statement)), statement["Sid"]
        if statement["Resource"] == "*":
            assert set(actions(statement)) <= ON_ANY_RESOURCE, statement["Sid"]


def test_nothing_but_our_own_queues_table_topic_and_log_is_written():
    writes = {"sqs", "dynamodb", "sns", "logs"}
    for statement in statements():
        if {action.split(":")[0] for action in actions(statement)} & writes:
            assert set(statement["Resource"]) & {"Fn::GetAtt", "Ref"}, f"{statement['Sid']} reaches beyond this stack"
        else:
            assert all(action.split(":")[1].startswith(("Get", "List", "Describe")) for action in actions(statement))


def test_statements_have_names_of_their_own():
    names = [statement["Sid"] for statement in statements()]
    assert len(set(names)) == len(names)
