//! Policy documents as AWS hands them out.

use percent_encoding::percent_decode_str;
use sesame_diagnosis::world::RawDocument;
use sesame_policy::json::Json;

/// IAM hands documents out URL-encoded (RFC 3986: a plus sign is a plus sign).
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html>
pub(crate) fn url_encoded(text: &str, source: String) -> RawDocument {
    match percent_decode_str(text).decode_utf8() {
        Ok(decoded) => plain(&decoded, source),
        Err(_) => RawDocument { json: Err("expected URL-encoded UTF-8, found other bytes".to_owned()), source },
    }
}

/// SES and Organizations hand documents out as plain JSON text.
pub(super) fn plain(text: &str, source: String) -> RawDocument {
    RawDocument { json: Json::parse(text).map_err(|error| error.to_string()), source }
}
