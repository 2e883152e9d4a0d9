//! A whole account, as `sesame snapshot` reads it.

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::json as value;
use sesame_aws::survey::{self, Step};
use sesame_diagnosis::finding::GapReason;

use crate::ACCOUNT;
use crate::fake::{Answer, Call, FakeAws, json, json_error, query, query_error};

const REGION: &str = "eu-central-1";
const DOCUMENT: &str = "%7B%22Statement%22%3A%5B%5D%7D";

fn account(call: &Call) -> Answer {
    let second = call.field("Marker").is_some();
    match call.operation.as_str() {
        "GetAccountAuthorizationDetails" if !second => query(
            "GetAccountAuthorizationDetails",
            &format!(
                "<IsTruncated>true</IsTruncated><Marker>m</Marker><UserDetailList><member><Path>/</Path>\
                 <UserName>shop</UserName><UserId>AIDA1</UserId><Arn>arn:aws:iam::{ACCOUNT}:user/shop</Arn>\
                 <UserPolicyList><member><PolicyName>send</PolicyName><PolicyDocument>{DOCUMENT}</PolicyDocument></member>\
                 </UserPolicyList><GroupList><member>senders</member></GroupList></member></UserDetailList>"
            ),
        ),
        "GetAccountAuthorizationDetails" => query(
            "GetAccountAuthorizationDetails",
            &format!(
                "<RoleDetailList><member><Path>/svc/</Path><RoleName>app</RoleName><RoleId>AROA1</RoleId>\
                 <Arn>arn:aws:iam::{ACCOUNT}:role/svc/app</Arn><AttachedManagedPolicies><member><PolicyName>p</PolicyName>\
                 <PolicyArn>arn:aws:iam::{ACCOUNT}:policy/p</PolicyArn></member></AttachedManagedPolicies></member>\
                 </RoleDetailList><Policies><member><PolicyName>p</PolicyName><Arn>arn:aws:iam::{ACCOUNT}:policy/p</Arn>\
                 <PolicyVersionList><member><VersionId>v1</VersionId><IsDefaultVersion>false</IsDefaultVersion>\
                 <Document>old</Document></member><member><VersionId>v2</VersionId><IsDefaultVersion>true</IsDefaultVersion>\
                 <Document>{DOCUMENT}</Document></member></PolicyVersionList></member></Policies>"
            ),
        ),
        "GET /v2/email/account" => json(&value!({"ProductionAccessEnabled": false})),
        path if path.starts_with("GET /v2/email/identities/example.com") => {
            json(&value!({"VerifiedForSendingStatus": true, "Policies": {"p": "{}"}}))
        }
        path if path.starts_with("GET /v2/email/identities/refused") => json_error(403, "AccessDeniedException"),
        "POST /v2/email/list-identities" if call.json()["NextToken"] == "n" => {
            json(&value!({"EmailIdentities": [{"IdentityName": "refused.example"}]}))
        }
        "POST /v2/email/list-identities" => {
            json(&value!({"EmailIdentities": [{"IdentityName": "example.com"}], "NextToken": "n"}))
        }
        "POST /v2/email/list-configuration-sets" => json(&value!({"ConfigurationSets": ["default"]})),
        path if path.starts_with("GET /v2/email/templates") => json_error(403, "AccessDeniedException"),
        other => panic!("unexpected {other}"),
    }
}

#[tokio::test]
async fn every_page_of_iam_is_read_and_the_default_version_counts() {
    let aws = FakeAws::start(account).await;
    let steps = Mutex::new(Vec::new());
    let account =
        survey::iam(&aws.clients(), ACCOUNT, 10, |step| steps.lock().unwrap().push(format!("{step:?}"))).await;
    assert_eq!(account.iam_gap, None);
    assert_eq!(account.users[0].groups, ["senders"]);
    assert!(account.users[0].entity.inline[0].document.known().unwrap().json.is_ok());
    assert_eq!(account.roles[0].entity.attached, [format!("arn:aws:iam::{ACCOUNT}:policy/p")]);
    let policy = account.managed_policies.values().next().unwrap().known().unwrap();
    assert!(policy.document.json.is_ok(), "the default version is the one that counts");
    assert_eq!(*steps.lock().unwrap(), ["Iam(1)", "Iam(3)"]);
}

#[tokio::test]
async fn every_identity_of_a_region_is_read_but_those_that_are_known() {
    let aws = FakeAws::start(account).await;
    let seen = Mutex::new(Vec::new());
    let step = |step: Step<'_>| {
        if let Step::Ses { done, of, read, .. } = step {
            seen.lock().unwrap().push((done, of, read.identities.len()));
        }
    };
    let region = survey::ses(&aws.clients(), REGION, BTreeMap::new(), step).await;
    let region = region.known().unwrap();
    assert!(region.complete);
    assert_eq!(region.identities["example.com"].policies.known().unwrap()[0].0, "p");
    assert_eq!(region.identities["refused.example"].policies.gap().unwrap().reason, GapReason::AccessDenied);
    assert_eq!(region.configuration_sets.as_deref(), Some(&["default".to_owned()][..]));
    assert_eq!(region.templates, None, "what was not listed is not said to be empty");
    assert_eq!(*seen.lock().unwrap(), [(0, 2, 0), (1, 2, 1), (2, 2, 2)]);

    let known = region.identities.clone().into_iter().filter(|(name, _)| name == "example.com");
    let gone = ("gone.example".to_owned(), region.identities["example.com"].clone());
    let again = survey::ses(&aws.clients(), REGION, known.chain([gone]).collect(), |_| ()).await;
    let again = again.known().unwrap();
    assert_eq!(aws.count("GET /v2/email/identities/example.com"), 1);
    assert!(!again.identities.contains_key("gone.example"), "what is no longer listed is gone");
}

