//! A text with parts of a referral in it: `{customerProfile.name} ({customerProfile.size})`.

use super::path::Path;
use crate::referral::Referral;

/// A text with places for parts of a referral.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Part(Path),
}

impl Template {
    /// Reads `text`; `{{` and `}}` stand for braces. The error says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
                continue;
            }
            if brace == "}" {
                return Err("a } without its {; a brace itself is written }}".to_owned());
            }
            let Some((word, after)) = rest.split_once('}') else {
                return Err("a { without its }; a brace itself is written {{".to_owned());
            };
            let path = Path::named(word.trim())
                .ok_or_else(|| format!("{:?} is no part of a referral", word.trim()))?;
            if !literal.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Part(path));
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        let template = Self(pieces);
        if template.paths().next().is_none() {
            return Err(
                "no part of a referral is in it; what is always the same is a value".to_owned(),
            );
        }
        Ok(template)
    }

    /// The parts in it.
    pub(super) fn paths(&self) -> impl Iterator<Item = Path> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Part(path) => Some(*path),
        })
    }

    /// The text for `referral`; a part that says nothing leaves no trace, and where none says anything there is no text.
    pub(super) fn render(&self, referral: &Referral, lines: bool) -> Option<String> {
        let mut text = String::new();
        let mut says_something = false;
        for piece in &self.0 {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Part(path) => {
                    let values = path.fit(referral, lines);
                    says_something |= !values.is_empty();
                    text.push_str(&values.join(", "));
                }
            }
        }
        let text = text.trim();
        (says_something && !text.is_empty()).then(|| text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::Template;
    use crate::mapping::fixtures::referral;

    fn render(text: &str) -> Option<String> {
        Template::parse(text).unwrap().render(&referral(), false)
    }

    #[test]
    fn parts_take_the_place_of_their_names_and_braces_are_doubled() {
        let rendered = render("{{{customerProfile.name}}}: { qualification }");
        assert_eq!(
            rendered.as_deref(),
            Some("{Fabrikam OIL & GAS}: SalesQualified")
        );
    }

    #[test]
    fn a_template_whose_parts_all_say_nothing_says_nothing() {
        assert_eq!(render("Reason: {statusReason}"), None);
        assert_eq!(
            render("Reason: {statusReason}, {name}").as_deref(),
            Some("Reason: , Supply chain renewal")
        );
    }

    #[test]
    fn what_is_wrong_with_a_template_is_said() {
        for (text, why) in [
            ("{name", "a { without its }"),
            ("name}", "a } without its {"),
            ("{nom}", "\"nom\" is no part"),
            ("{}", "\"\" is no part"),
            ("plain", "no part of a referral is in it"),
        ] {
            let error = Template::parse(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
