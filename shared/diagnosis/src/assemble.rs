//! Which policies bear on a question: the layers of the engine, filled from the world, with what each policy is.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use sesame_policy::json::Json;
use sesame_policy::{Arn, LayerKind, Policy, PolicyDocument, PolicyGrammar, PolicySet, StatementRef};

use crate::InvalidDocument;
use crate::finding::{Gap, GapReason, Level, PolicyInfo, PolicyKind, Target, TargetKind};
use crate::question::Question;
use crate::subject::Subject;
use crate::world::{InlinePolicy, OrganizationPolicy, RawDocument, Readable, World};

/// A policy in a layer, with where it comes from.
#[derive(Debug, Clone)]
pub struct Attached {
    /// As the finding shows it; `None` for a layer that could not be read at all.
    pub info: Option<PolicyInfo>,
    /// Where a changed document would be written.
    pub target: Target,
    /// The parsed document; `None` when it could not be read.
    pub document: Option<Arc<PolicyDocument>>,
    /// Why it could not be read.
    pub gap: Option<Gap>,
}

/// The policies that bear on one question.
#[derive(Debug, Clone, Default)]
pub struct Assembled {
    /// Identity-based policies.
    pub identity: Vec<Attached>,
    /// The boundary, where one is set.
    pub boundary: Option<Vec<Attached>>,
    /// A session policy; only where one is named or needed, and then unreadable.
    pub session: Option<Vec<Attached>>,
    /// SCPs by level; `None` where they do not bind.
    pub service_control: Option<Vec<LevelPolicies>>,
    /// Sending authorization policies.
    pub resource: Vec<Attached>,
    /// The VPC endpoint's policy; only where it is named or suspected, and then unreadable.
    pub vpc_endpoint: Option<Vec<Attached>>,
    /// Every condition key and policy variable in these documents, lower-case.
    pub keys: BTreeSet<String>,
}

/// The policies attached at one level of the organization.
#[derive(Debug, Clone)]
pub struct LevelPolicies {
    /// The level; `None` when the organization could not be read.
    pub level: Option<Level>,
    /// What is attached there.
    pub policies: Vec<Attached>,
}

impl Assembled {
    /// The engine's form.
    pub fn policy_set(&self) -> PolicySet {
        let list = |attached: &[Attached]| attached.iter().map(engine_policy).collect::<Vec<_>>();
        PolicySet {
            identity: list(&self.identity),
            boundary: self.boundary.as_deref().map(list),
            session: self.session.as_deref().map(list),
            service_control: self
                .service_control
                .as_ref()
                .map(|levels| levels.iter().map(|level| list(&level.policies)).collect()),
            resource_control: None,
            resource: list(&self.resource),
            vpc_endpoint: self.vpc_endpoint.as_deref().map(list),
        }
    }
    /// The policies of a layer or level, in the order of the engine's indices.
    pub fn policies(&self, layer: LayerKind, level: Option<usize>) -> &[Attached] {
        match layer {
            LayerKind::Identity => &self.identity,
            LayerKind::Boundary => self.boundary.as_deref().unwrap_or_default(),
            LayerKind::Session => self.session.as_deref().unwrap_or_default(),
            LayerKind::ServiceControl => self.level(level).map_or(&[], |level| &level.policies),
            LayerKind::ResourceControl => &[],
            LayerKind::Resource => &self.resource,
            LayerKind::VpcEndpoint => self.vpc_endpoint.as_deref().unwrap_or_default(),
        }
    }
    /// A level of SCPs.
    pub fn level(&self, level: Option<usize>) -> Option<&LevelPolicies> {
        self.service_control.as_ref()?.get(level?)
    }
    /// The policy that a statement stands in.
    pub fn policy(&self, at: &StatementRef) -> Option<&Attached> {
        self.policies(at.layer, at.level).get(at.policy)
    }
    /// Every policy, with its layer and level.
    pub fn iter(&self) -> impl Iterator<Item = (LayerKind, Option<usize>, &Attached)> {
        let levels = self.service_control.iter().flatten().enumerate();
        let flat = |layer: LayerKind| self.policies(layer, None).iter().map(move |policy| (layer, None, policy));
        flat(LayerKind::Identity)
            .chain(flat(LayerKind::Boundary))
            .chain(flat(LayerKind::Session))
            .chain(levels.flat_map(|(index, level)| {
                level.policies.iter().map(move |policy| (LayerKind::ServiceControl, Some(index), policy))
            }))
            .chain(flat(LayerKind::Resource))
            .chain(flat(LayerKind::VpcEndpoint))
    }
}

