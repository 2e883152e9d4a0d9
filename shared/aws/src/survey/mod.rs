//! A whole account, for a snapshot: everything of IAM, SES in the Regions that were asked for, the organization above.

mod iam;
mod organization;
mod ses;

use sesame_diagnosis::world::SesRegion;

pub use iam::iam;
pub use organization::{accounts, organization};
pub use ses::ses;

/// How far a survey is, for whoever waits: SES answers about one call a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Step<'a> {
    /// IAM: so many users, groups, roles and policies so far.
    Iam(usize),
    /// SES in a Region: so many identities of so many.
    Ses {
        /// The Region.
        region: &'a str,
        /// Read so far.
        done: usize,
        /// To read.
        of: usize,
        /// What is known of the Region so far, to be kept in case the survey is cut off.
        read: &'a SesRegion,
    },
    /// The organization: so many roots, organizational units and accounts so far.
    Organization(usize),
}
