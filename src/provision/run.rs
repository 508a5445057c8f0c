//! Finds out what is there, and does what the plan says.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::Wish;
use super::columns::COLUMNS;
use super::plan::{COMPLETE, Facts, INCOMPLETE, Step, UserFacts};
use super::rights::{NEEDS, ROLE};
use crate::failure::{Classify, Disposition};
use crate::upstream::dataverse::setup::{Fresh, Setup, SetupError};

/// How long one step goes on being tried while it is refused for the moment: an import that runs takes minutes.
const PATIENCE: Duration = Duration::from_mins(10);
/// How long the environment's caches may take to learn of new columns; half a minute is usual.
const CACHE: Duration = Duration::from_mins(2);
/// The first wait before a step is tried again, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));

/// What is told while a plan is carried out.
#[derive(Debug)]
pub enum News<'a> {
    /// This step begins.
    Begins(&'a Step),
    /// It has to wait, for this reason.
    Waits(&'a SetupError),
    /// The environment's caches do not know the new columns yet.
    Caches,
    /// They will learn of them by themselves, later than one waits for.
    StillCaches,
    /// This step is done.
    Done(&'a Step),
}

/// Looks at what `wish` speaks of.
pub async fn facts(setup: &Setup, wish: &Wish) -> Result<Facts, SetupError> {
    let mut facts = Facts::default();
    if wish.columns {
        facts.columns = setup.columns(Fresh::Now).await?.into_iter().collect();
        facts.publishers = setup.publishers(&wish.prefix).await?;
        facts.solution = setup.solution(&wish.prefix).await?;
    }
    let mut role = None;
    if wish.role || wish.application.is_some() {
        role = setup.role(ROLE).await?;
    }
    if wish.role {
        facts.needed = setup.privileges(NEEDS).await?;
        facts.granted = match role {
            Some(role) => Some(setup.granted(role).await?),
            None => None,
        };
    }
    if let Some(application) = wish.application
        && let Some(user) = setup.user(application).await?
    {
        let roles = setup.roles_of(user.id).await?;
        facts.user = Some(UserFacts {
            disabled: user.disabled,
            has_role: role.is_some_and(|role| roles.contains(&role)),
        });
    }
    Ok(facts)
}

/// Does `steps` one after the other. An error leaves the steps before it done; a new plan goes on from there.
pub async fn carry_out(
    setup: &Setup,
    wish: &Wish,
    steps: &[Step],
    tell: &mut dyn FnMut(News<'_>),
) -> Result<(), SetupError> {
    let languages = if steps.iter().any(|it| matches!(it, Step::Column(_))) {
        setup.languages().await?
    } else {
        Vec::new()
    };
    for step in steps {
        tell(News::Begins(step));
        let begun = Instant::now();
        let mut wait = WAITS.0;
        while let Err(error) = once(setup, wish, step, &languages, tell).await {
            let Disposition::Retry { after } = error.disposition() else {
                return Err(error);
            };
            let pause = after.unwrap_or_default().max(wait);
            if PATIENCE < begun.elapsed() + pause {
                return Err(error);
            }
            tell(News::Waits(&error));
            sleep(pause).await;
            wait = (wait * 2).min(WAITS.1);
        }
        tell(News::Done(step));
    }
    Ok(())
}

async fn once(
    setup: &Setup,
    wish: &Wish,
    step: &Step,
    languages: &[i32],
    tell: &mut dyn FnMut(News<'_>),
) -> Result<(), SetupError> {
    let prefix = &wish.prefix;
    match step {
        Step::Publisher => setup.add_publisher(prefix).await,
        Step::Solution => setup.add_solution(prefix, INCOMPLETE).await,
        Step::Column(column) => setup.add_column(column, prefix, languages).await,
        Step::Publish => {
            setup.publish().await?;
            until_known(setup, wish, tell).await?;
            setup.set_version(prefix, COMPLETE).await
        }
        Step::Role => setup.add_role(ROLE).await,
        Step::Grant(grants) => setup.grant(role(setup).await?, grants).await,
        Step::User(application) => setup.add_user(*application).await,
        Step::Assign(application) => {
            let user = setup.user(*application).await?;
            let user =
                user.ok_or_else(|| missing(format!("user for application {application}")))?;
            setup.assign(user.id, role(setup).await?).await
        }
    }
}

async fn role(setup: &Setup) -> Result<Uuid, SetupError> {
    let role = setup.role(ROLE).await?;
    role.ok_or_else(|| missing(format!("security role \"{ROLE}\"")))
}

fn missing(what: String) -> SetupError {
    SetupError::Missing {
        doing: "setting up the application user".to_owned(),
        what,
    }
}

/// Waits until reads that go through the environment's caches find the columns, but not for ever.
async fn until_known(
    setup: &Setup,
    wish: &Wish,
    tell: &mut dyn FnMut(News<'_>),
) -> Result<(), SetupError> {
    let begun = Instant::now();
    loop {
        let known = setup.columns(Fresh::Cached).await?;
        let missing = COLUMNS.iter().any(|column| {
            let name = column.logical_name(&wish.prefix);
            known.iter().all(|(it, _)| *it != name)
        });
        if !missing {
            return Ok(());
        }
        if CACHE < begun.elapsed() {
            tell(News::StillCaches);
            return Ok(());
        }
        tell(News::Caches);
        sleep(Duration::from_secs(2)).await;
    }
}
