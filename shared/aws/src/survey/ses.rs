//! SES in one Region: every identity with its policies, the names of configuration sets and templates.

use std::collections::BTreeMap;

use sesame_diagnosis::world::{Identity, Readable, SesRegion};

use super::Step;
use crate::Clients;
use crate::collect::{get_identity, sending, unread_identity};
use crate::failure::Failure;

/// SES in one Region of the account of the credentials. Identities that are `known` already are not read again, as long as they
/// are still there.
pub async fn ses(
    clients: &Clients,
    region: &str,
    mut known: BTreeMap<String, Identity>,
    progress: impl Fn(Step<'_>),
) -> Readable<SesRegion> {
    let ses = clients.ses(region);
    let pages: Result<Vec<_>, _> = ses.list_email_identities().into_paginator().send().try_collect().await;
    let pages = match pages {
        Ok(pages) => pages,
        Err(error) => {
            let call = format!("ses:ListEmailIdentities {region}");
            let what = format!("the identities of {region}");
            return Readable::Gap(Failure::of(&error).gap("sending-authorization-policy", &call, &what));
        }
    };
    let identities = pages.into_iter().flat_map(|page| page.email_identities.unwrap_or_default());
    let names: Vec<String> = identities.filter_map(|identity| identity.identity_name).collect();
    let mut read = SesRegion { account: sending(&ses).await, complete: true, ..SesRegion::default() };
    let of = names.len();
    for (done, name) in names.into_iter().enumerate() {
        progress(Step::Ses { region, done, of, read: &read });
        if let Some(identity) = known.remove(&name) {
            read.identities.insert(name, identity);
            continue;
        }
        match get_identity(&ses, &name).await {
            Ok(Some(identity)) => drop(read.identities.insert(name, identity)),
            // Deleted since it was listed.
            Ok(None) => {}
            Err(failure) => {
                let unread = unread_identity(&name, &failure);
                read.identities.insert(name, unread);
            }
        }
    }
    progress(Step::Ses { region, done: of, of, read: &read });
    let sets: Result<Vec<_>, _> = ses.list_configuration_sets().into_paginator().send().try_collect().await;
    read.configuration_sets =
        sets.ok().map(|pages| pages.into_iter().flat_map(|page| page.configuration_sets.unwrap_or_default()).collect());
    let templates: Result<Vec<_>, _> = ses.list_email_templates().into_paginator().send().try_collect().await;
    read.templates = templates.ok().map(|pages| {
        let listed = pages.into_iter().flat_map(|page| page.templates_metadata.unwrap_or_default());
        listed.filter_map(|template| template.template_name).collect()
    });
    Readable::Known(read)
}
