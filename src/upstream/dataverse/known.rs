//! Looks for rows of a customer: open leads, an active account, an active contact.
//!
//! Texts are compared by Dataverse, as the organisation's database compares them: letter case does not count. They stand in
//! addresses, of which nothing is ever logged.

use std::fmt::Display;

use url::form_urlencoded;
use uuid::Uuid;

use super::wire::{Known, Rows};
use super::{Dataverse, DataverseError, Failure};
use crate::ids::{AccountId, ContactId, LeadId};

/// The longest filter that is asked for, in bytes of an address; nothing matches a longer one. A company of a hundred Chinese
/// characters takes a thousand.
const LONGEST: usize = 6 * 1024;

impl Dataverse {
    /// The open leads with this e-mail address and company, `most` at most.
    pub async fn alike(
        &self,
        email: &str,
        company: &str,
        most: usize,
    ) -> Result<Vec<LeadId>, DataverseError> {
        let filter = format!(
            "statecode eq 0 and emailaddress1 eq {} and companyname eq {}",
            literal(email),
            literal(company)
        );
        let found = self.rows(
            "open leads like the referral",
            "leads",
            "leadid",
            &filter,
            most,
        );
        Ok(found.await?.into_iter().map(LeadId::new).collect())
    }

    /// The active account with this name, if there is exactly one.
    pub async fn account(&self, name: &str) -> Result<Option<AccountId>, DataverseError> {
        let filter = format!("statecode eq 0 and name eq {}", literal(name));
        let found = self.rows(
            "the customer's account",
            "accounts",
            "accountid",
            &filter,
            2,
        );
        Ok(only(&found.await?).map(AccountId::new))
    }

    /// The active contact with this e-mail address, if there is exactly one.
    pub async fn contact(&self, email: &str) -> Result<Option<ContactId>, DataverseError> {
        let filter = format!("statecode eq 0 and emailaddress1 eq {}", literal(email));
        let found = self.rows(
            "the customer's contact",
            "contacts",
            "contactid",
            &filter,
            2,
        );
        Ok(only(&found.await?).map(ContactId::new))
    }

    /// The ids of rows that `filter` admits.
    async fn rows(
        &self,
        what: &'static str,
        set: &str,
        id: &str,
        filter: &str,
        most: usize,
    ) -> Result<Vec<Uuid>, DataverseError> {
        let Some(path) = path(set, id, filter, most) else {
            return Ok(Vec::new());
        };
        let failed = |source: Failure| DataverseError::Known { what, source };
        let reply = self.requests.read("look for a customer", &path).await;
        let rows: Rows<Known> = reply
            .map_err(failed)?
            .json()
            .map_err(|error| failed(error.into()))?;
        Ok(rows.value.into_iter().map(|row| row.id).collect())
    }
}

/// The address of such rows, relative to the API's root; `None` if it is too long for one.
fn path(set: &str, id: &str, filter: &str, most: impl Display) -> Option<String> {
    let filter: String = form_urlencoded::byte_serialize(filter.as_bytes()).collect();
    let filter = filter.replace('+', "%20");
    let fits = filter.len() <= LONGEST;
    fits.then(|| format!("{set}?$select={id}&$filter={filter}&$top={most}"))
}

/// `text` as OData writes it: a quote inside is doubled, so that it cannot break out.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn only(found: &[Uuid]) -> Option<Uuid> {
    match found {
        [one] => Some(*one),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, literal, path};

    #[test]
    fn a_text_cannot_break_out_of_its_filter() {
        let filter = format!("name eq {}", literal("O'Brien & Söhne + 1%' or 'a' eq 'a"));
        assert_eq!(
            path("accounts", "accountid", &filter, 2).unwrap(),
            "accounts?$select=accountid&$filter=name%20eq%20%27O%27%27Brien%20%26%20S%C3%B6hne%20%2B%201%25%27%27\
             %20or%20%27%27a%27%27%20eq%20%27%27a%27&$top=2"
        );
    }

    #[test]
    fn a_text_too_long_for_an_address_matches_nothing() {
        let fits = literal(&"業".repeat(100));
        assert!(path("leads", "leadid", &fits, 5).is_some_and(|it| it.len() < 1024));
        assert_eq!(path("leads", "leadid", &"業".repeat(LONGEST), 5), None);
    }
}
