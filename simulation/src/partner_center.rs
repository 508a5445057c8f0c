//! Partner Center in memory: referrals with versions, `If-Match`, the status table, reads that lag behind, events.

mod client;

use std::collections::BTreeMap;

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use referral_connector::ids::{ETag, ReferralId};
use referral_connector::referral::{
    PatchOp, PatchOperation, Referral, ReferralState, ReferralStatus,
};
use referral_connector::upstream::partner_center::{PartnerCenterError, Patched};
use referral_connector::upstream::{CallError, Refusal, Upstream};
use rust_decimal::RoundingStrategy;

use crate::agenda::{Group, Run};
use crate::universe::{Contents, Failed};
use crate::weather::happens;

/// How long a read may lag behind.
const LAG: SignedDuration = SignedDuration::from_secs(20);

/// All referrals.
#[derive(Default)]
pub(crate) struct PartnerCenter {
    pub(crate) referrals: BTreeMap<ReferralId, Record>,
    versions: u64,
}

/// One referral.
pub(crate) struct Record {
    pub(crate) now: Referral,
    /// What it was before, each with when that ended.
    past: Vec<(Timestamp, Referral)>,
    /// We may not read it, although it is listed.
    pub(crate) is_refused: bool,
    /// Before this it cannot be read.
    pub(crate) shown_from: Timestamp,
}

impl Contents {
    pub(crate) fn referral(&self, id: ReferralId) -> &Referral {
        &self.partner_center.referrals[&id].now
    }

    pub(crate) fn put_referral(&mut self, mut referral: Referral, shown_from: Timestamp) {
        self.stamp(&mut referral);
        referral.created = referral.updated;
        let id = referral.id;
        let record = Record {
            now: referral,
            past: Vec::new(),
            is_refused: false,
            shown_from,
        };
        self.partner_center.referrals.insert(id, record);
        self.announce(id);
    }

    /// Changes a referral, whoever does it. Everybody is told, the one who did it too.
    pub(crate) fn change_referral(&mut self, id: ReferralId, change: impl FnOnce(&mut Referral)) {
        let before = self.referral(id).clone();
        let mut after = before.clone();
        change(&mut after);
        self.stamp(&mut after);
        let now = self.now();
        let record = self.record(id);
        record.past.push((now, before));
        record.now = after;
        self.announce(id);
    }

    /// Lets us read referral `id` again, if we may not.
    pub(crate) fn allow(&mut self, id: ReferralId) {
        let record = self.record(id);
        if record.is_refused {
            record.is_refused = false;
            self.announce(id);
        }
    }

    fn record(&mut self, id: ReferralId) -> &mut Record {
        let record = self.partner_center.referrals.get_mut(&id);
        record.expect("every referral that is talked about was made")
    }

    fn stamp(&mut self, referral: &mut Referral) {
        self.partner_center.versions += 1;
        let version = self.partner_center.versions;
        referral.etag = ETag::new(format!("\"{version:08x}-0000-0000-0000-5bf4967d0000\""));
        let now = self.now();
        let second = Timestamp::from_second(now.as_second()).unwrap_or(now);
        referral.updated = Some(if self.weather.coarse { second } else { now });
    }

    fn read_referral(&mut self, id: ReferralId, run: Run) -> Result<Referral, PartnerCenterError> {
        let now = self.now();
        let lags = happens(&mut self.chance, self.weather.stale);
        let Some(record) = self.partner_center.referrals.get(&id) else {
            return Err(PartnerCenterError::NotFound { id });
        };
        if record.shown_from > now {
            self.count("partner center: not shown yet");
            return Err(PartnerCenterError::NotFound { id });
        }
        if record.is_refused {
            return Err(refusal(id, StatusCode::FORBIDDEN));
        }
        let earlier = record.past.iter().rev();
        let earlier = earlier
            .take_while(|(ended, _)| now.duration_since(*ended) < LAG)
            .last();
        let read = match earlier {
            Some((_, earlier)) if lags => earlier.clone(),
            _ => record.now.clone(),
        };
        if read.etag != record.now.etag {
            self.count("fault: a read that lags behind");
        }
        self.tell(|| format!("reads referral {}", brief(&read)));
        self.ledger.referral_read(run, &read);
        Ok(read)
    }

