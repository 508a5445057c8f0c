//! Objects and lists whose parts are not yet read, in as little room as any document allows.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The most items of a list. Real lists have tens; each item read takes many times the room it has in the document.
const MOST_ITEMS: usize = 10_000;

/// The members of an object by lower-case name: the API writes camelCase, its events `PascalCase`.
pub(in crate::upstream::partner_center) struct Names<'a>(HashMap<String, Named<'a>>);

/// What an object has under a name.
#[derive(Clone, Copy)]
pub(super) enum Named<'a> {
    /// This.
    Value(&'a RawValue),
    /// More than one value, in whatever letter case: nobody can tell which one is meant.
    Ambiguous,
}

impl<'a> Names<'a> {
    pub(super) fn of_one(name: &str, value: &'a RawValue) -> Self {
        Self(HashMap::from([(name.to_owned(), Named::Value(value))]))
    }

    pub(super) fn get(&self, name: &str) -> Option<Named<'a>> {
        self.0.get(&name.to_ascii_lowercase()).copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Names<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Object)
    }
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Names<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names<'de>, A::Error> {
        let mut names = HashMap::new();
        while let Some((mut name, value)) = map.next_entry::<String, &RawValue>()? {
            name.make_ascii_lowercase();
            match names.entry(name) {
                Entry::Vacant(free) => {
                    free.insert(Named::Value(value));
                }
                Entry::Occupied(mut taken) => {
                    taken.insert(Named::Ambiguous);
                }
            }
        }
        Ok(Names(names))
    }
}

/// A list of at most ten thousand items; a longer one cannot be read.
#[derive(Debug)]
pub(in crate::upstream::partner_center) struct Items<T>(
    pub(in crate::upstream::partner_center) Vec<T>,
);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Items<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(List(PhantomData))
    }
}

struct List<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for List<T> {
    type Value = Items<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MOST_ITEMS} items")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Items<T>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            if items.len() == MOST_ITEMS {
                return Err(A::Error::invalid_length(MOST_ITEMS + 1, &self));
            }
            items.push(item);
        }
        Ok(Items(items))
    }
}
