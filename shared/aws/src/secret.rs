//! The key of links, from Secrets Manager.

use sesame_remediation::mac::LocalKey;
use sesame_responder::ports::PortError;

use crate::Clients;
use crate::failure::Failure;

/// Reads the key of links from a secret: its text or its bytes, as they are. Read once, a token is then checked without a call.
///
/// # Errors
/// The secret could not be read, or is too short for a key. What is in it is never shown.
pub async fn link_key(clients: &Clients, secret: &str) -> Result<LocalKey, PortError> {
    let sent = clients.secrets_manager.get_secret_value().secret_id(secret).send().await;
    let output = sent.map_err(|error| Failure::of(&error).port_error("secretsmanager:GetSecretValue"))?;
    let bytes = match (output.secret_binary, output.secret_string) {
        (Some(bytes), _) => bytes.into_inner(),
        (None, Some(text)) => text.into_bytes(),
        (None, None) => Vec::new(),
    };
    LocalKey::new("link", &bytes).map_err(|error| PortError::lasting(format!("the secret of links: {error}")))
}
