//! The bound action `QualifyLead`: closes a lead as qualified and makes what it turned into.

use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use uuid::Uuid;

use super::State;
use super::body::Json;
use super::calls::{Call, respond};
use super::cell::Cell;
use super::edit::set;
use super::refusal::{Outcome, Refusal};
use super::rows::{Cells, Changes};
use super::write::{already_closed, default_reason};

/// The action's parameters; all four must be there.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameters {
    create_account: bool,
    create_contact: bool,
    create_opportunity: bool,
    status: i64,
}

impl State {
    pub(super) fn qualify(&mut self, call: &Call<'_>, lead: Uuid) -> Outcome<Response> {
        let parameters: Parameters = serde_json::from_slice(call.body).map_err(|_| {
            Refusal::payload(
                "QualifyLead takes CreateAccount, CreateContact, CreateOpportunity and Status, none of them null",
            )
        })?;
        let row = self
            .rows
            .get("lead", lead)
            .ok_or_else(|| Refusal::no_row("lead", lead))?;
        let cells = row.cells.clone();
        if cells.get("statecode") != Some(&Cell::Whole(0)) {
            return Err(already_closed());
        }
        self.need("Write", "lead", call.writer.user)?;
        let reason = match parameters.status {
            -1 => default_reason(self.definition("lead"), 1),
            status => Some(status),
        };
        // The lead closes first: a reason that is no qualified one then makes no rows.
        let closing = set([
            ("statecode", Some(Cell::Whole(1))),
            ("statuscode", reason.map(Cell::Whole)),
        ]);
        let made = self.turn_into_rows(call, lead, &cells, &parameters, closing)?;
        self.counters.updated += 1;
        let context = format!(
            "{}$metadata#Collection(Microsoft.Dynamics.CRM.crmbaseentity)",
            call.root
        );
        let members = vec![
            ("@odata.context".to_owned(), Json::text(context)),
            ("value".to_owned(), Json::List(made)),
        ];
        Ok(respond(StatusCode::OK, &Json::Object(members)))
    }

    fn turn_into_rows(
        &mut self,
        call: &Call<'_>,
        lead: Uuid,
        cells: &Cells,
        parameters: &Parameters,
        closing: Changes,
    ) -> Outcome<Vec<Json>> {
        for (wanted, table) in [
            (parameters.create_account, "account"),
            (parameters.create_contact, "contact"),
            (parameters.create_opportunity, "opportunity"),
        ] {
            if wanted && self.need("Create", table, call.writer.user).is_err() {
                return Err(Refusal::bad_request(
                    0x8008_1018,
                    "You don't have the privileges to qualify this lead.",
                ));
            }
        }
        self.update("lead", lead, closing, call.writer)?;
        let account = self.turn_into(
            call,
            parameters.create_account,
            "account",
            account(lead, cells),
        )?;
        let contact = self.turn_into(
            call,
            parameters.create_contact,
            "contact",
            contact(lead, cells, account),
        )?;
        let changes = opportunity(lead, cells, account, contact);
        let opportunity =
            self.turn_into(call, parameters.create_opportunity, "opportunity", changes)?;
        let links = set([
            (
                "parentaccountid",
                account.map(|id| Cell::Row("account", id)),
            ),
            (
                "parentcontactid",
                contact.map(|id| Cell::Row("contact", id)),
            ),
            (
                "qualifyingopportunityid",
                opportunity.map(|id| Cell::Row("opportunity", id)),
            ),
        ]);
        if let Some(row) = self.rows.get("lead", lead) {
            let mut cells = row.cells.clone();
            cells.extend(
                links
                    .into_iter()
                    .filter_map(|(name, cell)| Some((name, cell?))),
            );
            self.rows.put("lead", lead, cells);
        }
        let made = [
            ("account", account),
            ("contact", contact),
            ("opportunity", opportunity),
        ];
        let made = made
            .into_iter()
            .filter_map(|(table, id)| Some(self.made(table, id?)));
        Ok(made.collect())
    }

    fn turn_into(
        &mut self,
        call: &Call<'_>,
        wanted: bool,
        table: &'static str,
        changes: Changes,
    ) -> Outcome<Option<Uuid>> {
        if !wanted {
            return Ok(None);
        }
        self.create(table, None, changes, call.writer).map(Some)
    }

    fn made(&self, table: &str, id: Uuid) -> Json {
        let kind = format!("#Microsoft.Dynamics.CRM.{table}");
        Json::Object(vec![
            ("@odata.type".to_owned(), Json::text(kind)),
            (
                self.definition(table).id.to_owned(),
                Json::Cell(Some(Cell::Id(id))),
            ),
        ])
    }
}

/// Copies of lead columns under the same name.
fn same(cells: &Cells, columns: &[&'static str]) -> Changes {
    let copies = columns
        .iter()
        .map(|&column| (column, cells.get(column).cloned()));
    copies.filter(|(_, cell)| cell.is_some()).collect()
}

fn account(lead: Uuid, cells: &Cells) -> Changes {
    let mut changes = same(
        cells,
        &[
            "telephone1",
            "websiteurl",
            "emailaddress1",
            "description",
            "address1_line1",
            "address1_city",
            "address1_stateorprovince",
            "address1_postalcode",
            "address1_country",
            "ownerid",
        ],
    );
    changes.insert("name", cells.get("companyname").cloned());
    changes.insert("originatingleadid", Some(Cell::Row("lead", lead)));
    changes
}

fn contact(lead: Uuid, cells: &Cells, account: Option<Uuid>) -> Changes {
    let mut changes = same(
        cells,
        &[
            "firstname",
            "lastname",
            "jobtitle",
            "emailaddress1",
            "telephone1",
            "mobilephone",
            "ownerid",
        ],
    );
    changes.insert("originatingleadid", Some(Cell::Row("lead", lead)));
    changes.insert(
        "parentcustomerid",
        account.map(|id| Cell::Row("account", id)),
    );
    changes
}

fn opportunity(lead: Uuid, cells: &Cells, account: Option<Uuid>, contact: Option<Uuid>) -> Changes {
    let mut changes = same(
        cells,
        &[
            "description",
            "qualificationcomments",
            "transactioncurrencyid",
            "estimatedclosedate",
            "campaignid",
            "ownerid",
        ],
    );
    changes.insert("name", cells.get("subject").cloned());
    changes.insert("estimatedvalue", cells.get("estimatedamount").cloned());
    changes.insert("originatingleadid", Some(Cell::Row("lead", lead)));
    changes.insert(
        "parentaccountid",
        account.map(|id| Cell::Row("account", id)),
    );
    changes.insert(
        "parentcontactid",
        contact.map(|id| Cell::Row("contact", id)),
    );
    changes
}
