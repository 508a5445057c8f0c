//! Whether a referral is to name the record that the flow wrote. Pure.

use crate::ids::{LeadId, RecordId};
use crate::referral::{PatchOperation, Referral};
use crate::sync::options::SyncOptions;
use crate::sync::plan;

/// What is to be done about the name of the record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// Nothing: the referral names it, or may not be written.
    Fine,
    /// It is written.
    Write(PatchOperation),
    /// The referral names another system's record, which is left.
    Foreign,
    /// The referral is closed and cannot be written any more.
    Closed,
}

/// What we told a referral before: the record it was linked to, or the lead it had while leads were kept in step.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ours<'a> {
    pub(super) linked: Option<&'a RecordId>,
    pub(super) lead: Option<LeadId>,
}

/// What is to be done so that `referral` names `record`.
pub(super) fn link(
    referral: &Referral,
    record: &RecordId,
    ours: Ours<'_>,
    options: &SyncOptions,
) -> Link {
    let named = plan::reference(referral);
    match named {
        Some(named) if record.is(named) => return Link::Fine,
        Some(named) if !ours.has(referral, named) => return Link::Foreign,
        _ => {}
    }
    if !options.may_write_referrals() {
        return Link::Fine;
    }
    if referral.status.state.is_closed() {
        return Link::Closed;
    }
    let before = referral.external_reference.as_deref();
    Link::Write(plan::operation(
        "/externalReferenceId",
        before,
        record.as_str().to_owned(),
    ))
}

impl Ours<'_> {
    fn has(self, referral: &Referral, named: &str) -> bool {
        let lead: Option<LeadId> = named.parse().ok();
        let was_lead =
            lead.is_some_and(|it| it == LeadId::of(referral.id) || self.lead == Some(it));
        was_lead || self.linked.is_some_and(|linked| linked.is(named))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::fixtures;
    use crate::referral::{PatchOp, ReferralState};
    use crate::sync::options::Mode;

    fn record(text: &str) -> RecordId {
        RecordId::new(text).unwrap()
    }

    fn naming(reference: &str) -> Referral {
        let mut referral = fixtures::referral();
        referral.external_reference = (!reference.is_empty()).then(|| reference.to_owned());
        referral
    }

    fn linked(referral: &Referral, ours: Ours<'_>) -> Link {
        link(
            referral,
            &record("R-1"),
            ours,
            &fixtures::options(Mode::Link),
        )
    }

    fn write(op: PatchOp) -> Link {
        Link::Write(PatchOperation {
            op,
            path: "/externalReferenceId",
            value: "R-1".to_owned(),
        })
    }

    #[test]
    fn a_referral_that_names_nothing_gets_the_name() {
        assert_eq!(linked(&naming(""), Ours::default()), write(PatchOp::Add));
        assert_eq!(
            linked(&naming(" "), Ours::default()),
            write(PatchOp::Replace)
        );
        assert_eq!(linked(&naming(" R-1 "), Ours::default()), Link::Fine);
    }

    #[test]
    fn only_what_we_told_it_is_replaced() {
        let before = record("R-0");
        let ours = Ours {
            linked: Some(&before),
            lead: None,
        };
        assert_eq!(linked(&naming("R-0"), ours), write(PatchOp::Replace));
        assert_eq!(linked(&naming("R-0"), Ours::default()), Link::Foreign);
        assert_eq!(linked(&naming("other"), ours), Link::Foreign);
        let own = fixtures::referral().id.to_string().to_uppercase();
        assert_eq!(
            linked(&naming(&own), Ours::default()),
            write(PatchOp::Replace)
        );
    }

    #[test]
    fn a_closed_referral_and_modes_that_do_not_write_leave_it() {
        let mut closed = naming("");
        closed.status.state = ReferralState::Won;
        assert_eq!(linked(&closed, Ours::default()), Link::Closed);
        for mode in [Mode::Observe, Mode::Inbound] {
            let options = fixtures::options(mode);
            let link = link(&closed, &record("R-1"), Ours::default(), &options);
            assert_eq!(link, Link::Fine);
        }
        let elsewhere = SyncOptions {
            production: false,
            ..fixtures::options(Mode::Link)
        };
        let link = link(&naming(""), &record("R-1"), Ours::default(), &elsewhere);
        assert_eq!(link, Link::Fine);
    }
}