fn engine_policy(attached: &Attached) -> Policy {
    Policy { name: None, document: attached.document.clone() }
}

/// Builds the layers of one question.
///
/// RCPs are left out: Amazon SES is not among the services that they cover (Organizations User Guide, "List of AWS services
/// that support RCPs").
///
/// # Errors
/// With `strict`, a document in one of these layers that does not parse. Otherwise its policy is unreadable.
pub fn assemble(
    world: &World,
    subject: &Subject,
    question: &Question,
    strict: bool,
) -> Result<Assembled, InvalidDocument> {
    Library::new(world).assemble(subject, question, strict)
}

/// A world and its documents, each parsed once, when it is first asked for.
#[derive(Debug)]
pub struct Library<'w> {
    /// The world.
    pub world: &'w World,
    /// By where the document stands in memory, which is the world's as long as the library lives.
    parsed: RefCell<HashMap<*const RawDocument, Parsed>>,
}

/// A document, or why it does not parse.
type Parsed = Result<Arc<PolicyDocument>, String>;

impl<'w> Library<'w> {
    /// A library in which nothing is parsed yet.
    pub fn new(world: &'w World) -> Library<'w> {
        Library { world, parsed: RefCell::default() }
    }

    /// Builds the layers of one question; see [`assemble`].
    ///
    /// # Errors
    /// With `strict`, a document in one of these layers that does not parse.
    pub fn assemble(
        &self,
        subject: &Subject<'w>,
        question: &Question,
        strict: bool,
    ) -> Result<Assembled, InvalidDocument> {
        let mut reader = Reader { library: self, strict };
        let mut set = Assembled {
            identity: reader.identity(subject)?,
            boundary: reader.boundary(subject)?,
            session: session(subject),
            service_control: reader.service_control(self.world, subject)?,
            resource: reader.resource(self.world, question)?,
            vpc_endpoint: None,
            keys: BTreeSet::new(),
        };
        set.keys = crate::context::mentioned_keys(&set);
        Ok(set)
    }

    /// The same layers for a question on another resource, with its own policies in the place of the first one's, unreadable
    /// where they were not read; `None` where neither has any.
    pub fn on_another(&self, set: &Assembled, question: &Question) -> Option<Assembled> {
        let resource = Reader { library: self, strict: false }.resource(self.world, question).unwrap_or_default();
        if resource.is_empty() && set.resource.is_empty() {
            return None;
        }
        let mut other = Assembled { resource, ..set.clone() };
        other.keys.extend(crate::context::mentioned_keys(&other));
        Some(other)
    }

    /// The identities in the account and Region of a resource that have, or may have, policies of their own.
    pub fn identities_with_policies(&self, resource: &Arn) -> Vec<Arn> {
        let account = self.world.accounts.get(resource.account());
        let region = account.and_then(|account| account.ses.get(resource.region())).and_then(Readable::known);
        let identities = region.into_iter().flat_map(|region| &region.identities);
        let with_policies =
            identities.filter(|(_, identity)| identity.policies.known().is_none_or(|policies| !policies.is_empty()));
        let prefix = resource.as_str().strip_suffix(resource.resource()).unwrap_or_default();
        with_policies.filter_map(|(name, _)| Arn::parse(&format!("{prefix}identity/{name}")).ok()).collect()
    }

    fn parse(&self, document: &'w RawDocument, grammar: PolicyGrammar) -> Parsed {
        let parse = || match &document.json {
            Ok(json) => PolicyDocument::parse(json, grammar).map(Arc::new).map_err(|error| error.to_string()),
            Err(message) => Err(message.clone()),
        };
        self.parsed.borrow_mut().entry(std::ptr::from_ref(document)).or_insert_with(parse).clone()
    }
}

/// A layer whose one policy could not be read.
pub fn unreadable(layer: LayerKind, gap: Gap) -> Attached {
    let kind = match layer {
        LayerKind::Resource => TargetKind::SendingAuthorization,
        LayerKind::ServiceControl | LayerKind::ResourceControl => TargetKind::Scp,
        LayerKind::Boundary => TargetKind::Boundary,
        _ => TargetKind::RoleInline,
    };
    Attached { info: None, target: target(kind), document: None, gap: Some(gap) }
}

/// An empty target of a kind.
pub fn target(kind: TargetKind) -> Target {
    Target { kind, account: None, principal: None, policy: None, identity: None, region: None, node: None }
}

/// A federated user has only what its session policy also allows, and that policy is never recorded.
fn session(subject: &Subject) -> Option<Vec<Attached>> {
    let federated = subject.info.kind == Some(crate::finding::PrincipalKind::FederatedUser);
    federated.then(|| vec![unreadable(LayerKind::Session, session_gap())])
}

/// A session policy is never in the record of the call that it refused.
pub fn session_gap() -> Gap {
    Gap {
        layer: LayerKind::Session.as_str().to_owned(),
        source: "CloudTrail record".to_owned(),
        reason: GapReason::NotFound,
        summary: "the session policy is not in the record of the refused call".to_owned(),
    }
}

struct Reader<'l, 'w> {
    library: &'l Library<'w>,
    strict: bool,
}

impl<'w> Reader<'_, 'w> {
    fn identity(&mut self, subject: &Subject<'w>) -> Result<Vec<Attached>, InvalidDocument> {
        let mut list = Vec::new();
        // A federated user of the root user has what its session policy allows of all that the root user may.
        if by_root(subject) {
            let document = crate::examine::allow_everything(LayerKind::Identity).document;
            return Ok(vec![Attached { info: None, target: target(TargetKind::UserInline), document, gap: None }]);
        }
        let Some(entity) = subject.entity else {
            if let Some(gap) = identity_gap(subject) {
                list.push(unreadable(LayerKind::Identity, gap));
            }
            return Ok(list);
        };
        let in_identity_center = subject.info.managed_by == Some(crate::finding::ManagedBy::IdentityCenter);
        let (inline, is_user) = match (entity.arn.contains(":user/"), in_identity_center) {
            (true, _) => ((PolicyKind::UserInline, TargetKind::UserInline), true),
            // What is there on the role is the permission set's inline policy, and can be changed only there.
            (false, true) => ((PolicyKind::RoleInline, TargetKind::PermissionSet), false),
            (false, false) => ((PolicyKind::RoleInline, TargetKind::RoleInline), false),
        };
        if let Some(gap) = &entity.gap {
            list.push(unreadable(LayerKind::Identity, gap.clone()));
        }
        self.inline(&mut list, &entity.inline, inline, &entity.arn, subject)?;
        for arn in &entity.attached {
            list.push(self.managed(arn, &entity.arn, subject)?);
        }
        if is_user {
            for name in subject.groups {
                let group = subject.account.and_then(|account| account.groups.iter().find(|group| group.name == *name));
                let Some(group) = group else {
                    let summary = format!("group `{name}` could not be read");
                    list.push(unreadable(LayerKind::Identity, missing(LayerKind::Identity, name, summary)));
                    continue;
                };
                self.inline(
                    &mut list,
                    &group.inline,
                    (PolicyKind::GroupInline, TargetKind::GroupInline),
                    &group.arn,
                    subject,
                )?;
                for arn in &group.attached {
                    list.push(self.managed(arn, &group.arn, subject)?);
                }
            }
        }
        Ok(list)
    }

