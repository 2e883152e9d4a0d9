//! A whole account, as `sesame snapshot` reads it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    missing_docs,
    reason = "tests"
)]

mod fake;

use std::sync::Mutex;

use fake::{Answer, Call, FakeAws, json, json_error, query, query_error};
use serde_json::json as value;
use sesame_aws::survey;
use sesame_diagnosis::finding::GapReason;

const ACCOUNT: &str = "111122223333";
const DOCUMENT: &str = "%7B%22Statement%22%3A%5B%5D%7D";

fn account(call: &Call) -> Answer {
    let second = call.field("Marker").is_some();
    match call.operation.as_str() {
        "GetCallerIdentity" => query("GetCallerIdentity", &format!("<Account>{ACCOUNT}</Account>")),
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
        "DescribeOrganization" => json_error(400, "AWSOrganizationsNotInUseException"),
        other => panic!("unexpected {other}"),
    }
}

fn regions() -> Vec<String> {
    vec!["eu-central-1".to_owned()]
}

#[tokio::test]
async fn every_page_of_iam_and_every_identity_of_the_region_is_read() {
    let aws = FakeAws::start(account).await;
    let steps = Mutex::new(Vec::new());
    let world =
        survey(&aws.clients(), &regions(), |step| steps.lock().unwrap().push(format!("{step:?}"))).await.unwrap();
    let account = &world.accounts[ACCOUNT];
    assert_eq!(account.iam_gap, None);
    assert_eq!(account.users[0].groups, ["senders"]);
    assert!(account.users[0].entity.inline[0].document.known().unwrap().json.is_ok());
    assert_eq!(account.roles[0].entity.attached, [format!("arn:aws:iam::{ACCOUNT}:policy/p")]);
    let policy = account.managed_policies.values().next().unwrap().known().unwrap();
    assert!(policy.document.json.is_ok(), "the default version is the one that counts");

    let region = account.ses["eu-central-1"].known().unwrap();
    assert!(region.complete);
    assert_eq!(region.identities["example.com"].policies.known().unwrap()[0].0, "p");
    assert_eq!(region.identities["refused.example"].policies.gap().unwrap().reason, GapReason::AccessDenied);
    assert_eq!(region.configuration_sets.as_deref(), Some(&["default".to_owned()][..]));
    assert_eq!(region.templates, None, "what was not listed is not said to be empty");
    assert_eq!(world.organization.known(), Some(&None));
    let last = "Ses { region: \"eu-central-1\", done: 2, of: 2 }";
    assert_eq!(steps.lock().unwrap().iter().filter(|step| *step == last).count(), 1);
}

#[tokio::test]
async fn half_of_iam_is_not_taken_for_the_whole() {
    let aws = FakeAws::start(|call| match call.operation.as_str() {
        "GetAccountAuthorizationDetails" if call.field("Marker").is_some() => query_error(403, "AccessDenied"),
        _ => account(call),
    })
    .await;
    let world = survey(&aws.clients(), &[], |_| ()).await.unwrap();
    let account = &world.accounts[ACCOUNT];
    assert_eq!(account.iam_gap.as_ref().unwrap().reason, GapReason::AccessDenied);
    assert!(account.users.is_empty());
}

#[tokio::test]
async fn identities_that_cannot_be_listed_are_a_gap_of_the_region() {
    let aws = FakeAws::start(|call| match call.operation.as_str() {
        "POST /v2/email/list-identities" => json_error(403, "AccessDeniedException"),
        _ => account(call),
    })
    .await;
    let world = survey(&aws.clients(), &regions(), |_| ()).await.unwrap();
    assert_eq!(world.accounts[ACCOUNT].ses["eu-central-1"].gap().unwrap().reason, GapReason::AccessDenied);
}

#[tokio::test]
async fn credentials_that_are_not_good_are_an_error_and_no_empty_account() {
    let aws = FakeAws::start(|_| query_error(403, "InvalidClientTokenId")).await;
    let error = survey(&aws.clients(), &[], |_| ()).await.unwrap_err();
    assert_eq!(error.message, "sts:GetCallerIdentity gave InvalidClientTokenId: no");
}
