//! Messages that no attempt can work through, put aside with the reason.

use aws_sdk_sqs::types::MessageAttributeValue;
use sesame_responder::ports::PortError;

use crate::Clients;
use crate::failure::Failure;

/// A reason is for people; the rest of a long one is in the log.
const LONGEST_REASON: usize = 1000;

/// The queue of dead letters.
///
/// SQS would move a message there by itself after some attempts, but without a word why: a message that is known to be bad
/// is put there at once, with the reason as an attribute.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    clients: Clients,
    queue_url: String,
}

impl DeadLetters {
    /// The queue at a URL.
    pub fn new(clients: Clients, queue_url: impl Into<String>) -> DeadLetters {
        DeadLetters { clients, queue_url: queue_url.into() }
    }

    /// Puts a message aside.
    pub async fn put(&self, body: &str, reason: &str) -> Result<(), PortError> {
        let reason = attribute_text(reason);
        let attribute = MessageAttributeValue::builder().data_type("String").string_value(reason).build();
        let attribute = attribute.map_err(|error| PortError::lasting(error.to_string()))?;
        let request = self.clients.sqs.send_message().queue_url(&self.queue_url).message_body(body);
        let sent = request.message_attributes("reason", attribute).send().await;
        sent.map(|_| ()).map_err(|error| Failure::of(&error).port_error("sqs:SendMessage"))
    }
}

/// SQS refuses an empty attribute, and characters that XML has no place for.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html>
fn attribute_text(text: &str) -> String {
    let allowed = |c: &char| matches!(c, '\t' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    let text: String = text.chars().filter(allowed).take(LONGEST_REASON).collect();
    if text.is_empty() { "no reason given".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::attribute_text;

    #[test]
    fn a_reason_is_cut_and_cleaned_to_what_sqs_takes() {
        assert_eq!(attribute_text("line 3:\u{0} no\u{ffff}"), "line 3: no");
        assert_eq!(attribute_text(&"ä".repeat(2000)).chars().count(), 1000);
        assert_eq!(attribute_text("\u{1}"), "no reason given");
    }
}
