//! Where the policies come from.

use std::borrow::Cow;
use std::collections::BTreeMap;

use sesame_diagnosis::denial::Incident;
use sesame_diagnosis::finding::{Gap, GapReason};
use sesame_diagnosis::world::{Readable, World};

use crate::arguments::Source;
use crate::failure::Failure;
use crate::live;

/// What is known of the accounts.
#[derive(Debug)]
pub enum Worlds {
    /// Everything, whatever is asked.
    Loaded(World),
    /// Read from AWS, for each incident what bears on it.
    #[cfg(feature = "aws")]
    Live(Box<live::LiveWorld>),
}

impl Worlds {
    /// What is known that bears on an incident.
    pub fn of(&self, _incident: &Incident) -> Result<Cow<'_, World>, Failure> {
        match self {
            Worlds::Loaded(world) => Ok(Cow::Borrowed(world)),
            #[cfg(feature = "aws")]
            Worlds::Live(live) => live.read(_incident).map(Cow::Owned),
        }
    }

    /// The account that is our own, where that is known before any incident is.
    pub fn own_account(&self) -> Option<String> {
        match self {
            Worlds::Loaded(_) => None,
            #[cfg(feature = "aws")]
            Worlds::Live(live) => Some(live.account().to_owned()),
        }
    }
}

/// What the command line names; an empty world when it names nothing.
pub fn load(source: &Source) -> Result<Worlds, Failure> {
    if source.live {
        return live::world(source);
    }
    match &source.snapshot {
        Some(folder) => Ok(Worlds::Loaded(sesame_snapshot::load(folder)?)),
        None => Ok(Worlds::Loaded(nothing())),
    }
}

/// No account is known, and whether there is an organization is not known either.
fn nothing() -> World {
    let gap = Gap {
        layer: "service-control-policy".to_owned(),
        source: "--snapshot".to_owned(),
        reason: GapReason::MissingFile,
        summary: "no snapshot was given, so service control policies are not known".to_owned(),
    };
    World { accounts: BTreeMap::new(), organization: Readable::Gap(gap) }
}