    fn patch_referral(
        &mut self,
        id: ReferralId,
        etag: &ETag,
        operations: &[PatchOperation],
        (run, group): (Run, Group),
    ) -> Result<Patched, PartnerCenterError> {
        let Some(record) = self.partner_center.referrals.get(&id) else {
            return Err(PartnerCenterError::NotFound { id });
        };
        let before = record.now.clone();
        let lies = happens(&mut self.chance, self.weather.refused_preconditions);
        if before.etag != *etag || lies {
            self.count("partner center: 412");
            self.tell(|| format!("patch refused: 412 {etag}"));
            return Ok(Patched::Changed);
        }
        if before.status.state.is_closed() {
            let words = "a closed referral was written to";
            self.ledger.violated(words.to_owned());
            return Err(refusal(id, StatusCode::BAD_REQUEST));
        }
        let mut after = before.clone();
        for operation in operations {
            if !apply(&mut after, operation) {
                let words = format!("Partner Center cannot apply {operation:?}");
                self.ledger.violated(words);
                return Err(refusal(id, StatusCode::BAD_REQUEST));
            }
        }
        if operations.iter().any(|it| it.path == "/details/dealValue") {
            self.normalize(&mut after);
        }
        self.judge_patch(&before, &after, operations, run, group);
        self.change_referral(id, |referral| *referral = after);
        let after = self.referral(id).clone();
        self.tell(|| format!("patches {operations:?}: {}", brief(&after)));
        let is_told = !happens(&mut self.chance, self.weather.unrepresented);
        Ok(Patched::Done(is_told.then(|| Box::new(after))))
    }

    /// What Partner Center makes of what it is sent.
    fn normalize(&self, referral: &mut Referral) {
        if !self.weather.normalizes {
            return;
        }
        let whole = |value: rust_decimal::Decimal| {
            value.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero)
        };
        referral.details.deal_value = referral.details.deal_value.map(whole);
    }
}

/// Applies one operation; `false` if the API would refuse it.
fn apply(referral: &mut Referral, operation: &PatchOperation) -> bool {
    let value = operation.value.clone();
    let details = &mut referral.details;
    let was_there = match operation.path {
        "/externalReferenceId" => referral.external_reference.replace(value).is_some(),
        "/details/dealValue" => match value.parse() {
            Ok(amount) => details.deal_value.replace(amount).is_some(),
            Err(_) => return false,
        },
        "/details/currency" => details.currency.replace(value).is_some(),
        "/details/closingDateTime" => match value.parse() {
            Ok(moment) => details.closing.replace(moment).is_some(),
            Err(_) => return false,
        },
        "/statusReason" => referral.status_reason.replace(value).is_some(),
        "/status" => {
            referral.status.status = value;
            true
        }
        "/substatus" => {
            let status = referral.status.status.clone();
            let Some(state) = state(&status, &value) else {
                return false;
            };
            referral.status = ReferralStatus {
                state,
                status,
                substatus: value,
            };
            true
        }
        _ => return false,
    };
    was_there || operation.op == PatchOp::Add
}

/// The status table.
fn state(status: &str, substatus: &str) -> Option<ReferralState> {
    Some(match (status, substatus) {
        ("New", "Pending" | "Received") => ReferralState::New,
        ("Active", "Accepted") => ReferralState::Active,
        ("Closed", "Won") => ReferralState::Won,
        ("Closed", "Lost") => ReferralState::Lost,
        ("Closed", "Declined") => ReferralState::Declined,
        ("Closed", "Expired") => ReferralState::Expired,
        _ => return None,
    })
}

/// A status with its words.
pub(crate) fn status(state: ReferralState) -> ReferralStatus {
    let (status, substatus) = match state {
        ReferralState::New => ("New", "Pending"),
        ReferralState::Active => ("Active", "Accepted"),
        ReferralState::Won => ("Closed", "Won"),
        ReferralState::Lost => ("Closed", "Lost"),
        ReferralState::Declined => ("Closed", "Declined"),
        ReferralState::Expired => ("Closed", "Expired"),
        ReferralState::ClosedOtherwise | ReferralState::Unknown => ("None", "None"),
    };
    ReferralStatus {
        state,
        status: status.to_owned(),
        substatus: substatus.to_owned(),
    }
}

/// A referral on one line.
pub(crate) fn brief(referral: &Referral) -> String {
    let details = &referral.details;
    let customer = &referral.customer;
    let member = customer.team.first();
    format!(
        "{} {:?} link={:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        referral.etag,
        referral.status.state,
        referral.external_reference,
        referral.name,
        customer.name,
        customer.address.city,
        member.map(|it| (&it.last_name, &it.email)),
        details.deal_value,
        details.currency,
        details.closing.map(|it| it.to_string()),
    )
}

fn refusal(id: ReferralId, status: StatusCode) -> PartnerCenterError {
    let source = refused(Upstream::PartnerCenter, status);
    if status == StatusCode::FORBIDDEN {
        PartnerCenterError::Forbidden { id, source }
    } else {
        PartnerCenterError::Patch { id, source }
    }
}

/// A refusal with `status`.
pub(crate) fn refused(upstream: Upstream, status: StatusCode) -> CallError {
    CallError::Refused {
        upstream,
        operation: "do it",
        refusal: Box::new(Refusal {
            status,
            is_document: true,
            codes: Vec::new(),
            retry_after: None,
            request_id: None,
        }),
    }
}

/// What a client makes of a request without a proper answer.
pub(crate) fn without_answer(upstream: Upstream, failed: Failed) -> CallError {
    match failed {
        Failed::Refused => refused(upstream, StatusCode::SERVICE_UNAVAILABLE),
        Failed::Unanswered => CallError::OutOfTime {
            upstream,
            operation: "do it",
            attempts: 1,
        },
    }
}
