//! Notices to the topic.

use aws_sdk_sns::types::MessageAttributeValue;
use jiff::Timestamp;
use sesame_render::sns::{SnsMessage, SnsOptions, sns};
use sesame_responder::ports::{Notice, PortError, Publisher};

use crate::Clients;
use crate::failure::Failure;

/// Publishes to a topic, a text for each protocol.
#[derive(Debug, Clone)]
pub struct SnsPublisher {
    clients: Clients,
    topic: String,
    table: String,
}

impl SnsPublisher {
    /// The publisher to a topic, by its ARN; `table` is where messages say that the whole finding is kept.
    pub fn new(clients: Clients, topic: impl Into<String>, table: impl Into<String>) -> SnsPublisher {
        SnsPublisher { clients, topic: topic.into(), table: table.into() }
    }

    fn message(&self, notice: Notice<'_>, now: Timestamp) -> SnsMessage {
        let finding = notice.finding();
        let options = SnsOptions {
            stored_pointer: Some(format!("dynamodb:{}/{}", self.table, finding.id)),
            detail: notice.record.history.last().and_then(|change| change.note.clone()),
            ..SnsOptions::at(now)
        };
        sns(finding, notice.phase, &options)
    }
}

impl Publisher for SnsPublisher {
    async fn publish(&self, notice: Notice<'_>) -> Result<(), PortError> {
        let message = self.message(notice, Timestamp::now());
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
