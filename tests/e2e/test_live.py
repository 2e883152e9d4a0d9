"""The command line with a live account: what it reads there is what a snapshot of the account gives."""

import json

from cloudtrail import refused_send
from conftest import IDENTITY, allow
from emulators.proxy import Fault
from emulators.world import ACCOUNT, REGION

NOW = "2030-01-01T00:00:00Z"


def diagnose(sesame, event, *source):
    done = sesame("diagnose", "--event", "-", "--format", "json", "--now", NOW, *source, event=event)
    return json.loads(done.stdout)


def test_a_live_finding_is_that_of_a_snapshot_and_its_remedy_lets_the_send_through(
    emulators, sesame, sender, identity, tmp_path
):
    sender.put_policy("send-elsewhere", allow("ses:SendEmail", on="elsewhere.example.com"))
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "ses:SendEmail",
                "Resource": f"{IDENTITY}/{identity}",
            }
        ],
    }
    emulators.client("sesv2").create_email_identity_policy(
        EmailIdentity=identity, PolicyName="partners", Policy=json.dumps(policy)
    )
    address = f"shop@{identity}"
    event = refused_send(sender, sender.send(address), address)
    emulators.proxy.forget()

    live = diagnose(sesame, event, "--live")
    called = {call.action for call in emulators.proxy.calls()}
    assert (live["outcome"], live["gaps"]) == ("denied", [])
    assert live["causes"][0]["nearMisses"][0]["policy"]["name"] == "send-elsewhere"
    assert "ses:GetEmailIdentity" in called
    assert not {action for action in called if not action.split(":")[1].startswith(("Get", "List", "Describe"))}

    out = tmp_path / "snapshot"
    taken = sesame("snapshot", "--out", str(out))
    assert "not read: the organization" not in taken.stderr
    assert diagnose(sesame, event, "--snapshot", str(out)) == live
    assert {path.stat().st_mode & 0o777 for path in out.rglob("*.json")} == {0o600}

    remedy = next(each for each in live["remedies"] if each["id"] == live["plan"][0])
    sender.put_policy(remedy["target"]["policy"], remedy["after"])
    assert sender.send(address) is None


def test_a_check_foretells_what_the_emulator_answers(sesame, sender, identity):
    address = f"shop@{identity}"
    check = ("check", "--principal", sender.arn, "--from", address, "--region", REGION, "--live", "--format", "json")
    assert json.loads(sesame(*check).stdout)["outcome"] == "denied"
    assert sender.send(address) is not None
    sender.put_policy("send", allow("ses:SendEmail", on=identity))
    assert json.loads(sesame(*check).stdout)["outcome"] == "allowed-now"
    assert sender.send(address) is None


def test_another_principal_that_may_send_is_named(sesame, sender, identity, emulators):
    iam = emulators.client("iam")
    mailer = f"mailer-{identity.split('.')[0]}"
    iam.create_user(UserName=mailer)
    iam.put_user_policy(
        UserName=mailer, PolicyName="send", PolicyDocument=json.dumps(allow("ses:SendEmail", on=identity))
    )
    address = f"shop@{identity}"
    event = refused_send(sender, sender.send(address), address)
    (hint,) = [hint for hint in diagnose(sesame, event, "--live")["hints"] if hint["kind"] == "wrong-principal"]
    assert f"arn:aws:iam::{ACCOUNT}:user/{mailer}" in hint["details"]["candidates"]


def test_credentials_without_rights_see_gaps_and_no_failure(sesame, sender, identity):
    address = f"shop@{identity}"
    event = refused_send(sender, sender.send(address), address)
    done = sesame(
        "diagnose", "--event", "-", "--format", "json", "--live", event=event, key=(sender.access_key, sender.secret_key)
    )
    finding = json.loads(done.stdout)
    assert "access-denied" in {gap["reason"] for gap in finding["gaps"]}


def test_what_a_snapshot_could_not_read_is_said_and_read_the_next_time(emulators, sesame, identity, tmp_path):
    out = tmp_path / "snapshot"
    # The survey waits out throttling; a refusal is final.
    emulators.proxy.inject(Fault("iam:GetAccountAuthorizationDetails", 403, "AccessDenied", times=1))
    taken = sesame("snapshot", "--out", str(out))
    assert f"not read: IAM of account {ACCOUNT} could not be read" in taken.stderr
    assert not (out / f"accounts/{ACCOUNT}/iam.json").exists()
    assert identity in (out / f"accounts/{ACCOUNT}/ses/{REGION}.json").read_text()
    sesame("snapshot", "--out", str(out))
    assert (out / f"accounts/{ACCOUNT}/iam.json").exists()


def test_a_service_control_policy_is_read_live_and_into_the_snapshot(emulators, sesame, tmp_path):
    organizations = emulators.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    (root,) = organizations.list_roots()["Roots"]
    member = organizations.create_account(AccountName="mail", Email="mail@example.com")["CreateAccountStatus"]
    unit = organizations.create_organizational_unit(ParentId=root["Id"], Name="Workloads")["OrganizationalUnit"]["Id"]
    organizations.move_account(
        AccountId=member["AccountId"], SourceParentId=root["Id"], DestinationParentId=unit
    )
    deny = {"Sid": "NoMail", "Effect": "Deny", "Action": "ses:Send*", "Resource": "*"}
    policy = organizations.create_policy(
        Content=json.dumps({"Version": "2012-10-17", "Statement": [deny]}),
        Description="none",
        Name="no-mail",
        Type="SERVICE_CONTROL_POLICY",
    )["Policy"]["PolicySummary"]["Id"]
    organizations.attach_policy(PolicyId=policy, TargetId=unit)

    principal = f"arn:aws:iam::{member['AccountId']}:user/shop"
    resource = f"arn:aws:ses:{REGION}:{member['AccountId']}:identity/example.com"
    message = (
        f"User: {principal} is not authorized to perform: ses:SendEmail on resource: {resource} with an explicit deny in a"
        " service control policy"
    )
    done = sesame("diagnose", "--message", message, "--live", "--format", "json", "--now", NOW)
    causes = [cause for cause in json.loads(done.stdout)["causes"] if cause["layer"] == "service-control-policy"]
    assert [cause["policy"]["name"] for cause in causes] == ["no-mail"], done.stdout
    assert causes[0]["level"]["name"] == "Workloads"

    out = tmp_path / "snapshot"
    sesame("snapshot", "--out", str(out))
    tree = json.loads((out / "organization.json").read_text())
    (workloads,) = tree["Roots"][0]["OrganizationalUnits"]
    assert "no-mail" in {policy["Name"] for policy in workloads["ServiceControlPolicies"]}
    assert [account["Id"] for account in workloads["Accounts"]] == [member["AccountId"]]
