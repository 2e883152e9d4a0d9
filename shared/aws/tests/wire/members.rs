//! Other accounts: read through the role that they have deployed, and never without it.

use serde_json::json as value;
use sesame_aws::{AwsWorld, FreshWorld, Members, Role};
use sesame_diagnosis::denial::{Caller, Denial, Parameter};
use sesame_diagnosis::finding::{Gap, GapReason};
use sesame_diagnosis::world::{Readable, World};
use sesame_policy::Arn;
use sesame_responder::ports::WorldSource as _;

use crate::ACCOUNT;
use crate::fake::{Answer, Call, FakeAws, entered, json, json_error, query, query_error};
use crate::refusal::{denial, incident, user};

const MEMBER: &str = "444455556666";
const FAR: &str = "2099-01-01T00:00:00Z";
/// The access key of whoever entered the member.
const INSIDE: &str = "ASIAMEMBER";

/// Two accounts in one organization, each with a user `shop` and a policy of its own, and identities in both.
fn accounts(call: &Call) -> Answer {
    let inside = call.access_key == INSIDE;
    let account = if inside { MEMBER } else { ACCOUNT };
    match call.operation.as_str() {
        "AssumeRole" => entered(INSIDE, FAR),
        "GetCallerIdentity" => query(
            "GetCallerIdentity",
            &format!("<Account>{account}</Account><Arn>arn:aws:sts::{account}:assumed-role/audit/sesame</Arn>"),
        ),
        "GetUser" => query(
            "GetUser",
            &format!(
                "<User><Path>/team/</Path><UserName>shop</UserName><UserId>AIDA1</UserId>\
                 <Arn>arn:aws:iam::{account}:user/team/shop</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></User>"
            ),
        ),
        "ListUserPolicies" => {
            query("ListUserPolicies", &format!("<PolicyNames><member>of-{account}</member></PolicyNames>"))
        }
        "GetUserPolicy" => query(
            "GetUserPolicy",
            "<PolicyName>p</PolicyName><PolicyDocument>%7B%22Statement%22%3A%5B%5D%7D</PolicyDocument>",
        ),
        operation @ ("ListAttachedUserPolicies" | "ListGroupsForUser") => query(operation, ""),
        "GET /v2/email/account" => json(&value!({"ProductionAccessEnabled": inside})),
        "GET /v2/email/identities/example.com" => {
            json(&value!({"VerifiedForSendingStatus": true, "Policies": {format!("of-{account}"): "{}"}}))
        }
        path if path.starts_with("GET /v2/email/identities/") => json_error(404, "NotFoundException"),
        "DescribeOrganization" => json(&value!({"Organization": {"Id": "o-1", "MasterAccountId": "999988887777"}})),
        "ListParents" => json(&value!({"Parents": [{"Id": "r-1", "Type": "ROOT"}]})),
        "ListPoliciesForTarget" => json(&value!({"Policies": [{"Id": "p-1", "Name": "Base"}]})),
        "DescribePolicy" => json(&value!({"Policy": {"Content": "{\"Statement\":[]}"}})),
        "DescribeAccount" => json(&value!({"Account": {"Name": "shop"}})),
        other => panic!("unexpected {other}"),
    }
}

async fn but(change: impl Fn(&Call) -> Option<Answer> + Send + Sync + 'static) -> FakeAws {
    FakeAws::start(move |call| change(call).unwrap_or_else(|| accounts(call))).await
}

fn members() -> Members {
    Members::new("sesame-read", vec![MEMBER.to_owned()], "prod")
}

fn world(aws: &FakeAws) -> AwsWorld {
    AwsWorld::new(aws.clients(), ACCOUNT).with_members(members())
}

async fn read(aws: &FakeAws, denial: Denial) -> World {
    world(aws).world(&incident(denial)).await.unwrap()
}

/// A user of the account sends as an identity of the member.
fn to_the_member() -> Denial {
    let mut denial = denial(user(), Some("a@example.com"), None);
    let arn = format!("arn:aws:ses:eu-central-1:{MEMBER}:identity/example.com");
    denial.send.identity_arn = Parameter::Given(arn);
    denial
}

/// A user of the member sends as an identity of the account.
fn from_the_member() -> Denial {
    let arn = Arn::parse(&format!("arn:aws:iam::{MEMBER}:user/team/shop")).unwrap();
    let mut denial = denial(Caller::User { arn }, Some("a@example.com"), None);
    denial.recipient_account = Some(MEMBER.to_owned());
    denial.send.identity_arn = Parameter::Given(format!("arn:aws:ses:eu-central-1:{ACCOUNT}:identity/example.com"));
    denial
}

