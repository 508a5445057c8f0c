//! The grammar of `$filter`.

use jiff::{Timestamp, civil::Date};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{Filter, Operator, TextFunction};
use crate::dataverse::cell::Cell;
use crate::dataverse::refusal::{Outcome, Refusal};

/// More levels of `not` and parentheses than any query has.
const DEEPEST: usize = 64;

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Open,
    Close,
    Comma,
    Word(String),
    Quoted(String),
}

pub(super) fn filter(text: &str) -> Outcome<Filter> {
    let mut parser = Parser {
        tokens: tokens(text)?.into_iter().peekable(),
        depth: 0,
    };
    let filter = parser.alternatives()?;
    match parser.tokens.next() {
        None => Ok(filter),
        Some(token) => Err(unexpected(Some(&token))),
    }
}

fn tokens(text: &str) -> Outcome<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, tail) = match first {
            '(' => (Token::Open, &rest[1..]),
            ')' => (Token::Close, &rest[1..]),
            ',' => (Token::Comma, &rest[1..]),
            '\'' => quoted(&rest[1..])?,
            _ => {
                let end = rest.find([' ', '(', ')', ',', '\'']).unwrap_or(rest.len());
                (Token::Word(rest[..end].to_owned()), &rest[end..])
            }
        };
        tokens.push(token);
        rest = tail.trim_start();
    }
    Ok(tokens)
}

/// A string literal; a quote inside is doubled.
fn quoted(text: &str) -> Outcome<(Token, &str)> {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest
            .split_once('\'')
            .ok_or_else(|| Refusal::query("There is an unterminated literal in '$filter'."))?;
        value.push_str(before);
        match after.strip_prefix('\'') {
            Some(more) => {
                value.push('\'');
                rest = more;
            }
            None => return Ok((Token::Quoted(value), after)),
        }
    }
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
    depth: usize,
}

impl Parser {
    fn alternatives(&mut self) -> Outcome<Filter> {
        let mut left = self.conditions()?;
        while self.keyword("or") {
            left = Filter::Or(Box::new(left), Box::new(self.conditions()?));
        }
        Ok(left)
    }

    fn conditions(&mut self) -> Outcome<Filter> {
        let mut left = self.condition()?;
        while self.keyword("and") {
            left = Filter::And(Box::new(left), Box::new(self.condition()?));
        }
        Ok(left)
    }

    fn condition(&mut self) -> Outcome<Filter> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Refusal::query("'$filter' is nested too deeply."));
        }
        let condition = if self.keyword("not") {
            Filter::Not(Box::new(self.condition()?))
        } else if self.tokens.next_if_eq(&Token::Open).is_some() {
            let inner = self.alternatives()?;
            self.expect(&Token::Close)?;
            inner
        } else {
            let name = self.word()?;
            match text_function(&name) {
                Some(function) => self.call(function)?,
                None => self.comparison(name)?,
            }
        };
        self.depth -= 1;
        Ok(condition)
    }

    fn call(&mut self, function: TextFunction) -> Outcome<Filter> {
        self.expect(&Token::Open)?;
        let property = self.word()?;
        self.expect(&Token::Comma)?;
        let text = match self.tokens.next() {
            Some(Token::Quoted(text)) => text,
            other => return Err(unexpected(other.as_ref())),
        };
        self.expect(&Token::Close)?;
        Ok(Filter::Text(function, property, text))
    }

    fn comparison(&mut self, property: String) -> Outcome<Filter> {
        let operator = self.word()?;
        let operator = match operator.as_str() {
            "eq" => Operator::Equal,
            "ne" => Operator::NotEqual,
            "gt" => Operator::Greater,
            "ge" => Operator::GreaterOrEqual,
            "lt" => Operator::Less,
            "le" => Operator::LessOrEqual,
            _ => return Err(unexpected(Some(&Token::Word(operator)))),
        };
        let literal = match self.tokens.next() {
            Some(Token::Quoted(text)) => Some(Cell::Text(text)),
            Some(Token::Word(word)) => match self.tokens.peek() {
                // A member of an enumeration: Namespace.Type'Member'.
                Some(Token::Quoted(member)) => {
                    let member = Cell::text(member);
                    self.tokens.next();
                    Some(member)
                }
                _ => literal(&word)?,
            },
            other => return Err(unexpected(other.as_ref())),
        };
        Ok(Filter::Compare(property, operator, literal))
    }

    fn keyword(&mut self, keyword: &str) -> bool {
        self.tokens
            .next_if(|token| matches!(token, Token::Word(word) if word == keyword))
            .is_some()
    }

    fn word(&mut self) -> Outcome<String> {
        match self.tokens.next() {
            Some(Token::Word(word)) => Ok(word),
            other => Err(unexpected(other.as_ref())),
        }
    }

    fn expect(&mut self, expected: &Token) -> Outcome<()> {
        match self.tokens.next() {
            Some(token) if token == *expected => Ok(()),
            other => Err(unexpected(other.as_ref())),
        }
    }
}

fn text_function(name: &str) -> Option<TextFunction> {
    match name {
        "contains" => Some(TextFunction::Contains),
        "startswith" => Some(TextFunction::StartsWith),
        "endswith" => Some(TextFunction::EndsWith),
        _ => None,
    }
}

fn literal(word: &str) -> Outcome<Option<Cell>> {
    let cell = match word {
        "null" => return Ok(None),
        "true" => Some(Cell::Flag(true)),
        "false" => Some(Cell::Flag(false)),
        _ => None,
    };
    let cell = cell
        .or_else(|| Uuid::try_parse(word).ok().map(Cell::Id))
        .or_else(|| word.parse().ok().map(Cell::Whole))
        .or_else(|| Decimal::from_str_exact(word).ok().map(Cell::money))
        .or_else(|| word.parse::<Timestamp>().ok().map(Cell::Moment))
        .or_else(|| word.parse::<Date>().ok().map(Cell::Day));
    cell.map(Some)
        .ok_or_else(|| Refusal::query(format!("'{word}' is no literal '$filter' knows.")))
}

fn unexpected(token: Option<&Token>) -> Refusal {
    let what = match token {
        None => "the end".to_owned(),
        Some(Token::Open) => "'('".to_owned(),
        Some(Token::Close) => "')'".to_owned(),
        Some(Token::Comma) => "','".to_owned(),
        Some(Token::Word(text) | Token::Quoted(text)) => format!("'{text}'"),
    };
    Refusal::query(format!("Syntax error in '$filter' at {what}."))
}
