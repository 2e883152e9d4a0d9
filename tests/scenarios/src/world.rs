//! Worlds in short form.

use serde_json::{Map, Value, json};

/// Expands a world to the files of a snapshot.
///
/// ```json
/// {"111122223333": {
///    "roles": {"/svc/app": {"inline": {"Send": DOCUMENT}, "attached": ["Shared"], "boundary": "Limit", "tags": {"team": "x"}}},
///    "users": {"mailer": {"inline": {}, "groups": ["senders"]}},
///    "groups": {"senders": {"inline": {}, "attached": []}},
///    "managed": {"Shared": DOCUMENT, "arn:aws:iam::aws:policy/X": DOCUMENT},
///    "ses": {"us-east-1": {"sandbox": false, "paused": false, "configurationSets": [], "templates": [],
///            "identities": {"example.com": {"verified": true, "configurationSet": null, "policies": {"Name": DOCUMENT}}}}},
///    "history": []},
///  "organization": {"root": [SCP], "ous": [{"name": "Prod", "scps": [SCP], "accounts": {"111122223333": [SCP]}}]}}
/// ```
///
/// A DOCUMENT may be one statement or a list of them; `Version` is then added. An SCP is `{"name": DOCUMENT}`, or `"full"` for
/// `FullAWSAccess`; an organizational unit may hold `ous` of its own; an account may be
/// `{"name": "production", "scps": [SCP]}`; `rootResourceControl` takes the same. Without `organization` the accounts are in none; `"organization": "unreadable"` leaves the file out. A
/// managed policy without a colon in its name is a customer's.
pub fn expand(world: &Value) -> Vec<(String, Value)> {
    let mut files = Vec::new();
    for (id, account) in world.as_object().unwrap().iter().filter(|(id, _)| *id != "organization") {
        files.push((format!("accounts/{id}/iam.json"), iam(id, account)));
        for (region, ses) in object(account, "ses") {
            files.push((format!("accounts/{id}/ses/{region}.json"), self::ses(&ses)));
        }
        if let Some(history) = account.get("history") {
            files.push((format!("accounts/{id}/history.json"), history.clone()));
        }
    }
    match world.get("organization") {
        None => files.push(("organization.json".to_owned(), json!({ "NotInOrganization": true }))),
        Some(Value::String(text)) => assert_eq!(text, "unreadable"),
        Some(organization) => files.push(("organization.json".to_owned(), self::organization(organization))),
    }
    files
}

fn object(value: &Value, key: &str) -> Map<String, Value> {
    value.get(key).and_then(Value::as_object).cloned().unwrap_or_default()
}

fn document(short: &Value) -> Value {
    match short {
        Value::Array(_) => json!({ "Version": "2012-10-17", "Statement": short }),
        Value::Object(fields) if fields.contains_key("Effect") => {
            json!({ "Version": "2012-10-17", "Statement": [short] })
        }
        _ => short.clone(),
    }
}

fn policy_arn(account: &str, name: &str) -> String {
    if name.starts_with("arn:") { name.to_owned() } else { format!("arn:aws:iam::{account}:policy/{name}") }
}

fn inline(entity: &Value) -> Vec<Value> {
    object(entity, "inline")
        .iter()
        .map(|(name, short)| json!({ "PolicyName": name, "PolicyDocument": document(short) }))
        .collect()
}

fn attached(account: &str, entity: &Value) -> Vec<Value> {
    let names = entity.get("attached").and_then(Value::as_array).cloned().unwrap_or_default();
    names
        .iter()
        .map(|name| policy_arn(account, name.as_str().unwrap()))
        .map(|arn| json!({ "PolicyName": arn.rsplit('/').next(), "PolicyArn": arn }))
        .collect()
}

fn entity(account: &str, kind: &str, name: &str, short: &Value) -> Value {
    let (path, plain) =
        name.rsplit_once('/').map_or(("/".to_owned(), name), |(path, plain)| (format!("{path}/"), plain));
    let arn = format!("arn:aws:iam::{account}:{}{path}{plain}", kind.to_ascii_lowercase());
    let mut fields = json!({
        "Path": path, (format!("{kind}Name")): plain, (format!("{kind}Id")): format!("AXXA{}", plain.to_ascii_uppercase()),
        "Arn": arn, "CreateDate": "2024-01-01T00:00:00Z",
        (format!("{kind}PolicyList")): inline(short), "AttachedManagedPolicies": attached(account, short),
    });
    if let Some(boundary) = short.get("boundary").and_then(Value::as_str) {
        fields["PermissionsBoundary"] = json!({
            "PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": policy_arn(account, boundary) });
    }
    let tags = object(short, "tags");
    fields["Tags"] = tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    fields
}