/// Names of the policies of an account's only user, and of its identity.
fn policies(world: &World, account: &str) -> (Vec<String>, Vec<String>) {
    let read = &world.accounts[account];
    let inline = read.users.iter().flat_map(|user| &user.entity.inline).map(|policy| policy.name.clone());
    let region = read.ses["eu-central-1"].known().unwrap();
    let of_identity = region.identities.get("example.com").and_then(|identity| identity.policies.known());
    (inline.collect(), of_identity.into_iter().flatten().map(|(name, _)| name.clone()).collect())
}

#[tokio::test]
async fn the_owner_of_the_identity_is_read_through_its_role_and_the_sender_without_one() {
    let aws = FakeAws::start(accounts).await;
    let world = read(&aws, to_the_member()).await;
    assert_eq!(policies(&world, ACCOUNT), (vec![format!("of-{ACCOUNT}")], vec![]));
    assert_eq!(policies(&world, MEMBER), (vec![], vec![format!("of-{MEMBER}")]));
    let inside: Vec<String> =
        aws.calls().into_iter().filter(|call| call.access_key == INSIDE).map(|call| call.operation).collect();
    assert_eq!(inside, ["GET /v2/email/account", "GET /v2/email/identities/example.com"]);
}

#[tokio::test]
async fn the_sender_is_read_through_its_role_and_the_owner_of_the_identity_without_one() {
    let aws = FakeAws::start(accounts).await;
    let world = read(&aws, from_the_member()).await;
    assert_eq!(policies(&world, MEMBER), (vec![format!("of-{MEMBER}")], vec![]));
    assert_eq!(policies(&world, ACCOUNT), (vec![], vec![format!("of-{ACCOUNT}")]));
    let iam = aws.calls().into_iter().filter(|call| call.service == "iam");
    assert!(iam.map(|call| call.access_key).all(|key| key == INSIDE), "{:?}", aws.calls());
    let paths = &world.organization.known().unwrap().as_ref().unwrap().paths;
    assert_eq!(paths.keys().collect::<Vec<_>>(), [MEMBER], "as our own account sees it");
}

#[tokio::test]
async fn a_role_is_entered_once_for_a_batch_under_its_name_and_external_id() {
    let aws = FakeAws::start(accounts).await;
    let world = world(&aws);
    for denial in [to_the_member(), from_the_member(), to_the_member()] {
        world.world(&incident(denial)).await.unwrap();
    }
    assert_eq!(aws.count("AssumeRole"), 1);
    let asked = &aws.calls().into_iter().find(|call| call.operation == "AssumeRole").unwrap();
    assert_eq!(asked.field("RoleArn").unwrap(), format!("arn:aws:iam::{MEMBER}:role/sesame-read"));
    assert_eq!(
        (asked.field("ExternalId").as_deref(), asked.field("DurationSeconds").as_deref()),
        (Some("prod"), Some("900"))
    );
}

fn gaps(world: &World, account: &str) -> Vec<Gap> {
    let read = &world.accounts[account];
    read.iam_gap.iter().chain(read.ses.values().filter_map(Readable::gap)).cloned().collect()
}

#[tokio::test]
async fn a_role_that_is_not_there_or_lets_nobody_in_is_a_gap_and_the_rest_is_read() {
    for (status, code, reason) in [
        (403, "AccessDenied", GapReason::AccessDenied),
        (403, "ExpiredToken", GapReason::AccessDenied),
        (400, "Throttling", GapReason::Throttled),
        (500, "InternalFailure", GapReason::Timeout),
    ] {
        let aws = but(move |call| (call.operation == "AssumeRole").then(|| query_error(status, code))).await;
        let impatient = AwsWorld::new(aws.impatient_clients(), ACCOUNT).with_members(members());
        let world = impatient.world(&incident(from_the_member())).await.unwrap();
        let [iam, ses] = gaps(&world, MEMBER).try_into().unwrap();
        let role = format!("arn:aws:iam::{MEMBER}:role/sesame-read");
        assert_eq!((iam.layer.as_str(), iam.reason), ("identity-policy", reason), "{code}");
        assert_eq!((ses.layer.as_str(), ses.reason), ("sending-authorization-policy", reason), "{code}");
        assert_eq!(iam.source, format!("sts:AssumeRole {role}"));
        assert_eq!(iam.summary, format!("account {MEMBER} could not be read: `sts:AssumeRole {role}` gave {code}"));
        assert_eq!(policies(&world, ACCOUNT).1, [format!("of-{ACCOUNT}")], "the other side is read all the same");
        let iam = aws.calls().into_iter().filter(|call| call.service == "iam");
        assert_eq!(iam.count(), 0, "a principal of the member is not looked up in our own account");
    }
}

