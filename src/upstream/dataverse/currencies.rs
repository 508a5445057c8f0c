//! The currency rows of the organisation, looked up by ISO code.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::code::Meaning;
use super::error::Failure;
use super::request::Requests;
use super::wire::{CurrencyRow, Rows};
use crate::ids::CurrencyId;
use crate::lead::Currency;

/// How long a row is believed to be there.
const FOUND_KEPT: Duration = Duration::from_hours(1);
/// How long a row is believed to be missing: an administrator who adds it wants to see it work.
const MISSING_KEPT: Duration = Duration::from_mins(1);

/// What was found out, by ISO code. There are fewer than 17,577 codes of three letters.
#[derive(Debug, Default)]
pub(super) struct Currencies(Mutex<HashMap<String, Known>>);

#[derive(Clone, Debug)]
struct Known {
    currency: Option<Currency>,
    until: Instant,
}

impl Currencies {
    /// The row for `code`, if there is one. Text that is no code has none.
    pub(super) async fn find(
        &self,
        requests: &Requests,
        code: &str,
    ) -> Result<Option<Currency>, Failure> {
        if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_alphabetic()) {
            return Ok(None);
        }
        let code = code.to_ascii_uppercase();
        if let Some(known) = self.known(&code) {
            return Ok(known.currency);
        }
        let currency = look_up(requests, &code).await?;
        let kept = currency.as_ref().map_or(MISSING_KEPT, |_| FOUND_KEPT);
        let known = Known {
            currency: currency.clone(),
            until: Instant::now() + kept,
        };
        self.entries().insert(code, known);
        Ok(currency)
    }

    /// The row with `id`, if there is one.
    pub(super) async fn row(
        &self,
        requests: &Requests,
        id: CurrencyId,
    ) -> Result<Option<Currency>, Failure> {
        if let Some(currency) = self.known_row(id) {
            return Ok(Some(currency));
        }
        let path = format!(
            "transactioncurrencies({id})?$select=transactioncurrencyid,isocurrencycode,currencyprecision"
        );
        let row: CurrencyRow = match requests.read("look up a currency", &path).await {
            Ok(reply) => reply.json()?,
            Err(failure) if failure.meaning() == Some(Meaning::Gone) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let currency = Currency::from(row);
        let known = Known {
            currency: Some(currency.clone()),
            until: Instant::now() + FOUND_KEPT,
        };
        self.entries()
            .insert(currency.code.to_ascii_uppercase(), known);
        Ok(Some(currency))
    }

    fn known_row(&self, id: CurrencyId) -> Option<Currency> {
        let now = Instant::now();
        let entries = self.entries();
        let fresh = entries.values().filter(|known| now < known.until);
        fresh
            .filter_map(|known| known.currency.as_ref())
            .find(|currency| currency.id == id)
            .cloned()
    }

    fn known(&self, code: &str) -> Option<Known> {
        let known = self.entries().get(code).cloned()?;
        (Instant::now() < known.until).then_some(known)
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `code` is three letters, so that it cannot break out of the filter.
async fn look_up(requests: &Requests, code: &str) -> Result<Option<Currency>, Failure> {
    let path = format!(
        "transactioncurrencies?$select=transactioncurrencyid,isocurrencycode,currencyprecision&\
         $filter=isocurrencycode eq '{code}'"
    );
    let reply = requests.read("look up a currency", &path).await?;
    let rows: Rows<CurrencyRow> = reply.json()?;
    Ok(rows.value.into_iter().next().map(Currency::from))
}
