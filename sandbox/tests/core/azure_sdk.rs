//! Entra ID and Key Vault as Microsoft's own client libraries see them.

use std::{collections::HashMap, sync::Arc};

use azure_core::{
    cloud::{CloudConfiguration, CustomConfiguration},
    credentials::TokenCredential,
    error::ErrorKind,
    http::{ClientOptions, RetryOptions, StatusCode, Transport},
};
use azure_identity::{ClientSecretCredential, ClientSecretCredentialOptions};
use azure_security_keyvault_secrets::{
    SecretClient, SecretClientOptions,
    models::{SecretClientGetSecretOptions, SetSecretParameters},
};
use sandbox::{
    Service,
    entra::{CLIENT_ID, CLIENT_SECRET, PARTNER_API, TENANT_ID, VAULT},
};

use crate::Fixture;

fn options(fixture: &Fixture) -> ClientOptions {
    let mut cloud = CustomConfiguration::default();
    cloud.authority_host = fixture.sandbox.url(Service::Entra).to_string();
    ClientOptions {
        cloud: Some(Arc::new(CloudConfiguration::from(cloud))),
        transport: Some(Transport::new(Arc::new(fixture.client.clone()))),
        retry: RetryOptions::none(),
        ..ClientOptions::default()
    }
}

fn credential(fixture: &Fixture, secret: &str) -> Arc<ClientSecretCredential> {
    let options = ClientSecretCredentialOptions {
        client_options: options(fixture),
    };
    let secret = secret.to_owned().into();
    ClientSecretCredential::new(TENANT_ID, CLIENT_ID.to_owned(), secret, Some(options)).unwrap()
}

fn vault(fixture: &Fixture) -> SecretClient {
    let options = SecretClientOptions {
        client_options: options(fixture),
        verify_challenge_resource: Some(false),
        ..SecretClientOptions::default()
    };
    let endpoint = fixture.sandbox.url(Service::KeyVault);
    let credential = credential(fixture, CLIENT_SECRET);
    SecretClient::new(endpoint.as_str(), credential, Some(options)).unwrap()
}

#[tokio::test]
async fn the_client_secret_credential_gets_a_token_once() {
    let fixture = Fixture::start().await;
    let credential = credential(&fixture, CLIENT_SECRET);
    let scope = format!("{PARTNER_API}/.default");
    for _ in 0..2 {
        let token = credential.get_token(&[&scope], None).await.unwrap();
        let claims = crate::claims(token.token.secret());
        assert_eq!(claims["aud"], PARTNER_API);
    }
    assert_eq!(fixture.sandbox.world().requests.of(Service::Entra).len(), 1);
}

#[tokio::test]
async fn the_credential_reports_the_number_of_a_refusal() {
    let fixture = Fixture::start().await;
    let scope = format!("{PARTNER_API}/.default");
    let refused = credential(&fixture, "wrong")
        .get_token(&[&scope], None)
        .await
        .unwrap_err();
    assert!(matches!(refused.kind(), ErrorKind::Credential));
    assert!(refused.to_string().contains("AADSTS7000215"), "{refused}");
}

#[tokio::test]
async fn the_secret_client_writes_and_reads_after_one_challenge() {
    let fixture = Fixture::start().await;
    let vault = vault(&fixture);
    let wanted = SetSecretParameters {
        value: Some("first".to_owned()),
        content_type: Some("text/plain".to_owned()),
        tags: Some(HashMap::from([("origin".to_owned(), "test".to_owned())])),
        ..SetSecretParameters::default()
    };
    let body = wanted.try_into().unwrap();
    let written = vault.set_secret("name", body, None).await.unwrap();
    let written = written.into_model().unwrap();
    let second = SetSecretParameters {
        value: Some("second".to_owned()),
        ..SetSecretParameters::default()
    };
    let body = second.try_into().unwrap();
    vault.set_secret("name", body, None).await.unwrap();

    let read = vault.get_secret("name", None).await.unwrap();
    let read = read.into_model().unwrap();
    assert_eq!(read.value.as_deref(), Some("second"));
    assert!(read.attributes.unwrap().updated.is_some());

    let id = url::Url::parse(&written.id.unwrap()).unwrap();
    let options = SecretClientGetSecretOptions {
        secret_version: id.path_segments().unwrap().next_back().map(str::to_owned),
        ..SecretClientGetSecretOptions::default()
    };
    let read = vault.get_secret("name", Some(options)).await.unwrap();
    let read = read.into_model().unwrap();
    assert_eq!(read.value.as_deref(), Some("first"));
    assert_eq!(read.content_type.as_deref(), Some("text/plain"));
    assert_eq!(read.tags.unwrap()["origin"], "test");

    let requests = fixture.sandbox.world().requests.of(Service::KeyVault);
    let challenged = requests.iter().filter(|it| it.status == Some(401));
    assert_eq!((requests.len(), challenged.count()), (5, 1));
    let entra = fixture.sandbox.world().entra.lock();
    assert_eq!(entra.issued("client_credentials", VAULT), 1);
}

#[tokio::test]
async fn the_secret_client_reads_the_vaults_error_codes() {
    let fixture = Fixture::start().await;
    let vault = vault(&fixture);
    let code = |error: azure_core::Error| match error.kind() {
        ErrorKind::HttpResponse {
            status, error_code, ..
        } => (*status, error_code.clone()),
        kind => panic!("{kind:?}: {error}"),
    };
    let missing = vault.get_secret("nothing", None).await.unwrap_err();
    let expected = (StatusCode::NotFound, Some("SecretNotFound".to_owned()));
    assert_eq!(code(missing), expected);

    fixture.sandbox.world().key_vault.lock().forbid_get(true);
    let refused = vault.get_secret("nothing", None).await.unwrap_err();
    // The library cannot read a message with escaped characters, which the real one has too, and
    // puts the status where the code should be.
    let expected = (StatusCode::Forbidden, Some("403".to_owned()));
    assert_eq!(code(refused), expected);
}
