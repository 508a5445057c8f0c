//! What to do about the registration there is. Decided before anything is written.

use super::drift::{self, Owner};
use super::record::Record;
use super::{Address, Registration, TEST_EVENT, Wanted};

/// What an administrator asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where events are to go; `None` means where they go now.
    pub address: Option<Address>,
    /// Which of them.
    pub events: Vec<String>,
    /// Whether what is another's may be replaced.
    pub take_over: bool,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// Everything is as it should be.
    Nothing,
    /// Nothing is registered yet: register this.
    Create(Wanted),
    /// Register this in place of what is registered.
    Update(Wanted),
}

/// Why nothing can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// Nobody said where events are to go, and what is registered does not tell.
    #[error(
        "no address to register: give it with --url, such as https://contoso.azurewebsites.net/api/ReferralWebhook"
    )]
    NoAddress,
    /// Events go to somebody else.
    #[error(
        "another product's webhook is registered, and a tenant has only one registration; nothing was changed. If that product is \
         no longer used, take over with --take-over; otherwise go on without a webhook (docs/go-live.md)"
    )]
    Foreign,
}

/// What to do about `registered`, given what was noted before.
pub fn plan(
    request: &Request,
    registered: Option<&Registration>,
    record: Option<&Record>,
) -> Result<Plan, Obstacle> {
    let Some(registered) = registered else {
        let address = request.address.clone().ok_or(Obstacle::NoAddress)?;
        return Ok(Plan::Create(Wanted {
            address,
            events: wanted_events(request, None),
        }));
    };
    let owner = drift::owner(&registered.address, record, request.address.as_ref());
    if owner == Owner::Another && !request.take_over {
        return Err(Obstacle::Foreign);
    }
    let address = match &request.address {
        // A key that is not given again stays.
        Some(wanted) if wanted.key().is_none() && registered.address.is_at(&wanted.place()) => {
            registered.address.clone()
        }
        Some(wanted) => wanted.clone(),
        None if owner == Owner::Another => return Err(Obstacle::NoAddress),
        None => registered.address.clone(),
    };
    let wanted = Wanted {
        address,
        events: wanted_events(request, Some(registered)),
    };
    if is_registered(&wanted, registered, record) {
        return Ok(Plan::Nothing);
    }
    Ok(Plan::Update(wanted))
}

/// The events to register: those asked for, the one for tests, and what others have registered beside them.
fn wanted_events(request: &Request, registered: Option<&Registration>) -> Vec<String> {
    let mut events = request.events.clone();
    events.push(TEST_EVENT.to_owned());
    if let Some(registered) = registered.filter(|_| !request.take_over) {
        events.extend(registered.foreign_events().map(str::to_owned));
    }
    events.sort();
    events.dedup();
    events
}

