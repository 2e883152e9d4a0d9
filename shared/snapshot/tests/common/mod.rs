//! A snapshot folder that goes away again, and a small organization to put into it.
#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

pub const ACCOUNT: &str = "111122223333";

pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("sesame-snapshot-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn write(&self, file: &str, text: &str) -> &Folder {
        let path = self.0.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub fn read(&self, file: &str) -> String {
        fs::read_to_string(self.0.join(file)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub fn send_policy(sid: &str) -> Value {
    json!({
        "Version": "2012-10-17",
        "Statement": [{ "Sid": sid, "Effect": "Allow", "Action": "ses:SendEmail", "Resource": "*" }]
    })
}

/// URL-encoded, as the API gives it.
pub fn encoded(document: &Value) -> String {
    document.to_string().bytes().fold(String::new(), |text, byte| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => text + &char::from(byte).to_string(),
        _ => text + &format!("%{byte:02X}"),
    })
}

pub fn iam() -> Value {
    json!({
        "UserDetailList": [{
            "Path": "/team/", "UserName": "mailer", "UserId": "AIDAEXAMPLE",
            "Arn": "arn:aws:iam::111122223333:user/team/mailer", "CreateDate": "2026-01-01T00:00:00+00:00",
            "UserPolicyList": [{ "PolicyName": "send", "PolicyDocument": send_policy("Inline") }],
            "GroupList": ["senders"],
            "AttachedManagedPolicies": [{ "PolicyName": "Base", "PolicyArn": "arn:aws:iam::111122223333:policy/Base" }],
            "PermissionsBoundary": {
                "PermissionsBoundaryType": "Policy",
                "PermissionsBoundaryArn": "arn:aws:iam::111122223333:policy/Base"
            },
            "Tags": [{ "Key": "owner", "Value": "mail" }]
        }],
        "GroupDetailList": [{
            "Path": "/", "GroupName": "senders", "GroupId": "AGPAEXAMPLE",
            "Arn": "arn:aws:iam::111122223333:group/senders",
            "GroupPolicyList": [{ "PolicyName": "group", "PolicyDocument": encoded(&send_policy("Group")) }],
            "AttachedManagedPolicies": []
        }],
        "RoleDetailList": [{
            "Path": "/", "RoleName": "app", "RoleId": "AROAEXAMPLE",
            "Arn": "arn:aws:iam::111122223333:role/app",
            "AssumeRolePolicyDocument": { "Version": "2012-10-17", "Statement": [] },
            "InstanceProfileList": [],
            "AttachedManagedPolicies": [{ "PolicyName": "Base", "PolicyArn": "arn:aws:iam::111122223333:policy/Base" }]
        }],
        "Policies": [{
            "PolicyName": "Base", "PolicyId": "ANPAEXAMPLE", "Arn": "arn:aws:iam::111122223333:policy/Base", "Path": "/",
            "DefaultVersionId": "v2", "AttachmentCount": 2,
            "PolicyVersionList": [
                { "Document": send_policy("New"), "VersionId": "v2", "IsDefaultVersion": true, "CreateDate": "2026-02-01T00:00:00+00:00" },
                { "Document": send_policy("Old"), "VersionId": "v1", "IsDefaultVersion": false, "CreateDate": "2026-01-01T00:00:00+00:00" }
            ]
        }],
        "IsTruncated": false
    })
}

pub fn ses() -> Value {
    json!({
        "Account": { "ProductionAccessEnabled": true, "SendingEnabled": true, "EnforcementStatus": "HEALTHY", "SendQuota": {} },
        "Identities": {
            "example.com": {
                "IdentityType": "DOMAIN", "VerifiedForSendingStatus": true, "ConfigurationSetName": "main",
                "Policies": { "partner": send_policy("Partner").to_string() }
            },
            "bare.example": { "VerificationStatus": "PENDING" }
        },
        "ConfigurationSets": ["main"],
        "Templates": ["welcome"]
    })
}

pub fn organization() -> Value {
    let full = |id: &str| {
        json!({ "Id": id, "Name": "FullAWSAccess", "Arn": format!("arn:aws:organizations::aws:policy/service_control_policy/{id}"),
        "Content": { "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "*", "Resource": "*" }] } })
    };
    let deny = json!({ "Id": "p-deny", "Name": "NoSes", "Arn": "arn:aws:organizations::999999999999:policy/o-x/service_control_policy/p-deny",
        "Content": json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Deny", "Action": "ses:*", "Resource": "*" }] }).to_string() });
    json!({
        "Id": "o-example", "MasterAccountId": "999999999999",
        "Roots": [{
            "Id": "r-root", "Name": "Root", "ServiceControlPolicies": [full("p-FullAWSAccess")], "ResourceControlPolicies": [],
            "OrganizationalUnits": [{
                "Id": "ou-mail", "Name": "Mail", "ServiceControlPolicies": [full("p-FullAWSAccess"), deny],
                "OrganizationalUnits": [], "Accounts": [
                    { "Id": "111122223333", "Name": "mail-prod", "ServiceControlPolicies": [full("p-FullAWSAccess"), deny] }
                ]
            }],
            "Accounts": [{ "Id": "999999999999", "Name": "management", "ServiceControlPolicies": [] }]
        }]
    })
}

/// The whole sample, indented as the AWS CLI prints it.
pub fn sample() -> Folder {
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap() + "\n";
    let folder = Folder::new();
    folder
        .write("organization.json", &pretty(&organization()))
        .write("accounts/111122223333/iam.json", &pretty(&iam()))
        .write("accounts/111122223333/ses/eu-west-1.json", &pretty(&ses()))
        .write(
            "accounts/111122223333/history.json",
            r#"[{"time":"2026-11-01T00:00:00Z","principalArn":"arn:aws:iam::111122223333:role/app","api":"PutRolePolicy","by":"ci"}]"#,
        );
    folder
}
