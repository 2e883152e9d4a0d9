//! What a diagnosis reads of a live account, and what becomes of what it cannot read.

use serde_json::json as value;
use sesame_aws::AwsWorld;
use sesame_diagnosis::denial::{Caller, Denial, Parameter};
use sesame_diagnosis::finding::GapReason;
use sesame_diagnosis::world::{NodeKind, Readable, World};
use sesame_policy::Arn;
use sesame_policy::json::Json;
use sesame_responder::ports::WorldSource;

use crate::ACCOUNT;
use crate::fake::{Answer, Call, FakeAws, json, json_error, query, query_error};
use crate::refusal::{denial, incident, role, user};

const ALLOW: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ses:Send+*","Resource":"*"}]}"#;
const GUARD: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;

fn encoded(document: &str) -> String {
    percent_encoding::utf8_percent_encode(document, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn members(names: &[&str]) -> String {
    names.iter().map(|name| format!("<member>{name}</member>")).collect()
}

fn attached(name: &str) -> String {
    let arn = format!("arn:aws:iam::{ACCOUNT}:policy/{name}");
    format!(
        "<AttachedPolicies><member><PolicyName>{name}</PolicyName><PolicyArn>{arn}</PolicyArn></member></AttachedPolicies>"
    )
}

/// An account with one user in one group, one role with a boundary, one identity and an organization of one level.
fn account(call: &Call) -> Answer {
    let date = "<CreateDate>2026-01-01T00:00:00Z</CreateDate>";
    match call.operation.as_str() {
        "GetUser" => query(
            "GetUser",
            &format!(
                "<User><Path>/team/</Path><UserName>shop</UserName><UserId>AIDA1</UserId>\
                 <Arn>arn:aws:iam::{ACCOUNT}:user/team/shop</Arn>{date}\
                 <Tags><member><Key>owner</Key><Value>shop team</Value></member></Tags></User>"
            ),
        ),
        "GetRole" => query(
            "GetRole",
            &format!(
                "<Role><Path>/svc/</Path><RoleName>app</RoleName><RoleId>AROA1</RoleId>\
                 <Arn>arn:aws:iam::{ACCOUNT}:role/svc/app</Arn>{date}<PermissionsBoundary>\
                 <PermissionsBoundaryType>Policy</PermissionsBoundaryType>\
                 <PermissionsBoundaryArn>arn:aws:iam::{ACCOUNT}:policy/guard</PermissionsBoundaryArn>\
                 </PermissionsBoundary></Role>"
            ),
        ),
        "ListUserPolicies" if call.field("Marker").is_none() => query(
            "ListUserPolicies",
            &format!(
                "<PolicyNames>{}</PolicyNames><IsTruncated>true</IsTruncated><Marker>m</Marker>",
                members(&["one"])
            ),
        ),
        "ListUserPolicies" => query("ListUserPolicies", &format!("<PolicyNames>{}</PolicyNames>", members(&["two"]))),
        "ListRolePolicies" => query("ListRolePolicies", &format!("<PolicyNames>{}</PolicyNames>", members(&["send"]))),
        "ListGroupPolicies" => query("ListGroupPolicies", &format!("<PolicyNames>{}</PolicyNames>", members(&["all"]))),
        operation @ ("GetUserPolicy" | "GetRolePolicy" | "GetGroupPolicy") => query(
            operation,
            &format!(
                "<PolicyName>{}</PolicyName><PolicyDocument>{}</PolicyDocument>",
                call.field("PolicyName").unwrap(),
                encoded(ALLOW)
            ),
        ),
        "ListAttachedUserPolicies" => query("ListAttachedUserPolicies", &attached("shared")),
        "ListAttachedGroupPolicies" => query("ListAttachedGroupPolicies", &attached("shared")),
        "ListAttachedRolePolicies" => query("ListAttachedRolePolicies", ""),
        "ListGroupsForUser" => query(
            "ListGroupsForUser",
            &format!(
                "<Groups><member><Path>/</Path><GroupName>senders</GroupName><GroupId>AGPA1</GroupId>\
                 <Arn>arn:aws:iam::{ACCOUNT}:group/senders</Arn>{date}</member></Groups>"
            ),
        ),
        "GetPolicy" => {
            query("GetPolicy", "<Policy><PolicyName>p</PolicyName><DefaultVersionId>v3</DefaultVersionId></Policy>")
        }
        "GetPolicyVersion" => query(
            "GetPolicyVersion",
            &format!(
                "<PolicyVersion><Document>{}</Document><VersionId>{}</VersionId>{date}</PolicyVersion>",
                encoded(GUARD),
                call.field("VersionId").unwrap()
            ),
        ),
        "GET /v2/email/account" => {
            json(&value!({"ProductionAccessEnabled": true, "SendingEnabled": true, "EnforcementStatus": "HEALTHY"}))
        }
        "GET /v2/email/identities/example.com" => json(&value!({
            "IdentityType": "DOMAIN", "VerifiedForSendingStatus": true, "ConfigurationSetName": "default",
            "Policies": {"b": GUARD, "a": ALLOW}
        })),
        path if path.starts_with("GET /v2/email/identities/") => json_error(404, "NotFoundException"),
        "DescribeOrganization" => {
            json(&value!({"Organization": {"Id": "o-1", "MasterAccountId": "999988887777", "FeatureSet": "ALL"}}))
        }
        "ListParents" => match call.json()["ChildId"].as_str().unwrap() {
            ACCOUNT => json(&value!({"Parents": [{"Id": "ou-1", "Type": "ORGANIZATIONAL_UNIT"}]})),
            "ou-1" => json(&value!({"Parents": [{"Id": "r-1", "Type": "ROOT"}]})),
            child => panic!("parents of {child}"),
        },
        "ListPoliciesForTarget" => {
            assert_eq!(call.json()["Filter"], "SERVICE_CONTROL_POLICY");
            json(&value!({"Policies": [{
                "Id": "p-FullAWSAccess", "Name": "FullAWSAccess", "Type": "SERVICE_CONTROL_POLICY", "AwsManaged": true,
                "Arn": "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess"
            }]}))
        }
        "DescribePolicy" => json(&value!({"Policy": {"Content": GUARD}})),
        "DescribeOrganizationalUnit" => json(&value!({"OrganizationalUnit": {"Name": "Workloads"}})),
        "DescribeAccount" => json(&value!({"Account": {"Name": "shop-prod"}})),
        operation => panic!("unexpected {operation}"),
    }
}

async fn collect(aws: &FakeAws, denial: Denial) -> World {
    AwsWorld::new(aws.clients(), ACCOUNT).world(&incident(denial)).await.unwrap()
}

/// The account above, but for some operations.
async fn but(change: impl Fn(&Call) -> Option<Answer> + Send + Sync + 'static) -> FakeAws {
    FakeAws::start(move |call| change(call).unwrap_or_else(|| account(call))).await
}

#[tokio::test]
async fn a_user_comes_with_its_groups_tags_and_every_page_of_its_policies() {
    let aws = FakeAws::start(account).await;
    let world = collect(&aws, denial(user(), Some("a@example.com"), None)).await;
    let account = &world.accounts[ACCOUNT];
    assert_eq!(account.iam_gap, None);
    let user = &account.users[0];
    assert_eq!(user.entity.arn, "arn:aws:iam::111122223333:user/team/shop");
    assert_eq!((user.entity.path.as_str(), user.entity.boundary.as_deref()), ("/team/", None));
    assert_eq!(user.entity.tags, [("owner".to_owned(), "shop team".to_owned())]);
    assert_eq!(user.entity.inline.iter().map(|policy| policy.name.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(user.groups, ["senders"]);
    assert_eq!(account.groups[0].inline[0].name, "all");
    assert_eq!(account.groups[0].attached, user.entity.attached);
    let shared = account.managed_policies["arn:aws:iam::111122223333:policy/shared"].known().unwrap();
    assert_eq!(shared.updated.as_deref(), Some("2026-01-01T00:00:00Z"));
    assert_eq!(aws.count("GetPolicyVersion"), 1, "a policy that hangs on user and group is read once");
}

#[tokio::test]
async fn documents_are_url_decoded_and_a_plus_sign_stays_one() {
    let aws = FakeAws::start(account).await;
    let world = collect(&aws, denial(user(), None, None)).await;
    let document = world.accounts[ACCOUNT].users[0].entity.inline[0].document.known().unwrap();
    assert_eq!(document.json, Json::parse(ALLOW).map_err(|error| error.to_string()));
    assert_eq!(document.json.as_ref().unwrap().to_value()["Statement"][0]["Action"], "ses:Send+*");
    assert_eq!(document.source, "iam:GetUserPolicy shop one");
}

#[tokio::test]
async fn a_role_comes_with_its_path_and_its_boundary() {
    let aws = FakeAws::start(account).await;
    let world = collect(&aws, denial(role(), None, None)).await;
    let account = &world.accounts[ACCOUNT];
    assert_eq!(account.roles[0].entity.arn, "arn:aws:iam::111122223333:role/svc/app");
    let boundary = account.roles[0].entity.boundary.as_deref().unwrap();
    assert!(account.managed_policies[boundary].known().is_some());
}

#[tokio::test]
async fn the_identity_of_an_address_is_found_at_its_domain_in_the_region_of_the_event() {
    let aws = FakeAws::start(account).await;
    let world = collect(&aws, denial(user(), Some("a@mail.example.com"), None)).await;
    let region = world.accounts[ACCOUNT].ses["eu-central-1"].known().unwrap();
    assert_eq!(region.identities.keys().collect::<Vec<_>>(), ["example.com"]);
    assert!(region.complete);
    let identity = &region.identities["example.com"];
    assert_eq!((identity.verified, identity.configuration_set.as_deref()), (Some(true), Some("default")));
    let names: Vec<_> = identity.policies.known().unwrap().iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(region.account.as_ref().unwrap().production_access, Some(true));
    let ses: Vec<Call> = aws.calls().into_iter().filter(|call| call.service == "ses").collect();
    assert!(ses.iter().all(|call| call.region == "eu-central-1"), "{ses:?}");
    assert_eq!(ses.len(), 4, "the account, the address, its domain, the parent: {ses:?}");
}

#[tokio::test]
async fn an_identity_that_the_message_names_costs_one_call() {
    let aws = FakeAws::start(account).await;
    let arn = "arn:aws:ses:eu-central-1:111122223333:identity/example.com";
    collect(&aws, denial(user(), None, Some(arn))).await;
    assert_eq!(aws.calls().iter().filter(|call| call.service == "ses").count(), 2);
}

#[tokio::test]
async fn the_levels_of_the_organization_run_from_the_root_down() {
    let aws = FakeAws::start(account).await;
    let world = collect(&aws, denial(user(), None, None)).await;
    let organization = world.organization.known().unwrap().as_ref().unwrap();
    let path = &organization.paths[ACCOUNT];
    let nodes: Vec<_> = path.iter().map(|node| (node.kind, node.id.as_str(), node.name.as_deref().unwrap())).collect();
    assert_eq!(
        nodes,
        [
            (NodeKind::Root, "r-1", "Root"),
            (NodeKind::Ou, "ou-1", "Workloads"),
            (NodeKind::Account, ACCOUNT, "shop-prod")
        ]
    );
    assert!(path.iter().all(|node| node.service_control_policies.known().unwrap().len() == 1));
}

#[tokio::test]
async fn an_account_in_no_organization_is_said_to_be_in_none() {
    let aws = but(|call| {
        (call.operation == "DescribeOrganization").then(|| json_error(400, "AWSOrganizationsNotInUseException"))
    })
    .await;
    assert_eq!(collect(&aws, denial(user(), None, None)).await.organization, Readable::Known(None));
}

#[tokio::test]
async fn an_organization_without_any_service_control_policy_has_them_switched_off() {
    let aws = but(|call| (call.operation == "ListPoliciesForTarget").then(|| json(&value!({"Policies": []})))).await;
    assert_eq!(collect(&aws, denial(user(), None, None)).await.organization, Readable::Known(None));
}

#[tokio::test]
async fn the_management_account_is_not_asked_for_policies_that_do_not_bind_it() {
    let aws = but(|call| {
        (call.operation == "DescribeOrganization")
            .then(|| json(&value!({"Organization": {"Id": "o-1", "MasterAccountId": ACCOUNT}})))
    })
    .await;
    let world = collect(&aws, denial(user(), None, None)).await;
    assert_eq!(world.organization.known().unwrap().as_ref().unwrap().management_account.as_deref(), Some(ACCOUNT));
    assert_eq!(aws.count("ListParents"), 0);
}

#[tokio::test]
async fn a_member_account_that_may_not_read_policies_has_a_gap() {
    let aws = but(|call| (call.operation == "ListParents").then(|| json_error(400, "AccessDeniedException"))).await;
    let world = collect(&aws, denial(user(), None, None)).await;
    let gap = world.organization.gap().unwrap();
    assert_eq!((gap.layer.as_str(), gap.reason), ("service-control-policy", GapReason::AccessDenied));
    assert_eq!(gap.source, "organizations:ListParents 111122223333");
    assert!(gap.summary.contains("AccessDeniedException"), "{}", gap.summary);
}

#[tokio::test]
async fn a_principal_that_is_gone_is_a_gap_and_the_rest_is_read() {
    let aws = but(|call| (call.operation == "GetUser").then(|| query_error(404, "NoSuchEntity"))).await;
    let world = collect(&aws, denial(user(), Some("a@example.com"), None)).await;
    let account = &world.accounts[ACCOUNT];
    assert!(account.users.is_empty());
    let gap = account.iam_gap.as_ref().unwrap();
    assert_eq!((gap.layer.as_str(), gap.reason), ("identity-policy", GapReason::NotFound));
    assert!(account.ses["eu-central-1"].known().unwrap().identities.contains_key("example.com"));
}

#[tokio::test]
async fn each_document_that_cannot_be_read_is_its_own_gap() {
    let aws = but(|call| match call.operation.as_str() {
        "GetUserPolicy" if call.field("PolicyName").as_deref() == Some("two") => Some(query_error(403, "AccessDenied")),
        "GetPolicyVersion" => Some(query_error(403, "AccessDenied")),
        _ => None,
    })
    .await;
    let world = collect(&aws, denial(user(), None, None)).await;
    let account = &world.accounts[ACCOUNT];
    let inline = &account.users[0].entity.inline;
    assert!(inline[0].document.known().is_some());
    assert_eq!(inline[1].document.gap().unwrap().reason, GapReason::AccessDenied);
    let policy = account.managed_policies.values().next().unwrap();
    assert_eq!(policy.gap().unwrap().reason, GapReason::AccessDenied);
}

#[tokio::test]
async fn policies_that_cannot_be_listed_leave_a_gap_on_the_principal() {
    for operation in ["ListUserPolicies", "ListAttachedUserPolicies", "ListGroupsForUser", "ListGroupPolicies"] {
        let aws = but(move |call| (call.operation == operation).then(|| query_error(403, "AccessDenied"))).await;
        let world = collect(&aws, denial(user(), None, None)).await;
        let gap = world.accounts[ACCOUNT].users[0].entity.gap.clone().unwrap();
        assert!(gap.source.contains(operation), "{gap:?}");
    }
}

#[tokio::test]
async fn a_document_that_is_no_json_keeps_its_place() {
    let aws = but(|call| {
        (call.operation == "GetRolePolicy").then(|| {
            query("GetRolePolicy", "<PolicyName>send</PolicyName><PolicyDocument>%7Bnonsense</PolicyDocument>")
        })
    })
    .await;
    let world = collect(&aws, denial(role(), None, None)).await;
    let document = world.accounts[ACCOUNT].roles[0].entity.inline[0].document.known().unwrap();
    assert!(document.json.is_err());
    assert_eq!(document.source, "iam:GetRolePolicy app send");
}

#[tokio::test]
async fn identity_policies_that_may_not_be_read_are_a_gap_of_that_identity() {
    let aws =
        but(|call| call.operation.contains("/identities/").then(|| json_error(403, "AccessDeniedException"))).await;
    let arn = "arn:aws:ses:eu-central-1:111122223333:identity/example.com";
    let world = collect(&aws, denial(user(), Some("a@example.com"), Some(arn))).await;
    let region = world.accounts[ACCOUNT].ses["eu-central-1"].known().unwrap();
    let gap = region.identities["example.com"].policies.gap().unwrap();
    assert_eq!((gap.layer.as_str(), gap.reason), ("sending-authorization-policy", GapReason::AccessDenied));
    assert!(!region.identities.contains_key("a@example.com"), "it is not known to be there");
    assert!(!region.complete);
}

#[tokio::test]
async fn recipients_are_looked_up_in_the_sandbox_only() {
    for (production, looked_up) in [(true, 0), (false, 1)] {
        let aws = but(move |call| {
            (call.operation == "GET /v2/email/account").then(|| json(&value!({"ProductionAccessEnabled": production})))
        })
        .await;
        let mut denial = denial(user(), Some("a@example.com"), None);
        denial.send.recipients = Parameter::Given(vec!["x@example.net".to_owned()]);
        collect(&aws, denial).await;
        assert_eq!(aws.count("GET /v2/email/identities/example.net"), looked_up);
    }
}

#[tokio::test]
async fn a_principal_of_another_account_is_never_looked_up_in_ours() {
    let aws = FakeAws::start(account).await;
    let caller = Caller::User { arn: Arn::parse("arn:aws:iam::444455556666:user/shop").unwrap() };
    let world =
        collect(&aws, denial(caller, None, Some("arn:aws:ses:eu-central-1:777788889999:identity/example.com"))).await;
    let gap = world.accounts["444455556666"].iam_gap.as_ref().unwrap();
    assert_eq!(gap.reason, GapReason::AccessDenied);
    assert!(world.accounts["777788889999"].ses["eu-central-1"].gap().is_some());
    assert!(aws.calls().iter().all(|call| call.service == "organizations"), "{:?}", aws.operations());
}

#[tokio::test]
async fn root_has_no_policies_to_read() {
    let aws = FakeAws::start(account).await;
    let caller = Caller::Root { arn: Arn::parse("arn:aws:iam::111122223333:root").unwrap() };
    let world = collect(&aws, denial(caller, None, None)).await;
    assert_eq!(world.accounts[ACCOUNT].iam_gap, None);
    assert!(aws.calls().iter().all(|call| call.service != "iam"));
}

#[tokio::test]
async fn the_principal_that_the_message_names_is_read_where_the_record_tells_none() {
    let aws = FakeAws::start(account).await;
    let mut denial = denial(Caller::Unknown, None, None);
    denial.message.principal = Some("arn:aws:sts::111122223333:assumed-role/app/session".to_owned());
    let world = collect(&aws, denial).await;
    assert_eq!(world.accounts[ACCOUNT].roles[0].entity.name, "app");
}

#[tokio::test]
async fn a_batch_of_like_refusals_costs_one_reading() {
    let aws = FakeAws::start(account).await;
    let world = AwsWorld::new(aws.clients(), ACCOUNT);
    let incident = incident(denial(user(), Some("a@example.com"), None));
    let first = world.world(&incident).await.unwrap();
    let calls = aws.calls().len();
    assert_eq!(world.world(&incident).await.unwrap(), first);
    assert_eq!(aws.calls().len(), calls);
}

#[tokio::test]
async fn throttling_is_waited_out() {
    let throttled = std::sync::atomic::AtomicUsize::new(0);
    let aws = but(move |call| {
        let first = call.operation == "GetRole" && throttled.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 1;
        first.then(|| query_error(400, "Throttling"))
    })
    .await;
    let world = collect(&aws, denial(role(), None, None)).await;
    assert_eq!(world.accounts[ACCOUNT].roles.len(), 1);
    assert_eq!(aws.count("GetRole"), 2);
}

#[tokio::test]
async fn a_service_that_stays_silent_is_a_gap() {
    let aws = but(|call| (call.operation == "GetRole").then_some(Answer::Silence)).await;
    let world =
        AwsWorld::new(aws.impatient_clients(), ACCOUNT).world(&incident(denial(role(), None, None))).await.unwrap();
    assert_eq!(world.accounts[ACCOUNT].iam_gap.as_ref().unwrap().reason, GapReason::Timeout);
    assert_eq!(aws.count("GetRole"), 2);
}

#[tokio::test]
async fn throttling_that_does_not_end_is_a_gap() {
    let aws = but(|call| (call.operation == "GetRole").then(|| query_error(400, "Throttling"))).await;
    let world = collect(&aws, denial(role(), None, None)).await;
    assert_eq!(world.accounts[ACCOUNT].iam_gap.as_ref().unwrap().reason, GapReason::Throttled);
    assert_eq!(aws.count("GetRole"), 4, "the attempts of production");
}

/// The account with a role beside the user, which may send.
fn with_a_sender(call: &Call) -> Option<Answer> {
    let details = format!(
        "<UserDetailList><member><Path>/team/</Path><UserName>shop</UserName><Arn>arn:aws:iam::{ACCOUNT}:user/team/shop</Arn>\
         </member></UserDetailList><RoleDetailList><member><Path>/</Path><RoleName>mailer</RoleName>\
         <Arn>arn:aws:iam::{ACCOUNT}:role/mailer</Arn><RolePolicyList><member><PolicyName>send</PolicyName>\
         <PolicyDocument>{}</PolicyDocument></member></RolePolicyList></member></RoleDetailList>",
        encoded(ALLOW)
    );
    (call.operation == "GetAccountAuthorizationDetails").then(|| query("GetAccountAuthorizationDetails", &details))
}

#[tokio::test]
async fn other_principals_are_looked_at_where_that_is_wanted() {
    let aws = but(with_a_sender).await;
    let world = AwsWorld::new(aws.clients(), ACCOUNT).with_candidates(3);
    let read = world.world(&incident(denial(user(), None, None))).await.unwrap();
    let account = &read.accounts[ACCOUNT];
    assert_eq!(account.others_gap, None);
    assert_eq!(account.roles[0].entity.name, "mailer");
    assert_eq!(account.users.len(), 1, "the caller is there once");
    assert_eq!(account.users[0].entity.inline.len(), 2, "and as it was read by itself");
    world.world(&incident(denial(role(), None, None))).await.unwrap();
    assert_eq!(aws.count("GetAccountAuthorizationDetails"), 1, "one reading serves all that is asked");
}

#[tokio::test]
async fn other_principals_that_were_not_looked_at_are_a_gap() {
    let aws = FakeAws::start(account).await;
    let world = collect(&aws, denial(user(), None, None)).await;
    assert!(world.accounts[ACCOUNT].others_gap.is_some());

    let aws =
        but(|call| (call.operation == "GetAccountAuthorizationDetails").then(|| query_error(403, "AccessDenied")))
            .await;
    let world = AwsWorld::new(aws.clients(), ACCOUNT).with_candidates(3);
    let world = world.world(&incident(denial(user(), None, None))).await.unwrap();
    let account = &world.accounts[ACCOUNT];
    assert_eq!(account.others_gap.as_ref().unwrap().reason, GapReason::AccessDenied);
    assert_eq!((account.iam_gap.as_ref(), account.users.len()), (None, 1), "the caller is known all the same");
}