#[tokio::test]
async fn half_of_iam_is_not_taken_for_the_whole() {
    let aws = FakeAws::start(|call| match call.operation.as_str() {
        "GetAccountAuthorizationDetails" if call.field("Marker").is_some() => query_error(403, "AccessDenied"),
        _ => account(call),
    })
    .await;
    let read = survey::iam(&aws.clients(), ACCOUNT, 10, |_| ()).await;
    assert_eq!(read.iam_gap.as_ref().unwrap().reason, GapReason::AccessDenied);
    assert!(read.users.is_empty());

    let aws = FakeAws::start(account).await;
    let read = survey::iam(&aws.clients(), ACCOUNT, 1, |_| ()).await;
    assert!(read.iam_gap.unwrap().summary.contains("than 1 calls list"));
    assert_eq!(aws.count("GetAccountAuthorizationDetails"), 1, "no more calls than were allowed");
}

#[tokio::test]
async fn identities_that_cannot_be_listed_are_a_gap_of_the_region() {
    let aws = FakeAws::start(|call| match call.operation.as_str() {
        "POST /v2/email/list-identities" => json_error(403, "AccessDeniedException"),
        _ => account(call),
    })
    .await;
    let region = survey::ses(&aws.clients(), REGION, BTreeMap::new(), |_| ()).await;
    assert_eq!(region.gap().unwrap().reason, GapReason::AccessDenied);
}

/// Root `r-1` with the account of the credentials and a unit with another; one policy on the root.
fn organization(call: &Call) -> Answer {
    let body = call.json();
    let parent = body["ParentId"].as_str().or_else(|| body["TargetId"].as_str()).unwrap_or_default();
    match (call.operation.as_str(), parent) {
        ("DescribeOrganization", _) => {
            json(&value!({"Organization": {"Id": "o-1", "MasterAccountId": "999999999999"}}))
        }
        ("ListRoots", _) => json(&value!({"Roots": [{"Id": "r-1", "Name": "Root"}]})),
        ("ListOrganizationalUnitsForParent", "r-1") => {
            json(&value!({"OrganizationalUnits": [{"Id": "ou-1", "Name": "Workloads"}]}))
        }
        ("ListOrganizationalUnitsForParent", _) => json(&value!({"OrganizationalUnits": []})),
        ("ListAccountsForParent", "r-1") => json(&value!({"Accounts": [{"Id": ACCOUNT, "Name": "shop"}]})),
        ("ListAccountsForParent", _) => json(&value!({"Accounts": [{"Id": "444455556666", "Name": "mail"}]})),
        ("ListPoliciesForTarget", "r-1") if body["Filter"] == "SERVICE_CONTROL_POLICY" => {
            json(&value!({"Policies": [{"Id": "p-1", "Name": "Base"}]}))
        }
        ("ListPoliciesForTarget", _) => json(&value!({"Policies": []})),
        ("DescribePolicy", _) => json(&value!({"Policy": {"Content": "{\"Statement\":[]}"}})),
        ("ListParents", _) => json(&value!({"Parents": [{"Id": "r-1", "Type": "ROOT"}]})),
        ("DescribeAccount", _) => json(&value!({"Account": {"Name": "shop"}})),
        (other, _) => panic!("unexpected {other}"),
    }
}

#[tokio::test]
async fn the_whole_organization_is_read_where_it_may_be_listed() {
    let aws = FakeAws::start(organization).await;
    let read = survey::organization(&aws.clients(), ACCOUNT, |_| ()).await;
    let read = read.known().unwrap().clone().unwrap();
    let ids = |account: &str| read.paths[account].iter().map(|node| node.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids("444455556666"), ["r-1", "ou-1", "444455556666"]);
    assert_eq!(ids(ACCOUNT), ["r-1", ACCOUNT]);
    assert_eq!(read.paths[ACCOUNT][0].service_control_policies.known().unwrap()[0].name, "Base");
    assert_eq!(aws.count("DescribePolicy"), 1, "a policy is read once, on however many nodes it is");
}

#[tokio::test]
async fn where_the_organization_may_not_be_listed_the_own_path_is_read() {
    let aws = FakeAws::start(|call| match call.operation.as_str() {
        "ListRoots" => json_error(400, "AccessDeniedException"),
        _ => organization(call),
    })
    .await;
    let read = survey::organization(&aws.clients(), ACCOUNT, |_| ()).await;
    assert_eq!(read.known().unwrap().as_ref().unwrap().paths.keys().collect::<Vec<_>>(), [ACCOUNT]);
}

#[tokio::test]
async fn a_tree_with_a_branch_missing_is_no_tree() {
    let aws = FakeAws::start(|call| match call.operation.as_str() {
        "ListAccountsForParent" => json_error(400, "AccessDeniedException"),
        _ => organization(call),
    })
    .await;
    let read = survey::organization(&aws.clients(), ACCOUNT, |_| ()).await;
    assert!(read.gap().unwrap().source.starts_with("organizations:ListAccountsForParent"));
}

#[tokio::test]
async fn credentials_that_are_not_good_are_told_with_the_remedy() {
    let aws = FakeAws::start(|_| query_error(403, "InvalidClientTokenId")).await;
    let error = aws.clients().caller().await.unwrap_err();
    let expected =
        "AWS does not take these credentials: `sts:GetCallerIdentity` gave InvalidClientTokenId (no); sign in again";
    assert_eq!(error.to_string(), expected);
}
