//! This machine's clock against those that judge our tokens and signatures.

use jiff::{SignedDuration, Timestamp};

use super::{Finding, Visit};
use crate::upstream::partner_center::ListQuery;

const CLOCK: &str = "clock";

pub(super) const CODES: &[&str] = &[CLOCK];

/// From here on it is worth a look.
const NOTICEABLE: SignedDuration = SignedDuration::from_secs(30);
/// From here on tokens and signatures are refused (Microsoft Entra ID allows for five minutes).
const FATAL: SignedDuration = SignedDuration::from_mins(5);

pub(super) async fn findings(visit: &Visit<'_>) -> Vec<Finding> {
    let app = visit.app;
    let began = Timestamp::now();
    let page = app.partner_center.list(&ListQuery::default().top(1)).await;
    let told = page.ok().and_then(|page| page.told_at);
    let mut who = "Partner Center";
    let mut skew = told.map(|told| ahead(began, told, Timestamp::now()));
    if skew.is_none()
        && let Some(dataverse) = app.dataverse()
    {
        let began = Timestamp::now();
        let told = dataverse.server_time().await.ok().flatten();
        who = "Dataverse";
        skew = told.map(|told| ahead(began, told, Timestamp::now()));
    }
    // Where nobody answers, the topics of those that were asked say so.
    skew.map(|skew| judged(skew, who)).into_iter().collect()
}

/// How far the clock that told `told`, in whole seconds, somewhen between `began` and `ended`, is ahead of ours. What the way and the
/// cut second may account for is no difference.
fn ahead(began: Timestamp, told: Timestamp, ended: Timestamp) -> SignedDuration {
    let whole_second = SignedDuration::from_secs(1);
    if told > ended {
        told.duration_since(ended)
    } else if told + whole_second < began {
        (told + whole_second).duration_since(began)
    } else {
        SignedDuration::ZERO
    }
}

fn judged(skew: SignedDuration, who: &str) -> Finding {
    let seconds = skew.as_secs().abs();
    let side = if skew.is_negative() {
        "ahead of"
    } else {
        "behind"
    };
    let advice = "let this machine set its clock from the network";
    let detail = || format!("this machine's clock is {seconds} s {side} {who}'s");
    match skew.abs() {
        skew if skew >= FATAL => Finding::failed(
            CLOCK,
            format!("{}: tokens and signatures are refused", detail()),
            advice,
        ),
        skew if skew >= NOTICEABLE => Finding::warning(CLOCK, detail(), advice),
        _ => Finding::ok(CLOCK, format!("agrees with {who}'s to within seconds")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
    }

    #[test]
    fn the_way_and_the_cut_second_are_no_difference() {
        let ours = at(100) + SignedDuration::from_millis(900);
        let zero = SignedDuration::ZERO;
        assert_eq!(ahead(ours, at(100), at(104)), zero);
        assert_eq!(ahead(ours, at(104), at(104)), zero);
        assert_eq!(ahead(ours, at(110), at(104)), SignedDuration::from_secs(6));
        assert!(ahead(ours, at(90), at(104)) < SignedDuration::from_secs(-9));
    }

    #[test]
    fn a_clock_that_is_off_is_a_warning_and_one_that_is_far_off_a_failure() {
        for (seconds, level, word) in [
            (3, Level::Ok, "agrees"),
            (60, Level::Warning, "60 s behind"),
            (-60, Level::Warning, "60 s ahead"),
            (-400, Level::Failed, "refused"),
        ] {
            let finding = judged(SignedDuration::from_secs(seconds), "Dataverse");
            assert_eq!(finding.level, level, "{finding:?}");
            assert!(finding.detail.contains(word), "{finding:?}");
        }
    }
}
