//! A case as it is written: the request with its unknowns, and the layers, readable or not.

use std::collections::BTreeMap;

use serde_json::Value;

use super::complete::LayerKind;
use super::context::Present;
use super::json::{Fault, Node};
use super::policy::{Kind, Policy};
use super::principal::Caller;
use super::wildcard::arn_parts;

/// A context key as the case gives it.
#[derive(Clone, Debug)]
pub(crate) enum Given {
    /// `None` when the key is named as absent.
    Known(Option<Present>),
    Unknown,
}

/// The policies of a layer or level, or the admission that they could not be read.
#[derive(Clone, Debug)]
pub(crate) enum Slot {
    Readable(Vec<Policy>),
    Unreadable,
}

impl Slot {
    fn is_given(&self) -> bool {
        match self {
            Slot::Readable(policies) => !policies.is_empty(),
            Slot::Unreadable => true,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub caller: Caller,
    pub action: String,
    pub resource: String,
    pub resource_account: Option<String>,
    /// By the key's name in lower case: how the case spells it, and its value.
    pub context: BTreeMap<String, (String, Given)>,
    /// One slot per layer, one per level where a layer has levels.
    pub slots: Vec<(LayerKind, Slot)>,
}

impl Case {
    pub fn read(case: &Value) -> Result<Case, Fault> {
        let root = Node { pointer: String::new(), value: case };
        if let Some(id) = root.field("id") {
            id.text()?;
        }
        let request = root.required("request")?;
        for (name, field) in request.fields()? {
            if !["principal", "action", "resource", "resourceAccount", "context"].contains(&name.as_str()) {
                return Err(field.fault(format!("unknown field `{name}`")));
            }
        }
        let caller = Caller::read(&request.required("principal")?)?;
        let action = request.required("action")?;
        let action_text = action.text()?;
        if !action_text.split_once(':').is_some_and(|(service, name)| !service.is_empty() && !name.is_empty()) {
            return Err(action.fault("expected `service:action`"));
        }
        let resource_node = request.required("resource")?;
        let resource = resource_node.text()?;
        if arn_parts(&resource).is_none() {
            return Err(resource_node.fault("expected an ARN"));
        }
        let given_account = request.field("resourceAccount").map(|account| account.text()).transpose()?;
        // An account `aws` is none: such a resource is everybody's.
        let owned = |account: &&str| !["", "aws"].contains(account);
        let arn_account = resource.split(':').nth(4).filter(owned).map(str::to_owned);
        let own_account = caller.account().map(|account| account.number.clone());
        Ok(Case {
            resource_account: given_account.or(arn_account).or(own_account),
            caller,
            action: action_text,
            resource,
            context: request.field("context").map(|context| read_context(&context)).transpose()?.unwrap_or_default(),
            slots: read_layers(&root.required("policies")?)?,
        })
    }

    /// Whether the case holds that layer at all, even if only as unreadable.
    pub fn gives(&self, kind: LayerKind) -> bool {
        let levels = matches!(kind, LayerKind::ServiceControl | LayerKind::ResourceControl);
        self.slots.iter().any(|(found, slot)| *found == kind && (levels || slot.is_given()))
    }
}

fn read_context(node: &Node) -> Result<BTreeMap<String, (String, Given)>, Fault> {
    let mut context = BTreeMap::new();
    for (name, value) in node.fields()? {
        let given = match value.value {
            Value::Null => Given::Known(None),
            Value::Object(fields) => {
                if fields.len() != 1 || fields.get("unknown") != Some(&Value::Bool(true)) {
                    return Err(value.fault("expected a value or `{\"unknown\": true}`"));
                }
                Given::Unknown
            }
            Value::Array(_) => {
                let values = value.items()?.iter().map(Node::scalar).collect::<Result<_, _>>()?;
                Given::Known(Some(Present::Many(values)))
            }
            _ => Given::Known(Some(Present::One(value.scalar()?))),
        };
        if context.insert(name.to_lowercase(), (name, given)).is_some() {
            return Err(value.fault("expected each key once, whatever its case"));
        }
    }
    Ok(context)
}

fn read_layers(node: &Node) -> Result<Vec<(LayerKind, Slot)>, Fault> {
    let mut slots = Vec::new();
    for (name, layer) in node.fields()? {
        let (kind, policies) = match name.as_str() {
            "identity" => (LayerKind::Identity, Kind::Identity),
            "boundary" => (LayerKind::Boundary, Kind::Identity),
            "session" => (LayerKind::Session, Kind::Identity),
            "serviceControl" => (LayerKind::ServiceControl, Kind::Identity),
            "resourceControl" => (LayerKind::ResourceControl, Kind::Guard),
            "resource" => (LayerKind::Resource, Kind::Resource),
            "vpcEndpoint" => (LayerKind::VpcEndpoint, Kind::Guard),
            _ => return Err(layer.fault(format!("unknown field `{name}`"))),
        };
        if unreadable(&layer) {
            slots.push((kind, Slot::Unreadable));
        } else if matches!(kind, LayerKind::ServiceControl | LayerKind::ResourceControl) {
            for level in layer.items()? {
                slots.push((kind, read_slot(&level, policies)?));
            }
        } else if kind == LayerKind::Resource && layer.value.is_object() {
            slots.push((kind, Slot::Readable(vec![Policy::read(&layer, policies)?])));
        } else {
            slots.push((kind, read_slot(&layer, policies)?));
        }
    }
    Ok(slots)
}

fn read_slot(node: &Node, kind: Kind) -> Result<Slot, Fault> {
    if unreadable(node) {
        return Ok(Slot::Unreadable);
    }
    let policies = node.items()?.iter().map(|policy| Policy::read(policy, kind)).collect::<Result<_, _>>()?;
    Ok(Slot::Readable(policies))
}

fn unreadable(node: &Node) -> bool {
    node.field("unreadable").is_some_and(|flag| *flag.value == Value::Bool(true))
}
