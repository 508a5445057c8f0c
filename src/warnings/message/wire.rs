//! A message as one JSON object of our own, and as a message with an Adaptive Card.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use super::{Digest, End, Item, Link, Message};
use crate::checkup::Level;

/// Our own form.
pub(super) fn object(message: &Message) -> Bytes {
    let (over, raised): (Vec<&Item>, Vec<&Item>) = message
        .news
        .iter()
        .partition(|it| it.warning.over.is_some());
    let items = |items: Vec<&Item>| items.into_iter().map(item).collect::<Vec<_>>();
    let value = json!({
        "format": 1,
        "title": message.title(),
        "environment": message.sender.environment,
        "dataverse": message.sender.dataverse.as_ref().map(Url::as_str),
        "at": second(message.at),
        "raised": items(raised),
        "over": items(over),
        "digest": message.digest.as_ref().map(digest),
    });
    bytes(&value)
}

fn item(it: &Item) -> Value {
    let warning = &it.warning;
    let link = |link: &Link| json!({ "title": link.title, "url": link.url.as_str() });
    json!({
        "id": it.id(),
        "code": it.cause.code,
        "about": it.cause.about,
        "level": warning.level.word(),
        "detail": warning.detail,
        "advice": warning.advice,
        "deadline": warning.deadline.map(second),
        "since": second(warning.since),
        "over": warning.over.map(second),
        "ranOut": it.ran_out(),
        "links": it.links.iter().map(link).collect::<Vec<_>>(),
    })
}

fn digest(it: &Digest) -> Value {
    let end = |end: &End| json!({ "code": end.cause.code, "about": end.cause.about, "at": second(end.at) });
    json!({
        "since": it.since.map(second),
        "synced": it.synced,
        "healed": it.healed,
        "raised": it.raised,
        "over": it.over,
        "waiting": it.waiting,
        "ends": it.ends.iter().map(end).collect::<Vec<_>>(),
    })
}

/// As a Teams workflow takes it that is triggered by a webhook request. Our texts are in `RichTextBlock`s, where no
/// character means anything but itself.
pub(super) fn card(message: &Message) -> Bytes {
    let sender = &message.sender;
    let host = sender.dataverse.as_ref().and_then(Url::host_str);
    let place: Vec<&str> = [sender.environment.as_str()]
        .into_iter()
        .chain(host)
        .collect();
    let mut body = vec![
        json!({ "type": "TextBlock", "text": message.title(), "size": "Large", "weight": "Bolder", "wrap": true }),
        subtle(&place.join(" · ")),
    ];
    body.extend(message.news.iter().map(container));
    body.extend(message.digest.iter().flat_map(week));
    let value = json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
                "msteams": { "width": "Full" },
            },
        }],
    });
    bytes(&value)
}

fn container(it: &Item) -> Value {
    let warning = &it.warning;
    let (style, first) = match (warning.over.is_some(), warning.level) {
        (true, _) if it.ran_out() => ("emphasis", "Its date has passed: "),
        (true, _) => ("good", "Over: "),
        (false, Level::Failed) => ("attention", ""),
        (false, _) => ("warning", ""),
    };
    let mut items = vec![rich(&format!("{first}{}", warning.detail), "Bolder", false)];
    if let Some(advice) = warning.advice.as_ref().filter(|_| warning.over.is_none()) {
        items.push(rich(advice, "Default", false));
    }
    let deadline = warning.deadline.filter(|_| warning.over.is_none());
    let deadline = deadline.map(|it| format!("by {}", minute(it)));
    let since = format!("since {}", minute(warning.since));
    let words = [deadline, Some(since), Some(it.cause.code.clone())];
    let words: Vec<String> = words.into_iter().flatten().collect();
    items.push(subtle(&words.join(" · ")));
    if !it.links.is_empty() {
        let open = |link: &Link| json!({ "type": "Action.OpenUrl", "title": link.title, "url": link.url.as_str() });
        let actions: Vec<_> = it.links.iter().map(open).collect();
        items.push(json!({ "type": "ActionSet", "actions": actions }));
    }
    json!({ "type": "Container", "style": style, "separator": true, "items": items })
}

fn week(it: &Digest) -> Vec<Value> {
    let since = it.since.map_or_else(
        || "So far:".to_owned(),
        |since| format!("Since {}:", minute(since)),
    );
    let counts = [
        (it.synced, "times a referral was brought in step"),
        (it.healed, "changes were found without an event"),
        (it.raised, "warnings were raised"),
        (it.over, "warnings were over"),
    ];
    let mut body = vec![rich(&since, "Bolder", false)];
    body.extend(counts.map(|(count, what)| rich(&format!("{count} {what}"), "Default", false)));
    body.push(rich(
        &format!("Now {} referrals wait.", it.waiting),
        "Default",
        false,
    ));
    if !it.ends.is_empty() {
        body.push(rich("What ends when:", "Bolder", false));
    }
    body.extend(it.ends.iter().map(|end| {
        let about = end.cause.about.as_deref().unwrap_or_default();
        let text = format!("{} · {} {about}", minute(end.at), end.cause.code);
        rich(text.trim_end(), "Default", false)
    }));
    body
}

fn subtle(text: &str) -> Value {
    rich(text, "Default", true)
}

fn rich(text: &str, weight: &str, subtle: bool) -> Value {
    let run = json!({ "type": "TextRun", "text": text, "weight": weight, "isSubtle": subtle });
    json!({ "type": "RichTextBlock", "inlines": [run] })
}

fn second(time: Timestamp) -> String {
    format!("{time:.0}")
}

/// For people.
fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn bytes(value: &Value) -> Bytes {
    value.to_string().into()
}
