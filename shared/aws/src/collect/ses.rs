//! SES in one Region: whether the account may send, and the identities that the send may be authorized on.
//!
//! One after the other: SES answers about one control call a second.
//! <https://docs.aws.amazon.com/ses/latest/dg/quotas.html>

use sesame_diagnosis::world::{Identity, Readable, SesAccount, SesRegion};

use super::Reader;
use super::document::plain;
use super::wanted::{Names, candidates};
use crate::failure::Failure;

const LAYER: &str = "sending-authorization-policy";

impl Reader {
    /// What is known of one Region. `complete` says that every identity that bears on the send was asked for: one that is
    /// not in the list does then not exist.
    pub(super) async fn ses_region(&self, region: &str, names: &Names, recipients: &[String]) -> SesRegion {
        let ses = self.clients.ses(region);
        let account = self.cache.sending.get_or(region.to_owned(), sending(&ses)).await;
        let mut read = SesRegion { account, complete: true, ..SesRegion::default() };
        for name in &names.exact {
            match self.identity(&ses, region, name).await {
                Ok(Some(identity)) => drop(read.identities.insert(name.clone(), identity)),
                Ok(None) => {}
                Err(failure) => drop(read.identities.insert(name.clone(), unread_identity(name, &failure))),
            }
        }
        let in_sandbox = read.account.as_ref().is_some_and(|account| account.production_access == Some(false));
        let recipients = recipients.iter().filter(|_| in_sandbox);
        for address in names.addresses.iter().chain(recipients) {
            self.identity_of(&ses, region, address, &mut read).await;
        }
        read
    }

    /// Looks for the identity of an address, from the address up, until one is there.
    async fn identity_of(&self, ses: &aws_sdk_sesv2::Client, region: &str, address: &str, read: &mut SesRegion) {
        for name in candidates(address) {
            if read.identities.contains_key(&name) {
                return;
            }
            match self.identity(ses, region, &name).await {
                Ok(Some(identity)) => return drop(read.identities.insert(name, identity)),
                Ok(None) => {}
                // It is not even known whether there is such an identity: which one counts stays open.
                Err(_) => return read.complete = false,
            }
        }
    }

    /// An identity; `None` when there is none of that name.
    async fn identity(
        &self,
        ses: &aws_sdk_sesv2::Client,
        region: &str,
        name: &str,
    ) -> Result<Option<Identity>, Failure> {
        self.cache.identities.get_or(format!("{region} {name}"), get_identity(ses, name)).await
    }
}

pub(crate) async fn get_identity(ses: &aws_sdk_sesv2::Client, name: &str) -> Result<Option<Identity>, Failure> {
    let output = match ses.get_email_identity().email_identity(name).send().await {
        Ok(output) => output,
        Err(error) => {
            let failure = Failure::of(&error);
            return if failure.is_not_found() { Ok(None) } else { Err(failure) };
        }
    };
    let mut policies: Vec<_> = output
        .policies
        .unwrap_or_default()
        .into_iter()
        .map(|(policy, text)| {
            let document = plain(&text, format!("ses:GetEmailIdentity {name} {policy}"));
            (policy, document)
        })
        .collect();
    // The answer has them in no order; findings must not turn on it.
    policies.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(Some(Identity {
        verified: Some(output.verified_for_sending_status),
        configuration_set: output.configuration_set_name,
        policies: Readable::Known(policies),
    }))
}

/// Sandbox, pauses and reputation; unknown where it cannot be read, since no layer turns on it.
pub(crate) async fn sending(ses: &aws_sdk_sesv2::Client) -> Option<SesAccount> {
    match ses.get_account().send().await {
        Ok(output) => Some(SesAccount {
            production_access: Some(output.production_access_enabled),
            sending_enabled: Some(output.sending_enabled),
            enforcement_status: output.enforcement_status,
        }),
        Err(error) => {
            let failure = Failure::of(&error);
            tracing::warn!(code = failure.code, "ses:GetAccount could not be read");
            None
        }
    }
}

/// An identity of which only the name is known.
pub(crate) fn unread_identity(name: &str, failure: &Failure) -> Identity {
    let call = format!("ses:GetEmailIdentity {name}");
    let what = format!("the sending authorization policies of `{name}`");
    Identity { verified: None, configuration_set: None, policies: Readable::Gap(failure.gap(LAYER, &call, &what)) }
}
