"""Sends that turn on two accounts: both are read, both are written to, each through the role that its owner has deployed."""

import json

import pytest

from approval import stored, until
from cloudtrail import refused_send
from conftest import IDENTITY, MEMBER_IDENTITY, SILENT, Sender
from emulators.world import ACCOUNT, MEMBER, REGION

BRAND = f"{MEMBER_IDENTITY}/brand.example.com"
SHARED = f"{IDENTITY}/listed.example.com"


@pytest.fixture(scope="module")
def campaign(emulators, member, listed_there):
    """The user of the other account that the stack may write to."""
    key = emulators.client("iam", MEMBER).create_access_key(UserName="campaign")["AccessKey"]
    return Sender(emulators, "campaign", key["AccessKeyId"], key["SecretAccessKey"], "/team/", MEMBER)


@pytest.fixture(scope="module", autouse=True)
def shared(emulators):
    """The identity of our own account that others send as."""
    emulators.client("sesv2").create_email_identity(EmailIdentity="listed.example.com")


@pytest.fixture
def tell(emulators, stack, inbox):
    """Puts the record of a refused send where EventBridge puts it; gives the finding."""

    def tell(sender, refusal, address, identity_arn):
        event = refused_send(sender, refusal, address, identity_arn=identity_arn)
        emulators.client("sqs").send_message(QueueUrl=stack["DenialsUrl"], MessageBody=json.dumps(event))
        finding, attributes = inbox.next(60)
        assert attributes["phase"] == "finding"
        return finding

    return tell


def of_identity(emulators, key, name):
    return emulators.client("sesv2", key).get_email_identity_policies(EmailIdentity=name)["Policies"]


def of_campaign(emulators):
    return emulators.client("iam", MEMBER).list_user_policies(UserName="campaign")["PolicyNames"]


def actions_in(emulators, account):
    """What functions called with the rights of an account."""
    calls = emulators.proxy.calls("ASIA")
    return {call.action for call in calls if emulators.proxy.account_of(call.access_key) == account}


def unread(finding):
    """What could not be read; the stack never lists all principals of an account."""
    return [gap for gap in finding["gaps"] if gap["source"] != "iam:GetAccountAuthorizationDetails"]


def statement(document):
    (only,) = json.loads(document)["Statement"]
    return only


def allowed(member, role):
    """What a role of the other account may do, as it is deployed."""
    iam = member.client("iam")
    name = member[f"{role}Arn"].rsplit("/", 1)[-1]
    (policy,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
    statements = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]["Statement"]
    listed = [each["Action"] for each in statements if each["Effect"] == "Allow"]
    return {action for each in listed for action in ([each] if isinstance(each, str) else each)}


def test_both_sides_are_granted_in_one_plan_sent_and_taken_back(emulators, stack, member, campaign, operator, inbox, tell):
    """A user of the other account sends as our identity, and neither side allows it."""
    address = "news@listed.example.com"
    refusal = campaign.send(address, SHARED)
    assert refusal["Code"] == "AccessDeniedException" and SHARED in refusal["Message"], refusal

    finding = tell(campaign, refusal, address, SHARED)
    assert unread(finding) == [], "both accounts were read"
    there = actions_in(emulators, MEMBER)
    assert {"iam:GetUser", "iam:ListUserPolicies", "organizations:DescribeOrganization"} <= there
    assert there <= allowed(member, "ReadRole"), "to diagnose, no more is called than its read role lists"
    targets = {remedy["target"]["kind"]: remedy for remedy in finding["remedies"] if remedy["id"] in finding["plan"]}
    assert {kind: (each["applicability"], each["target"]["account"]) for kind, each in targets.items()} == {
        "user-inline": ("applicable", MEMBER),
        "sending-authorization": ("applicable", ACCOUNT),
    }

    emulators.proxy.forget()
    status, answer = operator.decide(finding, "approve", reason="the campaign sends for the shop")
    assert (status, answer["state"]) == (200, "approved"), answer
    until(inbox, "applied")
    own = f"sesame-{finding['id']}"
    assert stored(emulators, stack, finding)["state"]["S"] == "applied"
    assert of_campaign(emulators) == [own]
    granted = statement(of_identity(emulators, "test", "listed.example.com")[own])
    assert (granted["Principal"], granted["Resource"]) == ({"AWS": campaign.arn}, SHARED)
    assert campaign.send(address, SHARED) is None, "the very same send goes through"
    assert campaign.send(address, BRAND)["Code"] == "AccessDeniedException", "and no other"
    writes = [call for call in emulators.proxy.calls("ASIA") if call.operation.startswith(("Put", "Create")) and call.service in {"iam", "ses"}]
    assert {(call.action, emulators.proxy.account_of(call.access_key)) for call in writes} == {
        ("iam:PutUserPolicy", MEMBER),
        ("ses:CreateEmailIdentityPolicy", ACCOUNT),
    }

    assert operator.decide(finding, "rollback", reason="the campaign is over")[0] == 200
    until(inbox, "rolled-back")
    assert of_campaign(emulators) == []
    assert of_identity(emulators, "test", "listed.example.com") == {}
    assert campaign.send(address, SHARED)["Code"] == "AccessDeniedException"


