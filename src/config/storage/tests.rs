use std::collections::BTreeMap;

use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::*;

type Values = BTreeMap<&'static str, &'static str>;

const KEY: &str = "c2VjcmV0IGtleQ==";

fn read(values: &Values) -> Result<StorageConfig, Vec<String>> {
    let get = |key: &str| values.get(key).map(|value| (*value).to_owned());
    let mut settings = Settings::new(&get);
    let azure = AzureCredential::AzureCli;
    let config = StorageConfig::read(&mut settings, Some(&azure));
    let problems = settings.into_problems();
    assert_eq!(config.is_none(), !problems.is_empty(), "{problems:#?}");
    config.ok_or(problems)
}

fn connected(text: &'static str) -> Result<StorageConfig, Vec<String>> {
    read(&Values::from([(CONNECTION, text)]))
}

fn places(config: &StorageConfig) -> [&str; 2] {
    [config.blobs.as_str(), config.queues.as_str()]
}

#[test]
fn the_portals_connection_string_is_enough() {
    let config = connected(
        "DefaultEndpointsProtocol=https;AccountName=contoso;AccountKey=c2VjcmV0IGtleQ==;EndpointSuffix=core.chinacloudapi.cn",
    )
    .unwrap();
    assert_eq!(
        places(&config),
        [
            "https://contoso.blob.core.chinacloudapi.cn/",
            "https://contoso.queue.core.chinacloudapi.cn/"
        ]
    );
    assert_eq!(config.container, "referral-connector");
    let StorageAccess::Key { account, key } = config.access else {
        panic!("{:?}", config.access)
    };
    assert_eq!((account.as_str(), key.expose_secret()), ("contoso", KEY));
}

#[test]
fn the_emulator_is_found_on_this_machine() {
    let config = connected("UseDevelopmentStorage=true").unwrap();
    assert_eq!(
        places(&config),
        [
            "http://127.0.0.1:10000/devstoreaccount1",
            "http://127.0.0.1:10001/devstoreaccount1"
        ]
    );
}

#[test]
fn endpoints_of_ones_own_replace_the_usual_ones() {
    let config = connected(
        "accountname=one;ACCOUNTKEY=c2VjcmV0IGtleQ==;BlobEndpoint=http://127.0.0.1:7001/one/;QueueEndpoint=https://queues.contoso.example;",
    )
    .unwrap();
    assert_eq!(
        places(&config),
        [
            "http://127.0.0.1:7001/one",
            "https://queues.contoso.example/"
        ]
    );
}

#[test]
fn a_shared_access_signature_opens_the_account_too() {
    let config = connected(
        "BlobEndpoint=https://contoso.blob.core.windows.net;QueueEndpoint=https://contoso.queue.core.windows.net;SharedAccessSignature=?sv=2022-11-02&sig=abc%3D",
    )
    .unwrap();
    let StorageAccess::Signature(query) = config.access else {
        panic!("{:?}", config.access)
    };
    assert_eq!(query.expose_secret(), "sv=2022-11-02&sig=abc%3D");
}

#[test]
fn an_identity_needs_the_accounts_name_alone() {
    let config = read(&Values::from([(ACCOUNT_NAME, "contoso")])).unwrap();
    assert_eq!(
        places(&config),
        [
            "https://contoso.blob.core.windows.net/",
            "https://contoso.queue.core.windows.net/"
        ]
    );
    assert!(matches!(
        config.access,
        StorageAccess::Identity(AzureCredential::AzureCli)
    ));
}

#[test]
fn an_identity_of_its_own_may_open_services_named_by_address() {
    let config = read(&Values::from([
        (BLOB_SERVICE, "https://contoso.z1.blob.storage.azure.net/"),
        (QUEUE_SERVICE, "https://contoso.z1.queue.storage.azure.net"),
        (CREDENTIAL, "managedidentity"),
        (CLIENT_ID, "2d9f1f5e-0000-4000-8000-000000000001"),
    ]))
    .unwrap();
    assert_eq!(
        config.blobs.as_str(),
        "https://contoso.z1.blob.storage.azure.net/"
    );
    let StorageAccess::Identity(AzureCredential::ManagedIdentity { client_id }) = config.access
    else {
        panic!("{:?}", config.access)
    };
    assert_eq!(
        client_id.as_deref(),
        Some("2d9f1f5e-0000-4000-8000-000000000001")
    );
}

