//! System query options: `$select`, `$expand`, `$filter`, `$orderby`, `$top`, `$count`, `$skiptoken`.

use url::form_urlencoded;

use super::filter::Filter;
use super::refusal::{Outcome, Refusal};

/// The options of one query.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Query {
    /// `None` selects everything.
    pub(super) select: Option<Vec<String>>,
    pub(super) expand: Vec<Expand>,
    pub(super) filter: Option<Filter>,
    pub(super) order: Vec<Order>,
    pub(super) top: Option<usize>,
    pub(super) count: bool,
    pub(super) token: Option<String>,
}

/// A navigation property to expand, and what of the row behind it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expand {
    pub(super) name: String,
    pub(super) select: Option<Vec<String>>,
}

/// One term of `$orderby`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) property: String,
    pub(super) descending: bool,
}

impl Query {
    /// Reads a query string as sent. Options without `$` are the caller's own (`tag`) and passed over.
    pub(super) fn parse(text: &str) -> Outcome<Self> {
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            query.set(&name, &value)?;
        }
        Ok(query)
    }

    fn set(&mut self, name: &str, value: &str) -> Outcome<()> {
        match name {
            "$select" => self.select = Some(names(value)),
            "$expand" => self.expand = expansions(value)?,
            "$filter" => self.filter = Some(Filter::parse(value)?),
            "$orderby" => self.order = value.split(',').map(order).collect::<Outcome<_>>()?,
            "$top" => {
                let top = value
                    .parse()
                    .map_err(|_| Refusal::query(format!("Invalid value '{value}' for '$top'.")))?;
                self.top = Some(top);
            }
            "$count" => self.count = value == "true",
            "$skiptoken" => self.token = Some(value.to_owned()),
            "$skip" => return Err(Refusal::query("Skip Clause is not supported in CRM")),
            _ if name.starts_with('$') => {
                return Err(Refusal::query(format!(
                    "The query parameter {name} is not supported."
                )));
            }
            _ => {}
        }
        Ok(())
    }
}

fn names(list: &str) -> Vec<String> {
    let names = list.split(',').map(str::trim).filter(|it| !it.is_empty());
    names.map(str::to_owned).collect()
}

fn order(term: &str) -> Outcome<Order> {
    let mut words = term.split_whitespace();
    let property = words.next().unwrap_or_default().to_owned();
    let descending = match words.next() {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(other) => {
            return Err(Refusal::query(format!(
                "Syntax error in '$orderby' at '{other}'."
            )));
        }
    };
    Ok(Order {
        property,
        descending,
    })
}

/// Splits at the commas outside parentheses: `OptionSet($select=Options,Name),ownerid`.
fn expansions(list: &str) -> Outcome<Vec<Expand>> {
    let mut depth = 0_usize;
    let terms = list.split(|character| {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        character == ',' && depth == 0
    });
    terms.map(|term| expansion(term.trim())).collect()
}

fn expansion(term: &str) -> Outcome<Expand> {
    let Some((name, rest)) = term.split_once('(') else {
        return Ok(Expand {
            name: term.to_owned(),
            select: None,
        });
    };
    let syntax = || Refusal::query(format!("Syntax error in '$expand' at '{term}'."));
    let options = rest.strip_suffix(')').ok_or_else(syntax)?;
    let select = options.strip_prefix("$select=").ok_or_else(syntax)?;
    Ok(Expand {
        name: name.to_owned(),
        select: Some(names(select)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_in_either_encoding() {
        let plain = Query::parse("$select=subject,leadid&$filter=statecode%20eq%200").unwrap();
        let form = Query::parse("%24select=subject%2Cleadid&%24filter=statecode+eq+0").unwrap();
        assert_eq!(plain, form);
        assert_eq!(plain.select.unwrap(), ["subject", "leadid"]);
    }

    #[test]
    fn expansions_are_split_outside_their_parentheses() {
        let query = Query::parse("$expand=OptionSet($select=Options,Name),ownerid").unwrap();
        let names: Vec<&str> = query.expand.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["OptionSet", "ownerid"]);
        assert_eq!(
            query.expand[0].select.as_deref().unwrap(),
            ["Options", "Name"]
        );
    }

    #[test]
    fn skip_and_unknown_options_are_refused_and_a_tag_is_not() {
        assert!(Query::parse("$skip=5").is_err());
        assert!(Query::parse("$apply=x").is_err());
        assert_eq!(Query::parse("tag=connector").unwrap(), Query::default());
    }
}
