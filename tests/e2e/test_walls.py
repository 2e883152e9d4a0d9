"""The walls of the roles that write, and of those in other accounts, tried with their raw credentials, past all of our code: each
escalation is refused by IAM.

The lists are those of docs/walls.md. The emulator judges by the roles' own policies, as deployed.
"""

import json
import re
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from conftest import IDENTITY, MEMBER_IDENTITY, SILENT
from emulators.world import ACCOUNT, MEMBER, REGION
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
        # Only Lambda, or the stack, may have them; the account's root user lets itself in, and takes its leave at once.
        account = role_arn.split(":")[4]
        trust = TRUST.replace(ACCOUNT, account)
        iam = stack.client("iam")
        before = iam.get_role(RoleName=self.role)["Role"]["AssumeRolePolicyDocument"]
        iam.update_assume_role_policy(RoleName=self.role, PolicyDocument=trust)
        self._given = stack.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="stolen")["Credentials"]
        iam.update_assume_role_policy(RoleName=self.role, PolicyDocument=json.dumps(before))

    def client(self, service):
        given = self._given
        return self.emulators.client(service, given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


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


@pytest.fixture(scope="module")
def reads_there(emulators, member):
    """Whoever got hold of the read role of another account."""
    return Holder(emulators, member, member["ReadRoleArn"])


@pytest.fixture(scope="module")
def writes_there(emulators, member):
    """Whoever got hold of the apply role of another account."""
    iam = member.client("iam")
    iam.create_user(UserName="unlisted")
    iam.create_role(RoleName="unlisted", AssumeRolePolicyDocument=TRUST)
    iam.put_user_policy(UserName="unlisted", PolicyName=OWN, PolicyDocument=ALL)
    return Holder(emulators, member, member["ApplyRoleArn"])


@pytest.fixture(scope="module")
def diagnoses(emulators, stack, member):
    return role_of_stack(emulators, stack, "DiagnoseRole")


@pytest.fixture(scope="module")
def sweeps(emulators, stack, member):
    return role_of_stack(emulators, stack, "SweepRole")


@pytest.fixture(scope="module")
def approves(emulators, stack, member):
    return role_of_stack(emulators, stack, "ApproveRole")


@pytest.fixture(scope="module")
def stranger(emulators, stack, member):
    """Another role of the stack's account, which may enter every role as far as its own account is concerned."""
    iam = emulators.client("iam")
    name = "sesame-Stranger-1"
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=ALL)
    return Holder(emulators, stack, arn)


def role_of_stack(emulators, stack, logical):
    resources = stack.client("cloudformation").list_stack_resources(StackName=stack.name)["StackResourceSummaries"]
    (name,) = [each["PhysicalResourceId"] for each in resources if each["LogicalResourceId"] == logical]
    return Holder(emulators, stack, stack.client("iam").get_role(RoleName=name)["Role"]["Arn"])


def enter(role, account=MEMBER, external_id="sesame"):
    arn = f"arn:aws:iam::{account}:role/{role}"
    more = {"ExternalId": external_id} if external_id else {}
    return lambda holder: holder.client("sts").assume_role(RoleArn=arn, RoleSessionName="stolen", **more)


def send(holder):
    text = {"Data": "hello"}
    content = {"Simple": {"Subject": text, "Body": {"Text": text}}}
    holder.client("sesv2").send_email(FromEmailAddress="a@brand.example.com", Destination={"ToAddresses": ["b@example.net"]}, Content=content)


def policy_of(identity):
    return lambda holder: holder.client("sesv2").create_email_identity_policy(EmailIdentity=identity, PolicyName=OWN, Policy=ALL)


