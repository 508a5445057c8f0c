//! Authentic bodies of any content (attack 44), and addresses in them (attack 45).

use super::raw::Request;
use super::scene::Scene;

const ID: &str = "11111111-1111-4111-8111-111111111111";

/// A `referral-created` about `uri`, which is put in as it is.
fn event(uri: &str) -> Vec<u8> {
    format!(
        r#"{{"EventName":"referral-created","ResourceUri":"{uri}","ResourceName":"referral","AuditUri":null,"ResourceChangeUtcDate":"2026-11-16T16:19:06.3520276+00:00"}}"#
    )
    .into_bytes()
}

/// A referral event with one more member.
fn with_member(member: &[u8]) -> Vec<u8> {
    let event = event(&format!("https://a.invalid/{ID}"));
    [&event[..event.len() - 1], b",", member, b"}"].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_44_no_authentic_bytes_make_the_program_stumble() {
    let scene = Scene::start().await;
    let deep = |open: &str, close: &str, depth: usize| {
        let value = format!("{}{}", open.repeat(depth), close.repeat(depth));
        with_member(format!(r#""x":{value}"#).as_bytes())
    };
    let bodies: Vec<(&str, Vec<u8>)> = vec![
        ("brackets up to the cap", "[".repeat(64 * 1024).into_bytes()),
        (
            "braces up to the cap",
            r#"{"a":"#.repeat(13_000).into_bytes(),
        ),
        ("lists in a member", deep("[", "]", 30_000)),
        ("200 lists in a member", deep("[", "]", 200)),
        ("objects in a member", deep(r#"{"a":"#, "}", 200)),
        ("NaN", with_member(br#""x":NaN"#)),
        ("Infinity", with_member(br#""x":-Infinity"#)),
        (
            "a number beyond every double",
            with_member(br#""x":1e999999"#),
        ),
        ("hexadecimal", with_member(br#""x":0x10"#)),
        ("a leading zero", with_member(br#""x":012"#)),
        ("a lone surrogate", with_member(br#""x":"\ud800""#)),
        ("two high surrogates", with_member(br#""x":"\ud800\ud800""#)),
        (
            "a low surrogate first",
            with_member(br#""x":"\udc00\ud800""#),
        ),
        ("a surrogate in a name", with_member(br#""\ud800":1"#)),
        ("invalid UTF-8", with_member(b"\"x\":\"\xff\xfe\"")),
        ("an overlong slash", with_member(b"\"x\":\"\xc0\xaf\"")),
        (
            "a surrogate in UTF-8",
            with_member(b"\"x\":\"\xed\xa0\x80\""),
        ),
        ("a NUL outside", [event(ID), vec![0]].concat()),
        ("a NUL in a text", with_member(b"\"x\":\"\0\"")),
        ("a line end in a text", with_member(b"\"x\":\"\n\"")),
        ("a comment", with_member(br#"/* x */"x":1"#)),
        ("single quotes", with_member(b"'x':1")),
        ("a comma at the end", with_member(b"")),
        ("two events", [event(ID), event(ID)].concat()),
        (
            "a byte order mark",
            [b"\xef\xbb\xbf", event(ID).as_slice()].concat(),
        ),
        ("an unknown escape", with_member(br#""x":"\x41""#)),
        (
            "the address twice",
            with_member(br#""ResourceUri":"/22222222-2222-4222-8222-222222222222""#),
        ),
        (
            "the address twice, in lower case",
            with_member(br#""resourceuri":"/22222222-2222-4222-8222-222222222222""#),
        ),
        (
            "the address twice, escaped",
            with_member(br#""\u0052esourceUri":null"#),
        ),
        (
            "the name twice",
            with_member(br#""EVENTNAME":"test-created""#),
        ),
        ("any member twice", with_member(br#""x":1,"x":1"#)),
        ("a list", b"[]".to_vec()),
        ("a text", b"\"referral-created\"".to_vec()),
        ("null", b"null".to_vec()),
        ("blanks", b"   ".to_vec()),
        ("only a NUL", vec![0]),
    ];
    for (what, body) in bodies {
        // To the program itself, so that nothing between has changed a byte.
        let request = Request::of(&scene.signed(body)).measured();
        let answer = scene.raw(&request).await.unwrap();
        assert_eq!(
            (answer.status, answer.code()),
            (400, "unreadable"),
            "{what}"
        );
    }
    scene.assert_no_upstream("bodies");
    scene.assert_honest_is_served().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_44_harmless_oddities_do_not_stop_an_event() {
    let scene = Scene::start().await;
    for (what, member) in [
        ("a huge number", format!(r#""x":{}"#, "9".repeat(300))),
        ("a tiny number", r#""x":1e-999999"#.to_owned()),
        ("minus zero", r#""x":-0.0"#.to_owned()),
        ("a NUL, escaped", r#""x":"\u0000""#.to_owned()),
        ("a pair of surrogates", r#""x":"\ud83d\ude00""#.to_owned()),
        ("a member without a name", r#""":1"#.to_owned()),
        (
            "a member of another program",
            r#""__proto__":{"a":1}"#.to_owned(),
        ),
        (
            "as many members as fit",
            (0..3_000)
                .map(|n| format!(r#""m{n}":{n}"#))
                .collect::<Vec<_>>()
                .join(","),
        ),
    ] {
        let body = format!(r#"{{"EventName":"test-created",{member}}}"#);
        let request = Request::of(&scene.signed(body)).measured();
        let answer = scene.raw(&request).await.unwrap();
        assert_eq!((answer.status, answer.code()), (200, "test"), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_45_an_address_in_an_event_gives_the_referrals_id_and_is_never_called() {
    let scene = Scene::start().await;
    let trap = scene.trap.authority();
    let id = &scene.referral;
    for uri in [
        format!("https://{trap}/engagements/v1/referrals/{id}"),
        format!("http://{trap}/engagements/v1/referrals/{id}"),
        format!("https://api.partnercenter.microsoft.com@{trap}/{id}"),
        format!("https://user:pw@{trap}/{id}"),
        format!("file:///etc/passwd/{id}"),
        format!("gopher://{trap}/{id}"),
        format!("https://evil.invalid/../../{id}"),
        format!("https://evil.invalid/other-tenant/referrals/{id}?next=https://{trap}/"),
        format!("https://evil.invalid/x/{id}#https://{trap}/"),
        format!("//{trap}/{id}"),
        format!("/{id}/"),
        id.to_uppercase(),
    ] {
        let answer = scene.rig.send(&scene.signed(event(&uri))).await;
        assert_eq!((answer.status, answer.code()), (200, "synced"), "{uri}");
    }
    assert_eq!(scene.trap.connections(), 0);
    assert_eq!(scene.rig.leads().len(), 1);
    let asked = scene.rig.requests(sandbox::Service::PartnerCenter);
    let own = format!("/v1.0/engagements/referrals/{id}");
    assert!(asked.iter().all(|line| line.ends_with(&own)), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_45_an_address_that_does_not_end_in_an_id_is_unreadable() {
    let scene = Scene::start().await;
    for uri in [
        "",
        "https://api.partnercenter.microsoft.com/engagements/v1/referrals/",
        "https://a.invalid/referrals/1",
        "https://a.invalid/referrals/{{ReferralID}}",
        "https://a.invalid/referrals/11111111111141118111111111111111",
        "https://a.invalid/referrals/{11111111-1111-4111-8111-111111111111}",
        "urn:uuid:11111111-1111-4111-8111-111111111111",
        "https://a.invalid/00000000-0000-0000-0000-000000000000",
        "https://a.invalid/11111111-1111-4111-8111-111111111111/..",
        "https://a.invalid/11111111-1111-4111-8111-111111111111%2f..%2fleads",
        "https://a.invalid/11111111-1111-4111-8111-11111111111g",
        "https://a.invalid/11111111-1111-4111-8111-1111111111111",
        "https://a.invalid/?id=11111111-1111-4111-8111-111111111111",
        "https://a.invalid/x') or (1 eq 1",
        "https://a.invalid/\\u0031",
    ] {
        let answer = scene.rig.send(&scene.signed(event(uri))).await;
        assert_eq!((answer.status, answer.code()), (400, "unreadable"), "{uri}");
    }
    scene.assert_no_upstream("addresses without an id");
}
