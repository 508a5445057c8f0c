//! Changes an environment itself: its solutions, the columns of leads, roles and users.
//!
//! Everything is looked up as it is at this moment, past the caches for definitions, and every creation looks first: what is
//! there is taken as it is, so that doing it again does nothing.

mod security;

use http::Method;
use uuid::Uuid;

pub use self::security::ApplicationUser;

use super::Dataverse;
use super::code::Meaning;
use super::error::Failure;
use super::request::Requests;
use super::wire::Rows;
use super::wire::setup as wire;
use crate::failure::{Classify, Disposition};
use crate::provision::Prefix;
use crate::provision::columns::NewColumn;
use crate::upstream::{CallError, Reply};

/// The columns of leads with their types.
const COLUMNS: &str =
    "EntityDefinitions(LogicalName='lead')/Attributes?$select=LogicalName,AttributeType";

/// An environment, for those who may change it.
pub struct Setup {
    requests: Requests,
}

/// Why a change did not come about.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Whoever is signed in may not.
    #[error(
        "{doing}: who is signed in may not do that; sign in as a system administrator of the environment, with `az login` and \
         AZURE_CREDENTIAL=azure_cli"
    )]
    Denied {
        /// What was to be done.
        doing: String,
        /// The refusal.
        #[source]
        source: CallError,
    },
    /// The environment does not take an application as one of its users.
    #[error(
        "the environment does not take the application {application}: give the client id of an app registration or a managed \
         identity of the environment's own tenant"
    )]
    Application {
        /// Which application.
        application: Uuid,
        /// The refusal.
        #[source]
        source: Failure,
    },
    /// Something that every environment has is missing.
    #[error("{doing}: the environment has no {what}")]
    Missing {
        /// What was to be done.
        doing: String,
        /// What it lacks.
        what: String,
    },
    /// It failed otherwise.
    #[error("{doing}")]
    Failed {
        /// What was to be done.
        doing: String,
        /// Why it failed.
        #[source]
        source: Failure,
    },
}

impl SetupError {
    fn new(doing: &str, failure: Failure) -> Self {
        let doing = doing.to_owned();
        match failure {
            Failure::Refused {
                meaning: Meaning::Privilege,
                source,
                ..
            } => Self::Denied { doing, source },
            source => Self::Failed { doing, source },
        }
    }
}

impl Classify for SetupError {
    fn disposition(&self) -> Disposition {
        match self {
            Self::Denied { .. } => Disposition::Misconfigured,
            Self::Application { .. } | Self::Missing { .. } => Disposition::Permanent,
            Self::Failed { source, .. } => source.disposition(),
        }
    }
}

/// Whether definitions are read as they are, or as the environment's caches have them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fresh {
    /// As they are.
    Now,
    /// As everybody else gets them.
    Cached,
}

impl Dataverse {
    /// Changes the environment itself. For administrators: the connector's own user may not.
    pub fn setup(&self) -> Setup {
        Setup {
            requests: self.requests.clone(),
        }
    }
}

impl Setup {
    /// The languages that are enabled, by locale id.
    pub async fn languages(&self) -> Result<Vec<i32>, SetupError> {
        let doing = "reading which languages are enabled";
        let answer: wire::Languages = self.read(doing, "RetrieveProvisionedLanguages()").await?;
        Ok(answer.retrieve_provisioned_languages)
    }

    /// The publishers with our name or our prefix: unique name and prefix.
    pub async fn publishers(&self, prefix: &Prefix) -> Result<Vec<(String, String)>, SetupError> {
        let publishers = self.publisher_rows(prefix).await?.into_iter();
        let named =
            publishers.map(|it| (it.uniquename, it.customizationprefix.unwrap_or_default()));
        Ok(named.collect())
    }

    /// Creates our publisher.
    pub async fn add_publisher(&self, prefix: &Prefix) -> Result<(), SetupError> {
        if self.publisher(prefix).await?.is_none() {
            self.post(
                "creating the publisher",
                "publishers",
                wire::publisher(prefix),
            )
            .await?;
        }
        Ok(())
    }

    /// The version of our solution; `None` if there is none.
    pub async fn solution(&self, prefix: &Prefix) -> Result<Option<String>, SetupError> {
        let solution = self.solution_row(prefix).await?;
        Ok(solution.map(|it| it.version.unwrap_or_default()))
    }

