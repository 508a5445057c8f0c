use jiff::SignedDuration;
use serde_json::Value;

use super::*;
use crate::checkup::Level;

fn now() -> Timestamp {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

fn item(code: &str, level: Level, over: Option<Timestamp>) -> Item {
    Item {
        cause: Cause {
            code: code.to_owned(),
            about: Some("419ca63e-3fd5-4ad0-bd9e-ffa2d717712d".to_owned()),
        },
        warning: Warning {
            level,
            detail: "it ends *soon* in [two] _days_".to_owned(),
            advice: Some("renew it".to_owned()),
            deadline: Some(now() + SignedDuration::from_hours(48)),
            since: now(),
            over,
            told: false,
        },
        links: vec![Link {
            title: "The lead",
            url: "https://contoso.crm.dynamics.com/main.aspx?id=1"
                .parse()
                .unwrap(),
        }],
    }
}

fn message(news: Vec<Item>, digest: Option<Digest>) -> Message {
    Message {
        sender: Sender {
            environment: "production".to_owned(),
            dataverse: "https://contoso.crm.dynamics.com".parse().ok(),
        },
        at: now(),
        news,
        digest,
    }
}

fn all() -> Message {
    let cause = Cause {
        code: "refresh_token".to_owned(),
        about: None,
    };
    let digest = Digest {
        since: Some(now()),
        synced: 12,
        healed: 1,
        raised: 2,
        over: 1,
        waiting: 3,
        ends: vec![End { at: now(), cause }],
    };
    let news = vec![
        item("acceptance_dates", Level::Warning, None),
        item("renewal", Level::Failed, None),
        item("sync_lag", Level::Warning, Some(now())),
    ];
    message(news, Some(digest))
}

fn text(message: &Message, format: Format) -> Value {
    serde_json::from_slice(&message.text(format)).unwrap()
}

#[test]
fn our_own_form_has_what_is_raised_and_what_is_over_apart() {
    let value = text(&all(), Format::Json);
    assert_eq!(
        value["title"],
        "Referral connector: 2 warnings, 1 is over, the week"
    );
    assert_eq!(
        (&value["format"], &value["environment"]),
        (&1.into(), &"production".into())
    );
    let raised = value["raised"].as_array().unwrap();
    assert_eq!(raised.len(), 2);
    assert_eq!(raised[0]["code"], "acceptance_dates");
    assert_eq!(raised[0]["deadline"], "2026-11-24T10:00:00Z");
    assert_eq!(raised[0]["links"][0]["title"], "The lead");
    assert_eq!(value["over"][0]["over"], "2026-11-22T10:00:00Z");
    assert_eq!(value["over"][0]["ranOut"], false);
    assert_eq!(value["digest"]["synced"], 12);
    assert_eq!(value["digest"]["ends"][0]["code"], "refresh_token");
}

#[test]
fn a_warning_has_one_id_however_often_it_is_told() {
    let raised = item("sync_lag", Level::Warning, None);
    let over = item("sync_lag", Level::Warning, Some(now()));
    assert_eq!(raised.id(), over.id());
    assert_ne!(raised.id(), item("renewal", Level::Warning, None).id());
}

#[test]
fn what_ends_by_its_date_is_not_said_to_be_put_right() {
    let late = now() + SignedDuration::from_hours(49);
    let late = message(
        vec![item("acceptance_dates", Level::Warning, Some(late))],
        None,
    );
    assert_eq!(text(&late, Format::Json)["over"][0]["ranOut"], true);
    let card = text(&late, Format::AdaptiveCard).to_string();
    assert!(
        card.contains("Its date has passed") && !card.contains("Over: "),
        "{card}"
    );
}

#[test]
fn a_card_is_the_message_that_a_teams_workflow_takes() {
    let value = text(&all(), Format::AdaptiveCard);
    assert_eq!(value["type"], "message");
    let attachment = &value["attachments"][0];
    assert_eq!(
        attachment["contentType"],
        "application/vnd.microsoft.card.adaptive"
    );
    let card = &attachment["content"];
    assert_eq!(
        (&card["type"], &card["version"]),
        (&"AdaptiveCard".into(), &"1.4".into())
    );
    let containers: Vec<&str> = card["body"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|it| it["style"].as_str())
        .collect();
    assert_eq!(containers, ["warning", "attention", "good"]);
}

#[test]
fn no_text_of_a_finding_is_read_as_markup() {
    let value = text(&all(), Format::AdaptiveCard);
    let mut blocks = vec![&value];
    while let Some(block) = blocks.pop() {
        if block["type"] == "TextBlock" {
            assert_eq!(
                block["text"],
                "Referral connector: 2 warnings, 1 is over, the week"
            );
        }
        match block {
            Value::Object(members) => blocks.extend(members.values()),
            Value::Array(items) => blocks.extend(items),
            _ => {}
        }
    }
}

#[test]
fn the_longest_card_is_one_that_teams_takes() {
    let mut longest = item("acceptance_dates", Level::Warning, None);
    longest.warning.detail = "x".repeat(400);
    longest.warning.advice = Some("y".repeat(400));
    longest.links.push(longest.links[0].clone());
    let card = message(vec![longest; 10], None).text(Format::AdaptiveCard);
    assert!(card.len() < 21_000, "{}", card.len());
}
