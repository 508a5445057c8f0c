//! Definitions, solutions, roles and users, as JSON.
//!
//! Shapes as in "Create and update column definitions using the Web API", "Work with solutions", the `AddPrivilegesRole`
//! action and the `RetrieveRolePrivilegesRole` function of the Dataverse developer guide.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::provision::Prefix;
use crate::provision::columns::{NewColumn, OPTION_PREFIX, Shape, Words, option};
use crate::provision::rights::{Depth, Grant};

/// What answers are read as.
pub(in crate::upstream::dataverse) trait Answer:
    serde::de::DeserializeOwned
{
}

impl<T: serde::de::DeserializeOwned> Answer for T {}

/// What `RetrieveProvisionedLanguages` answers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::upstream::dataverse) struct Languages {
    pub(in crate::upstream::dataverse) retrieve_provisioned_languages: Vec<i32>,
}

/// A row of `publisher`.
#[derive(Debug, Deserialize)]
pub(in crate::upstream::dataverse) struct Publisher {
    pub(in crate::upstream::dataverse) publisherid: Uuid,
    pub(in crate::upstream::dataverse) uniquename: String,
    pub(in crate::upstream::dataverse) customizationprefix: Option<String>,
}

/// A row of `solution`.
#[derive(Debug, Deserialize)]
pub(in crate::upstream::dataverse) struct Solution {
    pub(in crate::upstream::dataverse) solutionid: Uuid,
    pub(in crate::upstream::dataverse) version: Option<String>,
}

/// A column, by name and type.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::upstream::dataverse) struct Column {
    pub(in crate::upstream::dataverse) logical_name: String,
    pub(in crate::upstream::dataverse) attribute_type: Option<String>,
}

/// A row of `privilege`.
#[derive(Debug, Deserialize)]
pub(in crate::upstream::dataverse) struct Privilege {
    pub(in crate::upstream::dataverse) privilegeid: Uuid,
    pub(in crate::upstream::dataverse) name: String,
}

/// A row of `businessunit`.
#[derive(Debug, Deserialize)]
pub(in crate::upstream::dataverse) struct Unit {
    pub(in crate::upstream::dataverse) businessunitid: Uuid,
}

/// A row of `role`.
#[derive(Debug, Deserialize)]
pub(in crate::upstream::dataverse) struct Role {
    pub(in crate::upstream::dataverse) roleid: Uuid,
}

/// A row of `systemuser`.
#[derive(Debug, Deserialize)]
pub(in crate::upstream::dataverse) struct User {
    pub(in crate::upstream::dataverse) systemuserid: Uuid,
    pub(in crate::upstream::dataverse) isdisabled: Option<bool>,
}

/// What `RetrieveRolePrivilegesRole` answers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(in crate::upstream::dataverse) struct Granted {
    role_privileges: Vec<RolePrivilege>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RolePrivilege {
    privilege_id: Uuid,
    depth: DepthName,
}

/// A depth by its name, or by its number where an environment prefers that.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum DepthName {
    #[serde(alias = "0")]
    Basic,
    #[serde(alias = "1")]
    Local,
    #[serde(alias = "2")]
    Deep,
    #[serde(alias = "3")]
    Global,
    /// Names to come, which reach less far than anything we ask for.
    #[serde(other)]
    Other,
}

impl From<Granted> for Vec<Grant> {
    fn from(granted: Granted) -> Self {
        let depth = |name| match name {
            DepthName::Basic | DepthName::Other => Depth::Basic,
            DepthName::Local => Depth::Local,
            DepthName::Deep => Depth::Deep,
            DepthName::Global => Depth::Global,
        };
        let privileges = granted.role_privileges.into_iter();
        privileges
            .map(|it| Grant {
                privilege: it.privilege_id,
                name: String::new(),
                depth: depth(it.depth),
            })
            .collect()
    }
}

fn bytes(value: &Value) -> Bytes {
    value.to_string().into()
}

pub(in crate::upstream::dataverse) fn publisher(prefix: &Prefix) -> Bytes {
    bytes(&json!({
        "uniquename": prefix.publisher(),
        "friendlyname": "Referral connector",
        "description": "Columns that the referral connector fills.",
        "customizationprefix": prefix.as_str(),
        "customizationoptionvalueprefix": OPTION_PREFIX,
    }))
}

