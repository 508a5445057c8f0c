//! Reads a filter by recursive descent: `or` binds weaker than `and`.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::lexer::{Token, tokens};
use super::{Comparison, Filter, Literal, Malformed, Operator};

/// How deep parentheses and lambdas may nest.
const DEPTH: usize = 32;

pub(super) fn parse(text: &str) -> Result<Filter, Malformed> {
    let tokens = tokens(text)?;
    let mut parser = Parser { rest: &tokens };
    let filter = parser.either(None, 0)?;
    match parser.rest.first() {
        None => Ok(filter),
        Some(token) => Err(unexpected(Some(token), "the end")),
    }
}

struct Parser<'a> {
    rest: &'a [Token],
}

impl<'a> Parser<'a> {
    fn either(&mut self, variable: Option<&str>, depth: usize) -> Result<Filter, Malformed> {
        let mut parts = vec![self.both(variable, depth)?];
        while self.takes("or") {
            parts.push(self.both(variable, depth)?);
        }
        Ok(single(parts, Filter::Or))
    }

    fn both(&mut self, variable: Option<&str>, depth: usize) -> Result<Filter, Malformed> {
        let mut parts = vec![self.primary(variable, depth)?];
        while self.takes("and") {
            parts.push(self.primary(variable, depth)?);
        }
        Ok(single(parts, Filter::And))
    }

    fn primary(&mut self, variable: Option<&str>, depth: usize) -> Result<Filter, Malformed> {
        if depth == DEPTH {
            return Err(Malformed("the filter is nested too deeply".to_owned()));
        }
        if self.rest.first() == Some(&Token::Open) {
            self.next();
            let inner = self.either(variable, depth + 1)?;
            self.expect(&Token::Close, "')'")?;
            return Ok(inner);
        }
        let mut path = self.path()?;
        if path.len() > 1 && path.last().is_some_and(|last| last == "any") {
            path.pop();
            return self.any(within(path, variable)?, depth);
        }
        self.comparison(within(path, variable)?)
    }

    /// What follows `any`: `(x: condition on x)`.
    fn any(&mut self, path: Vec<String>, depth: usize) -> Result<Filter, Malformed> {
        self.expect(&Token::Open, "'(' after any")?;
        let variable = self.word()?;
        self.expect(&Token::Colon, "':' after the variable")?;
        let condition = self.either(Some(&variable), depth + 1)?;
        self.expect(&Token::Close, "')' after the condition")?;
        Ok(Filter::Any {
            path,
            condition: Box::new(condition),
        })
    }

    fn comparison(&mut self, path: Vec<String>) -> Result<Filter, Malformed> {
        let operator = match self.word()?.as_str() {
            "eq" => Operator::Eq,
            "ne" => Operator::Ne,
            "gt" => Operator::Gt,
            "ge" => Operator::Ge,
            "lt" => Operator::Lt,
            "le" => Operator::Le,
            other => return Err(Malformed(format!("'{other}' is not an operator"))),
        };
        let literal = self.literal()?;
        let of_date = path.last().is_some_and(|name| name.ends_with("DateTime"));
        let fits = match literal {
            Literal::Null => true,
            Literal::Moment(_) => of_date,
            _ => !of_date,
        };
        if !fits {
            let path = path.join("/");
            return Err(Malformed(format!(
                "'{path}' is compared with a literal of another type"
            )));
        }
        Ok(Filter::Compare(Comparison {
            path,
            operator,
            literal,
        }))
    }

    fn literal(&mut self) -> Result<Literal, Malformed> {
        match self.next() {
            Some(Token::Text(text)) => Ok(Literal::Text(text.clone())),
            Some(Token::Figure(figure)) => Decimal::from_str_exact(figure)
                .map(Literal::Number)
                .or_else(|_| figure.parse::<Timestamp>().map(Literal::Moment))
                .map_err(|_| Malformed(format!("'{figure}' is neither a number nor a date-time"))),
            Some(Token::Word(word)) => match word.as_str() {
                "null" => Ok(Literal::Null),
                "true" => Ok(Literal::Truth(true)),
                "false" => Ok(Literal::Truth(false)),
                _ => Err(Malformed(format!("'{word}' is not a literal"))),
            },
            token => Err(unexpected(token, "a literal")),
        }
    }

    fn path(&mut self) -> Result<Vec<String>, Malformed> {
        let mut path = vec![self.word()?];
        while self.rest.first() == Some(&Token::Slash) {
            self.next();
            path.push(self.word()?);
        }
        Ok(path)
    }

    fn word(&mut self) -> Result<String, Malformed> {
        match self.next() {
            Some(Token::Word(word)) => Ok(word.clone()),
            token => Err(unexpected(token, "a name")),
        }
    }

    fn takes(&mut self, keyword: &str) -> bool {
        let found = matches!(self.rest.first(), Some(Token::Word(word)) if word == keyword);
        if found {
            self.next();
        }
        found
    }

    fn expect(&mut self, token: &Token, name: &str) -> Result<(), Malformed> {
        match self.next() {
            Some(found) if found == token => Ok(()),
            found => Err(unexpected(found, name)),
        }
    }

    fn next(&mut self) -> Option<&'a Token> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }
}

fn single(mut parts: Vec<Filter>, many: fn(Vec<Filter>) -> Filter) -> Filter {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            many(parts)
        }
    }
}

/// `path` as it is looked up: inside a lambda it starts at the variable, outside at a member of a referral.
fn within(mut path: Vec<String>, variable: Option<&str>) -> Result<Vec<String>, Malformed> {
    match variable {
        Some(variable) if path.len() > 1 && path[0] == variable => {
            path.remove(0);
            Ok(path)
        }
        Some(variable) => Err(Malformed(format!(
            "a path inside any does not start with '{variable}/'"
        ))),
        None if super::super::list::is_member(&path[0]) => Ok(path),
        None => Err(Malformed(format!(
            "a referral has no property '{}'",
            path[0]
        ))),
    }
}

fn unexpected(found: Option<&Token>, wanted: &str) -> Malformed {
    Malformed(match found {
        Some(token) => format!("expected {wanted}, found {token:?}"),
        None => format!("expected {wanted}, found the end"),
    })
}