/// Whether `registered` is what `wanted` would make of it.
pub(super) fn is_registered(
    wanted: &Wanted,
    registered: &Registration,
    record: Option<&Record>,
) -> bool {
    let noted =
        record.is_some_and(|it| it.ms_signature && it.digest == registered.address.digest());
    registered.address == wanted.address
        && wanted.events.iter().all(|it| registered.asks_for(it))
        && registered.events.len() <= wanted.events.len()
        && registered.ms_signature.unwrap_or(noted)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::registration::REFERRAL_EVENTS;

    const PLACE: &str = "https://contoso.azurewebsites.net/api/ReferralWebhook";
    const OTHER: &str = "https://fabrikam.example/hook?id=7";

    fn address(text: &str) -> Address {
        Address::new(text.parse().unwrap())
    }

    fn request(url: Option<&str>) -> Request {
        Request {
            address: url.map(address),
            events: REFERRAL_EVENTS.map(str::to_owned).to_vec(),
            take_over: false,
        }
    }

    fn all() -> Vec<String> {
        wanted_events(&request(None), None)
    }

    fn registered(url: &str) -> Registration {
        Registration {
            address: address(url),
            events: all(),
            ms_signature: Some(true),
            subscriber: None,
            modified: None,
        }
    }

    fn update(url: &str) -> Plan {
        Plan::Update(Wanted {
            address: address(url),
            events: all(),
        })
    }

    #[test]
    fn where_nothing_is_registered_an_address_is_needed() {
        assert_eq!(plan(&request(None), None, None), Err(Obstacle::NoAddress));
        let created = plan(&request(Some(PLACE)), None, None).unwrap();
        assert!(matches!(created, Plan::Create(wanted) if wanted.events == all()));
    }

    #[test]
    fn what_is_right_is_left_alone() {
        let key = format!("{PLACE}?code=a");
        for asked in [None, Some(PLACE), Some(key.as_str())] {
            let plan = plan(&request(asked), Some(&registered(&key)), None);
            assert_eq!(plan, Ok(Plan::Nothing), "{asked:?}");
        }
    }

    #[test]
    fn another_key_an_event_too_few_and_the_other_header_are_put_right() {
        let key = format!("{PLACE}?code=a");
        let found = plan(&request(Some(&key)), Some(&registered(PLACE)), None);
        assert_eq!(found, Ok(update(&key)));
        let mut fewer = registered(PLACE);
        fewer.events.pop();
        assert_eq!(plan(&request(None), Some(&fewer), None), Ok(update(PLACE)));
        let mut header = registered(PLACE);
        header.ms_signature = Some(false);
        assert_eq!(plan(&request(None), Some(&header), None), Ok(update(PLACE)));
    }

    #[test]
    fn a_flag_that_is_not_told_is_believed_if_it_was_noted() {
        let mut silent = registered(PLACE);
        silent.ms_signature = None;
        assert_eq!(plan(&request(None), Some(&silent), None), Ok(update(PLACE)));
        let record = Record::of(&silent, Timestamp::UNIX_EPOCH);
        let found = plan(&request(None), Some(&silent), Some(&record));
        assert_eq!(found, Ok(Plan::Nothing));
    }

    #[test]
    fn anothers_address_stays_until_it_is_taken_over() {
        let theirs = registered(OTHER);
        let mut request = request(Some(PLACE));
        assert_eq!(plan(&request, Some(&theirs), None), Err(Obstacle::Foreign));
        request.take_over = true;
        assert_eq!(plan(&request, Some(&theirs), None), Ok(update(PLACE)));
        request.address = None;
        assert_eq!(
            plan(&request, Some(&theirs), None),
            Err(Obstacle::NoAddress)
        );
    }

    #[test]
    fn the_place_this_connector_registered_before_is_its_own_to_leave() {
        let old = "https://old.azurewebsites.net/api/ReferralWebhook?code=a";
        let before = registered(old);
        let record = Record::of(&before, Timestamp::UNIX_EPOCH);
        let moved = plan(&request(Some(PLACE)), Some(&before), Some(&record));
        assert_eq!(moved, Ok(update(PLACE)));
        let unnoted = plan(&request(Some(PLACE)), Some(&before), None);
        assert_eq!(unnoted, Err(Obstacle::Foreign));
    }

    #[test]
    fn anothers_events_at_our_address_stay_until_they_are_taken_over() {
        let mut shared = registered(PLACE);
        shared.events.push("invoice-ready".to_owned());
        let mut request = request(None);
        assert_eq!(plan(&request, Some(&shared), None), Ok(Plan::Nothing));
        request.take_over = true;
        assert_eq!(plan(&request, Some(&shared), None), Ok(update(PLACE)));
    }

    #[test]
    fn a_subset_takes_away_what_is_not_in_it() {
        let mut request = request(None);
        request.events = vec!["referral-created".to_owned()];
        let found = plan(&request, Some(&registered(PLACE)), None);
        let Ok(Plan::Update(wanted)) = found else {
            panic!("{found:?}");
        };
        assert_eq!(wanted.events, ["referral-created", TEST_EVENT]);
    }
}
