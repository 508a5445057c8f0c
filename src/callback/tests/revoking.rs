use openssl::asn1::{Asn1Integer, Asn1Time};
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::x509::{X509CrlBuilder, X509RevokedBuilder};

use super::*;
use crate::callback::minting::{extension, tlv};

const LIST: &str = "/list.crl";
const SERIAL: u32 = 4711;

/// A revocation list to be.
struct List {
    revoked: Vec<u32>,
    from: i64,
    to: i64,
    scope: Option<Vec<u8>>,
}

impl List {
    fn of(revoked: &[u32]) -> Self {
        Self {
            revoked: revoked.to_vec(),
            from: NOW - 100,
            to: NOW + 7 * 86_400,
            scope: None,
        }
    }

    fn by(self, issuer: &Minted) -> Vec<u8> {
        let mut builder = X509CrlBuilder::new().unwrap();
        builder.set_issuer_name(issuer.x509.subject_name()).unwrap();
        builder
            .set_last_update(&Asn1Time::from_unix(self.from).unwrap())
            .unwrap();
        builder
            .set_next_update(&Asn1Time::from_unix(self.to).unwrap())
            .unwrap();
        for serial in self.revoked {
            let number = Asn1Integer::from_bn(&BigNum::from_u32(serial).unwrap()).unwrap();
            let mut entry = X509RevokedBuilder::new().unwrap();
            entry.set_serial_number(&number).unwrap();
            entry
                .set_revocation_date(&Asn1Time::from_unix(NOW - 50).unwrap())
                .unwrap();
            builder.add_revoked(entry.build()).unwrap();
        }
        let key = issuer.x509.subject_key_id().unwrap().as_slice();
        let mut extensions = vec![
            extension("2.5.29.35", false, tlv(0x30, &tlv(0x80, key))),
            extension("2.5.29.20", false, tlv(2, &[7])),
        ];
        extensions.extend(
            self.scope
                .map(|scope| extension("2.5.29.28", true, tlv(0x30, &scope))),
        );
        for extension in extensions {
            builder.append_extension2(&extension.openssl()).unwrap();
        }
        builder.sort().unwrap();
        builder.sign(&issuer.key, MessageDigest::sha256()).unwrap();
        builder.build().unwrap().to_der().unwrap()
    }
}

/// A scene in `mode`, with a published signer that names the list.
async fn scene(mode: &'static str) -> (Scene, Minted) {
    let scene = Scene::with(&[("CALLBACK_REVOCATION", mode)]).await;
    let signer = Mint::leaf()
        .revoked_at(&scene.host.url(LIST))
        .by(&scene.root);
    scene.host.put(CERTIFICATE, signer.der());
    (scene, signer)
}

/// Delivers until the answer is `wanted`: lists are read in the background.
async fn deliver_until(scene: &Scene, signer: &Minted, now: Now, wanted: Result<(), &str>) {
    for _ in 0..500 {
        if scene.deliver(signer, now).await == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never {wanted:?}");
}

#[tokio::test]
async fn a_revoked_certificate_is_refused_once_its_list_was_read() {
    let (scene, signer) = scene("soft").await;
    scene.host.put(LIST, List::of(&[1, SERIAL]).by(&scene.root));
    assert_eq!(
        scene.deliver(&signer, now()).await,
        Ok(()),
        "a delivery waits for no list"
    );
    deliver_until(&scene, &signer, now(), Err("certificate_revoked")).await;
    assert_eq!(scene.fetches(LIST), 1);
}

#[tokio::test]
async fn hard_refuses_for_as_long_as_no_list_clears_the_certificate() {
    let (scene, signer) = scene("hard").await;
    let error = scene
        .judge(CERTIFICATE, &signer, BODY, now())
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.answer()),
        ("revocation_unavailable", Answer::Unavailable)
    );
    wait_for(|| scene.fetches(LIST) == 1).await;
    scene.host.put(LIST, List::of(&[1]).by(&scene.root));
    assert_eq!(
        scene.deliver(&signer, after(60)).await,
        Err("revocation_unavailable")
    );
    assert_eq!(scene.fetches(LIST), 1, "a failure is believed for minutes");
    deliver_until(&scene, &signer, after(301), Ok(())).await;
}

