//! The command line.

pub mod live;

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;

pub use live::{ListFormat, Live};

/// When Amazon SES refuses a send: who was refused, by which statement of which policy, and the smallest safe fix.
#[derive(Debug, Parser)]
#[command(name = "sesame", version, about, max_term_width = 100, arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  See the whole loop, without an AWS account:
    sesame demo

  Why was this send refused? (the error as copied from a log)
    sesame diagnose --message \"$(grep -m1 'not authorized' app.log)\" --snapshot ./snapshot

  The same of a CloudTrail record, as JSON, and put the proposed policy into the snapshot:
    sesame diagnose --event event.json --snapshot ./snapshot --format json > finding.json
    sesame apply --finding finding.json --snapshot ./snapshot > receipt.json
    sesame apply --rollback receipt.json --snapshot ./snapshot

Exit status: 0 done, 1 the input could not be read or was refused, 2 wrong usage, 3 the snapshot or AWS could not be read.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Why was this send refused, and what is the smallest fix?
    Diagnose(Diagnose),
    /// Would this send be allowed, and what would stop it?
    Check(Check),
    /// Put a finding's remedies into a snapshot, or take them out again
    Apply(Apply),
    /// Fold log archives into findings: a table, and a report with a picture
    Replay(Replay),
    /// The embedded responder: events in, alerts out, and a page on this machine to decide by
    Serve(Serve),
    /// Evaluate policies alone: JSON Lines of cases in, decisions out
    Evaluate(Evaluate),
    /// The whole loop on a sample organization, without an AWS account
    Demo(Demo),
    /// Record real events of SES sends, and compare them with what is assumed of them
    Capture(Capture),
    /// Commands that need an AWS account.
    #[command(flatten)]
    Live(Live),
}

/// How a finding is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The e-mail's text
    Text,
    /// The finding; one a line when there are several
    Json,
    /// The approval page without its buttons
    Html,
    /// The input of SNS's Publish
    Sns,
    /// The body of Slack's chat.postMessage, without the channel
    Slack,
    /// Amazon Q Developer's custom notification
    Chat,
}

/// Where the policies come from.
#[derive(Debug, Args)]
pub struct Source {
    /// A snapshot folder of an account or an organization
    #[arg(long, value_name = "DIR", conflicts_with = "live")]
    pub snapshot: Option<PathBuf>,
    /// Read the policies from AWS, with your own credentials (needs the `aws` feature)
    #[arg(long)]
    pub live: bool,
    /// With --live: a profile of your AWS configuration, in place of the environment's
    #[arg(long, value_name = "NAME", requires = "live")]
    pub profile: Option<String>,
}

