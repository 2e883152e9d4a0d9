//! Notices to the topic.

use aws_sdk_sns::types::MessageAttributeValue;
use serde_json::json;
use sesame_responder::ports::{Notice, PortError, Publisher};

use crate::Clients;
use crate::failure::Failure;

/// Publishes to a topic, a text for each protocol.
#[derive(Debug, Clone)]
pub struct SnsPublisher {
    clients: Clients,
    topic: String,
}

impl SnsPublisher {
    /// The publisher of a topic, by its ARN.
    pub fn new(clients: Clients, topic: impl Into<String>) -> SnsPublisher {
        SnsPublisher { clients, topic: topic.into() }
    }
}

impl Publisher for SnsPublisher {
    async fn publish(&self, notice: Notice<'_>) -> Result<(), PortError> {
        let finding = notice.finding();
        let compact = serde_json::to_string(finding).map_err(|error| PortError::lasting(error.to_string()))?;
        let message = json!({"default": finding.summary.what, "sqs": compact});
        let mut request = self.clients.sns.publish().topic_arn(&self.topic);
        request = request.message(message.to_string()).message_structure("json").subject("Sesame");
        for (name, value) in [("phase", notice.phase.as_str())] {
            let attribute = MessageAttributeValue::builder().data_type("String").string_value(value).build();
            let attribute = attribute.map_err(|error| PortError::lasting(error.to_string()))?;
            request = request.message_attributes(name, attribute);
        }
        request.send().await.map(|_| ()).map_err(|error| Failure::of(&error).port_error("sns:Publish"))
    }
}
