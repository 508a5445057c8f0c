//! What is registered, held against what the connector registered.

use super::record::Record;
use super::{Address, REFERRAL_EVENTS, Registration, TEST_EVENT};

/// One way in which a registration is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Drift {
    /// Events go to an address that this connector never registered.
    Foreign,
    /// They go to the right place, under another key or parameter than was registered.
    OtherKey,
    /// Nobody noted what was registered, but the place looks like the connector's.
    Unrecorded,
    /// These events were registered and are not any more.
    Missing(Vec<String>),
    /// These events are none of the connector's.
    ForeignEvents(Vec<String>),
    /// The signature travels in `Authorization`, which some gateways take away.
    OtherHeader,
}

/// Whose address is registered, as far as that can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// This connector's.
    Us,
    /// It looks like a connector's, but this one has no note of it.
    Unknown,
    /// Something else's.
    Another,
}

/// Whose address `registered` is. `wanted` is the one that is to be registered now, if there is one.
pub fn owner(registered: &Address, record: Option<&Record>, wanted: Option<&Address>) -> Owner {
    let recorded = record.is_some_and(|record| registered.is_at(&record.place));
    if recorded || wanted.is_some_and(|wanted| registered.is_at(&wanted.place())) {
        return Owner::Us;
    }
    let unnoted = record.is_none() && wanted.is_none();
    if unnoted && Address::of_webhook(registered.whole().as_str(), None).is_ok() {
        return Owner::Unknown;
    }
    Owner::Another
}

/// Every way in which `registered` is not what `record` says was registered.
pub fn drifts(registered: &Registration, record: Option<&Record>) -> Vec<Drift> {
    let mut drifts = Vec::new();
    match owner(&registered.address, record, None) {
        Owner::Another => return vec![Drift::Foreign],
        Owner::Unknown => drifts.push(Drift::Unrecorded),
        Owner::Us => {}
    }
    if record.is_some_and(|record| record.digest != registered.address.digest()) {
        drifts.push(Drift::OtherKey);
    }
    let wanted: Vec<&str> = match record {
        Some(record) => record.events.iter().map(String::as_str).collect(),
        None => REFERRAL_EVENTS.into_iter().chain([TEST_EVENT]).collect(),
    };
    let missing = wanted.into_iter().filter(|it| !registered.asks_for(it));
    let missing: Vec<_> = missing.map(str::to_owned).collect();
    if !missing.is_empty() {
        drifts.push(Drift::Missing(missing));
    }
    let noted =
        |event: &&str| record.is_some_and(|it| it.events.iter().any(|noted| noted == event));
    let foreign = registered.foreign_events().filter(|it| !noted(it));
    let foreign: Vec<_> = foreign.map(str::to_owned).collect();
    if !foreign.is_empty() {
        drifts.push(Drift::ForeignEvents(foreign));
    }
    if registered.ms_signature == Some(false) {
        drifts.push(Drift::OtherHeader);
    }
    drifts
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    const PLACE: &str = "https://contoso.azurewebsites.net/api/ReferralWebhook";

    fn registered(url: &str) -> Registration {
        let events = REFERRAL_EVENTS.into_iter().chain([TEST_EVENT]);
        Registration {
            address: Address::new(url.parse().unwrap()),
            events: events.map(str::to_owned).collect(),
            ms_signature: Some(true),
            subscriber: None,
            modified: None,
        }
    }

    fn record(url: &str) -> Record {
        Record::of(&registered(url), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn what_was_registered_has_not_drifted() {
        let url = format!("{PLACE}?code=a");
        assert_eq!(drifts(&registered(&url), Some(&record(&url))), []);
        let mut silent = registered(&url);
        silent.ms_signature = None;
        assert_eq!(drifts(&silent, Some(&record(&url))), []);
    }

    #[test]
    fn every_change_by_somebody_else_has_its_name() {
        let record = record(&format!("{PLACE}?code=a"));
        let mut changed = registered(&format!("{PLACE}?code=b"));
        changed.events.retain(|it| it != "referral-updated");
        changed.events.push("invoice-ready".to_owned());
        changed.ms_signature = Some(false);
        let expected = [
            Drift::OtherKey,
            Drift::Missing(vec!["referral-updated".to_owned()]),
            Drift::ForeignEvents(vec!["invoice-ready".to_owned()]),
            Drift::OtherHeader,
        ];
        assert_eq!(drifts(&changed, Some(&record)), expected);
        let elsewhere = registered("https://contoso.example/hook");
        assert_eq!(drifts(&elsewhere, Some(&record)), [Drift::Foreign]);
    }

    #[test]
    fn without_a_note_a_connectors_address_is_told_from_anything_else() {
        assert_eq!(drifts(&registered(PLACE), None), [Drift::Unrecorded]);
        let other = registered("https://contoso.example/hook");
        assert_eq!(drifts(&other, None), [Drift::Foreign]);
        // Another connector's, once this one has an address of its own.
        let record = record(PLACE);
        let twin = registered("https://fabrikam.azurewebsites.net/api/ReferralWebhook");
        assert_eq!(drifts(&twin, Some(&record)), [Drift::Foreign]);
    }
}
