use super::*;

#[tokio::test]
async fn a_leaf_that_comes_alone_is_completed_from_its_issuers_host() {
    let scene = Scene::start().await;
    let outer = Mint::authority("Outer").by(&scene.root);
    let inner = Mint::authority("Inner")
        .with_key(other_key(3))
        .issuer_at(&[scene.host.url("/outer.crt")])
        .by(&outer);
    let urls = [scene.host.url("/gone.crt"), scene.host.url("/inner.crt")];
    let signer = Mint::leaf().issuer_at(&urls).by(&inner);
    scene.host.put(CERTIFICATE, signer.der());
    scene.host.put("/inner.crt", inner.der());
    scene.host.put("/outer.crt", outer.pem());
    for _ in 0..3 {
        assert_eq!(scene.deliver(&signer, now()).await, Ok(()));
    }
    assert_eq!(
        scene.host.asked(),
        [CERTIFICATE, "/gone.crt", "/inner.crt", "/outer.crt"]
    );
    // A chain fetched once outlives its hosts.
    for path in ["/inner.crt", "/outer.crt"] {
        scene.host.remove(path);
    }
    assert_eq!(scene.deliver(&signer, after(3600)).await, Ok(()));
}

#[tokio::test]
async fn both_cross_signed_issuers_are_tried() {
    let scene = Scene::start().await;
    let stranger = Mint::root("Stranger").with_key(other_key(3)).self_signed();
    let astray = Mint::authority("Authority").by(&stranger);
    let right = Mint::authority("Authority").by(&scene.root);
    let urls = [scene.host.url("/astray.crt"), scene.host.url("/right.crt")];
    let signer = Mint::leaf().issuer_at(&urls).by(&right);
    scene.host.put(CERTIFICATE, signer.der());
    scene.host.put("/astray.crt", astray.der());
    scene.host.put("/right.crt", right.der());
    assert_eq!(scene.deliver(&signer, now()).await, Ok(()));
}

#[tokio::test]
async fn an_issuer_that_cannot_be_had_now_may_be_had_later() {
    let scene = Scene::start().await;
    let authority = Mint::authority("Authority").by(&scene.root);
    let signer = Mint::leaf()
        .issuer_at(&[scene.host.url("/issuer.crt")])
        .by(&authority);
    scene.host.put(CERTIFICATE, signer.der());
    let error = scene
        .judge(CERTIFICATE, &signer, BODY, now())
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.answer()),
        ("chain_unavailable", Answer::Unavailable)
    );
    scene.host.put("/issuer.crt", authority.der());
    assert_eq!(scene.deliver(&signer, after(31)).await, Ok(()));
}

#[tokio::test]
async fn an_issuer_is_asked_for_only_at_a_host_of_the_list_and_a_few_times() {
    let scene = Scene::with(&[("CALLBACK_AIA_HOSTS", "caissuers.microsoft.com")]).await;
    let authority = Mint::authority("Authority").by(&scene.root);
    let signer = Mint::leaf()
        .issuer_at(&[scene.host.url("/issuer.crt")])
        .by(&authority);
    scene.host.put(CERTIFICATE, signer.der());
    assert_eq!(scene.deliver(&signer, now()).await, Err("chain_untrusted"));
    assert_eq!(scene.host.asked(), [CERTIFICATE]);

    let scene = Scene::start().await;
    let many = |from: usize| -> Vec<String> {
        (from..from + 8)
            .map(|number| scene.host.url(&format!("/{number}.crt")))
            .collect()
    };
    let authority = Mint::authority("Authority")
        .issuer_at(&many(8))
        .self_signed();
    let signer = Mint::leaf().issuer_at(&many(0)).by(&authority);
    scene.host.put(CERTIFICATE, signer.der());
    scene.host.put("/0.crt", authority.der());
    assert_eq!(
        scene.deliver(&signer, now()).await,
        Err("chain_unavailable")
    );
    assert_eq!(scene.host.asked().len(), 1 + 8);
}

#[tokio::test]
async fn a_verdict_is_reached_again_when_time_passes_an_issuer() {
    let scene = Scene::start().await;
    let mut authority = Mint::authority("Authority");
    authority.to = NOW + 1000;
    let authority = authority.by(&scene.root);
    let signer = Mint::leaf().by(&authority);
    scene
        .host
        .put(CERTIFICATE, [signer.pem(), authority.pem()].concat());
    assert_eq!(scene.deliver(&signer, after(1000)).await, Ok(()));
    assert_eq!(
        scene.deliver(&signer, after(1001)).await,
        Err("chain_untrusted")
    );
}
