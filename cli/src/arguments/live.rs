//! Commands that need an AWS account. They parse in every build, so that `--help` teaches them in every build.
#![cfg_attr(not(feature = "aws"), allow(dead_code, reason = "a build without AWS looks at none of it"))]

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Commands that only a build with the `aws` feature can do.
#[derive(Debug, Subcommand)]
pub enum Live {
    /// Write a snapshot folder from a live account, or a whole organization (needs the `aws` feature)
    Snapshot(Snapshot),
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