    fn inline(
        &mut self,
        list: &mut Vec<Attached>,
        policies: &'w [InlinePolicy],
        (kind, target_kind): (PolicyKind, TargetKind),
        holder: &str,
        subject: &Subject<'w>,
    ) -> Result<(), InvalidDocument> {
        for policy in policies {
            let info = info(kind, &policy.name, None, Some(holder));
            let target = Target {
                account: subject.account_id.clone(),
                principal: Some(holder.to_owned()),
                policy: Some(policy.name.clone()),
                ..target(target_kind)
            };
            let read = self.readable(&policy.document, PolicyGrammar::Identity, LayerKind::Identity)?;
            list.push(attach(info, target, read));
        }
        Ok(())
    }

    fn managed(&mut self, arn: &str, holder: &str, subject: &Subject<'w>) -> Result<Attached, InvalidDocument> {
        let own = managed_by_aws(arn);
        let kind = if own { PolicyKind::AwsManaged } else { PolicyKind::CustomerManaged };
        let name = arn.rsplit('/').next().unwrap_or(arn);
        let target = Target {
            account: subject.account_id.clone(),
            principal: Some(holder.to_owned()),
            policy: Some(arn.to_owned()),
            ..target(TargetKind::CustomerManaged)
        };
        let read = self.managed_document(arn, subject, LayerKind::Identity)?;
        Ok(attach(info(kind, name, Some(arn), Some(holder)), target, read))
    }

    fn managed_document(
        &mut self,
        arn: &str,
        subject: &Subject<'w>,
        layer: LayerKind,
    ) -> Result<Result<Arc<PolicyDocument>, Gap>, InvalidDocument> {
        match subject.account.and_then(|account| account.managed_policies.get(arn)) {
            Some(Readable::Known(policy)) => self.parse(&policy.document, PolicyGrammar::Identity, layer),
            Some(Readable::Gap(gap)) => Ok(Err(Gap { layer: layer.as_str().to_owned(), ..gap.clone() })),
            None => Ok(Err(missing(layer, arn, format!("policy `{arn}` is attached, and its document was not read")))),
        }
    }