def test_an_identity_of_another_account_gets_a_sending_authorization_policy(emulators, stack, member, mailer, operator, inbox, tell):
    """Our user may send as the other account's identity as far as we are concerned; its owner does not allow it."""
    document = {"Statement": [{"Effect": "Allow", "Action": "ses:SendEmail", "Resource": BRAND}], "Version": "2012-10-17"}
    mailer.put_policy("as-the-brand", document)
    address = "news@brand.example.com"
    refusal = mailer.send(address, BRAND)
    assert refusal["Code"] == "AccessDeniedException"
    # The emulator words every refusal as one of an identity policy; SES's own text names no reason.
    refusal["Message"] = refusal["Message"].split(" because ")[0]

    finding = tell(mailer, refusal, address, BRAND)
    assert unread(finding) == []
    assert [(cause["layer"], cause["certainty"]) for cause in finding["causes"]] == [("sending-authorization-policy", "proven")]
    (remedy,) = [each for each in finding["remedies"] if each["id"] in finding["plan"]]
    assert (remedy["applicability"], remedy["target"]["account"]) == ("applicable", MEMBER)

    emulators.proxy.forget()
    assert operator.decide(finding, "approve")[0] == 200
    until(inbox, "applied")
    own = f"sesame-{finding['id']}"
    assert statement(of_identity(emulators, MEMBER, "brand.example.com")[own])["Principal"] == {"AWS": mailer.arn}
    assert mailer.send(address, BRAND) is None
    there = actions_in(emulators, MEMBER)
    assert {"ses:GetEmailIdentity", "ses:CreateEmailIdentityPolicy", "ses:GetEmailIdentityPolicies"} <= there
    assert there <= allowed(member, "ReadRole") | allowed(member, "ApplyRole")

    assert operator.decide(finding, "rollback")[0] == 200
    until(inbox, "rolled-back")
    assert of_identity(emulators, MEMBER, "brand.example.com") == {}
    assert mailer.send(address, BRAND)["Code"] == "AccessDeniedException"
    emulators.client("iam").delete_user_policy(UserName=mailer.name, PolicyName="as-the-brand")


def test_what_the_other_account_takes_away_by_itself_is_told(emulators, stack, campaign, operator, inbox, tell):
    """Nothing of it is our own account's: its user sends as its identity."""
    address = "news@brand.example.com"
    finding = tell(campaign, campaign.send(address), address, None)
    assert operator.decide(finding, "approve")[0] == 200
    until(inbox, "applied")
    assert of_campaign(emulators) == [f"sesame-{finding['id']}"]
    assert campaign.send(address) is None

    emulators.client("iam", MEMBER).delete_user_policy(UserName="campaign", PolicyName=f"sesame-{finding['id']}")
    answer = emulators.client("lambda").invoke(FunctionName=stack["SweepFunction"], Payload=b"{}")
    said = json.loads(answer["Payload"].read())
    assert (said["failed"], said["vanished"]) == ([], [finding["id"]]), said
    assert stored(emulators, stack, finding)["state"]["S"] == "rolled-back"
    assert campaign.send(address)["Code"] == "AccessDeniedException"


def test_an_account_whose_role_is_not_there_is_a_gap_and_no_failure(emulators, stack, mailer, tell):
    identity = f"arn:aws:ses:{REGION}:{SILENT}:identity/silent.example.com"
    address = "news@silent.example.com"
    finding = tell(mailer, mailer.send(address, identity), address, identity)
    (gap,) = [each for each in finding["gaps"] if each["layer"] == "sending-authorization-policy"]
    role = f"arn:aws:iam::{SILENT}:role/sesame-read"
    assert (gap["reason"], gap["source"]) == ("access-denied", f"sts:AssumeRole {role}")
    there = [each for each in finding["remedies"] if each["target"]["account"] == SILENT]
    assert all(each["applicability"] == "advice-only" for each in there)


def test_an_account_that_is_not_listed_is_not_asked(emulators, stack, mailer, tell):
    identity = f"arn:aws:ses:{REGION}:999988887777:identity/other.example.com"
    address = "news@other.example.com"
    emulators.proxy.forget()
    finding = tell(mailer, mailer.send(address, identity), address, identity)
    (gap,) = [each for each in finding["gaps"] if each["layer"] == "sending-authorization-policy"]
    assert gap["summary"].startswith("account 999988887777 is not read:")
    assert "sts:AssumeRole" not in {call.action for call in emulators.proxy.calls("ASIA")}
