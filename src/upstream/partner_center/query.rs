//! Which referrals to list, and how to go on from page to page.

use std::fmt::Write as _;

use jiff::Timestamp;
use url::form_urlencoded;

/// Which referrals to list; by default all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListQuery {
    since: Option<Timestamp>,
    filter: Option<String>,
    order: Option<Order>,
    top: Option<u32>,
    position: Option<Position>,
}

/// The orders Partner Center documents, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By `createdDateTime`.
    Created,
    /// By `updatedDateTime`.
    Updated,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Position {
    /// What a page gave to find the next one.
    Token(String),
    /// Rows to leave out.
    Rows(usize),
}

impl ListQuery {
    /// Only referrals whose `updatedDateTime` is `moment` or later.
    #[must_use]
    pub fn since(self, moment: Timestamp) -> Self {
        Self {
            since: Some(moment),
            ..self
        }
    }

    /// Only referrals that meet an OData condition, such as `direction eq 'Incoming'`.
    #[must_use]
    pub fn filter(self, condition: impl Into<String>) -> Self {
        Self {
            filter: Some(condition.into()),
            ..self
        }
    }

    /// In this order.
    #[must_use]
    pub fn order(self, order: Order) -> Self {
        Self {
            order: Some(order),
            ..self
        }
    }

    /// No more than `rows`; Partner Center gives a hundred a page at most.
    #[must_use]
    pub fn top(self, rows: u32) -> Self {
        Self {
            top: Some(rows),
            ..self
        }
    }

    /// From which `updatedDateTime` on, if that is limited.
    pub fn lower_bound(&self) -> Option<Timestamp> {
        self.since
    }

    /// What a page gave to find this one, if this is not the first.
    pub fn token(&self) -> Option<&str> {
        match &self.position {
            Some(Position::Token(token)) => Some(token),
            _ => None,
        }
    }

    /// The same list from where the page that gave `token` ended.
    #[must_use]
    pub fn from_token(self, token: impl Into<String>) -> Self {
        Self {
            position: Some(Position::Token(token.into())),
            ..self
        }
    }

    /// The query string, without the question mark.
    pub(super) fn text(&self) -> Option<String> {
        let mut text = String::new();
        let mut add = |name: &str, value: &str| {
            let separator = if text.is_empty() { "" } else { "&" };
            let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
            // In a form a blank is `+`; in an OData address it had better be unmistakable.
            let value = value.replace('+', "%20");
            write!(text, "{separator}${name}={value}").expect("a string takes any text");
        };
        let since = self.since.map(|it| format!("updatedDateTime ge {it}"));
        let conditions: Vec<&str> = since
            .iter()
            .chain(&self.filter)
            .map(String::as_str)
            .collect();
        if !conditions.is_empty() {
            add("filter", &conditions.join(" and "));
        }
        match self.order {
            Some(Order::Created) => add("orderby", "createdDateTime asc"),
            Some(Order::Updated) => add("orderby", "updatedDateTime asc"),
            None => {}
        }
        if let Some(top) = self.top {
            add("top", &top.to_string());
        }
        match &self.position {
            Some(Position::Token(token)) => add("skiptoken", token),
            Some(Position::Rows(rows)) => add("skip", &rows.to_string()),
            None => {}
        }
        (!text.is_empty()).then_some(text)
    }

    /// The same list from where `next_link` says, after a page of `rows` rows; `None` if that is where we are.
    ///
    /// The link itself is never followed: it comes as plain http, misspelt, or without its question mark.
    pub(super) fn after(&self, next_link: &str, rows: usize) -> Option<Self> {
        let skipped = match self.position {
            Some(Position::Rows(rows)) => rows,
            _ => 0,
        };
        let position = parameter(next_link, "skiptoken")
            .map(Position::Token)
            .or_else(|| {
                let rows = parameter(next_link, "skip")?.parse().ok()?;
                Some(Position::Rows(rows))
            })
            .unwrap_or(Position::Rows(skipped + rows));
        let position = Some(position).filter(|it| *it != Position::Rows(skipped));
        (position.is_some() && position != self.position).then(|| Self {
            position,
            ..self.clone()
        })
    }
}

/// The value of the OData parameter `name`, wherever it stands in `link` and however it is escaped.
fn parameter(link: &str, name: &str) -> Option<String> {
    let lower = link.to_ascii_lowercase();
    let start = ["$", "%24"].iter().find_map(|dollar| {
        let marker = format!("{dollar}{name}=");
        Some(lower.find(&marker)? + marker.len())
    })?;
    let rest = &link[start..];
    let value = rest.split(['&', '#']).next()?;
    // A plus sign in a link is itself, not a blank: tokens are base64 now and then.
    let pair = format!("v={}", value.replace('+', "%2B"));
    let (_, value) = form_urlencoded::parse(pair.as_bytes()).next()?;
    (!value.is_empty()).then(|| value.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn query() -> ListQuery {
        ListQuery::default()
            .filter("direction eq 'Incoming' and name eq 'A&B+C'")
            .order(Order::Updated)
            .top(100)
    }

    #[test]
    fn a_query_is_escaped_so_that_nothing_in_it_can_end_it() {
        assert_eq!(
            query().text().unwrap(),
            "$filter=direction%20eq%20%27Incoming%27%20and%20name%20eq%20%27A%26B%2BC%27\
             &$orderby=updatedDateTime%20asc&$top=100"
        );
        assert_eq!(ListQuery::default().text(), None);
    }

    #[test]
    fn a_lower_bound_stands_before_the_other_condition() {
        let since = "2026-11-02T09:00:04.1234567Z".parse().unwrap();
        assert_eq!(
            ListQuery::default().since(since).text().unwrap(),
            "$filter=updatedDateTime%20ge%202026-11-02T09%3A00%3A04.1234567Z"
        );
        let both = ListQuery::default().filter("status eq 'New'").since(since);
        assert_eq!(
            both.text().unwrap(),
            "$filter=updatedDateTime%20ge%202026-11-02T09%3A00%3A04.1234567Z%20and%20status%20eq%20%27New%27"
        );
    }

    #[test]
    fn the_token_is_taken_from_links_nobody_could_follow() {
        for link in [
            "http://api.partner.microsoft.com/v1.0/referrals?$skiptoken=a%2Bb",
            "https://api.partner.microsoft.com/v1.0/engagments/referrals?$top=1&$skiptoken=a+b&$count=true",
            "https://api.partner.microsoft.com/v1.0/engagements/referrals$SkipToken=a%2bb",
            "%24skiptoken=a+b#x",
        ] {
            let next = query().after(link, 100).unwrap();
            assert_eq!(next.position, Some(Position::Token("a+b".into())), "{link}");
            assert_eq!(next.filter, query().filter);
            assert!(next.text().unwrap().ends_with("&$skiptoken=a%2Bb"));
        }
    }

    #[test]
    fn a_link_without_a_token_goes_on_by_counting() {
        let second = query().after("http://x/?$skip=100", 100).unwrap();
        assert_eq!(second.position, Some(Position::Rows(100)));
        let third = second.after("http://x/nowhere", 50).unwrap();
        assert_eq!(third.position, Some(Position::Rows(150)));
    }

    #[test]
    fn a_page_that_continues_with_itself_has_no_next() {
        let second = query().after("?$skiptoken=t", 100).unwrap();
        assert_eq!(second.after("?$skiptoken=t", 100), None);
        assert_eq!(query().after("nowhere", 0), None);
    }

    proptest! {
        #[test]
        fn any_link_is_taken_without_panic(link in ".*", rows in 0_usize..200) {
            let _ = query().after(&link, rows);
        }
    }
}
