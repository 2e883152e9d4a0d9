"""The apply role's walls, tried with its raw credentials, past all of our code: each escalation is refused by IAM.

The list is that of docs/walls.md. The emulator judges by the role's own policy, as deployed.
"""

import json
import re
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from conftest import IDENTITY
from emulators.world import ACCOUNT, REGION
from stack import Stack

ROOT = Path(__file__).parents[2]
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
ALL = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
OWN = "sesame-f-0123456789abcdef"
TRUST = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}]}
)
REFUSED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "UnauthorizedOperation"}


class Holder:
    """Whoever got hold of a role's credentials."""

    def __init__(self, emulators, stack, role_arn):
        self.emulators, self.stack = emulators, stack
        self.role = role_arn.rsplit("/", 1)[-1]
        # Only Lambda may have them; the root user lets itself in, and takes its leave at once.
        iam = emulators.client("iam")
        before = iam.get_role(RoleName=self.role)["Role"]["AssumeRolePolicyDocument"]
        iam.update_assume_role_policy(RoleName=self.role, PolicyDocument=TRUST)
        given = emulators.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="stolen")["Credentials"]
        iam.update_assume_role_policy(RoleName=self.role, PolicyDocument=json.dumps(before))
        self._given = given

    def client(self, service):
        given = self._given
        client = self.emulators.client(service, given["AccessKeyId"], given["SecretAccessKey"])
        client._request_signer._credentials.token = given["SessionToken"]
        return client


@pytest.fixture(scope="module")
def others(emulators):
    """What is not listed: a user, a role, a group, a policy, an identity, a table, a topic; and roles that are never written to."""
    iam = emulators.client("iam")
    iam.create_user(UserName="unlisted")
    for path, name in [("/", "unlisted"), ("/aws-reserved/sso.amazonaws.com/", "reserved"), ("/aws-service-role/ses.amazonaws.com/", "linked")]:
        iam.create_role(Path=path, RoleName=name, AssumeRolePolicyDocument=TRUST)
    iam.put_role_policy(RoleName="unlisted", PolicyName=OWN, PolicyDocument=ALL)
    iam.create_group(GroupName="unlisted")
    iam.create_policy(PolicyName="customers", PolicyDocument=ALL)
    emulators.client("sesv2").create_email_identity(EmailIdentity="unlisted.example.com")
    emulators.client("sns").create_topic(Name="unlisted")
    emulators.client("dynamodb").create_table(
        TableName="unlisted",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )


@pytest.fixture(scope="module")
def holder(emulators, stack, others):
    return Holder(emulators, stack, stack["ApplyRoleArn"])


@pytest.fixture(scope="module")
def bounded(emulators, stack, others):
    """A second stack, which asks for a boundary and was told to list what it must never write to."""
    iam = emulators.client("iam")
    sends = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "ses:Send*", "Resource": "*"}]}
    boundary = iam.create_policy(PolicyName="SendOnly", PolicyDocument=json.dumps(sends))["Policy"]["Arn"]
    within = iam.create_user(UserName="bounded", PermissionsBoundary=boundary)["User"]["Arn"]
    without = iam.create_user(UserName="unbounded")["User"]["Arn"]
    never = [f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/reserved", f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/ses.amazonaws.com/linked"]
    deployed = Stack(emulators, "bounded").deploy(
        Remediation="approve", RemediablePrincipals=",".join([within, without, *never]), RequiredBoundary=boundary
    )
    return Holder(emulators, deployed, deployed["ApplyRoleArn"])


@pytest.fixture(scope="module")
def unbounded_but_listed(emulators, stack, others):
    """A third, which was told to list roles that it must never write to, and asks for no boundary."""
    never = [f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/reserved", f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/ses.amazonaws.com/linked"]
    deployed = Stack(emulators, "reckless").deploy(Remediation="approve", RemediablePrincipals=",".join(never))
    return Holder(emulators, deployed, deployed["ApplyRoleArn"])


def iam(name, **arguments):
    return lambda holder: getattr(holder.client("iam"), name)(**arguments)


def of_stack(holder, kind):
    resources = holder.emulators.client("cloudformation").list_stack_resources(StackName=holder.stack.name)
    return next(each["PhysicalResourceId"] for each in resources["StackResourceSummaries"] if each["LogicalResourceId"] == kind)


def generate_mac(holder):
    holder.client("kms").generate_mac(KeyId=of_stack(holder, "DecisionKey"), MacAlgorithm="HMAC_SHA_256", Message=b"approved")


