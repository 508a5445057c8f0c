//! What is there, what is wanted, and so what is to be done. Pure.

use std::collections::BTreeMap;
use std::fmt;

use uuid::Uuid;

use super::Wish;
use super::columns::{COLUMNS, NewColumn, Shape};
use super::rights::{self, Depth, Grant, ROLE};

/// The version of the solution once everything in it is published.
pub const COMPLETE: &str = "1.0.0.0";
/// Its version until then.
pub const INCOMPLETE: &str = "0.1.0.0";

/// What the environment has, as far as it was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The publishers with our name or our prefix: unique name and prefix.
    pub publishers: Vec<(String, String)>,
    /// The version of our solution, if there is one.
    pub solution: Option<String>,
    /// The columns of leads with their types.
    pub columns: BTreeMap<String, String>,
    /// What our role grants; `None` if there is no such role.
    pub granted: Option<Vec<Grant>>,
    /// What it has to grant.
    pub needed: Vec<Grant>,
    /// What is known of the application's user; `None` if it has none.
    pub user: Option<UserFacts>,
}

/// A user of the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserFacts {
    /// Whether it may not sign in.
    pub disabled: bool,
    /// Whether it has our role.
    pub has_role: bool,
}

/// One thing to do. Everything before it in the plan is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Create the publisher.
    Publisher,
    /// Create the solution.
    Solution,
    /// Add a column.
    Column(&'static NewColumn),
    /// Publish the lead table, and wait until its columns are known.
    Publish,
    /// Create the role.
    Role,
    /// Let the role grant this too.
    Grant(Vec<Grant>),
    /// Add the user of this application.
    User(Uuid),
    /// Give the user the role.
    Assign(Uuid),
}

/// What keeps the wish from being granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Somebody else's names begin like ours.
    PrefixTaken {
        /// What they begin with.
        prefix: String,
        /// Whose.
        publisher: String,
    },
    /// There is a column of our name that holds something else.
    OtherType {
        /// Which.
        column: String,
        /// What it is.
        found: String,
        /// What it would have to be.
        wanted: &'static str,
    },
    /// The application's user is disabled.
    Disabled {
        /// Whose.
        application: Uuid,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PrefixTaken { prefix, publisher } => write!(
                f,
                "the prefix {prefix} belongs to the publisher {publisher}: choose another one with --prefix"
            ),
            Self::OtherType {
                column,
                found,
                wanted,
            } => write!(
                f,
                "the lead table has a column {column} of type {found}, where {wanted} is needed: choose another --prefix, or \
                 remove that column"
            ),
            Self::Disabled { application } => write!(
                f,
                "the user of application {application} is disabled: enable it in the Power Platform admin center"
            ),
        }
    }
}

/// What is to be done, in this order; nothing if all is there.
pub fn plan(wish: &Wish, facts: &Facts) -> Result<Vec<Step>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut steps = Vec::new();
    if wish.columns {
        columns(wish, facts, &mut steps, &mut problems);
    }
    if wish.role {
        match &facts.granted {
            None => {
                steps.push(Step::Role);
                steps.push(Step::Grant(facts.needed.clone()));
            }
            Some(granted) => {
                let lacking = rights::lacking(&facts.needed, granted);
                steps.extend((!lacking.is_empty()).then_some(Step::Grant(lacking)));
            }
        }
    }
    if let Some(application) = wish.application {
        match facts.user {
            None => steps.extend([Step::User(application), Step::Assign(application)]),
            Some(user) if user.disabled => problems.push(Problem::Disabled { application }),
            Some(user) => steps.extend((!user.has_role).then_some(Step::Assign(application))),
        }
    }
    if problems.is_empty() {
        Ok(steps)
    } else {
        Err(problems)
    }
}

fn columns(wish: &Wish, facts: &Facts, steps: &mut Vec<Step>, problems: &mut Vec<Problem>) {
    let (prefix, ours) = (wish.prefix.as_str(), wish.prefix.publisher());
    let mut found = false;
    for (name, theirs) in &facts.publishers {
        found |= *name == ours;
        if *name != ours && theirs == prefix {
            problems.push(Problem::PrefixTaken {
                prefix: prefix.to_owned(),
                publisher: name.clone(),
            });
        }
    }
    steps.extend((!found).then_some(Step::Publisher));
    steps.extend(facts.solution.is_none().then_some(Step::Solution));
    let before = steps.len();
    for column in COLUMNS {
        let name = column.logical_name(&wish.prefix);
        let wanted = column.shape.type_name();
        match facts.columns.get(&name) {
            None => steps.push(Step::Column(column)),
            Some(found) if found == wanted => {}
            Some(found) => problems.push(Problem::OtherType {
                column: name,
                found: found.clone(),
                wanted,
            }),
        }
    }
    let published = facts.solution.as_deref() == Some(COMPLETE);
    if before < steps.len() || !published {
        steps.push(Step::Publish);
    }
}

impl Step {
    /// One `snake_case` word, for scripts.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Publisher => "create_publisher",
            Self::Solution => "create_solution",
            Self::Column(_) => "add_column",
            Self::Publish => "publish",
            Self::Role => "create_role",
            Self::Grant(_) => "grant_privileges",
            Self::User(_) => "add_application_user",
            Self::Assign(_) => "assign_role",
        }
    }

    /// What it does, in plain words.
    pub fn sentence(&self, wish: &Wish) -> String {
        match self {
            Self::Publisher => format!(
                "create the publisher {} with the prefix {}",
                wish.prefix.publisher(),
                wish.prefix.as_str()
            ),
            Self::Solution => format!("create the solution {}", wish.prefix.solution()),
            Self::Column(column) => format!(
                "add the column {} to leads: {} ({})",
                column.logical_name(&wish.prefix),
                column.label.in_language(1033),
                holds(column.shape)
            ),
            Self::Publish => {
                "publish the lead table, and wait until its new columns are known".to_owned()
            }
            Self::Role => format!("create the security role \"{ROLE}\""),
            Self::Grant(grants) => {
                let grants = grants
                    .iter()
                    .map(|it| format!("{} ({})", it.name, reach(it.depth)));
                let grants: Vec<String> = grants.collect();
                format!("let the role \"{ROLE}\" grant {}", grants.join(", "))
            }
            Self::User(application) => {
                format!("add a user for the application {application}")
            }
            Self::Assign(application) => {
                format!("give the user of the application {application} the role \"{ROLE}\"")
            }
        }
    }
}

fn holds(shape: Shape) -> String {
    match shape {
        Shape::Text(length) => format!("text of at most {length} characters"),
        Shape::Link(_) => "link".to_owned(),
        Shape::Memo(length) => format!("several lines, at most {length} characters"),
        Shape::Day => "date".to_owned(),
        Shape::Moment => "date and time".to_owned(),
        Shape::Choice(options) => {
            let options = options.iter().map(|it| it.in_language(1033));
            format!("choice of {}", options.collect::<Vec<_>>().join(", "))
        }
    }
}

const fn reach(depth: Depth) -> &'static str {
    match depth {
        Depth::Basic => "own rows",
        Depth::Local => "business unit",
        Depth::Deep => "business unit and below",
        Depth::Global => "organization",
    }
}

#[cfg(test)]
mod tests;
