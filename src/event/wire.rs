//! An event's JSON, read so that no two readers could take different values from it.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The members we read. Names are matched in any letter case; a name that comes twice in an object, at any depth and in
/// whatever case, is refused. Values nest no deeper than `serde_json` allows, and all but texts are dropped as they are read.
pub(super) struct Event {
    pub(super) name: Option<String>,
    pub(super) resource: Option<String>,
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Document)
    }
}

struct Document;

impl<'de> Visitor<'de> for Document {
    type Value = Event;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Event, A::Error> {
        let mut event = Event {
            name: None,
            resource: None,
        };
        distinct(map, |name, text| match name {
            "eventname" => event.name = text,
            "resourceuri" => event.resource = text,
            _ => {}
        })?;
        Ok(event)
    }
}

/// Gives `take` every member of `map`, its name in lower case, its value if that is a text.
fn distinct<'de, A: MapAccess<'de>>(
    mut map: A,
    mut take: impl FnMut(&str, Option<String>),
) -> Result<(), A::Error> {
    let mut seen = HashSet::new();
    while let Some((name, Member(text))) = map.next_entry::<String, Member>()? {
        let name = name.to_lowercase();
        take(&name, text);
        if !seen.insert(name) {
            return Err(A::Error::custom("a member came twice"));
        }
    }
    Ok(())
}

/// A value of which only a text is kept.
struct Member(Option<String>);

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything)
    }
}

struct Anything;

impl<'de> Visitor<'de> for Anything {
    type Value = Member;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Member, E> {
        Ok(Member(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Member, E> {
        Ok(Member(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Member, E> {
        Ok(Member(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Member, E> {
        Ok(Member(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Member, E> {
        Ok(Member(None))
    }

    fn visit_str<E>(self, text: &str) -> Result<Member, E> {
        Ok(Member(Some(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Member, E> {
        Ok(Member(Some(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Member, A::Error> {
        while list.next_element::<Member>()?.is_some() {}
        Ok(Member(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Member, A::Error> {
        distinct(map, |_, _| {})?;
        Ok(Member(None))
    }
}
