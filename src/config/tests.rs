use std::collections::BTreeMap;

use super::{Config, ConfigError, Grant, TargetConfig, TokenStore};

type Values = BTreeMap<&'static str, &'static str>;

fn sound() -> Values {
    BTreeMap::from([
        ("PARTNER_CENTER_TENANT_ID", "contoso.example"),
        (
            "PARTNER_CENTER_CLIENT_ID",
            "2d9f1f5e-0000-4000-8000-000000000001",
        ),
        ("PARTNER_CENTER_CLIENT_SECRET", "hunter2"),
        ("KEY_VAULT_URL", "https://contoso.vault.azure.net/"),
        ("DATAVERSE_URL", "https://contoso.crm.dynamics.com/"),
        ("AzureWebJobsStorage__accountName", "contoso"),
    ])
}

fn read(values: &Values) -> Result<Config, ConfigError> {
    Config::read(&|key| values.get(key).map(|value| (*value).to_owned()))
}

#[test]
fn six_settings_are_enough() {
    let config = read(&sound()).unwrap();
    let TargetConfig::Dataverse(dataverse) = config.target else {
        panic!("{:?}", config.target);
    };
    assert_eq!(dataverse.url.as_str(), "https://contoso.crm.dynamics.com/");
    assert_eq!(config.sync.options.mode.word(), "link");
    assert!(matches!(
        config.partner_center.grant,
        Grant::RefreshToken(TokenStore::KeyVault { .. })
    ));
}

#[test]
fn every_problem_is_reported_at_once() {
    let values = BTreeMap::from([
        ("DATAVERSE_URL", "http://contoso.crm.dynamics.com"),
        ("AzureWebJobsStorage", "AccountName=contoso"),
        ("SYNC_MODE", "both"),
        ("SYNC_LEAD_OWNER", "somebody"),
        ("SYNC_TIME_ZONE", "Middle/Earth"),
        ("OUTBOUND_CA_FILE", "/nowhere/ca.pem"),
        ("LOG_FORMAT", "xml"),
    ]);
    let problems = read(&values).unwrap_err().problems;
    for key in [
        "PARTNER_CENTER_TENANT_ID",
        "PARTNER_CENTER_CLIENT_ID",
        "PARTNER_CENTER_CLIENT_SECRET",
        "KEY_VAULT_URL",
        "DATAVERSE_URL",
        "AzureWebJobsStorage",
        "SYNC_MODE",
        "SYNC_LEAD_OWNER",
        "SYNC_TIME_ZONE",
        "OUTBOUND_CA_FILE",
        "LOG_FORMAT",
    ] {
        let named = problems.iter().filter(|it| it.starts_with(key)).count();
        assert_eq!(named, 1, "{key} in {problems:#?}");
    }
}

#[test]
fn a_blank_setting_counts_as_missing() {
    let mut values = sound();
    values.insert("PARTNER_CENTER_CLIENT_SECRET", "  ");
    let problems = read(&values).unwrap_err().problems;
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].starts_with("PARTNER_CENTER_CLIENT_SECRET: is not set"));
}

#[test]
fn no_secret_is_ever_printed() {
    let mut values = sound();
    values.insert("PARTNER_CENTER_GRANT", "password");
    values.insert("PARTNER_CENTER_PASSWORD", "correct-horse");
    let error = read(&values).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("correct-horse"));
    values.insert("PARTNER_CENTER_USERNAME", "sync@contoso.example");
    let config = format!("{:?}", read(&values).unwrap());
    assert!(
        !config.contains("correct-horse") && !config.contains("hunter2"),
        "{config}"
    );
}

#[test]
fn a_flow_needs_its_address_and_no_dataverse() {
    let mut values = sound();
    values.remove("DATAVERSE_URL");
    values.insert("SYNC_TARGET", "flow");
    let problems = read(&values).unwrap_err().problems;
    assert_eq!(problems.len(), 1, "{problems:#?}");
    assert!(problems[0].starts_with("FLOW_URL: is not set"));
    let address = "https://prod-1.westeurope.logic.azure.com:443/workflows/1/triggers/manual/paths/invoke?api-version=2016-06-01&sig=hunter3";
    values.insert("FLOW_URL", address);
    values.insert("FLOW_AUDIENCE", "https://service.flow.microsoft.com/");
    let config = read(&values).unwrap();
    assert!(!format!("{config:?}").contains("hunter3"));
    let TargetConfig::Flow(flow) = config.target else {
        panic!("it is not the flow");
    };
    // The trigger compares audiences letter by letter.
    let audience = Some("https://service.flow.microsoft.com/");
    assert_eq!(flow.audience.as_deref(), audience);
}

#[test]
fn the_address_of_a_flow_is_checked_and_never_repeated() {
    for address in [
        "http://flows.example/?sig=hunter3",
        "https://user:hunter3@flows.example/",
        "https://flows.example/#hunter3",
        "hunter3",
    ] {
        let mut values = sound();
        values.insert("SYNC_TARGET", "flow");
        values.insert("FLOW_URL", address);
        let problems = read(&values).unwrap_err().problems;
        assert_eq!(problems.len(), 1, "{problems:#?}");
        assert!(
            problems[0].starts_with("FLOW_URL: has to be"),
            "{problems:?}"
        );
        assert!(!problems[0].contains("hunter3"));
    }
}

#[test]
fn a_vault_and_a_file_at_once_are_refused() {
    let mut values = sound();
    values.insert("PARTNER_CENTER_REFRESH_TOKEN_FILE", "/run/token");
    let problems = read(&values).unwrap_err().problems;
    assert_eq!(problems.len(), 1, "{problems:#?}");
}
