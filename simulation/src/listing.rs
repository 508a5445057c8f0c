//! Lists with the quirks that make reconciling hard: pages by offset that lose rows which move, ties in timestamps, times by the
//! second, lists that break off.

use jiff::Timestamp;
use referral_connector::lead::Lead;
use referral_connector::referral::Referral;
use referral_connector::upstream::dataverse::{LeadPage, LeadQuery, ListedLead, Which};
use referral_connector::upstream::partner_center::{
    ListQuery, ListedReferral, Page, PartnerCenterError,
};
use uuid::Uuid;

use crate::universe::Contents;
use crate::weather::happens;

/// Rows of a page, so that a few records make several.
const PAGE: usize = 2;
/// Who we are to the organisation.
const US: Uuid = Uuid::from_u128(0x5e1f);

impl Contents {
    pub(crate) fn list_referrals(&mut self, query: &ListQuery) -> Result<Page, PartnerCenterError> {
        if happens(&mut self.chance, self.weather.refused) {
            self.count("partner center: a page continues with itself");
            return Err(PartnerCenterError::EndlessList);
        }
        let records = self.partner_center.referrals.values();
        let mut rows: Vec<&Referral> = records.map(|record| &record.now).collect();
        rows.retain(|row| query.lower_bound().is_none_or(|it| row.updated >= Some(it)));
        rows.sort_by_key(|row| row.updated);
        let skipped: usize = query.token().and_then(|it| it.parse().ok()).unwrap_or(0);
        let more = rows.len() > skipped + PAGE;
        let page = rows.into_iter().skip(skipped).take(PAGE).map(listed);
        Ok(Page {
            rows: page.collect(),
            unreadable: 0,
            next: more.then(|| query.clone().from_token((skipped + PAGE).to_string())),
            told_at: Some(self.now()),
        })
    }

    pub(crate) fn list_leads(&mut self, query: &LeadQuery) -> LeadPage {
        let mut rows: Vec<&Lead> = self.dataverse.leads.values().collect();
        rows.retain(|row| match query.which() {
            Which::Ours(_) => self.ledger.made.contains_key(&row.id),
            Which::Among(leads) => leads.contains(&row.id),
        });
        rows.retain(|row| {
            query
                .lower_bound()
                .is_none_or(|it| row.modified >= Some(it))
        });
        rows.sort_by_key(|row| (row.modified, row.id));
        let after = query.token().and_then(place);
        rows.retain(|row| after.is_none_or(|it| it < (row.modified, row.id.uuid())));
        let more = rows.len() > PAGE;
        let page: Vec<ListedLead> = rows
            .into_iter()
            .take(PAGE)
            .map(|row| ListedLead {
                id: row.id,
                version: row.etag.clone(),
                modified: row.modified,
            })
            .collect();
        let last = page.last().filter(|_| more);
        LeadPage {
            next: last.map(|it| query.clone().from_token(token(it))),
            rows: page,
            told_at: Some(self.now()),
            user: Some(US),
        }
    }
}

fn listed(referral: &Referral) -> ListedReferral {
    ListedReferral {
        id: referral.id,
        created: referral.created,
        updated: referral.updated,
        expires: referral.expires,
        status: referral.status.clone(),
        direction: referral.direction,
    }
}

/// The paging cookie after `row`.
fn token(row: &ListedLead) -> String {
    let moment = row.modified.map(|it| it.to_string()).unwrap_or_default();
    format!("{moment}/{}", row.id)
}

fn place(token: &str) -> Option<(Option<Timestamp>, Uuid)> {
    let (moment, id) = token.split_once('/')?;
    Some((moment.parse().ok(), id.parse().ok()?))
}