def open_the_key(holder):
    holder.client("kms").put_key_policy(KeyId=of_stack(holder, "DecisionKey"), PolicyName="default", Policy=ALL)


def write_the_switch(holder):
    item = {"pk": {"S": "control"}, "sk": {"S": "switch"}, "apply": {"S": "on"}}
    holder.client("dynamodb").put_item(TableName=holder.stack["FindingsTable"], Item=item)


def delete_the_switch(holder):
    key = {"pk": {"S": "control"}, "sk": {"S": "switch"}}
    holder.client("dynamodb").delete_item(TableName=holder.stack["FindingsTable"], Key=key)


def policy_of_identity(holder):
    holder.client("sesv2").create_email_identity_policy(EmailIdentity="unlisted.example.com", PolicyName=OWN, Policy=ALL)


# Name, which wall, which stack's role, what is tried.
ESCALATIONS = [
    ("attach AdministratorAccess to a listed role", "no right", "holder", iam("attach_role_policy", RoleName="listed-notifier", PolicyArn=ADMINISTRATOR)),
    ("attach AdministratorAccess to its own role", "no right", "holder", lambda holder: holder.client("iam").attach_role_policy(RoleName=holder.role, PolicyArn=ADMINISTRATOR)),
    ("put a policy on a role that is not listed", "the list", "holder", iam("put_role_policy", RoleName="unlisted", PolicyName=OWN, PolicyDocument=ALL)),
    ("put a policy on a user that is not listed", "the list", "holder", iam("put_user_policy", UserName="unlisted", PolicyName=OWN, PolicyDocument=ALL)),
    ("delete a policy of a role that is not listed", "the list", "holder", iam("delete_role_policy", RoleName="unlisted", PolicyName=OWN)),
    ("put a policy on its own role", "an explicit deny", "holder", lambda holder: holder.client("iam").put_role_policy(RoleName=holder.role, PolicyName=OWN, PolicyDocument=ALL)),
    ("put a policy on a listed role of Identity Center", "an explicit deny", "unbounded_but_listed", iam("put_role_policy", RoleName="reserved", PolicyName=OWN, PolicyDocument=ALL)),
    ("put a policy on a listed service-linked role", "an explicit deny", "unbounded_but_listed", iam("put_role_policy", RoleName="linked", PolicyName=OWN, PolicyDocument=ALL)),
    ("put a policy on a listed user without the required boundary", "the boundary", "bounded", iam("put_user_policy", UserName="unbounded", PolicyName=OWN, PolicyDocument=ALL)),
    ("take the boundary off a listed user", "no right", "bounded", iam("delete_user_permissions_boundary", UserName="bounded")),
    ("put another boundary on a listed user", "no right", "bounded", iam("put_user_permissions_boundary", UserName="unbounded", PermissionsBoundary=ADMINISTRATOR)),
    ("put a policy on a group", "no right", "holder", iam("put_group_policy", GroupName="unlisted", PolicyName=OWN, PolicyDocument=ALL)),
    ("add a listed user to a group", "no right", "holder", iam("add_user_to_group", GroupName="unlisted", UserName="listed-mailer")),
    ("write a version of a managed policy", "no right", "holder", iam("create_policy_version", PolicyArn=f"arn:aws:iam::{ACCOUNT}:policy/customers", PolicyDocument=ALL, SetAsDefault=True)),
    ("make a managed policy", "no right", "holder", iam("create_policy", PolicyName="mine", PolicyDocument=ALL)),
    ("change who may assume a listed role", "no right", "holder", iam("update_assume_role_policy", RoleName="listed-notifier", PolicyDocument=TRUST)),
    ("make a user", "no right", "holder", iam("create_user", UserName="mine")),
    ("make a role", "no right", "holder", iam("create_role", RoleName="mine", AssumeRolePolicyDocument=TRUST)),
    ("make an access key of a listed user", "no right", "holder", iam("create_access_key", UserName="listed-mailer")),
    ("make a password of a listed user", "no right", "holder", iam("create_login_profile", UserName="listed-mailer", Password="Correct-horse-1")),
    ("give a function another role", "no right", "holder", lambda holder: holder.client("lambda").update_function_configuration(FunctionName=holder.stack["DiagnoseFunction"], Role=f"arn:aws:iam::{ACCOUNT}:role/unlisted")),
    ("give a function other code", "no right", "holder", lambda holder: holder.client("lambda").update_function_code(FunctionName=holder.stack["ApplyFunction"], ZipFile=b"PK")),
    ("sign a decision", "no right", "holder", generate_mac),
    ("change the policy of the decisions' key", "no right", "holder", open_the_key),
    ("turn the switch back on", "an explicit deny", "holder", write_the_switch),
    ("delete the switch", "no right", "holder", delete_the_switch),
    ("put a policy on an identity that is not listed", "the list", "holder", policy_of_identity),
    ("write to another table", "no right", "holder", lambda holder: holder.client("dynamodb").put_item(TableName="unlisted", Item={"pk": {"S": "x"}})),
    ("publish to another topic", "no right", "holder", lambda holder: holder.client("sns").publish(TopicArn=f"arn:aws:sns:{REGION}:{ACCOUNT}:unlisted", Message="x")),
]


