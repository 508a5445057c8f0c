use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Answer, Caller, send};
use crate::partner_center::{NextLink, ReferralBuilder};

async fn list(caller: &Caller, query: &[(&str, &str)]) -> Answer {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(query)
        .finish();
    send(caller.referrals(Method::GET, &format!("?{query}"))).await
}

fn ids(page: &Answer) -> Vec<u128> {
    let rows = page.body["value"].as_array().unwrap();
    let id = |row: &Value| {
        row["id"]
            .as_str()
            .unwrap()
            .parse::<Uuid>()
            .unwrap()
            .as_u128()
    };
    rows.iter().map(id).collect()
}

/// `count` referrals with the ids 1, 2, …, each updated a second after the one before.
fn seed(caller: &Caller, count: u128) {
    for number in 1..=count {
        let time = format!("2026-11-02T09:{:02}:{:02}.5Z", number / 60, number % 60);
        caller
            .seed(ReferralBuilder::with_id(Uuid::from_u128(number)).set("/updatedDateTime", time));
    }
}

fn skip_token(page: &Answer) -> Option<String> {
    let link = page.body["@odata.nextLink"].as_str()?;
    let (_, query) = link.split_once('?').unwrap();
    let (_, token) = url::form_urlencoded::parse(query.as_bytes())
        .next()
        .unwrap();
    Some(token.into_owned())
}

#[tokio::test]
async fn pages_hold_a_hundred_rows_and_link_to_the_next_as_documented() {
    let caller = Caller::start().await;
    seed(&caller, 205);
    let order = ("$orderby", "updatedDateTime asc");
    let first = list(&caller, &[order]).await;
    assert_eq!(first.body["@odata.count"], 100);
    let link = first.body["@odata.nextLink"].as_str().unwrap();
    assert!(link.starts_with("http://api.partner.microsoft.com/v1.0/referrals?$skiptoken="));
    let second = list(&caller, &[("$skiptoken", &skip_token(&first).unwrap())]).await;
    let third = list(&caller, &[("$skiptoken", &skip_token(&second).unwrap())]).await;
    assert_eq!(skip_token(&third), None);
    let all: Vec<_> = [first, second, third].iter().flat_map(ids).collect();
    assert_eq!(all, (1..=205).collect::<Vec<_>>());
    assert_eq!(list(&caller, &[("$skiptoken", "junk")]).await.status, 400);
}

#[tokio::test]
async fn next_links_come_in_other_spellings_too() {
    let caller = Caller::start().await;
    seed(&caller, 3);
    let link = async |next_link: NextLink| {
        {
            let mut state = caller.sandbox.world().partner_center.lock();
            (state.list.page_size, state.list.next_link) = (2, next_link);
        }
        let page = list(&caller, &[]).await;
        page.body["@odata.nextLink"].as_str().unwrap().to_owned()
    };
    assert!(
        link(NextLink::Misspelt)
            .await
            .contains("/engagments/referrals?$skiptoken=")
    );
    assert!(
        link(NextLink::OtherCase)
            .await
            .contains("/Referrals?$SkipToken=")
    );
    assert!(
        link(NextLink::Unmarked)
            .await
            .contains("/referrals$skiptoken=")
    );
    let usable = link(NextLink::Usable).await;
    let path = usable
        .split_once("/v1.0/engagements/referrals")
        .unwrap()
        .1
        .to_owned();
    let page = send(caller.referrals(Method::GET, &path)).await;
    assert_eq!(ids(&page), [3]);
}

#[tokio::test]
async fn rows_can_be_filtered_ordered_cut_and_counted() {
    let caller = Caller::start().await;
    seed(&caller, 9);
    caller.seed(
        ReferralBuilder::with_id(Uuid::from_u128(10))
            .set("/customerProfile/address/country", "US")
            .set("/updatedDateTime", "2026-11-01T00:00:00Z"),
    );
    let filter = ("$filter", "updatedDateTime ge 2026-11-02T09:00:04.5Z");
    let page = list(
        &caller,
        &[filter, ("$orderby", "updatedDateTime desc"), ("$top", "3")],
    )
    .await;
    assert_eq!(ids(&page), [9, 8, 7]);
    let page = list(
        &caller,
        &[filter, ("$skip", "1"), ("$top", "2"), ("$count", "true")],
    )
    .await;
    assert_eq!(
        (ids(&page), &page.body["@odata.count"]),
        (vec![5, 6], &json!(6))
    );
    let page = list(
        &caller,
        &[
            ("$filter", "customerProfile/address/country eq 'US'"),
            ("$select", "id,status"),
        ],
    )
    .await;
    assert_eq!(
        page.body["value"],
        json!([{ "id": Uuid::from_u128(10).to_string(), "status": "New" }])
    );
}

