//! The Dynamics 365 environment, and what we may do there. Nothing is written to find out.

mod own_columns;
mod privileges;

use super::{Finding, Visit};
use crate::upstream::dataverse::{Dataverse, DataverseError};

const DATAVERSE: &str = "dataverse";
const LEADS: &str = "leads";
const LEAD_COLUMNS: &str = "lead_columns";
const REFERRAL_COLUMNS: &str = "referral_columns";
const CURRENCIES: &str = "currencies";
const PRIVILEGES: &str = "privileges";

pub(super) const CODES: &[&str] = &[
    DATAVERSE,
    LEADS,
    LEAD_COLUMNS,
    REFERRAL_COLUMNS,
    CURRENCIES,
    PRIVILEGES,
];

pub(super) async fn findings(visit: &Visit<'_>) -> Vec<Finding> {
    let Some(dataverse) = visit.app.dataverse() else {
        return Vec::new();
    };
    let us = match dataverse.who_am_i().await {
        Ok(us) => us,
        // Whatever else were asked, the answer would be the same.
        Err(error) => return vec![Finding::error(DATAVERSE, &error)],
    };
    let known = Finding::ok(DATAVERSE, format!("signed in as user {}", us.user));
    let (leads, columns, currencies) = tokio::join!(
        dataverse.any_lead(),
        columns(dataverse),
        dataverse.all_currencies(),
    );
    let mut findings = vec![known, self::leads(&leads)];
    // Without the table there are no columns of it and no privileges for it.
    if !leads.is_err_and(|error| error.is_missing_table()) {
        findings.extend(columns);
        findings.extend(privileges::findings(dataverse, us.user, &visit.app.options).await);
    }
    findings.push(match currencies {
        Ok(rows) if rows.is_empty() => Finding::failed(
            CURRENCIES,
            "the environment shows no currency: no deal value can be written",
            "give the application user's security role read on currencies",
        ),
        Ok(rows) => {
            let codes: Vec<&str> = rows.iter().map(|it| it.code.as_str()).collect();
            Finding::ok(CURRENCIES, format!("there are {}", codes.join(", ")))
        }
        Err(error) => Finding::error(CURRENCIES, &error),
    });
    findings
}

fn leads(listed: &Result<bool, DataverseError>) -> Finding {
    match listed {
        Ok(true) => Finding::ok(LEADS, "can be read"),
        Ok(false) => Finding::ok(LEADS, "can be read; there are none yet"),
        Err(error) if error.is_missing_table() => Finding::failed(
            LEADS,
            "the environment has no lead table, so it is one without Dynamics 365 Sales",
            "let DATAVERSE_URL name the environment in which Sales is installed",
        ),
        Err(error) => Finding::error(LEADS, error),
    }
}

/// What the columns take, which of those that referrals are mapped to are not there, and which are the connector's own.
async fn columns(dataverse: &Dataverse) -> Vec<Finding> {
    let read = async {
        Ok::<_, DataverseError>((
            dataverse.schema().await?,
            dataverse.missing_columns().await?,
            dataverse.unusable_own_columns().await?,
        ))
    };
    let (schema, missing, unusable) = match read.await {
        Ok(read) => read,
        Err(error) => return vec![Finding::error(LEAD_COLUMNS, &error)],
    };
    let found = Finding::ok(
        LEAD_COLUMNS,
        format!(
            "{} text columns, {} choices, {} status reasons known",
            schema.lengths.len(),
            schema.choices.len(),
            schema.status_reasons.len()
        ),
    );
    let missing = missing.iter().map(|column| {
        Finding::warning(
            LEAD_COLUMNS,
            "the lead table has no such column; what would go there is left out",
            "add the column if the data is wanted; docs/mapping.md says what it holds",
        )
        .about(column.as_str())
    });
    let own = own_columns::findings(&schema, &unusable);
    [found].into_iter().chain(missing).chain(own).collect()
}
