//! A JSON object read member by member, so that one member of another shape spoils no other.

mod raw;

use std::cell::RefCell;
use std::rc::Rc;
use std::str::FromStr;

use jiff::{Timestamp, civil, tz::TimeZone};
use rust_decimal::Decimal;
use serde_json::value::RawValue;

pub(super) use self::raw::Items;
use self::raw::{Named, Names};

/// How many members that could not be read are named: enough to see what is wrong.
const MOST_NOTED: usize = 50;

/// The members of an object. What cannot be read as asked for is absent, and noted.
pub(super) struct Members<'a> {
    /// Where this object stands, such as `details.`; empty for the document itself.
    path: String,
    by_name: Names<'a>,
    malformed: Rc<RefCell<Vec<String>>>,
}

impl<'a> Members<'a> {
    /// The object that `document` is; `None` if it is anything else.
    pub(super) fn of_document(document: &'a [u8]) -> Option<Self> {
        Some(Self {
            path: String::new(),
            by_name: parse(std::str::from_utf8(document).ok()?)?,
            malformed: Rc::default(),
        })
    }

    /// The paths of the members that were asked for, anywhere in the document, and could not be read.
    pub(super) fn malformed(&self) -> Vec<String> {
        let mut paths = self.malformed.take();
        paths.sort();
        paths.dedup();
        paths
    }

    /// A text; a number stands for its digits.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let raw = self.raw(name)?;
        let text = match raw.as_bytes()[0] {
            b'"' => serde_json::from_str(raw).ok(),
            b'-' | b'0'..=b'9' => Some(raw.to_owned()),
            _ => None,
        };
        self.noted(name, text)
    }

    /// A truth value; the words `true` and `false` will do.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        let word = self.unquoted(name)?.to_ascii_lowercase();
        self.noted(name, word.parse().ok())
    }

    /// An amount, exactly as written: a number, or a text that holds one.
    pub(super) fn amount(&self, name: &str) -> Option<Decimal> {
        self.noted(name, exact(self.unquoted(name)?))
    }

    /// A moment; without a zone it is UTC. The first day of year one, .NET's way to say nothing, says nothing.
    pub(super) fn time(&self, name: &str) -> Option<Timestamp> {
        self.noted(name, moment(self.unquoted(name)?))
            .filter(|time| time.as_second() > YEAR_TWO)
    }

    /// A nested object.
    pub(super) fn object(&self, name: &str) -> Option<Self> {
        let members = self.noted(name, parse(self.raw(name)?))?;
        Some(self.nested(name, members))
    }

    /// A list of objects. A single object is a list of one, an empty one of none; a bare text stands for its `id`.
    pub(super) fn objects(&self, name: &str) -> Vec<Self> {
        let Some(raw) = self.raw(name) else {
            return Vec::new();
        };
        let items = match raw.as_bytes()[0] {
            b'{' => serde_json::from_str(raw).ok().map(|item| vec![item]),
            _ => serde_json::from_str(raw).ok().map(|Items(items)| items),
        };
        let items = self.noted(name, items).unwrap_or_default();
        let item = |(index, item)| self.item(&format!("{name}[{index}]"), item);
        items.into_iter().enumerate().filter_map(item).collect()
    }

    fn item(&self, name: &str, item: &'a RawValue) -> Option<Self> {
        let members = if item.get().starts_with('"') {
            Names::of_one("id", item)
        } else {
            self.noted(name, parse(item.get()))?
        };
        (!members.is_empty()).then(|| self.nested(name, members))
    }

    fn nested(&self, name: &str, members: Names<'a>) -> Self {
        Self {
            path: format!("{}{name}.", self.path),
            by_name: members,
            malformed: Rc::clone(&self.malformed),
        }
    }

    /// The member as written, unless it is absent or null. One that came twice cannot be read.
    fn raw(&self, name: &str) -> Option<&'a str> {
        let value = match self.by_name.get(name)? {
            Named::Value(value) => Some(value),
            Named::Ambiguous => None,
        };
        let raw = self.noted(name, value)?.get();
        (raw != "null").then_some(raw)
    }

    /// The member as written, without quotes and blanks around it; a text of blanks alone is absent.
    fn unquoted(&self, name: &str) -> Option<&'a str> {
        let text = self.raw(name)?.trim_matches('"').trim();
        (!text.is_empty()).then_some(text)
    }

    fn noted<T>(&self, name: &str, value: Option<T>) -> Option<T> {
        if value.is_none() && self.malformed.borrow().len() < MOST_NOTED {
            let path = format!("{}{name}", self.path);
            self.malformed.borrow_mut().push(path);
        }
        value
    }
}

/// The end of year one, in Unix seconds.
const YEAR_TWO: i64 = -62_104_060_800;

fn parse(object: &str) -> Option<Names<'_>> {
    serde_json::from_str(object).ok()
}

/// `text` as a decimal with every digit it has, or nothing.
fn exact(text: &str) -> Option<Decimal> {
    if text.contains('_') {
        return None;
    }
    let Some((base, exponent)) = text.split_once(['e', 'E']) else {
        return Decimal::from_str_exact(text).ok();
    };
    let mut amount = Decimal::from_str_exact(base).ok()?;
    let exponent = i32::from_str(exponent).ok()?;
    // No amount of money has more digits than a decimal holds; a wild exponent must cost no time.
    if exponent.unsigned_abs() > Decimal::MAX_SCALE {
        return None;
    }
    for _ in 0..exponent {
        amount = amount.checked_mul(Decimal::TEN)?;
    }
    if exponent < 0 {
        let scale = amount.scale() + exponent.unsigned_abs();
        amount.set_scale(scale).ok()?;
    }
    Some(amount)
}

fn moment(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let civil: civil::DateTime = text.parse().ok()?;
        Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })
}
