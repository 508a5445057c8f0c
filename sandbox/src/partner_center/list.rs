//! The referral list: its OData options, its pages, and its next links, which lead nowhere as printed.

use std::collections::VecDeque;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use url::{Url, form_urlencoded};

use super::odata::{Filter, Malformed};
use super::refused::Refused;

type Document = Map<String, Value>;

/// The members of a referral that Partner Center documents or was seen to send.
const MEMBERS: [&str; 43] = [
    "acceptedDateTime",
    "callToAction",
    "campaignId",
    "closedDateTime",
    "consent",
    "createdDateTime",
    "createdVia",
    "customerProfile",
    "dealSensitivity",
    "details",
    "direction",
    "eTag",
    "email",
    "engagementId",
    "expirationDateTime",
    "externalReferenceId",
    "favorite",
    "id",
    "inviteContext",
    "isSpam",
    "lastModifiedVia",
    "lastRunId",
    "links",
    "mpnId",
    "name",
    "organizationId",
    "organizationName",
    "qualification",
    "quality",
    "referralProgram",
    "referralSource",
    "registrationStatus",
    "registrations",
    "salesStage",
    "status",
    "statusReason",
    "substatus",
    "tags",
    "target",
    "team",
    "trackingInfo",
    "type",
    "updatedDateTime",
];

/// Whether a referral has a member of this name.
pub(super) fn is_member(name: &str) -> bool {
    MEMBERS.binary_search(&name).is_ok()
}

/// How next links are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NextLink {
    /// As printed in the documentation: plain http, without `/engagements`.
    #[default]
    Documented,
    /// `/engagments/`, as other links in the documentation are misspelt.
    Misspelt,
    /// Other letter cases in host, path and parameter.
    OtherCase,
    /// Without the question mark, as the links of single referrals are printed.
    Unmarked,
    /// A link that works here.
    Usable,
    /// No link, although there are more rows.
    Missing,
    /// A link to the page that it stands on, once a token was followed.
    ToItself,
}

impl NextLink {
    /// The link to the page behind `next`, from a page that was found by `current`.
    fn write(self, next: &Continuation, current: Option<&str>, base: &Url) -> Option<String> {
        let token = next.token();
        let link = match self {
            Self::Missing => return None,
            Self::Documented => {
                format!("http://api.partner.microsoft.com/v1.0/referrals?$skiptoken={token}")
            }
            Self::Misspelt => format!(
                "https://api.partner.microsoft.com/v1.0/engagments/referrals?$skiptoken={token}"
            ),
            Self::OtherCase => {
                format!("HTTP://API.partner.microsoft.com/v1.0/Referrals?$SkipToken={token}")
            }
            Self::Unmarked => format!(
                "https://api.partner.microsoft.com/v1.0/engagements/referrals$skiptoken={token}"
            ),
            Self::Usable => format!("{base}v1.0/engagements/referrals?$skiptoken={token}"),
            Self::ToItself => {
                let token = current.map_or(token, escaped);
                format!(
                    "https://api.partner.microsoft.com/v1.0/engagements/referrals?$skiptoken={token}"
                )
            }
        };
        Some(link)
    }
}

/// How lists are served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListOptions {
    /// Rows on a page.
    pub page_size: usize,
    /// How the link to the next page is written.
    pub next_link: NextLink,
    /// Whether rows carry the eTag; those in the documentation do not.
    pub etags: bool,
    /// Refuses every list with 403, as a user without a referral role is.
    pub refused: bool,
    /// Referrals that somebody edits while the list is read: one after each page, which moves it to the list's end by
    /// `updatedDateTime` and shifts every row behind it.
    pub edited_between_pages: VecDeque<String>,
}

impl Default for ListOptions {
    fn default() -> Self {
        Self {
            page_size: 100,
            next_link: NextLink::Documented,
            etags: false,
            refused: false,
            edited_between_pages: VecDeque::new(),
        }
    }
}

#[derive(Debug, Default)]
struct Query {
    filter: Option<Filter>,
    order: Option<(String, bool)>,
    top: Option<usize>,
    skip: usize,
    count: bool,
    select: Option<Vec<String>>,
}

/// What a skip token stands for: the query it came from, and how many of its rows were served.
#[derive(Serialize, Deserialize)]
struct Continuation {
    query: String,
    served: usize,
}

