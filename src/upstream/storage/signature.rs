//! Account shared access signatures: what a storage account's key signs, so that the key itself is never sent.

use jiff::{SignedDuration, Timestamp};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use url::form_urlencoded;

/// The version of the rules of signing.
const VERSION: &str = "2022-11-02";
/// Blobs and queues.
const SERVICES: &str = "bq";
/// Containers and queues, blobs and messages.
const RESOURCES: &str = "co";
/// Read, write, delete, list, add, create, process: no more than the connector does.
const PERMISSIONS: &str = "rwdlacp";
/// How long a signature is good. Each operation makes its own, so this is for clocks that differ.
const LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// The query that opens `account` for an hour from `now`, without a `?`. `schemes` is `https`, or `https,http`.
pub(super) fn query(
    account: &str,
    key: &[u8],
    now: Timestamp,
    schemes: &str,
) -> Result<String, ErrorStack> {
    let end = (now + LIFETIME).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    // Start and addresses stay empty: a start would fail where our clock is ahead. So does the encryption scope at the end.
    let text = format!(
        "{account}\n{PERMISSIONS}\n{SERVICES}\n{RESOURCES}\n\n{end}\n\n{schemes}\n{VERSION}\n\n"
    );
    let key = PKey::hmac(key)?;
    let mut signer = Signer::new(MessageDigest::sha256(), &key)?;
    let signature = signer.sign_oneshot_to_vec(text.as_bytes())?;
    Ok(form_urlencoded::Serializer::new(String::new())
        .append_pair("sv", VERSION)
        .append_pair("ss", SERVICES)
        .append_pair("srt", RESOURCES)
        .append_pair("sp", PERMISSIONS)
        .append_pair("se", &end)
        .append_pair("spr", schemes)
        .append_pair("sig", &openssl::base64::encode_block(&signature))
        .finish())
}

/// When the signature `query` ends, if it says so.
pub(super) fn end(query: &str) -> Option<Timestamp> {
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "se")
        .and_then(|(_, end)| end.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_one_that_the_rules_of_signing_give() {
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        // Computed with another implementation of HMAC.
        assert_eq!(
            query("contoso", b"secret key", now, "https").unwrap(),
            "sv=2022-11-02&ss=bq&srt=co&sp=rwdlacp&se=2026-11-22T11%3A00%3A00Z&spr=https\
             &sig=HlMWHmMQ0%2FmIhhVCY8vrIgStbojg9NVoNaoIWeRJpTY%3D"
        );
    }

    #[test]
    fn the_end_of_a_signature_is_read_from_it() {
        let now = "2026-11-22T10:00:00.5Z".parse().unwrap();
        let signed = query("contoso", b"secret key", now, "https").unwrap();
        assert_eq!(end(&signed), "2026-11-22T11:00:00Z".parse().ok());
        assert_eq!(end("sv=2022-11-02&sig=abc"), None);
    }
}
