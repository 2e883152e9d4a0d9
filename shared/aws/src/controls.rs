//! The switch for applications and the count of them, in the findings table.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::{SignedDuration, Timestamp};
use sesame_responder::ports::PortError;
use sesame_responder::walls::Controls;

use crate::Clients;
use crate::failure::Failure;
use crate::store::{is_conflict, number, text};

/// The item of the switch: people write it, no function may. `apply` = `off` stops every application.
const SWITCH: (&str, &str) = ("control", "switch");
/// The item of the applications that began lately, each with its time.
const COUNT: (&str, &str) = ("grants", "count");
const WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// How often the count is tried again when another application is counted at the same time.
const ATTEMPTS: usize = 8;

/// Reads the switch and counts applications.
#[derive(Debug, Clone)]
pub struct DynamoControls {
    clients: Clients,
    table: String,
}

impl DynamoControls {
    /// The controls that a findings table holds.
    pub fn new(clients: Clients, table: impl Into<String>) -> DynamoControls {
        DynamoControls { clients, table: table.into() }
    }

    async fn item(&self, (pk, sk): (&str, &str)) -> Result<Option<HashMap<String, AttributeValue>>, PortError> {
        let request = self.clients.dynamodb.get_item().table_name(&self.table).consistent_read(true);
        let sent = request.key("pk", text(pk)).key("sk", text(sk)).send().await;
        sent.map(|output| output.item).map_err(|error| Failure::of(&error).port_error("dynamodb:GetItem"))
    }
}

impl Controls for DynamoControls {
    /// On where nobody ever switched it; anything but `on` is off.
    async fn is_on(&self) -> Result<bool, PortError> {
        let item = self.item(SWITCH).await?;
        Ok(item
            .is_none_or(|item| item.get("apply").and_then(|value| value.as_s().ok()).is_some_and(|word| word == "on")))
    }

    /// All within one item, written on top of the version that was read: two at the same time are never both the last that
    /// may.
    async fn count(&self, application: &str, now: Timestamp, most: u32) -> Result<bool, PortError> {
        let since = now.checked_sub(WINDOW).unwrap_or(Timestamp::MIN);
        for _ in 0..ATTEMPTS {
            let item = self.item(COUNT).await?;
            let version = item.as_ref().and_then(|item| item.get("version")?.as_n().ok().cloned());
            let mut begun: HashMap<String, AttributeValue> =
                item.and_then(|mut item| item.remove("begun")?.as_m().ok().cloned()).unwrap_or_default();
            if begun.contains_key(application) {
                return Ok(true);
            }
            // A time that cannot be read counts: it is not known to be over.
            begun.retain(|_, time| {
                time.as_s().ok().and_then(|time| time.parse().ok()).is_none_or(|time: Timestamp| time > since)
            });
            if begun.len() >= usize::try_from(most).unwrap_or(usize::MAX) {
                return Ok(false);
            }
            begun.insert(application.to_owned(), text(&now.to_string()));
            let next = version.as_deref().and_then(|version| version.parse::<u64>().ok()).unwrap_or_default() + 1;
            let (pk, sk) = COUNT;
            let request =
                self.clients.dynamodb.put_item().table_name(&self.table).item("pk", text(pk)).item("sk", text(sk));
            let request = request.item("version", number(next)).item("begun", AttributeValue::M(begun));
            let request = match version {
                Some(version) => request
                    .condition_expression("version = :before")
                    .expression_attribute_values(":before", AttributeValue::N(version)),
                None => request.condition_expression("attribute_not_exists(pk)"),
            };
            match request.send().await {
                Ok(_) => return Ok(true),
                Err(error) if is_conflict(&error) => {}
                Err(error) => return Err(Failure::of(&error).port_error("dynamodb:PutItem")),
            }
        }
        Err(PortError::passing("the applications of the last 24 hours are being counted by others"))
    }
}
