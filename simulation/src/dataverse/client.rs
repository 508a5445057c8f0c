//! Dataverse as an instance reaches it.

use std::sync::Arc;

use async_trait::async_trait;
use http::StatusCode;
use jiff::Timestamp;
use referral_connector::ids::{AccountId, ContactId, CurrencyId, ETag, LeadId};
use referral_connector::lead::{Changes, Columns, Currency, LeadSchema, Note, Owner};
use referral_connector::sync::world::Leads;
use referral_connector::upstream::Upstream;
use referral_connector::upstream::dataverse::{
    Created, CurrentLead, DataverseError, Failure, LeadPage, LeadQuery, NoteAdded, Updated,
};

use super::coded;
use crate::instances::Client;
use crate::partner_center::without_answer;
use crate::universe::{Contents, Failed, Request, Service};

fn failed(failed: Failed) -> Failure {
    match failed {
        Failed::Refused => coded(StatusCode::TOO_MANY_REQUESTS, "0x80072322"),
        Failed::Unanswered => Failure::Call(without_answer(Upstream::Dataverse, failed)),
    }
}

fn unknown(why: Failed) -> DataverseError {
    DataverseError::Known {
        what: "a customer",
        source: failed(why),
    }
}

impl Client {
    fn of_dataverse(&self, what: &'static str) -> Request {
        Request {
            service: Service::Dataverse,
            what,
            group: self.group,
        }
    }
}

#[async_trait]
impl Leads for Client {
    async fn current(&self, id: LeadId) -> Result<Option<CurrentLead>, DataverseError> {
        self.universe
            .ask(
                self.of_dataverse("dataverse: read a lead"),
                move |it, run| Ok(it.current_lead(id, run)),
                move |why| {
                    Err(DataverseError::Read {
                        id,
                        source: failed(why),
                    })
                },
            )
            .await
    }

    async fn create(
        &self,
        id: LeadId,
        columns: &Columns,
        _owner: Option<Owner>,
        _created: Option<Timestamp>,
    ) -> Result<Created, DataverseError> {
        let (columns, group) = (columns.clone(), self.group);
        self.universe
            .ask(
                self.of_dataverse("dataverse: create a lead"),
                move |it, run| it.create_lead(id, columns, run, group),
                move |why| {
                    Err(DataverseError::Create {
                        id,
                        source: failed(why),
                    })
                },
            )
            .await
    }

    async fn update(
        &self,
        id: LeadId,
        etag: &ETag,
        changes: &Changes,
    ) -> Result<Updated, DataverseError> {
        let (etag, changes, group) = (etag.clone(), changes.clone(), self.group);
        self.universe
            .ask(
                self.of_dataverse("dataverse: update a lead"),
                move |it, run| it.update_lead(id, &etag, changes, run, group),
                move |why| {
                    Err(DataverseError::Update {
                        id,
                        source: failed(why),
                    })
                },
            )
            .await
    }

    async fn add_note(&self, lead: LeadId, note: &Note) -> Result<NoteAdded, DataverseError> {
        let (id, note) = (note.id, note.clone());
        self.universe
            .ask(
                self.of_dataverse("dataverse: add a note"),
                move |it, _| it.add_note(lead, note),
                move |why| {
                    Err(DataverseError::Note {
                        lead,
                        note: id,
                        source: failed(why),
                    })
                },
            )
            .await
    }

    /// Kept by the client, so it costs no request here.
    async fn currency(&self, code: &str) -> Result<Option<Currency>, DataverseError> {
        let found = |it: &mut Contents| it.dataverse.currency(code).cloned();
        Ok(self.universe.with(found))
    }

    async fn currency_row(&self, id: CurrencyId) -> Result<Option<Currency>, DataverseError> {
        let found = |it: &mut Contents| {
            let currencies = &it.dataverse.currencies;
            currencies.iter().find(|it| it.id == id).cloned()
        };
        Ok(self.universe.with(found))
    }

    /// Kept by the client, so it costs no request here.
    async fn schema(&self) -> Result<Arc<LeadSchema>, DataverseError> {
        Ok(self.universe.with(|it| Arc::clone(&it.dataverse.schema)))
    }

    async fn changed(&self, query: &LeadQuery) -> Result<LeadPage, DataverseError> {
        let query = query.clone();
        self.universe
            .ask(
                self.of_dataverse("dataverse: list leads"),
                move |it, _| Ok(it.list_leads(&query)),
                |why| {
                    Err(DataverseError::List {
                        source: failed(why),
                    })
                },
            )
            .await
    }

    async fn alike(
        &self,
        email: &str,
        company: &str,
        most: usize,
    ) -> Result<Vec<LeadId>, DataverseError> {
        let (email, company) = (email.to_owned(), company.to_owned());
        self.universe
            .ask(
                self.of_dataverse("dataverse: look for leads"),
                move |it, run| Ok(it.leads_alike(&email, &company, most, run)),
                |why| Err(unknown(why)),
            )
            .await
    }

    async fn account(&self, name: &str) -> Result<Option<AccountId>, DataverseError> {
        let name = name.to_owned();
        self.universe
            .ask(
                self.of_dataverse("dataverse: look for an account"),
                move |it, _| Ok(it.account(&name)),
                |why| Err(unknown(why)),
            )
            .await
    }

    async fn contact(&self, email: &str) -> Result<Option<ContactId>, DataverseError> {
        let email = email.to_owned();
        self.universe
            .ask(
                self.of_dataverse("dataverse: look for a contact"),
                move |it, _| Ok(it.contact(&email)),
                |why| Err(unknown(why)),
            )
            .await
    }
}