/// `sesame diagnose`
#[derive(Debug, Args)]
#[command(after_help = "\
The input is told by its content: an EventBridge event or an SQS batch of them, a CloudTrail record or log file, a CloudWatch Logs subscription payload, {\"message\":…}, JSON Lines of any of these; all of them gzipped or not.

Examples:
  sesame diagnose --event event.json --snapshot ./snapshot
  zcat trail/*.json.gz | sesame diagnose --event - --snapshot ./snapshot --format json
  sesame diagnose --event event.json --live --profile production
  sesame diagnose --message \"535 Authentication Credentials Invalid\"")]
pub struct Diagnose {
    /// What to diagnose
    #[command(flatten)]
    pub input: DiagnoseInput,
    /// Where the policies come from; without any, hints say what to supply
    #[command(flatten)]
    pub source: Source,
    /// How to show the findings
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// The present time, for output that does not change
    #[arg(long, value_name = "TIME", hide = true)]
    pub now: Option<Timestamp>,
}

/// What to diagnose.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct DiagnoseInput {
    /// A file with the denial; `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub event: Option<PathBuf>,
    /// The error's text, as copied from a log or an SMTP session
    #[arg(long, value_name = "TEXT")]
    pub message: Option<String>,
}

/// `sesame check`
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  sesame check --principal arn:aws:iam::111122223333:role/mailer \\
    --from news@example.com --region eu-west-1 --snapshot ./snapshot

What is left out is not known, and the answer says where it turns on that.")]
pub struct Check {
    /// Who would send: the ARN of a user, a role or a session
    #[arg(long, value_name = "ARN")]
    pub principal: String,
    /// The From address
    #[arg(long, value_name = "ADDRESS")]
    pub from: String,
    /// A recipient; may be given several times
    #[arg(long, value_name = "ADDRESS")]
    pub to: Vec<String>,
    /// The configuration set
    #[arg(long, value_name = "NAME")]
    pub configuration_set: Option<String>,
    /// The template
    #[arg(long, value_name = "NAME")]
    pub template: Option<String>,
    /// A raw MIME message, as SMTP and many libraries send it
    #[arg(long, conflicts_with = "template")]
    pub raw: bool,
    /// The address that the call would come from
    #[arg(long, value_name = "IP")]
    pub source_ip: Option<IpAddr>,
    /// The Region of the SES endpoint
    #[arg(long, value_name = "REGION", default_value = "us-east-1")]
    pub region: String,
    /// Where the policies come from
    #[command(flatten)]
    pub source: Source,
    /// How to show the answer
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// The present time, for output that does not change
    #[arg(long, value_name = "TIME", hide = true)]
    pub now: Option<Timestamp>,
}

/// `sesame apply`
#[derive(Debug, Args)]
#[command(after_help = "\
Prints a receipt, with which the snapshot becomes again what it was, byte for byte.

Examples:
  sesame apply --finding finding.json --snapshot ./snapshot > receipt.json
  sesame apply --finding finding.json --remedy r2 --snapshot ./snapshot
  sesame apply --rollback receipt.json --snapshot ./snapshot")]
pub struct Apply {
    /// What to do
    #[command(flatten)]
    pub input: ApplyInput,
    /// One remedy of the finding, instead of its plan
    #[arg(long, value_name = "ID", requires = "finding", conflicts_with_all = ["plan", "rollback"])]
    pub remedy: Option<String>,
    /// The finding's plan (this is the default)
    #[arg(long, requires = "finding", conflicts_with = "rollback")]
    pub plan: bool,
    /// The snapshot folder to change
    #[arg(long, value_name = "DIR")]
    pub snapshot: PathBuf,
    /// Also write what is advice only: service control policies, boundaries, documents of others
    #[arg(long, requires = "finding", conflicts_with = "rollback")]
    pub force_advice: bool,
    /// The present time, for output that does not change
    #[arg(long, value_name = "TIME", hide = true)]
    pub now: Option<Timestamp>,
}

/// What to apply or take back.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct ApplyInput {
    /// A finding, as printed by `diagnose --format json`; `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub finding: Option<PathBuf>,
    /// A receipt, as printed by `apply`; `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub rollback: Option<PathBuf>,
}

/// `sesame replay`
#[derive(Debug, Args)]
#[command(after_help = "\
Reads every .json, .jsonl, .ndjson, .log and .gz file in the folders: CloudTrail log files, events, records, application logs.

Examples:
  sesame replay ./AWSLogs --snapshot ./snapshot
  sesame replay ./AWSLogs --snapshot ./snapshot --html report.html
  sesame replay march.jsonl.gz --snapshot ./snapshot --format json > findings.jsonl")]
pub struct Replay {
    /// Files, and folders of files
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// Where the policies come from
    #[command(flatten)]
    pub source: Source,
    /// Also write a report with a picture of the causes over time
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Print findings in this format in place of the table
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// The present time, for output that does not change
    #[arg(long, value_name = "TIME", hide = true)]
    pub now: Option<Timestamp>,
}

/// `sesame evaluate`
#[derive(Debug, Args)]
#[command(after_help = "\
A case is one line: {\"id\":…,\"request\":{\"principal\",\"action\",\"resource\",\"context\"},\"policies\":{\"identity\":[…],…}}.
A case that cannot be read is answered with an error; the run goes on, and ends with status 1.

Example:
  sesame evaluate --cases cases.jsonl > answers.jsonl")]
pub struct Evaluate {
    /// JSON Lines of cases; `-` for standard input
    #[arg(long, value_name = "FILE")]
    pub cases: PathBuf,
}

/// `sesame serve`
#[derive(Debug, Args)]
#[command(after_help = "\
Each alert is a line on standard error with the link of its page, a JSON line on standard output, and a message in the outbox.
What is approved on the page is written into the snapshot, and nowhere else. The page answers on 127.0.0.1 alone, under a
path that cannot be guessed.

Examples:
  sesame serve --snapshot ./snapshot < event.json
  tail -f refusals.jsonl | sesame serve --snapshot ./snapshot --port 8025
  sesame serve --snapshot ./snapshot --watch ./events")]
pub struct Serve {
    /// The snapshot folder to read, and to change where a change is approved
    #[arg(long, value_name = "DIR")]
    pub snapshot: PathBuf,
    /// A folder whose files are taken in, too, as they appear
    #[arg(long, value_name = "DIR")]
    pub watch: Option<PathBuf>,
    /// The port of the page on 127.0.0.1; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub port: u16,
    /// The folder for findings, messages and keys
    #[arg(long, value_name = "DIR", default_value = "serve-out")]
    pub out: PathBuf,
}

/// `sesame demo`
#[derive(Debug, Args)]
pub struct Demo {
    /// The folder for what comes of it; made anew at every run
    #[arg(long, value_name = "DIR", default_value = "demo-out")]
    pub out: PathBuf,
}

/// `sesame capture`
#[derive(Debug, Args)]
#[command(after_help = "\
No public sample of a CloudTrail record of an SES send is known, so that Sesame rests on assumptions.
This keeps real events without what names anybody (addresses, domains, names, accounts, keys, ids and
IP addresses are replaced, the same by the same), and says which assumptions they bear out.

infra/capture.yaml is a stack with a rule and a queue that records sends for a day:
  aws cloudformation deploy --stack-name sesame-capture --template-file infra/capture.yaml
Send some mail, allowed and refused, wait a few minutes, and read the queue:
  sesame capture --queue URL --out captured
Or from a file:
  sesame capture --event event.json --out captured --format json")]
pub struct Capture {
    /// Where the events come from
    #[command(flatten)]
    pub input: CaptureInput,
    /// The folder for the events; what is in it stays
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// How to print what comes of it
    #[arg(long, value_enum, default_value_t = ListFormat::Table)]
    pub format: ListFormat,
    /// With --queue: end when nothing has come for so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 20, requires = "queue")]
    pub wait: u64,
    /// With --queue: a profile of your AWS configuration, in place of the environment's
    #[arg(long, value_name = "NAME", requires = "queue")]
    pub profile: Option<String>,
}

/// Where events come from.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct CaptureInput {
    /// A file with events, as EventBridge, CloudTrail or SQS give them; `-` for standard input; may be given several times
    #[arg(long, value_name = "FILE")]
    pub event: Vec<PathBuf>,
    /// An SQS queue that a rule sends events to; they are taken out of it (needs the `aws` feature)
    #[arg(long, value_name = "URL")]
    pub queue: Option<String>,
}
