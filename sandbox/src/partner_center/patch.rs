//! JSON Patch on a referral, as far as Partner Center takes it: `add` and `replace`, and only where
//! Microsoft's own connector writes.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::refused::Refused;

type Document = Map<String, Value>;

#[derive(Deserialize)]
struct Operation {
    op: String,
    path: String,
    #[serde(default, deserialize_with = "present")]
    value: Option<Value>,
}

/// Keeps a `null` apart from an absent value.
fn present<'de, D: serde::Deserializer<'de>>(input: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(input).map(Some)
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Word,
    Amount,
    Moment,
    Currency,
    Flag,
    Entries,
    /// One more entry at the end of a list.
    Entry,
}

const WRITABLE: [(&str, Kind); 18] = [
    ("/campaignId", Kind::Text),
    (
        "/consent/consentToShareReferralWithMicrosoftSellers",
        Kind::Flag,
    ),
    ("/customerProfile/team", Kind::Entries),
    ("/customerProfile/team/-", Kind::Entry),
    ("/details/closingDateTime", Kind::Moment),
    ("/details/currency", Kind::Currency),
    ("/details/dealValue", Kind::Amount),
    ("/details/notes", Kind::Text),
    ("/details/requirements/solutions", Kind::Entries),
    ("/details/requirements/solutions/-", Kind::Entry),
    ("/externalReferenceId", Kind::Text),
    ("/referralProgram", Kind::Text),
    ("/salesStage", Kind::Text),
    ("/status", Kind::Word),
    ("/statusReason", Kind::Text),
    ("/substatus", Kind::Word),
    ("/team", Kind::Entries),
    ("/team/-", Kind::Entry),
];

/// `document` with the patch `body` applied: all of it or nothing.
pub(super) fn apply(document: &Document, body: &[u8]) -> Result<Document, Refused> {
    let operations: Vec<Operation> = serde_json::from_slice(body)
        .map_err(|error| Refused::invalid("body", format!("The patch cannot be read: {error}.")))?;
    let mut patched = document.clone();
    for operation in &operations {
        operate(&mut patched, operation)?;
    }
    let moved = ["/status", "/substatus"];
    if operations
        .iter()
        .any(|it| moved.contains(&it.path.as_str()))
    {
        check_status(document, &patched)?;
    }
    Ok(patched)
}

fn operate(document: &mut Document, operation: &Operation) -> Result<(), Refused> {
    let Operation { op, path, value } = operation;
    if op != "add" && op != "replace" {
        return Err(invalid(format!("The operation '{op}' is not supported.")));
    }
    let kind = WRITABLE.iter().find(|(writable, _)| writable == path);
    let Some((_, kind)) = kind else {
        return Err(invalid(format!(
            "The property at '{path}' cannot be changed."
        )));
    };
    let value = value
        .as_ref()
        .and_then(|value| kind.accepts(value))
        .ok_or_else(|| {
            invalid(format!(
                "The value for '{path}' is missing or of the wrong type."
            ))
        })?;
    let place = || invalid(format!("There is nothing at the parent of '{path}'."));
    let (parent, name) = path
        .rsplit_once('/')
        .expect("every writable path has a slash");
    if !matches!(kind, Kind::Entry) {
        let parent = object(document, parent).ok_or_else(place)?;
        parent.insert(name.to_owned(), value);
        return Ok(());
    }
    if op != "add" {
        return Err(invalid(format!("'{path}' can only be added to.")));
    }
    let (above, list) = parent
        .rsplit_once('/')
        .expect("every list's path has a slash");
    let list = object(document, above).and_then(|above| above.get_mut(list));
    let list = list.and_then(Value::as_array_mut).ok_or_else(place)?;
    list.push(value);
    Ok(())
}

fn object<'a>(document: &'a mut Document, path: &str) -> Option<&'a mut Document> {
    let names = path.split('/').filter(|name| !name.is_empty());
    names.into_iter().try_fold(document, |object, name| {
        object.get_mut(name).and_then(Value::as_object_mut)
    })
}

impl Kind {
    /// `value` as it is stored, if the member takes it.
    fn accepts(self, value: &Value) -> Option<Value> {
        let fits = match (self, value) {
            (Self::Text | Self::Amount | Self::Moment | Self::Currency, Value::Null)
            | (Self::Text | Self::Word, Value::String(_))
            | (Self::Amount, Value::Number(_))
            | (Self::Flag, Value::Bool(_))
            | (Self::Entry, Value::Object(_)) => true,
            (Self::Entries, Value::Array(entries)) => entries.iter().all(Value::is_object),
            // Documented samples send the amount as a string; it is read back as a number.
            (Self::Amount, Value::String(text)) => return number(text),
            (Self::Moment, Value::String(text)) => text.parse::<Timestamp>().is_ok(),
            (Self::Currency, Value::String(text)) => {
                text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
            }
            _ => false,
        };
        fits.then(|| value.clone())
    }
}

fn number(text: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(text.trim()).ok()?;
    value.is_number().then_some(value)
}

/// The status table of "Referral resources". `Expired` is set by the service alone.
fn check_status(before: &Document, after: &Document) -> Result<(), Refused> {
    let word = |document: &Document, name: &str| -> String {
        let value = document.get(name).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let (from, to) = (word(before, "status"), word(after, "status"));
    let substatus = word(after, "substatus");
    let pair = match to.as_str() {
        "New" => matches!(substatus.as_str(), "Pending" | "Received"),
        "Active" => substatus == "Accepted",
        "Closed" => matches!(substatus.as_str(), "Won" | "Lost" | "Declined"),
        _ => false,
    };
    if !pair {
        let message = format!("Substatus '{substatus}' does not go with status '{to}'.");
        return Err(Refused::invalid("substatus", message));
    }
    if from == "Active" && to == "New" {
        let message = format!("Status cannot change from '{from}' to '{to}'.");
        return Err(Refused::invalid("status", message));
    }
    Ok(())
}

fn invalid(message: String) -> Refused {
    Refused::invalid("body", message)
}
