//! How a row says what its column is made of.

use crate::lead::ColumnKind;
use crate::mapping::file::reader::{At, Reader, Table};
use crate::mapping::path::Path;
use crate::mapping::recipe::{Fixed, Map, Origin, Recipe};
use crate::mapping::template::Template;

/// How many parts of a referral a column can be made of.
const MOST_PARTS: usize = 12;

/// The recipe in `table`, over the `shipped` one; a new origin leaves nothing of it but how a text is fitted.
pub(super) fn read<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
    kind: ColumnKind,
    shipped: Option<&Recipe>,
) -> Option<Recipe> {
    let fixed = Limits::of(kind);
    let mut recipe = match (origin(reader, table, &fixed)?, shipped) {
        (Some(origin), shipped) => Recipe {
            lines: shipped.is_some_and(|it| it.lines),
            whole: shipped.is_some_and(|it| it.whole),
            ..Recipe::of(origin)
        },
        (None, Some(shipped)) => shipped.clone(),
        (None, None) => {
            reader.problem(table.line, "what is it made of? from, template or value");
            return None;
        }
    };
    if let Some(word) = reader.text(table, "instead") {
        recipe.instead = Some(path(reader, &word)?);
    }
    map(reader, table, &mut recipe, &fixed)?;
    for (key, place) in [("lines", &mut recipe.lines), ("whole", &mut recipe.whole)] {
        let Some(flag) = reader.flag(table, key) else {
            continue;
        };
        if flag.value && kind != ColumnKind::Text {
            reader.problem(flag.line, format_args!("{key} is for texts"));
            return None;
        }
        *place = flag.value;
    }
    if MOST_PARTS < recipe.paths().count() {
        let problem = format_args!("a column can be made of {MOST_PARTS} parts at most");
        reader.problem(table.line, problem);
        return None;
    }
    dated(reader, table, kind, &recipe)?;
    Some(recipe)
}

/// What the values of a mapping itself have to be for a column.
struct Limits {
    takes: fn(&Fixed) -> bool,
    expected: &'static str,
    is_text: bool,
}

impl Limits {
    fn of(kind: ColumnKind) -> Self {
        let (takes, expected): (fn(&Fixed) -> bool, _) = match kind {
            ColumnKind::Text => (|_| true, "a text"),
            ColumnKind::Choice => (
                |it| !matches!(it, Fixed::Flag(_)),
                "a choice, by its label or its number",
            ),
            ColumnKind::Flag => (|it| matches!(it, Fixed::Flag(_)), "true or false"),
            ColumnKind::Whole => (|it| matches!(it, Fixed::Whole(_)), "a whole number"),
            ColumnKind::Date | ColumnKind::Amount | ColumnKind::Row | ColumnKind::Moment => {
                (|_| false, "taken from the referral as it is")
            }
        };
        Self {
            takes,
            expected,
            is_text: kind == ColumnKind::Text,
        }
    }

    fn check(&self, reader: &mut Reader<'_>, value: &At<Fixed>) -> Option<()> {
        if (self.takes)(&value.value) {
            return Some(());
        }
        let problem = format_args!("a value of this column has to be {}", self.expected);
        reader.problem(value.line, problem);
        None
    }
}

/// The origin that `table` names, `Some(None)` if it names none; `None` if it is wrong.
#[expect(clippy::option_option, reason = "to name none is no mistake")]
fn origin<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
    limits: &Limits,
) -> Option<Option<Origin>> {
    let from = reader.texts(table, "from");
    let join = reader.blank(table, "join");
    let template = reader.text(table, "template");
    let value = reader.fixed(table, "value");
    if let (None, Some(join)) = (&from, &join) {
        reader.problem(
            join.line,
            "join needs the parts to join: from = [\"…\", \"…\"]",
        );
        return None;
    }
    match (from, template, value) {
        (None, None, None) => Some(None),
        (Some(from), None, None) => {
            let words = from.value.iter().map(|word| path(reader, word));
            let paths: Vec<Option<Path>> = words.collect();
            let paths: Option<Vec<Path>> = paths.into_iter().collect();
            let join = join.map(|it| it.value);
            Some(Some(Origin::Paths {
                paths: paths?,
                join,
            }))
        }
        (None, Some(text), None) => {
            if !limits.is_text {
                reader.problem(text.line, "a template makes a text");
                return None;
            }
            match Template::parse(&text.value) {
                Ok(template) => Some(Some(Origin::Template(template))),
                Err(why) => {
                    reader.problem(text.line, why);
                    None
                }
            }
        }
        (None, None, Some(value)) => {
            limits.check(reader, &value)?;
            Some(Some(Origin::Constant(value.value)))
        }
        _ => {
            reader.problem(table.line, "from, template and value exclude each other");
            None
        }
    }
}

fn path(reader: &mut Reader<'_>, word: &At<String>) -> Option<Path> {
    let found = Path::named(&word.value);
    if found.is_none() {
        let like = Path::all().find(|it| it.word().eq_ignore_ascii_case(&word.value));
        let hint = like.map_or_else(
            || "docs/mapping-file.md has all of them".to_owned(),
            |it| format!("it is written {}", it.word()),
        );
        reader.problem(
            word.line,
            format_args!("{:?} is no part of a referral; {hint}", word.value),
        );
    }
    found
}

fn map<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
    recipe: &mut Recipe,
    limits: &Limits,
) -> Option<()> {
    let entries = reader.entries(table, "map");
    let otherwise = reader.fixed(table, "otherwise");
    if let Some(entries) = entries {
        let checked = entries.value.into_iter().map(|(said, value)| {
            limits.check(reader, &value)?;
            Some((said, value.value))
        });
        let entries: Vec<_> = checked.collect();
        let entries = entries.into_iter().collect::<Option<Vec<_>>>()?;
        recipe.map = Some(Map {
            entries,
            otherwise: None,
        });
    }
    if let Some(value) = otherwise {
        limits.check(reader, &value)?;
        let Some(map) = &mut recipe.map else {
            reader.problem(value.line, "otherwise needs a map");
            return None;
        };
        map.otherwise = Some(value.value);
    }
    Some(())
}

/// A date is made of a moment.
fn dated<'t>(
    reader: &mut Reader<'t>,
    table: &Table<'t>,
    kind: ColumnKind,
    recipe: &Recipe,
) -> Option<()> {
    let is_plain =
        matches!(recipe.origin, Origin::Paths { join: None, .. }) && recipe.map.is_none();
    if kind != ColumnKind::Date || is_plain && recipe.paths().all(Path::is_time) {
        return Some(());
    }
    let times: Vec<_> = Path::all()
        .filter(|it| it.is_time())
        .map(Path::word)
        .collect();
    let problem = format_args!("a date is made of a moment, as it is: {}", times.join(", "));
    reader.problem(table.line, problem);
    None
}