    /// Creates our solution with this version. Its publisher is there.
    pub async fn add_solution(&self, prefix: &Prefix, version: &str) -> Result<(), SetupError> {
        if self.solution_row(prefix).await?.is_some() {
            return Ok(());
        }
        let doing = "creating the solution";
        let publisher = self
            .publisher(prefix)
            .await?
            .ok_or_else(|| SetupError::Missing {
                doing: doing.to_owned(),
                what: format!("publisher {}", prefix.publisher()),
            })?;
        let body = wire::solution(prefix, publisher, version);
        self.post(doing, "solutions", body).await.map(drop)
    }

    /// Gives our solution another version.
    pub async fn set_version(&self, prefix: &Prefix, version: &str) -> Result<(), SetupError> {
        let doing = "writing the version of the solution";
        let Some(solution) = self.solution_row(prefix).await? else {
            return Ok(());
        };
        let path = format!("solutions({})", solution.solutionid);
        let body = wire::version(version);
        let written = self
            .requests
            .change("write a solution", Method::PATCH, &path, None, body)
            .await;
        written
            .map(drop)
            .map_err(|failure| SetupError::new(doing, failure))
    }

    /// The columns of leads, each with its type.
    pub async fn columns(&self, fresh: Fresh) -> Result<Vec<(String, String)>, SetupError> {
        let doing = "reading the columns of leads";
        let operation = "read the columns of leads";
        let reply = match fresh {
            Fresh::Now => self.requests.read_now(operation, COLUMNS).await,
            Fresh::Cached => self.requests.read(operation, COLUMNS).await,
        };
        let rows: Rows<wire::Column> = told(doing, reply)?;
        let columns = rows.value.into_iter();
        let typed = columns.map(|it| (it.logical_name, it.attribute_type.unwrap_or_default()));
        Ok(typed.collect())
    }

    /// Adds a column to leads, unless there is one of its name, in our solution.
    pub async fn add_column(
        &self,
        column: &NewColumn,
        prefix: &Prefix,
        languages: &[i32],
    ) -> Result<(), SetupError> {
        let doing = format!("adding the column {}", column.logical_name(prefix));
        let body = wire::column(column, prefix, languages);
        let path = "EntityDefinitions(LogicalName='lead')/Attributes";
        let added = self
            .requests
            .change(
                "add a column",
                Method::POST,
                path,
                Some(&prefix.solution()),
                body,
            )
            .await;
        match added {
            Err(failure) if failure.meaning() != Some(Meaning::AlreadyThere) => {
                Err(SetupError::new(&doing, failure))
            }
            _ => Ok(()),
        }
    }

    /// Publishes the lead table.
    pub async fn publish(&self) -> Result<(), SetupError> {
        let doing = "publishing the lead table";
        self.post(doing, "PublishXml", wire::publication())
            .await
            .map(drop)
    }

    async fn publisher(&self, prefix: &Prefix) -> Result<Option<Uuid>, SetupError> {
        let ours = prefix.publisher();
        let rows = self.publisher_rows(prefix).await?.into_iter();
        let mut ours = rows.filter(|it| it.uniquename == ours);
        Ok(ours.next().map(|it| it.publisherid))
    }

    async fn publisher_rows(&self, prefix: &Prefix) -> Result<Vec<wire::Publisher>, SetupError> {
        let path = format!(
            "publishers?$select=publisherid,uniquename,customizationprefix\
             &$filter=uniquename eq '{}' or customizationprefix eq '{}'",
            prefix.publisher(),
            prefix.as_str()
        );
        let rows: Rows<wire::Publisher> = self.read("looking for the publisher", &path).await?;
        Ok(rows.value)
    }

    async fn solution_row(&self, prefix: &Prefix) -> Result<Option<wire::Solution>, SetupError> {
        let path = format!(
            "solutions?$select=solutionid,version&$filter=uniquename eq '{}'",
            prefix.solution()
        );
        let rows: Rows<wire::Solution> = self.read("looking for the solution", &path).await?;
        Ok(rows.value.into_iter().next())
    }

    async fn read<T: wire::Answer>(&self, doing: &str, path: &str) -> Result<T, SetupError> {
        told(
            doing,
            self.requests
                .read_now("look at the environment", path)
                .await,
        )
    }

    async fn post(&self, doing: &str, path: &str, body: bytes::Bytes) -> Result<Reply, SetupError> {
        let operation = "change the environment";
        let posted = self
            .requests
            .change(operation, Method::POST, path, None, body);
        posted
            .await
            .map_err(|failure| SetupError::new(doing, failure))
    }
}

/// What an answer says.
fn told<T: wire::Answer>(doing: &str, reply: Result<Reply, Failure>) -> Result<T, SetupError> {
    let read = reply.and_then(|reply| Ok(reply.json()?));
    read.map_err(|failure| SetupError::new(doing, failure))
}
