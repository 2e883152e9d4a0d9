//! A queue that somebody reads by hand.

use crate::Clients;
use crate::clients::AccessError;
use crate::failure::Failure;

/// A message, and what deletes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What was sent.
    pub body: String,
    handle: String,
}

/// An SQS queue.
#[derive(Debug)]
pub struct Queue {
    sqs: aws_sdk_sqs::Client,
    url: String,
}

impl Queue {
    /// The queue of a URL.
    pub fn new(clients: &Clients, url: impl Into<String>) -> Queue {
        Queue { sqs: clients.sqs.clone(), url: url.into() }
    }

    /// Up to ten messages; none when none comes within so many seconds (20 at most).
    /// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html>
    ///
    /// # Errors
    /// No such queue, no permission, or no way to it.
    pub async fn receive(&self, seconds: u8) -> Result<Vec<Message>, AccessError> {
        let request = self.sqs.receive_message().queue_url(&self.url).max_number_of_messages(10);
        // The answer may take as long as it is waited for.
        let limit = std::time::Duration::from_secs(u64::from(seconds.min(20)) + 10);
        let timeouts =
            aws_config::timeout::TimeoutConfig::builder().operation_attempt_timeout(limit).operation_timeout(limit * 2);
        let patient = aws_sdk_sqs::config::Builder::new().timeout_config(timeouts.build());
        let sent =
            request.wait_time_seconds(i32::from(seconds.min(20))).customize().config_override(patient).send().await;
        let output = sent.map_err(|error| self.failed("sqs:ReceiveMessage", Failure::of(&error)))?;
        let messages = output.messages.unwrap_or_default().into_iter();
        Ok(messages
            .filter_map(|message| Some(Message { body: message.body?, handle: message.receipt_handle? }))
            .collect())
    }

    /// Takes a message out of the queue.
    ///
    /// # Errors
    /// No permission, or no way to it.
    pub async fn delete(&self, message: &Message) -> Result<(), AccessError> {
        let sent = self.sqs.delete_message().queue_url(&self.url).receipt_handle(&message.handle).send().await;
        sent.map(|_| ()).map_err(|error| self.failed("sqs:DeleteMessage", Failure::of(&error)))
    }

    fn failed(&self, call: &str, failure: Failure) -> AccessError {
        let said = failure.message.map(|message| format!(": {message}")).unwrap_or_default();
        AccessError(format!("{}: `{call}` gave {}{said}", self.url, failure.code))
    }
}
