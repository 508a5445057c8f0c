//! What has to hold of the connector's readers whatever bytes come in. A function for each reader: it panics where a promise
//! is broken. The fuzzers call these functions, and so do the ordinary tests, with the committed seeds and with changes of them.

use std::sync::LazyLock;

use http::{HeaderMap, HeaderName, HeaderValue};
use referral_connector::callback::certificate::Certificate;
use referral_connector::callback::{Claim, encoding};
use referral_connector::config::Config;
use referral_connector::event::Event;
use referral_connector::lead::{ColumnKind, LeadSchema, Value};
use referral_connector::mapping::{self, Mapping};
use referral_connector::server::is_trigger_envelope;
use referral_connector::upstream::partner_center::parse_referral;

/// The default settings.
static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    let required = |name: &str| match name {
        "PARTNER_CENTER_TENANT_ID" | "PARTNER_CENTER_CLIENT_ID" => {
            Some("4111fffc-f9ee-4d53-bba6-569135228642")
        }
        "PARTNER_CENTER_CLIENT_SECRET" => Some("secret"),
        "KEY_VAULT_URL" => Some("https://vault.invalid"),
        "DATAVERSE_URL" => Some("https://contoso.crm.dynamics.com"),
        "AzureWebJobsStorage" => Some("UseDevelopmentStorage=true"),
        _ => None,
    };
    Config::read(&|name| required(name).map(str::to_owned)).expect("these are all it needs")
});

/// A table whose text columns are short, so that something has to be cut.
static SCHEMA: LazyLock<LeadSchema> = LazyLock::new(|| {
    let rows = Mapping::shipped().rows().iter();
    let texts = rows.filter(|row| row.kind == ColumnKind::Text);
    LeadSchema {
        lengths: texts.map(|row| (row.column.clone(), SHORT)).collect(),
        ..LeadSchema::default()
    }
});

const SHORT: usize = 20;

/// A delivery's headers, one on a line.
pub fn claim(input: &[u8]) {
    let headers: HeaderMap = input
        .split(|byte| *byte == b'\n')
        .filter_map(header)
        .collect();
    match Claim::from_headers(&headers, &CONFIG.callback.certificate_urls) {
        Ok(claim) => {
            assert!((1..=1026).contains(&claim.signature.len()));
            let url = claim.certificate_url.url();
            let rest = url
                .as_str()
                .strip_prefix("https://3psostorageacct.blob.core.windows.net/cert/");
            let file = rest
                .and_then(|rest| rest.strip_suffix(".cer"))
                .expect("another address");
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            assert!(file.bytes().all(plain), "{file:?}");
            assert_eq!(headers["x-ms-certificate-url"], url.as_str());
        }
        Err(error) => assert_fit_for_a_log(&error.to_string(), 300),
    }
}

/// As lines of a request are read: `name: value`.
fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = line.split_at(colon);
    let name = HeaderName::from_bytes(name).ok()?;
    let value = HeaderValue::from_bytes(value[1..].trim_ascii()).ok()?;
    Some((name, value))
}

/// The file a certificate's address serves.
pub fn certificate(input: &[u8]) {
    const MOST: usize = 8;
    let files = encoding::certificates(input, MOST);
    if let Ok(files) = &files {
        assert!((1..=MOST).contains(&files.len()));
        assert!(files.iter().map(Vec::len).sum::<usize>() <= input.len());
        assert!(files.iter().all(|file| file[0] == 0x30));
    }
    let certificate = Certificate::read(input, &CONFIG.callback.policy);
    assert!(certificate.is_err() || files.is_ok());
    match certificate {
        Ok(certificate) => {
            assert_fit_for_a_log(certificate.summary(), 10_000);
            for mismatch in certificate.mismatches() {
                assert_fit_for_a_log(&mismatch.to_string(), 10_000);
            }
            let sound = certificate.check_profile().is_ok() && certificate.link().is_ok();
            assert!(sound || certificate.key().is_none(), "a key nobody may use");
        }
        Err(error) => assert_fit_for_a_log(&error.to_string(), 300),
    }
}

/// The body of an authentic delivery.
pub fn event(input: &[u8]) {
    match Event::read(input) {
        Ok(Event::ReferralChanged(id)) => {
            assert!(!id.uuid().is_nil());
            // It was somewhere in the body, in whatever letter case and however escaped.
            assert!(36 <= input.len());
        }
        Ok(Event::Test) => {}
        Ok(Event::Other(name)) => {
            assert_fit_for_a_log(&name, 100);
            assert!(name.bytes().all(|byte| byte.is_ascii_graphic()), "{name:?}");
        }
        Err(error) => assert_fit_for_a_log(&error.to_string(), 300),
    }
    // A second member of a name, in another letter case and behind everything else, spoils any event.
    if let Some(open) = input.trim_ascii_end().strip_suffix(b"}")
        && Event::read(input).is_ok()
    {
        let twice = [open, br#","EVENTname":"test-created"}"#].concat();
        assert!(Event::read(&twice).is_err(), "a member came twice");
    }
}

/// What the host posts to a trigger.
pub fn trigger(input: &[u8]) {
    if is_trigger_envelope(input) {
        assert!(!is_trigger_envelope(&[input, b"]"].concat()));
        assert!(is_trigger_envelope(&[b"\r\n\t ", input, b" "].concat()));
    }
}

/// A referral as Partner Center answers, and the lead it makes.
pub fn referral(input: &[u8]) {
    let Ok(parsed) = parse_referral(input) else {
        return;
    };
    assert!(!parsed.value.etag.as_str().is_empty());
    assert!(parsed.malformed.len() <= 50);
    assert!(parsed.malformed.is_sorted());
    for path in &parsed.malformed {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".[]".contains(&byte);
        assert!(path.bytes().all(plain), "{path:?}");
    }
    let projection = mapping::project(&parsed.value, &SCHEMA, None, &CONFIG.sync.options);
    for (column, value) in &projection.columns {
        if let Value::Text(text) = value {
            assert!(text.encode_utf16().count() <= SHORT, "{column:?}: {text:?}");
            assert_eq!(text.trim(), text, "{column:?}");
            let broken = |it: char| it.is_control() && it != '\n';
            assert!(!text.chars().any(broken), "{column:?}: {text:?}");
        }
    }
}

/// `text` can neither forge a line of a log nor fill it.
fn assert_fit_for_a_log(text: &str, longest: usize) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
    assert!(text.len() <= longest, "{} bytes", text.len());
}