#[tokio::test]
async fn soft_accepts_when_a_list_cannot_be_had_and_off_never_asks() {
    for (mode, fetches) in [("soft", 1), ("off", 0)] {
        let (scene, signer) = scene(mode).await;
        assert_eq!(scene.deliver(&signer, now()).await, Ok(()));
        wait_for(|| scene.fetches(LIST) == fetches).await;
        assert_eq!(scene.deliver(&signer, now()).await, Ok(()));
        assert_eq!(scene.fetches(LIST), fetches);
    }
}

#[tokio::test]
async fn an_older_list_never_takes_the_place_of_a_newer_one() {
    let (scene, signer) = scene("soft").await;
    scene.host.put(LIST, List::of(&[SERIAL]).by(&scene.root));
    deliver_until(&scene, &signer, now(), Err("certificate_revoked")).await;
    let mut older = List::of(&[]);
    older.from -= 1;
    scene.host.put(LIST, older.by(&scene.root));
    let later = after(7 * 3600);
    assert_eq!(
        scene.deliver(&signer, later).await,
        Err("certificate_revoked")
    );
    wait_for(|| scene.fetches(LIST) == 2).await;
    assert_eq!(
        scene.deliver(&signer, later).await,
        Err("certificate_revoked")
    );
    let mut newer = List::of(&[]);
    newer.from += 1;
    scene.host.put(LIST, newer.by(&scene.root));
    deliver_until(&scene, &signer, later + Duration::from_secs(301), Ok(())).await;
}

#[tokio::test]
async fn a_list_that_may_not_be_believed_says_nothing() {
    let stranger = Mint::root("Root").with_key(other_key(3)).self_signed();
    let (mut overdue, mut future) = (List::of(&[SERIAL]), List::of(&[SERIAL]));
    overdue.to = NOW - 1;
    future.from = NOW + 1;
    let scoped = |scope: Vec<u8>| {
        let mut list = List::of(&[SERIAL]);
        list.scope = Some(scope);
        list
    };
    let elsewhere = tlv(
        0xa0,
        &tlv(0xa0, &tlv(0x86, b"http://elsewhere.example/list.crl")),
    );
    let (authorities, indirect) = (tlv(0x82, &[0xff]), tlv(0x84, &[0xff]));
    let (reasons, attributes) = (tlv(0x83, &[1, 2]), tlv(0x85, &[0xff]));
    let root = Mint::root("Root").self_signed();
    let lists: Vec<Vec<u8>> = vec![
        List::of(&[SERIAL]).by(&stranger),
        List::of(&[SERIAL]).by(&Mint::root("Other").self_signed()),
        overdue.by(&root),
        future.by(&root),
        scoped(elsewhere).by(&root),
        scoped(authorities).by(&root),
        scoped(indirect).by(&root),
        scoped(reasons).by(&root),
        scoped(attributes).by(&root),
        b"<html>".to_vec(),
        [List::of(&[SERIAL]).by(&root), vec![0]].concat(),
    ];
    for (number, list) in lists.into_iter().enumerate() {
        let (scene, signer) = scene("hard").await;
        scene.host.put(LIST, list);
        let _ = scene.deliver(&signer, now()).await;
        wait_for(|| scene.fetches(LIST) == 1).await;
        for _ in 0..5 {
            let result = scene.deliver(&signer, now()).await;
            assert_eq!(result, Err("revocation_unavailable"), "list {number}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn a_partition_that_names_the_certificates_own_list_counts() {
    let (scene, signer) = scene("hard").await;
    let here = scene.host.url(LIST);
    let mut list = List::of(&[1]);
    let users = tlv(0x81, &[0xff]);
    list.scope = Some([tlv(0xa0, &tlv(0xa0, &tlv(0x86, here.as_bytes()))), users].concat());
    scene.host.put(LIST, list.by(&scene.root));
    deliver_until(&scene, &signer, now(), Ok(())).await;
}

#[tokio::test]
async fn an_issuers_own_revocation_counts() {
    let scene = Scene::with(&[("CALLBACK_REVOCATION", "soft")]).await;
    let authority = Mint::authority("Authority")
        .revoked_at(&scene.host.url(LIST))
        .by(&scene.root);
    let signer = Mint::leaf().by(&authority);
    scene
        .host
        .put(CERTIFICATE, [signer.pem(), authority.pem()].concat());
    scene.host.put(LIST, List::of(&[17]).by(&scene.root));
    deliver_until(&scene, &signer, now(), Err("certificate_revoked")).await;
}
