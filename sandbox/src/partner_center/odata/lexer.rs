//! Cuts a filter into tokens.

use super::Malformed;

/// A token of a filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Open,
    Close,
    Colon,
    Slash,
    /// A keyword, a variable or a member's name.
    Word(String),
    /// A number or a date-time: whatever begins with a digit or a minus.
    Figure(String),
    /// What stood between single quotes, doubled quotes undone.
    Text(String),
}

/// The tokens of `text`.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Malformed> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            ':' => (Token::Colon, 1),
            '/' => (Token::Slash, 1),
            '\'' => quoted(rest)?,
            '-' | '0'..='9' => figure(rest),
            _ if first.is_ascii_alphabetic() || first == '_' => word(rest),
            _ => return Err(Malformed(format!("unexpected character '{first}'"))),
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn word(text: &str) -> (Token, usize) {
    let end = text
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    (Token::Word(text[..end].to_owned()), end)
}

fn figure(text: &str) -> (Token, usize) {
    let end = text
        .find(|c: char| c.is_whitespace() || c == '(' || c == ')')
        .unwrap_or(text.len());
    (Token::Figure(text[..end].to_owned()), end)
}

fn quoted(text: &str) -> Result<(Token, usize), Malformed> {
    let mut content = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((place, character)) = characters.next() {
        if character != '\'' {
            content.push(character);
        } else if characters.next_if(|(_, next)| *next == '\'').is_some() {
            content.push('\'');
        } else {
            return Ok((Token::Text(content), place + 1));
        }
    }
    Err(Malformed("a string is not ended".to_owned()))
}
