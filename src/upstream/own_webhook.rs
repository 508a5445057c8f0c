//! The connector's own webhook, called as anybody could call it: the answer tells who is behind an address.

use std::fmt;

use http::{Method, StatusCode};

use super::{Call, CallError, Refusal, Transport, Upstream};
use crate::failure::Chain;
use crate::registration::Address;

/// Calls webhooks, without a signature.
#[derive(Clone)]
pub struct OwnWebhook {
    transport: Transport,
}

/// What came back from a webhook that was called without a signature. Shown, it is one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Echo {
    /// The connector's own refusal: everything between us and it works, the function key included.
    Ours,
    /// The connector's, but its settings are wrong or it is not ready.
    NotReady(String),
    /// The Functions host's own refusal: the call never reached the connector.
    KeyRefused,
    /// Nothing is at that path.
    Nothing,
    /// Something in front of the connector keeps callers out.
    KeptOut,
    /// Something took a call that nobody signed.
    Taken(u16),
    /// Anything else that is no connector's answer.
    Strange(u16),
    /// No answer.
    Silence(String),
}

impl OwnWebhook {
    /// Calls by `transport`.
    pub const fn new(transport: Transport) -> Self {
        Self { transport }
    }

    /// Posts an empty object to `address`, unsigned, and says who answered. Nothing can come of it: a connector refuses
    /// what is not signed.
    pub async fn knock(&self, address: &Address) -> Echo {
        let call = Call::new(
            Upstream::OwnWebhook,
            "call the webhook",
            Method::POST,
            address.whole().clone(),
            "",
        );
        match self
            .transport
            .send_anonymously(call.json("{}").repeatable())
            .await
        {
            Ok(reply) => Echo::Taken(reply.status.as_u16()),
            Err(CallError::Refused { refusal, .. }) => heard(&refusal),
            Err(error) => Echo::Silence(address.masked(&Chain(&error).to_string())),
        }
    }
}

fn heard(refusal: &Refusal) -> Echo {
    match refusal.status {
        StatusCode::UNAUTHORIZED if refusal.has_code("refused") => Echo::Ours,
        StatusCode::SERVICE_UNAVAILABLE if refusal.code().is_some() => {
            Echo::NotReady(refusal.codes.join(", "))
        }
        StatusCode::UNAUTHORIZED => Echo::KeyRefused,
        StatusCode::NOT_FOUND | StatusCode::GONE => Echo::Nothing,
        StatusCode::FORBIDDEN => Echo::KeptOut,
        status => Echo::Strange(status.as_u16()),
    }
}

impl Echo {
    /// The one thing to do about it; nothing if the connector answered.
    pub const fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Ours => None,
            Self::NotReady(_) => Some(
                "look into the function app's log: the line with that word says which setting is wrong",
            ),
            Self::KeyRefused => Some(
                "take the key that is valid now (az functionapp function keys list --function-name ReferralWebhook) and run \
                 `referral-connector register` with it",
            ),
            Self::Nothing => Some(
                "look whether this is the function app's address, the program is deployed and the function ReferralWebhook is enabled",
            ),
            Self::KeptOut => Some(
                "look whether the function app runs, and whether its access restrictions let Partner Center in: it calls from anywhere",
            ),
            Self::Taken(_) | Self::Strange(_) => Some(
                "register the address of the function ReferralWebhook: something else is behind this one",
            ),
            Self::Silence(_) => Some(
                "look whether the host's name is right and reachable from here, and its certificate valid",
            ),
        }
    }
}

impl fmt::Display for Echo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ours => f.write_str(
                "an unsigned call is refused by the connector itself, so the address and its key are right",
            ),
            Self::NotReady(words) => write!(
                f,
                "the connector is there, but answers every call with 503 ({words})"
            ),
            Self::KeyRefused => f.write_str(
                "the call was refused with 401, and not by the connector: the function key in the address is missing, wrong or was \
                 rotated, and no event gets through",
            ),
            Self::Nothing => f.write_str("nothing is at the address: it answers 404"),
            Self::KeptOut => f.write_str("the address answers 403: something in front of the connector keeps callers out"),
            Self::Taken(status) => write!(
                f,
                "the address takes calls that nobody signed (status {status}): the connector is not behind it"
            ),
            Self::Strange(status) => write!(
                f,
                "the address answers {status}, which is no answer of the connector"
            ),
            Self::Silence(error) => write!(f, "the address gives no answer: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, code: Option<&str>) -> Refusal {
        Refusal {
            status: StatusCode::from_u16(status).unwrap(),
            is_document: code.is_some(),
            codes: code.map(str::to_owned).into_iter().collect(),
            retry_after: None,
            request_id: None,
        }
    }

    #[test]
    fn only_the_connectors_own_refusal_is_its_own() {
        for (status, code, echo) in [
            (401, Some("refused"), Echo::Ours),
            (401, None, Echo::KeyRefused),
            (401, Some("unauthorized"), Echo::KeyRefused),
            (404, None, Echo::Nothing),
            (404, Some("not_found"), Echo::Nothing),
            (403, None, Echo::KeptOut),
            (
                503,
                Some("misconfigured"),
                Echo::NotReady("misconfigured".to_owned()),
            ),
            (503, None, Echo::Strange(503)),
            (302, None, Echo::Strange(302)),
        ] {
            let heard = heard(&refusal(status, code));
            assert_eq!(heard, echo, "{status} {code:?}");
            assert_eq!(heard.advice().is_none(), heard == Echo::Ours);
            assert!(!heard.to_string().is_empty());
        }
    }
}