#[tokio::test]
async fn top_counts_over_all_pages() {
    let caller = Caller::start().await;
    seed(&caller, 150);
    let first = list(&caller, &[("$top", "120")]).await;
    let second = list(&caller, &[("$skiptoken", &skip_token(&first).unwrap())]).await;
    assert_eq!((ids(&first).len(), ids(&second).len()), (100, 20));
    assert_eq!(skip_token(&second), None);
}

#[tokio::test]
async fn options_nobody_documents_are_refused() {
    let caller = Caller::start().await;
    for query in [
        ("$filter", "nonsense"),
        ("$orderby", "name"),
        ("$orderby", "updatedDateTime sideways"),
        ("$top", "-1"),
        ("$count", "yes"),
        ("$select", "customer"),
        ("$search", "x"),
    ] {
        let answer = list(&caller, &[query]).await;
        assert_eq!(
            (answer.status, &answer.body["error"]["code"]),
            (400, &json!("invalidRequest")),
            "{query:?}"
        );
    }
    assert_eq!(
        list(&caller, &[("$top", "1"), ("$top", "2")]).await.status,
        400
    );
}

#[tokio::test]
async fn rows_lack_the_etag_and_lists_can_be_refused() {
    let caller = Caller::start().await;
    let id = caller.seed(ReferralBuilder::new());
    caller
        .sandbox
        .world()
        .partner_center
        .lock()
        .deny(&id, true)
        .unwrap();
    let page = list(&caller, &[]).await;
    assert_eq!(page.body["value"][0]["id"], *id);
    assert!(page.body["value"][0].get("eTag").is_none());
    caller.sandbox.world().partner_center.lock().list.etags = true;
    assert!(list(&caller, &[]).await.body["value"][0]["eTag"].is_string());
    caller.sandbox.world().partner_center.lock().list.refused = true;
    assert_eq!(list(&caller, &[]).await.status, 403);
}

#[tokio::test]
async fn a_row_edited_between_two_pages_pushes_another_one_out_of_sight() {
    let caller = Caller::start().await;
    seed(&caller, 6);
    let moving = Uuid::from_u128(1).to_string();
    {
        let mut state = caller.sandbox.world().partner_center.lock();
        state.list.page_size = 3;
        state.list.edited_between_pages.push_back(moving);
    }
    let order = ("$orderby", "updatedDateTime asc");
    let first = list(&caller, &[order]).await;
    let second = list(&caller, &[("$skiptoken", &skip_token(&first).unwrap())]).await;
    assert_eq!((ids(&first), ids(&second)), (vec![1, 2, 3], vec![5, 6, 1]));
    let by_value = ("$filter", "updatedDateTime ge 2026-11-02T09:00:03.5Z");
    assert_eq!(ids(&list(&caller, &[by_value, order]).await), [3, 4, 5]);
}

#[tokio::test]
async fn rows_with_one_timestamp_are_told_apart_by_tokens_alone() {
    let caller = Caller::start().await;
    for number in 1..=5 {
        let time = "2026-11-02T09:00:00Z";
        caller
            .seed(ReferralBuilder::with_id(Uuid::from_u128(number)).set("/updatedDateTime", time));
    }
    caller.sandbox.world().partner_center.lock().list.page_size = 2;
    let filter = ("$filter", "updatedDateTime ge 2026-11-02T09:00:00Z");
    let first = list(&caller, &[filter]).await;
    assert_eq!(ids(&first), ids(&list(&caller, &[filter]).await));
    let second = list(&caller, &[("$skiptoken", &skip_token(&first).unwrap())]).await;
    assert_eq!((ids(&first), ids(&second)), (vec![1, 2], vec![3, 4]));
}

#[tokio::test]
async fn a_next_link_can_be_missing_or_lead_in_a_circle() {
    let caller = Caller::start().await;
    seed(&caller, 5);
    let serve = |next_link| {
        let mut state = caller.sandbox.world().partner_center.lock();
        (state.list.page_size, state.list.next_link) = (2, next_link);
    };
    serve(NextLink::Missing);
    let page = list(&caller, &[]).await;
    assert_eq!((ids(&page), skip_token(&page)), (vec![1, 2], None));
    serve(NextLink::ToItself);
    let token = skip_token(&list(&caller, &[]).await).unwrap();
    let second = list(&caller, &[("$skiptoken", &token)]).await;
    assert_eq!(
        (ids(&second), skip_token(&second)),
        (vec![3, 4], Some(token))
    );
}
