//! SES in one Region: every identity with its policies, the names of configuration sets and templates.

use sesame_diagnosis::world::{Readable, SesRegion};

use super::Step;
use crate::Clients;
use crate::collect::{get_identity, sending, unread_identity};
use crate::failure::Failure;

pub(super) async fn region(
    clients: &Clients,
    region: &str,
    progress: &(impl Fn(Step<'_>) + Sync),
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
    for (done, name) in names.iter().enumerate() {
        progress(Step::Ses { region, done, of: names.len() });
        match get_identity(&ses, name).await {
            Ok(Some(identity)) => drop(read.identities.insert(name.clone(), identity)),
            // Deleted since it was listed.
            Ok(None) => {}
            Err(failure) => drop(read.identities.insert(name.clone(), unread_identity(name, &failure))),
        }
    }
    progress(Step::Ses { region, done: names.len(), of: names.len() });
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