fn iam(id: &str, account: &Value) -> Value {
    let users: Vec<Value> = object(account, "users")
        .iter()
        .map(|(name, short)| {
            let mut user = entity(id, "User", name, short);
            user["GroupList"] = short.get("groups").cloned().unwrap_or_else(|| json!([]));
            user
        })
        .collect();
    let roles: Vec<Value> = object(account, "roles")
        .iter()
        .map(|(name, short)| {
            let mut role = entity(id, "Role", name, short);
            role["AssumeRolePolicyDocument"] = json!({ "Version": "2012-10-17", "Statement": [] });
            role
        })
        .collect();
    let groups: Vec<Value> =
        object(account, "groups").iter().map(|(name, short)| entity(id, "Group", name, short)).collect();
    let policies: Vec<Value> = object(account, "managed")
        .iter()
        .map(|(name, short)| {
            let arn = policy_arn(id, name);
            json!({ "PolicyName": arn.rsplit('/').next(), "Arn": arn, "DefaultVersionId": "v1", "PolicyVersionList": [
                { "Document": document(short), "VersionId": "v1", "IsDefaultVersion": true, "CreateDate": "2024-01-01T00:00:00Z" } ] })
        })
        .collect();
    json!({ "UserDetailList": users, "GroupDetailList": groups, "RoleDetailList": roles, "Policies": policies })
}

fn ses(short: &Value) -> Value {
    let flag = |key: &str| short.get(key).and_then(Value::as_bool).unwrap_or(false);
    let identities: Map<String, Value> = object(short, "identities")
        .into_iter()
        .map(|(name, identity)| {
            let policies: Map<String, Value> =
                object(&identity, "policies").into_iter().map(|(name, short)| (name, document(&short))).collect();
            let kind = if name.contains('@') { "EMAIL_ADDRESS" } else { "DOMAIN" };
            let verified = identity.get("verified").and_then(Value::as_bool).unwrap_or(true);
            let mut output =
                json!({ "IdentityType": kind, "VerifiedForSendingStatus": verified, "Policies": policies });
            if let Some(set) = identity.get("configurationSet") {
                output["ConfigurationSetName"] = set.clone();
            }
            (name, output)
        })
        .collect();
    json!({
        "Account": { "ProductionAccessEnabled": !flag("sandbox"), "SendingEnabled": !flag("paused"), "EnforcementStatus": "HEALTHY" },
        "Identities": identities,
        "ConfigurationSets": short.get("configurationSets").cloned().unwrap_or_else(|| json!([])),
        "Templates": short.get("templates").cloned().unwrap_or_else(|| json!([])),
    })
}

fn scps(list: Option<&Value>) -> Vec<Value> {
    let full = || {
        json!({ "Id": "p-FullAWSAccess", "Name": "FullAWSAccess", "Arn": "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess",
            "Content": { "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] } })
    };
    let Some(list) = list.and_then(Value::as_array) else { return vec![full()] };
    list.iter()
        .flat_map(|policy| match policy {
            Value::String(text) => {
                assert_eq!(text, "full");
                vec![full()]
            }
            policy => policy
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, short)| {
                    let id = format!("p-{}", name.to_ascii_lowercase());
                    json!({ "Id": id, "Name": name,
                        "Arn": format!("arn:aws:organizations::999999999999:policy/o-abc123/service_control_policy/{id}"),
                        "Content": document(short) })
                })
                .collect(),
        })
        .collect()
}

/// The accounts right below a node.
fn member_accounts(node: &Value) -> Vec<Value> {
    object(node, "accounts")
        .iter()
        .map(|(id, short)| {
            let name = short.get("name").cloned().unwrap_or_else(|| json!(format!("account-{}", &id[..4])));
            let list = short.get("scps").unwrap_or(short);
            json!({ "Id": id, "Name": name, "ServiceControlPolicies": scps(Some(list)), "ResourceControlPolicies": [] })
        })
        .collect()
}

/// The organizational units right below a node, with all that is below them.
fn units(node: &Value) -> Vec<Value> {
    node.get("ous")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|ou| {
            let name = ou["name"].as_str().unwrap();
            json!({ "Id": format!("ou-{}", name.to_ascii_lowercase()), "Name": name, "ServiceControlPolicies": scps(ou.get("scps")),
                "ResourceControlPolicies": [], "OrganizationalUnits": units(ou), "Accounts": member_accounts(ou) })
        })
        .collect()
}

fn organization(short: &Value) -> Value {
    json!({ "Id": "o-abc123", "MasterAccountId": "999999999999", "Roots": [
        { "Id": "r-root", "Name": "Root", "ServiceControlPolicies": scps(short.get("root")),
          "ResourceControlPolicies": short.get("rootResourceControl").map(|list| scps(Some(list))).unwrap_or_default(),
          "OrganizationalUnits": units(short), "Accounts": member_accounts(short) } ] })
}