    fn boundary(&mut self, subject: &Subject<'w>) -> Result<Option<Vec<Attached>>, InvalidDocument> {
        let Some((entity, arn)) = subject.entity.and_then(|entity| Some((entity, entity.boundary.as_deref()?))) else {
            return Ok(None);
        };
        let name = arn.rsplit('/').next().unwrap_or(arn);
        let target = Target {
            account: subject.account_id.clone(),
            principal: Some(entity.arn.clone()),
            policy: Some(arn.to_owned()),
            ..target(TargetKind::Boundary)
        };
        let read = self.managed_document(arn, subject, LayerKind::Boundary)?;
        Ok(Some(vec![attach(info(PolicyKind::Boundary, name, Some(arn), Some(&entity.arn)), target, read)]))
    }

    fn service_control(
        &mut self,
        world: &'w World,
        subject: &Subject<'w>,
    ) -> Result<Option<Vec<LevelPolicies>>, InvalidDocument> {
        let Some(account) = &subject.account_id else { return Ok(None) };
        if subject.service_linked {
            return Ok(None);
        }
        let unread = |gap: Gap| {
            Ok(Some(vec![LevelPolicies { level: None, policies: vec![unreadable(LayerKind::ServiceControl, gap)] }]))
        };
        let organization = match &world.organization {
            Readable::Known(None) => return Ok(None),
            Readable::Known(Some(organization)) => organization,
            Readable::Gap(gap) => return unread(gap.clone()),
        };
        if organization.management_account.as_deref() == Some(account) {
            return Ok(None);
        }
        let Some(path) = organization.paths.get(account) else {
            let summary = format!("account `{account}` is not in the organization that was read");
            return unread(missing(LayerKind::ServiceControl, "organization", summary));
        };
        let mut levels = Vec::new();
        for node in path {
            let level = Level { kind: node.kind.as_str().to_owned(), id: node.id.clone(), name: node.name.clone() };
            let policies = match &node.service_control_policies {
                Readable::Gap(gap) => vec![unreadable(LayerKind::ServiceControl, gap.clone())],
                Readable::Known(policies) => {
                    let mut list = Vec::new();
                    for policy in policies {
                        list.push(self.organization_policy(policy, node, organization)?);
                    }
                    list
                }
            };
            levels.push(LevelPolicies { level: Some(level), policies });
        }
        Ok(Some(levels))
    }

    fn organization_policy(
        &mut self,
        policy: &'w OrganizationPolicy,
        node: &crate::world::Node,
        organization: &crate::world::Organization,
    ) -> Result<Attached, InvalidDocument> {
        let info = PolicyInfo {
            kind: PolicyKind::Scp,
            name: policy.name.clone(),
            arn: policy.arn.clone(),
            attached_to: Some(node.id.clone()),
            attached_to_name: node.name.clone(),
        };
        let target = Target {
            account: organization.management_account.clone(),
            policy: policy.arn.clone().or_else(|| Some(policy.id.clone())),
            node: Some(node.id.clone()),
            ..target(TargetKind::Scp)
        };
        let read = self.parse(&policy.document, PolicyGrammar::Identity, LayerKind::ServiceControl)?;
        Ok(attach(info, target, read))
    }

    fn resource(&mut self, world: &'w World, question: &Question) -> Result<Vec<Attached>, InvalidDocument> {
        let layer = LayerKind::Resource;
        if !matches!(question.resource.service(), "ses") {
            let summary = format!("the policy of `{}`, a resource of another service, is not read", question.resource);
            return Ok(vec![unreadable(layer, missing(layer, question.resource.as_str(), summary))]);
        }
        let Some(name) = question.resource.resource().strip_prefix("identity/") else { return Ok(Vec::new()) };
        let (account, region) = (question.resource.account(), question.resource.region());
        let place = format!("identity `{name}` in {region} of account {account}");
        let read = world.accounts.get(account).and_then(|account| account.ses.get(region));
        let region_read = match read {
            Some(Readable::Known(region)) => region,
            Some(Readable::Gap(gap)) => return Ok(vec![unreadable(layer, gap.clone())]),
            None => {
                let summary = format!("the sending authorization policies of {place} were not read");
                let source = format!("accounts/{account}/ses/{region}.json");
                let gap = Gap { reason: GapReason::MissingFile, ..missing(layer, &source, summary) };
                return Ok(vec![unreadable(layer, gap)]);
            }
        };
        let policies = match region_read.identities.get(name).map(|identity| &identity.policies) {
            Some(Readable::Known(policies)) => policies,
            Some(Readable::Gap(gap)) => return Ok(vec![unreadable(layer, gap.clone())]),
            // An identity that is not there has no policies.
            None if region_read.complete => return Ok(Vec::new()),
            None => {
                let summary = format!("the sending authorization policies of {place} were not read");
                return Ok(vec![unreadable(layer, missing(layer, &place, summary))]);
            }
        };
        let mut list = Vec::new();
        for (policy, document) in policies {
            let arn = question.resource.as_str();
            let target = Target {
                account: Some(account.to_owned()),
                policy: Some(policy.clone()),
                identity: Some(name.to_owned()),
                region: Some(region.to_owned()),
                ..target(TargetKind::SendingAuthorization)
            };
            let read = self.parse(document, PolicyGrammar::Resource, layer)?;
            list.push(attach(info(PolicyKind::SendingAuthorization, policy, None, Some(arn)), target, read));
        }
        Ok(list)
    }