@pytest.mark.parametrize("name", [name for name, *_ in ESCALATIONS])
def test_is_refused_by_iam(request, name):
    fixture, attempt = next((fixture, attempt) for other, _, fixture, attempt in ESCALATIONS if other == name)
    holder = request.getfixturevalue(fixture)
    with pytest.raises(ClientError) as refused:
        attempt(holder)
    error = refused.value.response["Error"]
    assert error["Code"] in REFUSED, error
    assert "authorized" in error["Message"].lower(), error


def test_the_credentials_are_good_for_what_they_are_for(emulators, stack, holder, bounded):
    """Otherwise all of the above would be refused for another reason."""
    iam = holder.client("iam")
    for put, delete, name in [
        (iam.put_user_policy, iam.delete_user_policy, {"UserName": "listed-mailer"}),
        (iam.put_role_policy, iam.delete_role_policy, {"RoleName": "listed-notifier"}),
    ]:
        put(PolicyName=OWN, PolicyDocument=ALL, **name)
        delete(PolicyName=OWN, **name)
    item = {"pk": {"S": "f-1"}, "sk": {"S": "other"}}
    holder.client("dynamodb").put_item(TableName=stack["FindingsTable"], Item=item)
    bounded.client("iam").put_user_policy(UserName="bounded", PolicyName=OWN, PolicyDocument=ALL)
    bounded.client("iam").delete_user_policy(UserName="bounded", PolicyName=OWN)


def test_no_iam_policy_sees_into_a_document_and_a_required_boundary_bounds_what_it_gives(emulators, bounded):
    """What only the code refuses: with these credentials a listed user gets any document. The boundary holds all the same."""
    iam = emulators.client("iam")
    key = iam.create_access_key(UserName="bounded")["AccessKey"]
    bounded.client("iam").put_user_policy(UserName="bounded", PolicyName=OWN, PolicyDocument=ALL)
    with pytest.raises(ClientError) as refused:
        emulators.client("iam", key["AccessKeyId"], key["SecretAccessKey"]).create_user(UserName="mine")
    assert refused.value.response["Error"]["Code"] in REFUSED
    iam.delete_user_policy(UserName="bounded", PolicyName=OWN)


def test_an_administrators_policy_does_not_give_what_the_keys_policy_does_not(emulators, stack):
    iam = emulators.client("iam")
    iam.create_user(UserName="administrator")
    iam.put_user_policy(UserName="administrator", PolicyName="all", PolicyDocument=ALL)
    key = iam.create_access_key(UserName="administrator")["AccessKey"]
    resources = emulators.client("cloudformation").list_stack_resources(StackName=stack.name)["StackResourceSummaries"]
    (decisions,) = [each["PhysicalResourceId"] for each in resources if each["LogicalResourceId"] == "DecisionKey"]
    kms = emulators.client("kms", key["AccessKeyId"], key["SecretAccessKey"])
    kms.describe_key(KeyId=decisions)
    for call, more in [(kms.generate_mac, {}), (kms.verify_mac, {"Mac": b"0" * 32})]:
        with pytest.raises(ClientError) as refused:
            call(KeyId=decisions, MacAlgorithm="HMAC_SHA_256", Message=b"approved", **more)
        assert refused.value.response["Error"]["Code"] in REFUSED


def test_the_page_of_walls_lists_what_is_tried_here():
    page = (ROOT / "docs/walls.md").read_text().split("<!-- escalations -->")[1]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", page, re.M)
    rows = [(name.strip(), wall.strip()) for name, wall in rows if name.strip() not in {"escalation", "---"}]
    assert rows == [(name, wall) for name, wall, *_ in ESCALATIONS]
