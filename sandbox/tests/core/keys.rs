//! The keys that Entra ID signs its tokens with.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use openssl::{bn::BigNum, hash::MessageDigest, pkey::PKey, rsa::Rsa, sign::Verifier};
use sandbox::{
    Service,
    entra::{PARTNER_API, TENANT_ID},
};

use crate::{Fixture, claims, text};

#[tokio::test]
async fn a_token_verifies_with_the_published_key() {
    let fixture = Fixture::start().await;
    let token = fixture.app_token(PARTNER_API).await;
    let claims = claims(&token);
    assert_eq!(
        claims["iss"],
        format!("https://sts.windows.net/{TENANT_ID}/")
    );
    assert_eq!(claims["idtyp"], "app");
    assert_eq!(claims.get("upn"), None);

    let document = fixture.url(
        Service::Entra,
        &format!("{TENANT_ID}/v2.0/.well-known/openid-configuration"),
    );
    let document = fixture.client.get(document).send().await.unwrap();
    let document = crate::json(&document.text().await.unwrap());
    let keys = fixture.client.get(text(&document, "jwks_uri")).send();
    let keys = crate::json(&keys.await.unwrap().text().await.unwrap());
    let number = |name: &str| {
        let bytes = URL_SAFE_NO_PAD
            .decode(text(&keys["keys"][0], name))
            .unwrap();
        BigNum::from_slice(&bytes).unwrap()
    };
    let key = Rsa::from_public_components(number("n"), number("e")).unwrap();
    let key = PKey::from_rsa(key).unwrap();

    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut verifier = Verifier::new(MessageDigest::sha256(), &key).unwrap();
    let genuine = verifier.verify_oneshot(&signature, signed.as_bytes());
    assert!(genuine.unwrap());
}
