//! What to do by hand.

use sesame_diagnosis::finding::{Finding, ManagedBy, Remedy};

use super::writer::Writer;
use crate::words;

/// A remedy with its commands, whole.
pub fn remedy(out: &mut Writer, finding: &Finding, remedy: &Remedy) {
    out.heading(&format!("By hand ({})", remedy.id));
    out.paragraph(&format!("{}.", remedy.title));
    out.paragraph(&format!("{}.", words::target(remedy)));
    out.paragraph(&format!("For {}. {}.", words::owner(remedy), words::capital(&remedy.why)));
    out.gap();
    out.verbatim(&remedy.commands.aws_cli);
    let kept = match finding.principal.managed_by {
        Some(ManagedBy::Terraform) => remedy.commands.terraform.as_deref().map(|text| ("Terraform", text)),
        Some(ManagedBy::Cloudformation | ManagedBy::Cdk) => {
            remedy.commands.cloud_formation.as_deref().map(|text| ("CloudFormation", text))
        }
        Some(ManagedBy::IdentityCenter) | None => None,
    };
    if let Some((tool, fragment)) = kept {
        out.gap();
        out.paragraph(&format!("Or in {tool}, which manages this principal:"));
        out.gap();
        out.verbatim(fragment);
    }
    out.gap();
    out.paragraph("To take it back:");
    out.gap();
    out.verbatim(&remedy.commands.undo);
}

/// The other ways, by their titles.
pub fn alternatives(out: &mut Writer, finding: &Finding) {
    let others: Vec<&Remedy> = finding.remedies.iter().filter(|remedy| !finding.plan.contains(&remedy.id)).collect();
    if others.is_empty() {
        return;
    }
    out.heading("Alternatives");
    for remedy in others {
        let instead = remedy.alternative_to.as_deref().map(|id| format!(" in place of {id}")).unwrap_or_default();
        out.bullet(&format!(
            "{}{instead}: {}. {}.",
            remedy.id,
            remedy.title,
            words::capital(words::applicability(remedy.applicability))
        ));
    }
}
