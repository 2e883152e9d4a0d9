//! Commands that need an AWS account. They parse in every build, so that `--help` teaches them in every build.
#![cfg_attr(not(feature = "aws"), allow(dead_code, reason = "a build without AWS looks at none of it"))]

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use jiff::SignedDuration;

use super::Format;

/// Commands that only a build with the `aws` feature can do.
#[derive(Debug, Subcommand)]
pub enum Live {
    /// Write a snapshot folder from a live account, or a whole organization (needs the `aws` feature)
    Snapshot(Snapshot),
    /// List a stack's findings, or export its audit (needs the `aws` feature)
    List(List),
    /// Show a finding of a stack (needs the `aws` feature)
    Show(Show),
    /// Approve a finding's remedies (needs the `aws` feature)
    Approve(Approve),
    /// Say no to a finding's remedies (needs the `aws` feature)
    Reject(Reject),
    /// Be silent about a finding for a while (needs the `aws` feature)
    Mute(Mute),
    /// Take back what was applied for a finding (needs the `aws` feature)
    Rollback(TakeBack),
    /// List what Sesame has granted that still stands (needs the `aws` feature)
    Grants(Grants),
    /// Take back a grant that is no longer wanted (needs the `aws` feature)
    Revoke(Revoke),
    /// What is missing in a deployed stack, and how to mend it (needs the `aws` feature)
    Doctor(Rest),
}

/// Whatever follows.
#[derive(Debug, Args)]
pub struct Rest {
    /// Options of the command
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    pub rest: Vec<String>,
}

/// `sesame snapshot`
#[derive(Debug, Args)]
#[command(after_help = "\
Reads IAM as a whole, SES in each Region (AWS lets about one identity a second be read), and the
organization where your credentials may list it. Changes nothing in AWS. What could not be read is
said at the end, and is never taken for something that is not there. After a cut, the same command
goes on where it was.

It calls iam:GetAccountAuthorizationDetails, ses:GetAccount, ses:GetEmailIdentity, ses:List*,
organizations:Describe* and organizations:List*.

Examples:
  sesame snapshot --out ./snapshot
  sesame snapshot --out ./snapshot --region eu-west-1 --region us-east-1 --profile audit
  sesame snapshot --out ./snapshot --organization-role OrganizationAccountAccessRole")]
pub struct Snapshot {
    /// The folder to write, for its owner's eyes only
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// A Region to read SES in; may be given several times [default: your configuration's Region]
    #[arg(long, value_name = "REGION")]
    pub region: Vec<String>,
    /// Also read every other account of the organization, through the role of this name in each
    #[arg(long, value_name = "NAME")]
    pub organization_role: Option<String>,
    /// Read everything anew, also what an earlier run has read
    #[arg(long)]
    pub refresh: bool,
    /// A profile of your AWS configuration, in place of the environment's
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}

/// Which stack, and with whose credentials.
#[derive(Debug, Args)]
pub struct Stack {
    /// The CloudFormation stack of Sesame
    #[arg(long, value_name = "NAME", default_value = "sesame")]
    pub stack: String,
    /// The address of the stack's API, in place of looking the stack up
    #[arg(long, value_name = "URL", env = "SESAME_API")]
    pub api: Option<String>,
    /// The stack's Region [default: your configuration's Region]
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// A profile of your AWS configuration, in place of the environment's
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}

/// How lists are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// A table
    Table,
    /// JSON, with everything that is known
    Json,
}

/// How the audit is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AuditFormat {
    /// RFC 4180, for spreadsheets
    Csv,
    /// JSON
    Json,
}

/// `sesame list`
#[derive(Debug, Args)]
#[command(after_help = "\
Needs execute-api:Invoke on the stack's API; the stack's output DecideArn is the ARN to allow.

Examples:
  sesame list
  sesame list --state open --account 111122223333
  sesame list --audit csv > audit.csv")]
pub struct List {
    /// Only findings in this state: open, approved, applied, failed, rejected, muted, …
    #[arg(long, value_name = "STATE")]
    pub state: Option<String>,
    /// Only findings of this account
    #[arg(long, value_name = "ACCOUNT")]
    pub account: Option<String>,
    /// How to print the list
    #[arg(long, value_enum, default_value_t = ListFormat::Table)]
    pub format: ListFormat,
    /// Export who did what, when, how and from where, of all findings, in place of the list
    #[arg(long, value_name = "FORMAT", conflicts_with_all = ["state", "account", "format"])]
    pub audit: Option<AuditFormat>,
    /// Which stack
    #[command(flatten)]
    pub stack: Stack,
}

