//! Everything that the embedded responder works with.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use pollster::block_on;
use sesame_diagnosis::input;
use sesame_remediation::decision::{Approver, Channel};
use sesame_remediation::mac::{LocalKey, Mac as _};
use sesame_responder::apply::work;
use sesame_responder::diagnose::diagnose;
use sesame_responder::links::Links;
use sesame_responder::ports::FindingStore as _;
use sesame_responder::sweep::{Terms, sweep};
use sesame_responder::walls::NoControls;
use sesame_responder::web::{Address, HttpRequest, HttpResponse, Site, WebApproval, answer};
use sesame_responder::{Settings, Shared};
use sesame_snapshot::embedded::{FindingFolder, SnapshotFolder, SystemClock, local_key};
use tokio::sync::{Notify, watch};

use super::announce::Announcer;
use super::events::Arrived;
use crate::arguments::Serve;
use crate::failure::{Failure, report};

/// The stage that local links are bound to.
const STAGE: &str = "local";
/// A link lasts a week; the sweep comes every minute.
const TERMS: Terms = Terms { link_life: SignedDuration::from_hours(7 * 24), every: SignedDuration::from_mins(1) };
/// Bytes of the path's name: more than anybody guesses.
const NAME: usize = 18;

/// The embedded responder.
pub struct Desk {
    snapshot: SnapshotFolder,
    store: FindingFolder,
    announcer: Announcer,
    decision_key: LocalKey,
    site: Site<LocalKey>,
    host: String,
    settings: Settings,
    decided: Notify,
    stopping: watch::Sender<bool>,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("host", &self.host).finish_non_exhaustive()
    }
}

impl Desk {
    /// Opens, or makes, the folder in which findings, messages and keys are kept.
    pub fn open(arguments: &Serve, port: u16) -> Result<Desk, Failure> {
        let out = &arguments.out;
        let store = FindingFolder::open(&out.join("findings"))?;
        let decision_key = local_key(&out.join("key"))?;
        let link_key = local_key(&out.join("link-key"))?;
        let host = format!("127.0.0.1:{port}");
        // The same at each start from the same folder, so that links in the outbox stay good; nobody else can tell it.
        let name = block_on(link_key.sign(b"sesame path v1")).map_err(Failure::snapshot)?;
        let name = URL_SAFE_NO_PAD.encode(name.get(..NAME).unwrap_or(&name));
        let address = Address { origin: format!("http://{host}"), path: format!("/{name}") };
        let settings = Settings::embedded();
        let links = Links {
            stack: settings.stack.clone(),
            stage: STAGE.to_owned(),
            url: format!("{}{}", address.origin, address.path),
            life: TERMS.link_life,
            key: local_key(&out.join("link-key"))?,
        };
        let user = ["USER", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
        Ok(Desk {
            snapshot: SnapshotFolder(arguments.snapshot.clone()),
            announcer: Announcer::open(&out.join("outbox"), links)?,
            store,
            decision_key,
            site: Site {
                address,
                stack: settings.stack.clone(),
                stage: STAGE.to_owned(),
                link_key,
                approval: WebApproval::Approve,
                visitor: Approver { channel: Channel::Local, id: user.filter(|user| !user.is_empty()) },
            },
            host,
            settings,
            decided: Notify::new(),
            stopping: watch::Sender::new(false),
        })
    }

    /// Says what is served, and how to go on.
    pub fn greet(&self, arguments: &Serve) {
        let watched = arguments.watch.as_ref().map(|folder| format!(", and files in {}", folder.display()));
        anstream::eprintln!(
            "serving {} at {}; findings and messages in {}\nevents: JSON on standard input{}; Ctrl-C ends",
            arguments.snapshot.display(),
            self.site.address.origin,
            arguments.out.display(),
            watched.unwrap_or_default()
        );
    }

    fn shared(&self) -> Shared<'_, FindingFolder, Announcer, SystemClock> {
        Shared { store: &self.store, publisher: &self.announcer, clock: &SystemClock, settings: &self.settings }
    }

    /// Diagnoses what arrived, and tells of it.
    pub async fn take_in(&self, arrived: Arrived) {
        let read = input::read(&arrived.bytes, &arrived.name);
        read.errors.iter().for_each(|error| report(&error.to_string()));
        if read.denials.is_empty() {
            if read.errors.is_empty() {
                anstream::eprintln!(
                    "{}: no refused SES send: {}",
                    sesame_render::escape::plain(&arrived.name),
                    read.skipped
                );
            }
            return;
        }
        for diagnosed in diagnose(read.denials, &self.snapshot, self.shared()).await {
            if let Err(error) = diagnosed.result {
                report(&format!("{}: {}: {error}", arrived.name, diagnosed.finding));
            }
        }
    }

    /// Answers a request, and has what it decided carried out.
    pub async fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let response = answer(request, &self.site, &self.decision_key, self.shared()).await;
        if request.method == "POST" {
            self.decided.notify_one();
        }
        response
    }

    /// Applies what was approved, takes back what was told to be, tells what was not told yet; also what was cut off before.
    pub async fn carry_out(&self) {
        let told = |what: &str, error: &dyn fmt::Display| report(&format!("{what}: {error}"));
        let ids = match self.store.unfinished().await {
            Ok(ids) => ids,
            Err(error) => return told("findings", &error),
        };
        for id in ids {
            if let Err(error) =
                work(&id, &self.snapshot, &self.snapshot, &self.decision_key, &NoControls, self.shared()).await
            {
                told(&id, &error);
            }
        }
    }

    /// What the sweep does: what ran out of time expires, what came of what was applied is told.
    pub async fn sweep(&self) {
        match sweep(TERMS, &self.snapshot, self.shared()).await {
            Ok(swept) => swept.failed.iter().for_each(|(id, why)| report(&format!("{id}: {why}"))),
            Err(error) => report(&format!("findings: {error}")),
        }
    }

    /// The name and port under which the page is served, as the `Host` header must give them.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path under which everything lies.
    pub fn path(&self) -> &str {
        &self.site.address.path
    }

    /// Waits until something was decided.
    pub async fn decided(&self) {
        self.decided.notified().await;
    }

    /// Waits until it is time to stop.
    pub async fn stopped(&self) {
        // The sender lives as long as this does.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// It is time to stop.
    pub fn stop(&self) {
        self.stopping.send_replace(true);
    }
}
