//! What a referral says that a lead has no column for, as one text.

use super::contact::filled;
use crate::referral::Referral;
use crate::text;

/// The customer's own words, then what a lead has no column for.
pub(super) fn summary(referral: &Referral) -> Option<String> {
    let details = &referral.details;
    let notes = details
        .notes
        .as_deref()
        .and_then(text::block)
        .filter(|notes| !text::is_empty(notes, referral.id));
    let requirements: Vec<String> = details
        .requirements
        .iter()
        .filter_map(|requirement| filled(referral.id, Some(requirement)))
        .collect();
    let facts = [
        (!requirements.is_empty()).then(|| format!("Asked for: {}", requirements.join("; "))),
        filled(referral.id, referral.customer.size.as_deref())
            .map(|size| format!("Company size: {}", spaced(&size))),
        (details.customer_requested_contact == Some(true))
            .then(|| "The customer asked to be contacted.".to_owned()),
    ];
    let facts: Vec<String> = facts.into_iter().flatten().collect();
    let facts = (!facts.is_empty()).then(|| facts.join("\n"));
    let parts: Vec<String> = [notes, facts].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("\n\n"))
}

/// `51to250employees` as people write it.
fn spaced(size: &str) -> String {
    let mut text = String::with_capacity(size.len() + 4);
    let mut previous: Option<char> = None;
    for character in size.chars() {
        let boundary = previous.is_some_and(|previous| {
            previous.is_ascii_digit() && character.is_alphabetic()
                || previous.is_alphabetic() && character.is_ascii_digit()
        });
        if boundary {
            text.push(' ');
        }
        text.push(character);
        previous = Some(character);
    }
    text.replacen("Morethan", "More than", 1)
}
