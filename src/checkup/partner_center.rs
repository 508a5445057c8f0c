//! The referrals API, as the user who consented sees it; and whether that user's second factor will do.

use super::{Finding, Visit};
use crate::credentials::consent::SecondFactor;
use crate::upstream::partner_center::PartnerCenterError;

const PARTNER_CENTER: &str = "partner_center";
const SECOND_FACTOR: &str = "second_factor";

pub(super) const CODES: &[&str] = &[PARTNER_CENTER, SECOND_FACTOR];

pub(super) async fn findings(visit: &Visit<'_>) -> Vec<Finding> {
    let app = visit.app;
    let Ok(bearer) = app.standing.bearer().await else {
        return vec![Finding::unasked(PARTNER_CENTER)];
    };
    let (listed, here, there) = tokio::join!(
        app.partner_center.probe(),
        app.partner_center.second_factor(),
        app.webhooks.second_factor()
    );
    // Why something was not told is what the other topics say.
    let words = [here.ok().flatten(), there.ok().flatten()];
    match listed {
        Err(PartnerCenterError::SecondFactor { .. }) => vec![refused()],
        listed => vec![
            Finding::of(PARTNER_CENTER, listed, |()| {
                "signed in; referrals can be listed".to_owned()
            }),
            second_factor(bearer.second_factor, words),
        ],
    }
}

const AGAIN: &str = "run `referral-connector consent` and sign in with a second factor; let conditional access demand one of this user";

fn refused() -> Finding {
    let detail = "Partner Center refuses the user, who signed in without multifactor authentication (900421)";
    Finding::failed(SECOND_FACTOR, detail, AGAIN)
}

/// What the token's `amr` and Partner Center's own words say together. What lacks it is still taken here and there: Partner Center
/// began in 2026 to refuse it, a part of the calls after the other.
fn second_factor(told: SecondFactor, words: [Option<bool>; 2]) -> Finding {
    const ENDING: &str = "; Partner Center is beginning to refuse such sign-ins";
    let warning = |what: &str| Finding::warning(SECOND_FACTOR, format!("{what}{ENDING}"), AGAIN);
    if words.contains(&Some(false)) {
        return warning("Partner Center calls the sign-in not compliant (isMfaCompliant)");
    }
    let is_compliant = words.contains(&Some(true));
    match told {
        SecondFactor::Missing => warning("the token's amr lacks mfa"),
        SecondFactor::Used if is_compliant => Finding::ok(
            SECOND_FACTOR,
            "mfa is in the token's amr, and Partner Center calls it compliant",
        ),
        SecondFactor::Used => Finding::ok(SECOND_FACTOR, "mfa is in the token's amr"),
        SecondFactor::NotTold if is_compliant => {
            Finding::ok(SECOND_FACTOR, "Partner Center calls the sign-in compliant")
        }
        SecondFactor::NotTold => Finding::ok(
            SECOND_FACTOR,
            "not told by the token nor by Partner Center, which takes the sign-in",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn what_partner_center_says_counts_before_what_the_token_says() {
        for (told, words, level) in [
            (SecondFactor::Used, [None, None], Level::Ok),
            (SecondFactor::Used, [Some(true), None], Level::Ok),
            (
                SecondFactor::Used,
                [Some(true), Some(false)],
                Level::Warning,
            ),
            (SecondFactor::Missing, [None, None], Level::Warning),
            (SecondFactor::NotTold, [None, Some(true)], Level::Ok),
            (SecondFactor::NotTold, [None, None], Level::Ok),
        ] {
            let finding = second_factor(told, words);
            assert_eq!(finding.level, level, "{told:?} {words:?}: {finding:?}");
        }
    }
}