# The same, with the credentials of roles of another account, and of the stack's roles on their way there.
ESCALATIONS_THERE = [
    ("the read role: put a policy on a user", "no right", "reads_there", iam("put_user_policy", UserName="campaign", PolicyName=OWN, PolicyDocument=ALL)),
    ("the read role: put a policy on itself", "no right", "reads_there", lambda holder: holder.client("iam").put_role_policy(RoleName=holder.role, PolicyName=OWN, PolicyDocument=ALL)),
    ("the read role: put a policy on an identity", "no right", "reads_there", policy_of("brand.example.com")),
    ("the read role: let somebody else in", "no right", "reads_there", lambda holder: holder.client("iam").update_assume_role_policy(RoleName=holder.role, PolicyDocument=TRUST)),
    ("the read role: make an access key of a user", "no right", "reads_there", iam("create_access_key", UserName="campaign")),
    ("the read role: list everything of IAM", "no right", "reads_there", iam("get_account_authorization_details")),
    ("the read role: read the last use of keys", "no right", "reads_there", iam("list_access_keys", UserName="campaign")),
    ("the read role: list identities", "no right", "reads_there", lambda holder: holder.client("sesv2").list_email_identities()),
    ("the read role: send", "no right", "reads_there", send),
    ("the read role: enter the apply role", "no right", "reads_there", enter("sesame-apply")),
    ("the apply role: put a policy on a user that is not listed", "the list", "writes_there", iam("put_user_policy", UserName="unlisted", PolicyName=OWN, PolicyDocument=ALL)),
    ("the apply role: delete a policy of a user that is not listed", "the list", "writes_there", iam("delete_user_policy", UserName="unlisted", PolicyName=OWN)),
    ("the apply role: read a policy of a user that is not listed", "the list", "writes_there", iam("get_user_policy", UserName="unlisted", PolicyName=OWN)),
    ("the apply role: put a policy on a role that is not listed", "the list", "writes_there", iam("put_role_policy", RoleName="unlisted", PolicyName=OWN, PolicyDocument=ALL)),
    ("the apply role: put a policy on itself", "an explicit deny", "writes_there", lambda holder: holder.client("iam").put_role_policy(RoleName=holder.role, PolicyName=OWN, PolicyDocument=ALL)),
    ("the apply role: put a policy on the read role", "an explicit deny", "writes_there", iam("put_role_policy", RoleName="sesame-read", PolicyName=OWN, PolicyDocument=ALL)),
    ("the apply role: put a policy on an identity that is not listed", "the list", "writes_there", policy_of("unlisted.example.com")),
    ("the apply role: attach AdministratorAccess to a listed user", "no right", "writes_there", iam("attach_user_policy", UserName="campaign", PolicyArn=ADMINISTRATOR)),
    ("the apply role: make an access key of a listed user", "no right", "writes_there", iam("create_access_key", UserName="campaign")),
    ("the apply role: make a user", "no right", "writes_there", iam("create_user", UserName="mine")),
    ("the apply role: send", "no right", "writes_there", send),
    ("the diagnose function's role enters the apply role", "no right", "diagnoses", enter("sesame-apply")),
    ("the diagnose function's role enters another role there", "no right", "diagnoses", enter("unlisted")),
    ("the diagnose function's role enters the read role of an account that is not listed", "the list", "diagnoses", enter("sesame-read", "999988887777")),
    ("the diagnose function's role enters the read role without the external id", "the role's trust", "diagnoses", enter("sesame-read", external_id=None)),
    ("the diagnose function's role enters the read role under the external id of another stack", "the role's trust", "diagnoses", enter("sesame-read", external_id="other")),
    ("the sweep's role enters the apply role", "no right", "sweeps", enter("sesame-apply")),
    ("the approve function's role enters the read role", "no right", "approves", enter("sesame-read")),
    ("the apply function's role enters the apply role of an account that may only be read", "the list", "holder", enter("sesame-apply", SILENT)),
    ("the apply function's role enters the apply role without the external id", "the role's trust", "holder", enter("sesame-apply", external_id=None)),
    ("an administrator role of the stack's account enters the read role", "the role's trust", "stranger", enter("sesame-read")),
    ("an administrator role of the stack's account enters the apply role", "the role's trust", "stranger", enter("sesame-apply")),
]  # fmt: skip


@pytest.mark.parametrize("name", [name for name, *_ in ESCALATIONS + ESCALATIONS_THERE])
def test_is_refused_by_iam(request, name):
    listed = ESCALATIONS + ESCALATIONS_THERE
    fixture, attempt = next((fixture, attempt) for other, _, fixture, attempt in listed if other == name)
    holder = request.getfixturevalue(fixture)
    with pytest.raises(ClientError) as refused:
        attempt(holder)
    error = refused.value.response["Error"]
    assert error["Code"] in REFUSED, error
    assert "authorized" in error["Message"].lower(), error


def test_the_credentials_of_roles_of_another_account_are_good_for_what_they_are_for(reads_there, writes_there, diagnoses, sweeps, holder):
    user, policy = {"UserName": "campaign"}, {"PolicyName": OWN, "PolicyDocument": ALL}
    assert reads_there.client("iam").get_user(**user)["User"]["Arn"].startswith(f"arn:aws:iam::{MEMBER}:")
    reads_there.client("sesv2").get_email_identity(EmailIdentity="brand.example.com")
    writes_there.client("iam").put_user_policy(**user, **policy)
    writes_there.client("iam").delete_user_policy(**user, PolicyName=OWN)
    ses, identity = writes_there.client("sesv2"), {"EmailIdentity": "brand.example.com"}
    document = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "ses:SendEmail", "Resource": f"{MEMBER_IDENTITY}/brand.example.com"}
    ses.create_email_identity_policy(**identity, PolicyName=OWN, Policy=json.dumps({"Version": "2012-10-17", "Statement": [document]}))
    assert OWN in ses.get_email_identity_policies(**identity)["Policies"]
    ses.delete_email_identity_policy(**identity, PolicyName=OWN)
    for whoever in [diagnoses, sweeps, holder]:
        enter("sesame-read")(whoever)
    enter("sesame-apply")(holder)


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


@pytest.mark.parametrize(("mark", "listed"), [("escalations", ESCALATIONS), ("escalations-there", ESCALATIONS_THERE)])
def test_the_page_of_walls_lists_what_is_tried_here(mark, listed):
    page = (ROOT / "docs/walls.md").read_text().split(f"<!-- {mark} -->")[1].split("\n## ", 2)[1]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", page, re.M)
    rows = [(name.strip(), wall.strip()) for name, wall in rows if name.strip() not in {"escalation", "---"}]
    assert rows == [(name, wall) for name, wall, *_ in listed]
