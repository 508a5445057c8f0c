//! What a flow was given, as a part of the document.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Hex, Text};
use crate::ids::RecordId;
use crate::sync::state::{Handed, UnderWay};

/// Members that say nothing are left out.
#[derive(Deserialize, Serialize)]
pub(super) struct Document {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<Text<Hex>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    updated: Option<Text<Timestamp>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    record: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    linked: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    under_way: Option<Begun>,
}

#[derive(Deserialize, Serialize)]
struct Begun {
    run: Uuid,
    until: Text<Timestamp>,
}

impl From<&Handed> for Document {
    fn from(it: &Handed) -> Self {
        let text = |id: &RecordId| id.as_str().to_owned();
        Self {
            content: it.content.map(|digest| Text(Hex(digest))),
            updated: it.updated.map(Text),
            record: it.record.as_ref().map(text),
            linked: it.linked.as_ref().map(text),
            under_way: it.under_way.map(|it| Begun {
                run: it.run,
                until: Text(it.until),
            }),
        }
    }
}

impl From<Document> for Handed {
    fn from(it: Document) -> Self {
        Self {
            content: it.content.map(|text| text.0.0),
            updated: it.updated.map(|it| it.0),
            record: it.record.as_deref().and_then(RecordId::new),
            linked: it.linked.as_deref().and_then(RecordId::new),
            under_way: it.under_way.map(|it| UnderWay {
                run: it.run,
                until: it.until.0,
            }),
        }
    }
}