#[tokio::test]
async fn an_account_that_is_not_listed_is_not_even_asked() {
    let aws = FakeAws::start(accounts).await;
    for members in [Members::none(), Members::new("sesame-read", vec!["777788889999".to_owned()], "prod")] {
        let world = AwsWorld::new(aws.clients(), ACCOUNT).with_members(members);
        let world = world.world(&incident(to_the_member())).await.unwrap();
        let [gap] = gaps(&world, MEMBER).try_into().unwrap();
        assert_eq!(gap.reason, GapReason::AccessDenied);
        assert!(gap.summary.contains("accounts whose read role is listed"), "{}", gap.summary);
    }
    assert_eq!(aws.count("AssumeRole"), 0);
}

#[tokio::test]
async fn a_member_in_no_organization_knows_that_itself() {
    // Ours is in one that the member is not part of; the member is in none.
    let aws = but(|call| match call.operation.as_str() {
        "ListParents" => Some(json_error(400, "ChildNotFoundException")),
        "DescribeOrganization" if call.access_key == INSIDE => {
            Some(json_error(400, "AWSOrganizationsNotInUseException"))
        }
        _ => None,
    })
    .await;
    assert_eq!(read(&aws, from_the_member()).await.organization, Readable::Known(None));

    // Neither is in one that we know: what binds the member is not known.
    let aws = but(|call| match call.operation.as_str() {
        "DescribeOrganization" if call.access_key == INSIDE => None,
        "DescribeOrganization" => Some(json_error(400, "AWSOrganizationsNotInUseException")),
        _ => None,
    })
    .await;
    let world = read(&aws, from_the_member()).await;
    assert!(world.organization.gap().is_some(), "that ours is in none says nothing of another account");
}

#[tokio::test]
async fn recipients_count_where_the_sender_is_in_the_sandbox_and_not_with_the_owner_of_the_identity() {
    let aws = FakeAws::start(accounts).await;
    for denial in [to_the_member(), from_the_member()] {
        let mut denial = denial;
        denial.send.recipients = Parameter::Given(vec!["b@example.net".to_owned()]);
        read(&aws, denial).await;
    }
    // Only our own account is in the sandbox.
    let looked = aws.calls().into_iter().filter(|call| call.operation.contains("example.net"));
    let keys: Vec<String> = looked.map(|call| call.access_key).collect();
    assert!(!keys.is_empty() && !keys.contains(&INSIDE.to_owned()), "{keys:?}");
    assert_eq!(keys.len(), 2, "the address and its domain, for the one send that our account made: {keys:?}");
}

#[tokio::test]
async fn whoever_writes_reads_both_sides_afresh_each_time() {
    let aws = FakeAws::start(accounts).await;
    let world = FreshWorld::new(aws.clients(), ACCOUNT, members());
    for _ in 0..2 {
        let read = world.world(&incident(from_the_member())).await.unwrap();
        assert_eq!(policies(&read, MEMBER).0, [format!("of-{MEMBER}")]);
        assert_eq!(policies(&read, ACCOUNT).1, [format!("of-{ACCOUNT}")]);
    }
    assert_eq!((aws.count("AssumeRole"), aws.count("GetUserPolicy")), (2, 2));
}

#[tokio::test]
async fn credentials_of_a_role_are_renewed_when_they_run_out() {
    let aws = but(|call| (call.operation == "AssumeRole").then(|| entered(INSIDE, "2020-01-01T00:00:00Z"))).await;
    let role = Role { arn: format!("arn:aws:iam::{MEMBER}:role/audit"), external_id: None };
    let clients = aws.clients().as_role(role.clone()).await.unwrap();
    assert_eq!(aws.count("AssumeRole"), 1, "a refusal would be known now");
    // These have run out long since.
    assert_eq!(clients.caller().await.unwrap().account, MEMBER);
    assert_eq!(aws.count("AssumeRole"), 2);
    assert_eq!(aws.calls()[0].field("ExternalId"), None);

    let aws = but(|call| (call.operation == "AssumeRole").then(|| query_error(403, "AccessDenied"))).await;
    let refused = aws.clients().as_role(role).await.unwrap_err();
    let expected = format!("sts:AssumeRole arn:aws:iam::{MEMBER}:role/audit gave AccessDenied: no");
    assert_eq!(refused.to_string(), expected);
}
