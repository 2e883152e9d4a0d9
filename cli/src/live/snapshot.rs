//! `sesame snapshot`: a live account, or a whole organization, as a snapshot folder.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::ProgressBar;
use sesame_aws::survey::{self, Step};
use sesame_aws::{Caller, Clients, Role};
use sesame_diagnosis::finding::{Gap, GapReason};
use sesame_render::escape::visible;
use sesame_snapshot::SnapshotError;
use sesame_snapshot::part::{self, Part};

use super::connect;
use crate::arguments::live::Snapshot;
use crate::failure::Failure;

/// How often what was read of a Region is put into a file: a cut costs so many identities at most.
const KEPT_EVERY: usize = 10;

/// Reads what is not there yet, and says what could not be read.
pub async fn run(arguments: &Snapshot) -> Result<ExitCode, Failure> {
    let folder = arguments.out.as_path();
    check_folder(folder)?;
    let (clients, caller) = connect(arguments.profile.as_deref(), true).await?;
    let regions = match (arguments.region.as_slice(), clients.region()) {
        ([], Some(region)) => vec![region.to_owned()],
        ([], None) => return Err(Failure::usage("no Region is configured: give --region, or set AWS_REGION")),
        (given, _) => given.to_vec(),
    };
    let mut work =
        Work { folder, refresh: arguments.refresh, progress: progress(), kept: 0, written: 0, gaps: Vec::new() };
    work.organization(&clients, &caller).await?;
    work.account(&clients, &caller.account, &regions).await?;
    if let Some(role) = &arguments.organization_role {
        work.other_accounts(&clients, &caller, role, &regions).await?;
    }
    work.progress.finish_and_clear();
    work.tell();
    if work.written + work.kept == 0 {
        return Err(Failure::snapshot(format!("nothing of account {} could be read", caller.account)));
    }
    Ok(ExitCode::SUCCESS)
}

/// A folder of somebody else's is not written into.
fn check_folder(folder: &Path) -> Result<(), Failure> {
    let Ok(mut entries) = std::fs::read_dir(folder) else {
        return match folder.exists() {
            true => Err(Failure::usage(format!("--out: expected a folder, found `{}`", folder.display()))),
            false => Ok(()),
        };
    };
    let ours = folder.join("accounts").is_dir() || folder.join("organization.json").is_file();
    match entries.next().is_none() || ours {
        true => Ok(()),
        false => Err(Failure::usage(format!(
            "--out: expected a new folder, an empty one or a snapshot, found `{}`",
            folder.display()
        ))),
    }
}

fn progress() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}

struct Work<'a> {
    folder: &'a Path,
    refresh: bool,
    progress: ProgressBar,
    /// Parts that an earlier run has read.
    kept: usize,
    /// Parts that this one has.
    written: usize,
    gaps: Vec<Gap>,
}

impl Work<'_> {
    /// Whether a part is to be read; an earlier, unfinished reading is forgotten where all is to be read anew.
    fn wants(&mut self, part: Part<'_>) -> Result<bool, SnapshotError> {
        if self.refresh {
            part.forget_partial(self.folder)?;
            return Ok(true);
        }
        let whole = part.is_whole(self.folder);
        self.kept += usize::from(whole);
        Ok(!whole)
    }

    fn wrote(&mut self, part: Part<'_>, gaps: Vec<Gap>) {
        self.written += usize::from(part.file(self.folder).is_file());
        self.gaps.extend(gaps);
    }

    async fn organization(&mut self, clients: &Clients, caller: &Caller) -> Result<(), Failure> {
        if self.wants(Part::Organization)? {
            let progress = self.progress.clone();
            let read = survey::organization(clients, &caller.account, |step| {
                if let Step::Organization(nodes) = step {
                    progress.set_message(format!("organization: {nodes} nodes"));
                }
            });
            let gaps = part::write_organization(&read.await, self.folder)?;
            self.wrote(Part::Organization, gaps);
        }
        Ok(())
    }

    async fn account(&mut self, clients: &Clients, id: &str, regions: &[String]) -> Result<(), Failure> {
        let iam = Part::Iam { account: id };
        if self.wants(iam)? {
            let progress = self.progress.clone();
            let read = survey::iam(clients, id, usize::MAX, |step| {
                if let Step::Iam(count) = step {
                    progress.set_message(format!("account {id}: {count} users, groups, roles and policies"));
                }
            });
            let gaps = part::write_iam(&read.await, self.folder)?;
            self.wrote(iam, gaps);
        }
        for region in regions {
            self.region(clients, id, region).await?;
        }
        Ok(())
    }

    async fn region(&mut self, clients: &Clients, id: &str, region: &str) -> Result<(), Failure> {
        let ses = Part::Ses { account: id, region };
        if !self.wants(ses)? {
            return Ok(());
        }
        let known = part::kept_ses(region, id, self.folder);
        let (progress, folder) = (self.progress.clone(), self.folder);
        let failed = std::cell::RefCell::new(None);
        let step = |step: Step<'_>| {
            let Step::Ses { done, of, read, .. } = step else { return };
            progress.set_message(format!("account {id}: SES in {region}: {done} of {of} identities"));
            if done > 0 && done % KEPT_EVERY == 0 {
                // Told once the Region is read: nothing is lost yet.
                if let Err(error) = part::keep_ses(region, read, id, folder) {
                    failed.borrow_mut().get_or_insert(error);
                }
            }
        };
        let read = survey::ses(clients, region, known, step).await;
        if let Some(error) = failed.into_inner() {
            return Err(error.into());
        }
        let gaps = part::write_ses(region, &read, id, self.folder)?;
        self.wrote(ses, gaps);
        Ok(())
    }

    /// Every other account of the organization, through a role in each.
    async fn other_accounts(
        &mut self,
        clients: &Clients,
        caller: &Caller,
        role: &str,
        regions: &[String],
    ) -> Result<(), Failure> {
        let accounts = match survey::accounts(clients).await {
            Ok(accounts) => accounts,
            Err(gap) => {
                self.gaps.push(gap);
                return Ok(());
            }
        };
        let partition = caller.arn.split(':').nth(1).unwrap_or("aws");
        for id in accounts.iter().filter(|id| **id != caller.account) {
            let arn = format!("arn:{partition}:iam::{id}:role/{role}");
            let clients = match clients.as_role(Role { arn: arn.clone(), external_id: None }).await {
                Ok(clients) => clients,
                Err(refused) => {
                    self.gaps.push(unread(id, &arn, &refused.to_string()));
                    continue;
                }
            };
            match clients.caller().await {
                Ok(there) if there.account == *id => self.account(&clients, id, regions).await?,
                Ok(there) => self.gaps.push(unread(id, &arn, &format!("the role is of account {}", there.account))),
                Err(error) => self.gaps.push(unread(id, &arn, &error.to_string())),
            }
        }
        Ok(())
    }

    /// What is there now, and what is not.
    fn tell(&self) {
        let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
        for gap in &self.gaps {
            *seen.entry(gap.summary.as_str()).or_default() += 1;
        }
        for summary in seen.keys() {
            anstream::eprintln!("not read: {}", visible(summary));
        }
        let kept = match self.kept {
            0 => String::new(),
            kept => format!(", {kept} kept from before (--refresh reads them anew)"),
        };
        anstream::eprintln!("{}: {} files written{kept}", self.folder.display(), self.written);
    }
}

fn unread(account: &str, role: &str, why: &str) -> Gap {
    Gap {
        layer: "identity-policy".to_owned(),
        source: format!("sts:AssumeRole {role}"),
        reason: GapReason::AccessDenied,
        summary: format!("account {account}: {why}"),
    }
}