/// `sesame show`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sesame show f-0123456789abcdef
  sesame show f-0123456789abcdef --format json > finding.json
  sesame show f-0123456789abcdef --record")]
pub struct Show {
    /// The finding
    #[arg(value_name = "FINDING")]
    pub finding: String,
    /// How to show it, as with `sesame diagnose`
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Print all that the stack keeps of it, as JSON: state, decisions, receipts, history
    #[arg(long, conflicts_with = "format")]
    pub record: bool,
    /// Which stack
    #[command(flatten)]
    pub stack: Stack,
}

/// `sesame approve`
#[derive(Debug, Args)]
#[command(after_help = "\
Shows what will be allowed, and to whom, and asks before it decides. What is decided is what was
shown: if the finding changes in between, the decision is refused.

Examples:
  sesame approve f-0123456789abcdef
  sesame approve f-0123456789abcdef --bridge 7d --reason 'until the pipeline is fixed' --wait
  sesame approve f-0123456789abcdef --remedy r2 --yes")]
pub struct Approve {
    /// The finding
    #[arg(value_name = "FINDING")]
    pub finding: String,
    /// A remedy in place of the plan; may be given several times
    #[arg(long, value_name = "ID", conflicts_with = "bridge")]
    pub remedy: Vec<String>,
    /// The plan with an end: at most so long from now, as 12h, 7d or 4w
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub bridge: Option<SignedDuration>,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// How to decide
    #[command(flatten)]
    pub decide: Decide,
}

/// What all decisions have in common.
#[derive(Debug, Args)]
pub struct Decide {
    /// Why, for the audit
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Wait until it is done, and say what came of it
    #[arg(long)]
    pub wait: bool,
    /// Which stack
    #[command(flatten)]
    pub stack: Stack,
}

/// `sesame reject`
#[derive(Debug, Args)]
pub struct Reject {
    /// The finding
    #[arg(value_name = "FINDING")]
    pub finding: String,
    /// How to decide
    #[command(flatten)]
    pub decide: Decide,
}

/// `sesame mute`
#[derive(Debug, Args)]
pub struct Mute {
    /// The finding
    #[arg(value_name = "FINDING")]
    pub finding: String,
    /// For how long, as 12h, 7d or 4w
    #[arg(long = "for", value_name = "TIME", value_parser = span, default_value = "7d")]
    pub length: SignedDuration,
    /// How to decide
    #[command(flatten)]
    pub decide: Decide,
}

/// `sesame rollback`
#[derive(Debug, Args)]
pub struct TakeBack {
    /// The finding
    #[arg(value_name = "FINDING")]
    pub finding: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// How to decide
    #[command(flatten)]
    pub decide: Decide,
}

/// `sesame revoke`
#[derive(Debug, Args)]
#[command(after_help = "\
A stack that has no right to write any more cannot take back what it once wrote. Then the document
is deleted with your own IAM rights, after it was shown: --myself asks for that in any case. Only
documents of Sesame's own, named sesame-…, are ever deleted.

Examples:
  sesame grants
  sesame revoke f-0123456789abcdef --reason 'the campaign is over'
  sesame revoke f-0123456789abcdef --myself")]
pub struct Revoke {
    /// What, and how
    #[command(flatten)]
    pub take_back: TakeBack,
    /// Delete the document with your own IAM rights
    #[arg(long, conflicts_with = "wait")]
    pub myself: bool,
}

/// `sesame grants`
#[derive(Debug, Args)]
pub struct Grants {
    /// How to print the list
    #[arg(long, value_enum, default_value_t = ListFormat::Table)]
    pub format: ListFormat,
    /// Which stack
    #[command(flatten)]
    pub stack: Stack,
}

/// `12h`, `7d`, `4w`.
fn span(text: &str) -> Result<SignedDuration, String> {
    let wrong = || format!("expected a number of hours, days or weeks, as 12h, 7d or 4w, found `{text}`");
    let split = text.len().checked_sub(1).and_then(|at| text.split_at_checked(at)).ok_or_else(wrong)?;
    let hours = match split.1 {
        "h" => 1,
        "d" => 24,
        "w" => 24 * 7,
        _ => return Err(wrong()),
    };
    let number: i64 = split.0.parse().ok().filter(|number| (1..=9999).contains(number)).ok_or_else(wrong)?;
    Ok(SignedDuration::from_hours(hours * number))
}