pub(in crate::upstream::dataverse) fn solution(
    prefix: &Prefix,
    publisher: Uuid,
    version: &str,
) -> Bytes {
    bytes(&json!({
        "uniquename": prefix.solution(),
        "friendlyname": "Referral connector",
        "description": "Columns of leads for Partner Center referrals.",
        "version": version,
        "publisherid@odata.bind": format!("/publishers({publisher})"),
    }))
}

pub(in crate::upstream::dataverse) fn version(version: &str) -> Bytes {
    bytes(&json!({ "version": version }))
}

/// The definition of a column, with a label in each of `languages`.
pub(in crate::upstream::dataverse) fn column(
    column: &NewColumn,
    prefix: &Prefix,
    languages: &[i32],
) -> Bytes {
    let label = |words: Words| label(words, languages);
    let mut definition = json!({
        "SchemaName": column.schema_name(prefix),
        "DisplayName": label(column.label),
        "Description": label(column.description),
        "RequiredLevel": { "Value": "None" },
    });
    let (kind, more) = match column.shape {
        Shape::Text(length) => (
            "String",
            json!({ "MaxLength": length, "FormatName": { "Value": "Text" } }),
        ),
        Shape::Link(length) => (
            "String",
            json!({ "MaxLength": length, "FormatName": { "Value": "Url" } }),
        ),
        Shape::Memo(length) => ("Memo", json!({ "MaxLength": length, "Format": "TextArea" })),
        Shape::Day => (
            "DateTime",
            json!({ "Format": "DateOnly", "DateTimeBehavior": { "Value": "DateOnly" } }),
        ),
        Shape::Moment => (
            "DateTime",
            json!({ "Format": "DateAndTime", "DateTimeBehavior": { "Value": "UserLocal" } }),
        ),
        Shape::Choice(options) => {
            let options = options.iter().zip(0..);
            let options: Vec<Value> = options
                .map(|(words, index)| json!({ "Value": option(index), "Label": label(*words) }))
                .collect();
            let set = json!({
                "@odata.type": "Microsoft.Dynamics.CRM.OptionSetMetadata",
                "IsGlobal": false, "OptionSetType": "Picklist", "Options": options,
            });
            ("Picklist", json!({ "OptionSet": set }))
        }
    };
    definition["@odata.type"] = format!("Microsoft.Dynamics.CRM.{kind}AttributeMetadata").into();
    definition["AttributeType"] = kind.into();
    definition["AttributeTypeName"] = json!({ "Value": format!("{kind}Type") });
    if let (Value::Object(all), Value::Object(more)) = (&mut definition, more) {
        all.extend(more);
    }
    bytes(&definition)
}

fn label(words: Words, languages: &[i32]) -> Value {
    let labels = languages.iter().map(|&language| {
        json!({
            "@odata.type": "Microsoft.Dynamics.CRM.LocalizedLabel",
            "Label": words.in_language(language),
            "LanguageCode": language,
        })
    });
    json!({
        "@odata.type": "Microsoft.Dynamics.CRM.Label",
        "LocalizedLabels": labels.collect::<Vec<_>>(),
    })
}

/// The request to publish the lead table.
pub(in crate::upstream::dataverse) fn publication() -> Bytes {
    let what = "<importexportxml><entities><entity>lead</entity></entities></importexportxml>";
    bytes(&json!({ "ParameterXml": what }))
}

pub(in crate::upstream::dataverse) fn role(name: &str, unit: Uuid) -> Bytes {
    bytes(&json!({
        "name": name,
        "businessunitid@odata.bind": format!("/businessunits({unit})"),
    }))
}

pub(in crate::upstream::dataverse) fn grants(grants: &[Grant]) -> Bytes {
    let depth = |depth| match depth {
        Depth::Basic => DepthName::Basic,
        Depth::Local => DepthName::Local,
        Depth::Deep => DepthName::Deep,
        Depth::Global => DepthName::Global,
    };
    let privileges: Vec<RolePrivilege> = grants
        .iter()
        .map(|it| RolePrivilege {
            privilege_id: it.privilege,
            depth: depth(it.depth),
        })
        .collect();
    bytes(&json!({ "Privileges": privileges }))
}

pub(in crate::upstream::dataverse) fn user(application: Uuid, unit: Uuid) -> Bytes {
    bytes(&json!({
        "applicationid": application,
        "businessunitid@odata.bind": format!("/businessunits({unit})"),
    }))
}

/// A reference to the row at `address`.
pub(in crate::upstream::dataverse) fn reference(address: &str) -> Bytes {
    bytes(&json!({ "@odata.id": address }))
}
