//! A queue of events, read to its end.

use std::time::{Duration, Instant};

use sesame_aws::Queue;

use super::{block_on, connect};
use crate::arguments::Capture;
use crate::failure::Failure;

/// How long SQS lets one wait for a message.
const LONGEST_WAIT: u64 = 20;

/// Hands every message on, and takes it out of the queue once that went well; ends when none has come for a while.
pub fn drain(url: &str, arguments: &Capture, keep: &mut dyn FnMut(&str) -> Result<(), Failure>) -> Result<(), Failure> {
    block_on(async {
        let (clients, _) = connect(arguments.profile.as_deref(), false).await?;
        let queue = Queue::new(&clients, url);
        let wait = Duration::from_secs(arguments.wait);
        let mut last = Instant::now();
        loop {
            let left = wait.saturating_sub(last.elapsed()).as_secs().min(LONGEST_WAIT);
            let messages = queue.receive(u8::try_from(left).unwrap_or_default()).await.map_err(Failure::snapshot)?;
            if messages.is_empty() && last.elapsed() >= wait {
                return Ok(());
            }
            for message in messages {
                keep(&message.body)?;
                queue.delete(&message).await.map_err(Failure::snapshot)?;
                last = Instant::now();
            }
        }
    })
}
