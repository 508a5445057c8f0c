//! The flow that takes the referrals, where one does. It is not called: calling it is running it.

use super::{Finding, Visit};
use crate::app::Destination;

const FLOW: &str = "flow";

pub(super) const CODES: &[&str] = &[FLOW];

pub(super) async fn findings(visit: &Visit<'_>) -> Vec<Finding> {
    let Destination::Flow(flow) = &visit.app.destination else {
        return Vec::new();
    };
    let found = Finding::of(FLOW, flow.sign_in().await, |signed_in| {
        let how = if signed_in {
            "signed in for it"
        } else {
            "its address is its key"
        };
        format!("{how}; it is not called, for that would run it")
    });
    vec![found.about(flow.host())]
}
