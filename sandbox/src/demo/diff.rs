//! What changed between two JSON documents, member by member.

use std::collections::BTreeMap;

use serde_json::Value;

/// One member that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// The member's path, as in `customerProfile.address.city`.
    pub(super) path: String,
    /// Its value before; nothing when it was absent or null.
    pub(super) before: Option<String>,
    /// Its value after; nothing when it is absent or null.
    pub(super) after: Option<String>,
}

/// Every filled member by its path. Null counts as absent.
pub(super) fn members(document: &Value) -> BTreeMap<String, String> {
    let mut members = BTreeMap::new();
    flatten("", document, &mut members);
    members
}

/// The members that differ, by path.
pub(super) fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let (before, after) = (members(before), members(after));
    let mut paths: Vec<&String> = before.keys().chain(after.keys()).collect();
    paths.sort();
    paths.dedup();
    let change = |path: &String| Change {
        path: path.clone(),
        before: before.get(path).cloned(),
        after: after.get(path).cloned(),
    };
    paths
        .into_iter()
        .map(change)
        .filter(|change| change.before != change.after)
        .collect()
}

fn flatten(path: &str, value: &Value, members: &mut BTreeMap<String, String>) {
    let below = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    match value {
        Value::Null => {}
        Value::Object(object) => {
            object
                .iter()
                .for_each(|(name, value)| flatten(&below(name), value, members));
        }
        Value::Array(array) => {
            array
                .iter()
                .enumerate()
                .for_each(|(place, value)| flatten(&below(&place.to_string()), value, members));
        }
        Value::String(text) => drop(members.insert(path.to_owned(), text.clone())),
        other => drop(members.insert(path.to_owned(), other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_members_that_differ_are_changes_and_null_is_absent() {
        let before = json!({ "a": 1, "b": { "c": "x", "d": null }, "e": [1, 2] });
        let after = json!({ "a": 1, "b": { "c": "y", "d": "z" }, "e": [1] });
        let change = |path: &str, before: Option<&str>, after: Option<&str>| Change {
            path: path.to_owned(),
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        let expected = [
            change("b.c", Some("x"), Some("y")),
            change("b.d", None, Some("z")),
            change("e.1", Some("2"), None),
        ];
        assert_eq!(changes(&before, &after), expected);
    }
}
