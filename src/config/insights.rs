//! Where traces go.

use url::Url;
use uuid::Uuid;

use super::Settings;

const CONNECTION: &str = "APPLICATIONINSIGHTS_CONNECTION_STRING";
const AUTHENTICATION: &str = "APPLICATIONINSIGHTS_AUTHENTICATION_STRING";
/// Where resources without an endpoint of their own are.
const GLOBAL: &str = "https://dc.services.visualstudio.com/";
/// The audience of tokens for the ingestion service, with the slash that it is compared with.
const AUDIENCE: &str = "https://monitor.azure.com/";

/// An Application Insights resource.
#[derive(Clone, Debug)]
pub struct InsightsConfig {
    /// Where its telemetry is taken.
    pub url: Url,
    /// Its instrumentation key.
    pub key: Uuid,
    /// The audience of the tokens it wants; `None` sends none.
    pub audience: Option<String>,
}

impl InsightsConfig {
    /// The outer `None` is a problem, the inner one that no traces are to be sent.
    #[expect(
        clippy::option_option,
        reason = "no traces and a wrong setting are different things"
    )]
    pub(super) fn read(settings: &mut Settings<'_>) -> Option<Option<Self>> {
        let is_off: bool = settings.required("OTEL_SDK_DISABLED")?;
        let Some(connection) = settings.text(CONNECTION).filter(|_| !is_off) else {
            return Some(None);
        };
        let key = value(&connection, "InstrumentationKey").and_then(|it| it.parse().ok());
        let endpoint = value(&connection, "IngestionEndpoint").unwrap_or(GLOBAL);
        let url = Url::parse(endpoint)
            .ok()
            .filter(|it| it.scheme() == "https");
        let url = url.and_then(|it| it.join("v2.1/track").ok());
        let (Some(key), Some(url)) = (key, url) else {
            let wanted = "needs InstrumentationKey=<guid>, and an https IngestionEndpoint if any";
            settings.problem(CONNECTION, wanted);
            return None;
        };
        let sign_in = settings.text(AUTHENTICATION).unwrap_or_default();
        let wanted = value(&sign_in, "Authorization").is_some_and(|it| it == "AAD");
        let audience = value(&connection, "AADAudience").unwrap_or(AUDIENCE);
        Some(Some(Self {
            url,
            key,
            audience: wanted.then(|| audience.to_owned()),
        }))
    }
}

/// What stands behind `name=` among the parts between semicolons.
fn value<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut parts = text.split(';').filter_map(|part| part.split_once('='));
    let found = parts.find(|(key, _)| key.trim().eq_ignore_ascii_case(name));
    found
        .map(|(_, value)| value.trim())
        .filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[(&str, &str)]) -> Result<Option<InsightsConfig>, Vec<String>> {
        let get = |key: &str| {
            let found = values.iter().find(|(name, _)| *name == key);
            found.map(|(_, value)| (*value).to_owned())
        };
        let mut settings = Settings::new(&get);
        let config = InsightsConfig::read(&mut settings);
        config.ok_or_else(|| settings.into_problems())
    }

    const STRING: &str = "InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint=https://westeurope-5.in.applicationinsights.azure.com/;LiveEndpoint=https://x/";

    #[test]
    fn the_usual_string_switches_traces_on_and_the_usual_switch_off() {
        assert!(read(&[]).unwrap().is_none());
        let config = read(&[(CONNECTION, STRING)]).unwrap().unwrap();
        let url = "https://westeurope-5.in.applicationinsights.azure.com/v2.1/track";
        assert_eq!((config.url.as_str(), config.key), (url, Uuid::from_u128(1)));
        assert_eq!(config.audience, None);
        let off = [(CONNECTION, STRING), ("OTEL_SDK_DISABLED", "true")];
        assert!(read(&off).unwrap().is_none());
    }

    #[test]
    fn a_sign_in_is_made_where_the_usual_setting_says_so() {
        let aad = (AUTHENTICATION, "ClientId=7;Authorization=AAD");
        let config = read(&[(CONNECTION, STRING), aad]).unwrap().unwrap();
        assert_eq!(config.audience.as_deref(), Some(AUDIENCE));
        let sovereign = format!("{STRING};AADAudience=https://monitor.example/");
        let config = read(&[(CONNECTION, &*sovereign), aad]).unwrap().unwrap();
        assert_eq!(config.audience.as_deref(), Some("https://monitor.example/"));
    }

    #[test]
    fn a_string_that_cannot_be_used_is_a_problem_that_does_not_repeat_it() {
        for text in [
            "hunter2",
            "InstrumentationKey=hunter2",
            "InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint=http://hunter2/",
        ] {
            let problems = read(&[(CONNECTION, text)]).unwrap_err();
            assert_eq!(problems.len(), 1, "{text}");
            assert!(problems[0].starts_with(CONNECTION) && !problems[0].contains("hunter2"));
        }
    }
}
