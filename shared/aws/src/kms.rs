//! A KMS HMAC key: the code is made and checked within KMS, by whoever may.

use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::MacAlgorithmSpec;
use sesame_remediation::mac::{Mac, MacError};

use crate::Clients;
use crate::failure::Failure;

/// An HMAC key in KMS, by its ARN: authorization by an alias is by the alias, and one key id must be in every record.
#[derive(Debug, Clone)]
pub struct KmsKey {
    clients: Clients,
    arn: String,
}

impl KmsKey {
    /// The key of an ARN.
    pub fn new(clients: Clients, arn: impl Into<String>) -> KmsKey {
        KmsKey { clients, arn: arn.into() }
    }
}

impl Mac for KmsKey {
    fn key_id(&self) -> &str {
        &self.arn
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, MacError> {
        let request = self.clients.kms.generate_mac().key_id(&self.arn).mac_algorithm(MacAlgorithmSpec::HmacSha256);
        let sent = request.message(Blob::new(message)).send().await;
        let output = sent.map_err(|error| MacError(Failure::of(&error).port_error("kms:GenerateMac").message))?;
        let mac = output.mac.ok_or_else(|| MacError("kms:GenerateMac answered without a code".to_owned()))?;
        Ok(mac.into_inner())
    }

    async fn verify(&self, message: &[u8], mac: &[u8]) -> Result<bool, MacError> {
        let request = self.clients.kms.verify_mac().key_id(&self.arn).mac_algorithm(MacAlgorithmSpec::HmacSha256);
        match request.message(Blob::new(message)).mac(Blob::new(mac)).send().await {
            Ok(output) => Ok(output.mac_valid),
            Err(error) if error.as_service_error().is_some_and(|error| error.is_kms_invalid_mac_exception()) => {
                Ok(false)
            }
            Err(error) => Err(MacError(Failure::of(&error).port_error("kms:VerifyMac").message)),
        }
    }
}