    fn readable(
        &mut self,
        document: &'w Readable<RawDocument>,
        grammar: PolicyGrammar,
        layer: LayerKind,
    ) -> Result<Result<Arc<PolicyDocument>, Gap>, InvalidDocument> {
        match document {
            Readable::Known(document) => self.parse(document, grammar, layer),
            Readable::Gap(gap) => Ok(Err(gap.clone())),
        }
    }

    fn parse(
        &mut self,
        document: &'w RawDocument,
        grammar: PolicyGrammar,
        layer: LayerKind,
    ) -> Result<Result<Arc<PolicyDocument>, Gap>, InvalidDocument> {
        match self.library.parse(document, grammar) {
            Ok(parsed) => Ok(Ok(parsed)),
            Err(message) if self.strict => Err(InvalidDocument { source_place: document.source.clone(), message }),
            Err(message) => Ok(Err(Gap {
                layer: layer.as_str().to_owned(),
                source: document.source.clone(),
                reason: GapReason::InvalidDocument,
                summary: format!("the policy document does not parse: {message}"),
            })),
        }
    }
}

fn attach(info: PolicyInfo, target: Target, read: Result<Arc<PolicyDocument>, Gap>) -> Attached {
    let (document, gap) = match read {
        Ok(document) => (Some(document), None),
        Err(gap) => (None, Some(gap)),
    };
    Attached { info: Some(info), target, document, gap }
}

fn info(kind: PolicyKind, name: &str, arn: Option<&str>, attached_to: Option<&str>) -> PolicyInfo {
    PolicyInfo {
        kind,
        name: name.to_owned(),
        arn: arn.map(str::to_owned),
        attached_to: attached_to.map(str::to_owned),
        attached_to_name: None,
    }
}

fn missing(layer: LayerKind, source: &str, summary: String) -> Gap {
    Gap { layer: layer.as_str().to_owned(), source: source.to_owned(), reason: GapReason::NotFound, summary }
}

/// Whether the root user called `GetFederationToken`.
fn by_root(subject: &Subject) -> bool {
    let root = subject.info.arn.as_deref().is_some_and(|arn| arn.ends_with(":root"));
    root && subject.info.kind == Some(crate::finding::PrincipalKind::FederatedUser)
}

/// Why the caller's own policies are not known; `None` when it has none (an account's root user, a service).
fn identity_gap(subject: &Subject) -> Option<Gap> {
    use crate::finding::PrincipalKind::{Account, FederatedUser, Role, Root, Service, User};
    let kind = subject.info.kind?;
    match kind {
        Root | Service => return None,
        User | Role | FederatedUser | Account => {}
    }
    let who = subject.info.arn.as_deref().unwrap_or("the principal");
    let account = subject.account_id.as_deref().unwrap_or("unknown");
    Some(match subject.account {
        None => Gap {
            reason: GapReason::MissingFile,
            ..missing(
                LayerKind::Identity,
                &format!("accounts/{account}/iam.json"),
                format!("account {account} was not read, so the policies of `{who}` are not known"),
            )
        },
        Some(world) => world.iam_gap.clone().unwrap_or_else(|| {
            missing(LayerKind::Identity, &format!("accounts/{account}/iam.json"), format!("`{who}` was not found"))
        }),
    })
}

/// Whether a managed policy is AWS's own, which nobody can edit.
pub fn managed_by_aws(arn: &str) -> bool {
    Arn::parse(arn).is_ok_and(|arn| arn.account() == "aws")
}

/// The raw tree of a document, for patches.
pub fn raw_value(document: &PolicyDocument) -> serde_json::Value {
    Json::to_value(&document.raw)
}
