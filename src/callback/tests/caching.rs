use super::*;

#[tokio::test]
async fn strangers_have_a_budget_and_never_spend_that_of_the_known() {
    let scene = Scene::start().await;
    let signer = scene.publish();
    assert_eq!(scene.deliver(&signer, now()).await, Ok(()));
    for number in 0..9 {
        let path = format!("/cert/{number}.cer");
        assert_eq!(
            scene.deliver_to(&path, &signer, after(1)).await,
            Err("certificate_unavailable")
        );
    }
    assert_eq!(
        scene.deliver_to("/cert/x.cer", &signer, after(1)).await,
        Err("over_budget")
    );
    assert_eq!(scene.fetches("/cert/x.cer"), 0);
    let renewed = Mint::leaf().with_key(other_key(3)).by(&scene.root);
    scene.host.put(CERTIFICATE, renewed.der());
    // The known address is renewed, although strangers have used up this minute.
    for number in 10..30 {
        let path = format!("/cert/{number}.cer");
        let _ = scene.deliver_to(&path, &signer, after(65)).await;
    }
    assert_eq!(
        scene.deliver_to("/cert/y.cer", &signer, after(65)).await,
        Err("over_budget")
    );
    assert_eq!(scene.deliver(&renewed, after(65)).await, Ok(()));
}

#[tokio::test]
async fn no_number_of_bad_addresses_pushes_out_a_good_one() {
    let scene = Scene::start().await;
    let signer = scene.publish();
    assert_eq!(scene.deliver(&signer, now()).await, Ok(()));
    for number in 0..100 {
        let path = format!("/cert/{number}.cer");
        let result = scene.deliver_to(&path, &signer, after(number * 10)).await;
        assert_eq!(result, Err("certificate_unavailable"));
    }
    scene.host.remove(CERTIFICATE);
    assert_eq!(scene.deliver(&signer, after(2000)).await, Ok(()));
    assert_eq!(scene.fetches(CERTIFICATE), 1);
}

#[tokio::test]
async fn a_new_key_is_found_by_one_look_and_the_old_one_stays_a_day() {
    let scene = Scene::start().await;
    let old = scene.publish();
    assert_eq!(scene.deliver(&old, now()).await, Ok(()));
    let new = Mint::leaf().with_key(other_key(3)).by(&scene.root);
    scene.host.put(CERTIFICATE, new.der());
    assert_eq!(
        scene.deliver(&new, after(59)).await,
        Err("signature_mismatch")
    );
    assert_eq!(
        scene.fetches(CERTIFICATE),
        1,
        "an address is looked at once a minute"
    );
    assert_eq!(scene.deliver(&new, after(61)).await, Ok(()));
    assert_eq!(scene.fetches(CERTIFICATE), 2);
    assert_eq!(scene.deliver(&old, after(61)).await, Ok(()));
    assert_eq!(scene.deliver(&old, after(23 * 3600)).await, Ok(()));
    assert_eq!(scene.deliver(&new, after(24 * 3600 + 62)).await, Ok(()));
    assert_eq!(
        scene.deliver(&old, after(24 * 3600 + 62)).await,
        Err("signature_mismatch")
    );
}

#[tokio::test]
async fn forgeries_make_one_look_a_minute() {
    let scene = Scene::start().await;
    let signer = scene.publish();
    assert_eq!(scene.deliver(&signer, now()).await, Ok(()));
    let stranger = Minted {
        x509: signer.x509.clone(),
        key: other_key(3),
    };
    for second in 0..180 {
        assert_eq!(
            scene.deliver(&stranger, after(second)).await,
            Err("signature_mismatch")
        );
    }
    assert_eq!(scene.fetches(CERTIFICATE), 3);
    assert_eq!(scene.deliver(&signer, after(180)).await, Ok(()));
}

#[tokio::test]
async fn an_outage_of_the_host_is_survived_until_the_certificate_expires() {
    let scene = Scene::start().await;
    let signer = scene.publish();
    assert_eq!(scene.deliver(&signer, now()).await, Ok(()));
    scene.host.put(CERTIFICATE, "<html>");
    let left = u64::try_from(Mint::leaf().to - NOW).unwrap();
    assert_eq!(scene.deliver(&signer, after(left)).await, Ok(()));
    let error = scene
        .judge(CERTIFICATE, &signer, BODY, after(left + 1))
        .await
        .unwrap_err();
    assert_eq!(
        (error.code(), error.answer()),
        ("certificate_expired", Answer::Refused)
    );
}

#[tokio::test]
async fn a_certificate_is_looked_at_again_every_day() {
    let scene = Scene::start().await;
    let signer = scene.publish();
    assert_eq!(scene.deliver(&signer, now()).await, Ok(()));
    assert_eq!(scene.deliver(&signer, after(23 * 3600)).await, Ok(()));
    assert_eq!(scene.fetches(CERTIFICATE), 1);
    assert_eq!(scene.deliver(&signer, after(25 * 3600)).await, Ok(()));
    wait_for(|| scene.fetches(CERTIFICATE) == 2).await;
}
