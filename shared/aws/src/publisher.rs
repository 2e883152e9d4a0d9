//! Notices to the topic.

use aws_sdk_sns::types::MessageAttributeValue;
use jiff::Timestamp;
use sesame_remediation::mac::LocalKey;
use sesame_render::sns::{SnsMessage, SnsOptions, sns};
use sesame_responder::links::Links;
use sesame_responder::notify::{detail, since_last_told};
use sesame_responder::ports::{Notice, PortError, Publisher};

use crate::Clients;
use crate::failure::Failure;

/// Publishes to a topic, a text for each protocol.
#[derive(Debug, Clone)]
pub struct SnsPublisher {
    clients: Clients,
    topic: String,
    table: String,
    links: Option<Links<LocalKey>>,
}

impl SnsPublisher {
    /// The publisher to a topic, by its ARN; `table` is where messages say that the whole finding is kept.
    pub fn new(clients: Clients, topic: impl Into<String>, table: impl Into<String>) -> SnsPublisher {
        SnsPublisher { clients, topic: topic.into(), table: table.into(), links: None }
    }

    /// The same, with a link in e-mails about what waits for a decision.
    #[must_use]
    pub fn with_links(self, links: Option<Links<LocalKey>>) -> SnsPublisher {
        SnsPublisher { links, ..self }
    }

    fn message(&self, notice: Notice<'_>, link: Option<String>, now: Timestamp) -> SnsMessage {
        let finding = notice.finding();
        let audit = since_last_told(notice.record);
        let options = SnsOptions {
            stored_pointer: Some(format!("dynamodb:{}/{}", self.table, finding.id)),
            detail: detail(notice.record),
            decision_link: link,
            audit: audit.iter().filter_map(|line| serde_json::to_value(line).ok()).collect(),
            ..SnsOptions::at(now)
        };
        sns(finding, notice.phase, &options)
    }
}

impl Publisher for SnsPublisher {
    async fn publish(&self, notice: Notice<'_>) -> Result<(), PortError> {
        let now = Timestamp::now();
        let link = match &self.links {
            Some(links) => links.of(notice.record, now).await.map_err(|error| PortError::passing(error.to_string()))?,
            None => None,
        };
        let message = self.message(notice, link, now);
        let request = self.clients.sns.publish().topic_arn(&self.topic).subject(&message.subject);
        let mut request = request.message(message.message_text()).message_structure("json");
        for (name, value) in &message.message_attributes {
            let attribute =
                MessageAttributeValue::builder().data_type(value.data_type).string_value(&value.string_value);
            let attribute = attribute.build().map_err(|error| PortError::lasting(error.to_string()))?;
            request = request.message_attributes(*name, attribute);
        }
        request.send().await.map(|_| ()).map_err(|error| Failure::of(&error).port_error("sns:Publish"))
    }
}