#[test]
fn every_problem_of_a_connection_string_is_named_and_no_value_is() {
    let cases: [(&str, &[&str]); 9] = [
        (
            "nonsense",
            &[
                "its part 1 is no",
                "neither AccountKey nor",
                "no BlobEndpoint",
                "no QueueEndpoint",
            ],
        ),
        (
            "AccountName=contoso;AccountName=fabrikam;AccountKey=c2VjcmV0IGtleQ==",
            &["its part 2 repeats"],
        ),
        ("AccountName=contoso", &["neither AccountKey nor"]),
        (
            "AccountName=contoso;AccountKey=not+base64!",
            &["its AccountKey is no key"],
        ),
        (
            "AccountName=contoso;AccountKey=c2VjcmV0IGtleQ==;SharedAccessSignature=sig=hush",
            &["keep one of them"],
        ),
        (
            "AccountName=contoso;SharedAccessSignature=sv=2022-11-02",
            &["no sig in it"],
        ),
        (
            "AccountName=Contoso!;AccountKey=c2VjcmV0IGtleQ==",
            &["has no BlobEndpoint", "has no QueueEndpoint"],
        ),
        (
            "DefaultEndpointsProtocol=http;AccountName=contoso;AccountKey=c2VjcmV0IGtleQ==;QueueEndpoint=http://queues.example",
            &["address for its blobs", "its QueueEndpoint has to be"],
        ),
        (
            "UseDevelopmentStorage=maybe;DevelopmentStorageProxyUri=http://other",
            &["can only be true", "DevelopmentStorageProxyUri"],
        ),
    ];
    for (text, expected) in cases {
        let problems = connected(text).unwrap_err();
        assert_eq!(problems.len(), expected.len(), "{text}: {problems:#?}");
        for (problem, words) in problems.iter().zip(expected) {
            assert!(
                problem.starts_with("AzureWebJobsStorage: ") && problem.contains(words),
                "{text}: {problem}"
            );
        }
        let all = problems.concat();
        for value in [KEY, "hush", "not+base64", "queues.example", "fabrikam"] {
            assert!(!all.contains(value), "{all}");
        }
    }
}

#[test]
fn every_problem_of_the_identity_based_form_is_named() {
    let cases: [(Values, &[&str]); 6] = [
        (Values::new(), &[CONNECTION]),
        (
            Values::from([
                (CONNECTION, "UseDevelopmentStorage=true"),
                (ACCOUNT_NAME, "contoso"),
            ]),
            &[CONNECTION],
        ),
        (Values::from([(ACCOUNT_NAME, "Contoso")]), &[ACCOUNT_NAME]),
        (
            Values::from([(BLOB_SERVICE, "http://contoso.blob.core.windows.net")]),
            &[BLOB_SERVICE, QUEUE_SERVICE],
        ),
        (
            Values::from([(ACCOUNT_NAME, "contoso"), (CREDENTIAL, "password")]),
            &[CREDENTIAL],
        ),
        (
            Values::from([
                (ACCOUNT_NAME, "contoso"),
                ("STORAGE_CONTAINER", "No_Container"),
            ]),
            &["STORAGE_CONTAINER"],
        ),
    ];
    for (values, expected) in cases {
        let mut problems = read(&values).unwrap_err();
        problems.sort_unstable();
        let keys: Vec<_> = problems
            .iter()
            .filter_map(|it| Some(it.split_once(": ")?.0))
            .collect();
        assert_eq!(keys, expected, "{problems:#?}");
    }
}

proptest! {
    #[test]
    fn whatever_stands_there_is_an_account_or_a_list_of_problems(
        parts in proptest::collection::vec(("(?i)AccountName|AccountKey|BlobEndpoint|QueueEndpoint|EndpointSuffix|SharedAccessSignature|DefaultEndpointsProtocol|\\PC{0,9}", "[=a-zA-Z0-9+/:.?&-]{9,30}"), 0..6),
    ) {
        let pairs: Vec<_> = parts.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let text = pairs.join(";");
        if let Err(problems) = connection_string::parse(&text) {
            prop_assert!(!problems.is_empty());
            let all = problems.join(" ");
            for (_, value) in &parts {
                prop_assert!(!all.contains(value.as_str()), "{all}");
            }
        }
    }
}

#[test]
fn a_container_has_a_name_that_storage_takes() {
    for name in ["abc", "referral-connector", "a-1-b"] {
        assert!(is_container_name(name), "{name}");
    }
    for name in ["ab", "-abc", "abc-", "a--b", "Abc", "a_b", &"a".repeat(64)] {
        assert!(!is_container_name(name), "{name}");
    }
}

#[test]
fn no_key_and_no_signature_is_ever_printed() {
    let text = "AccountName=contoso;AccountKey=c2VjcmV0IGtleQ==";
    let printed = format!("{:?}", connected(text).unwrap());
    assert!(!printed.contains(KEY), "{printed}");
}