/// The page that `query` asks for.
pub(super) fn page(
    documents: &[&Document],
    query: &str,
    options: &ListOptions,
    base: &Url,
) -> Result<Value, Refused> {
    let token = skip_token(query);
    let Continuation { query, served } = continuation(query, token.as_deref())?;
    let Query {
        filter,
        order,
        top,
        skip,
        count,
        select,
    } = Query::parse(&query)?;
    let mut rows: Vec<&Document> = documents
        .iter()
        .copied()
        .filter(|document| filter.as_ref().is_none_or(|filter| filter.holds(document)))
        .collect();
    if let Some((member, descending)) = &order {
        rows.sort_by_key(|row| moment(row, member));
        if *descending {
            rows.reverse();
        }
    }
    let total = rows.len();
    let rows: Vec<_> = rows
        .into_iter()
        .skip(skip)
        .take(top.unwrap_or(usize::MAX))
        .collect();
    let end = rows.len().min(served + options.page_size);
    let value: Vec<Value> = rows[served.min(end)..end]
        .iter()
        .map(|row| shown(row, select.as_deref(), options.etags))
        .collect();
    let mut page = json!({
        "@odata.context": "http://api.partner.microsoft.com/v1.0/$metadata#Referrals",
        "@odata.count": if count { total } else { value.len() },
        "value": value,
    });
    if end < rows.len() {
        let next = Continuation { query, served: end };
        if let Some(link) = options.next_link.write(&next, token.as_deref(), base) {
            page["@odata.nextLink"] = link.into();
        }
    }
    Ok(page)
}

fn moment(row: &Document, member: &str) -> Option<jiff::Timestamp> {
    row.get(member)?.as_str()?.parse().ok()
}

fn shown(row: &Document, select: Option<&[String]>, etags: bool) -> Value {
    let mut row = row.clone();
    match select {
        Some(names) => row.retain(|name, _| names.contains(name)),
        None if !etags => {
            row.remove("eTag");
        }
        None => {}
    }
    Value::Object(row)
}

fn skip_token(query: &str) -> Option<String> {
    let mut options = form_urlencoded::parse(query.as_bytes());
    let (_, token) = options.find(|(name, _)| name == "$skiptoken")?;
    Some(token.into_owned())
}

fn continuation(query: &str, token: Option<&str>) -> Result<Continuation, Refused> {
    let Some(token) = token else {
        return Ok(Continuation {
            query: query.to_owned(),
            served: 0,
        });
    };
    let bytes = BASE64_STANDARD.decode(token).ok();
    bytes
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| Refused::invalid("$skiptoken", "The skip token is not valid."))
}

impl Continuation {
    fn token(&self) -> String {
        let bytes = serde_json::to_vec(self).expect("text and a number are JSON");
        escaped(&BASE64_STANDARD.encode(bytes))
    }
}

/// A token as it stands in a link: percent-encoded with lower-case digits, as Partner Center does.
fn escaped(token: &str) -> String {
    let token = token.replace('+', "%2b").replace('/', "%2f");
    token.replace('=', "%3d")
}

impl Query {
    fn parse(text: &str) -> Result<Self, Refused> {
        let mut query = Self::default();
        let mut seen = Vec::new();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            if !name.starts_with('$') {
                continue;
            }
            if seen.contains(&name) {
                return Err(Refused::invalid(
                    "query",
                    format!("'{name}' is given twice."),
                ));
            }
            query.set(&name, &value)?;
            seen.push(name);
        }
        Ok(query)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), Refused> {
        match name {
            "$filter" => {
                let filter = Filter::parse(value)
                    .map_err(|Malformed(why)| Refused::invalid("$filter", why))?;
                self.filter = Some(filter);
            }
            "$orderby" => self.order = Some(order(value)?),
            "$top" => self.top = Some(whole("$top", value)?),
            "$skip" => self.skip = whole("$skip", value)?,
            "$count" => {
                self.count = value.parse().map_err(|_| {
                    Refused::invalid("$count", format!("'{value}' is not true or false."))
                })?;
            }
            "$select" => self.select = Some(selection(value)?),
            other => {
                let message = format!("The query option '{other}' is not supported.");
                return Err(Refused::invalid("query", message));
            }
        }
        Ok(())
    }
}

fn order(value: &str) -> Result<(String, bool), Refused> {
    let mut words = value.split_whitespace();
    let member = words.next().unwrap_or_default();
    let descending = match (words.next(), words.next()) {
        (None | Some("asc"), None) => Some(false),
        (Some("desc"), None) => Some(true),
        _ => None,
    };
    match descending {
        Some(descending) if ["createdDateTime", "updatedDateTime"].contains(&member) => {
            Ok((member.to_owned(), descending))
        }
        _ => Err(Refused::invalid(
            "$orderby",
            format!("Referrals cannot be ordered by '{value}'."),
        )),
    }
}

fn whole(option: &'static str, value: &str) -> Result<usize, Refused> {
    let message = || format!("'{value}' is not a whole number.");
    value
        .parse()
        .map_err(|_| Refused::invalid(option, message()))
}

fn selection(value: &str) -> Result<Vec<String>, Refused> {
    let names: Vec<String> = value
        .split(',')
        .map(|name| name.trim().to_owned())
        .collect();
    match names.iter().find(|name| !is_member(name)) {
        Some(name) => Err(Refused::invalid(
            "$select",
            format!("A referral has no property '{name}'."),
        )),
        None => Ok(names),
    }
}

#[cfg(test)]
mod tests {
    use super::MEMBERS;

    #[test]
    fn members_are_sorted_for_the_search() {
        assert!(MEMBERS.is_sorted());
    }
}
