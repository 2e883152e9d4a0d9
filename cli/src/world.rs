//! Where the policies come from.

use std::collections::BTreeMap;

use sesame_diagnosis::finding::{Gap, GapReason};
use sesame_diagnosis::world::{Readable, World};

use crate::arguments::Source;
use crate::failure::Failure;
use crate::live;

/// The world that the command line names; an empty one when it names none.
pub fn load(source: &Source) -> Result<World, Failure> {
    if source.live {
        return Err(live::unavailable("--live"));
    }
    match &source.snapshot {
        Some(folder) => Ok(sesame_snapshot::load(folder)?),
        None => Ok(nothing()),
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
