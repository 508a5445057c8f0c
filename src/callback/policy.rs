//! What the settings expect of a signer: organisation, host name, extended key usage.

use std::fmt;
use std::str::FromStr;

use x509_parser::extensions::ParsedExtension;
use x509_parser::oid_registry::Oid;
use x509_parser::prelude::X509Certificate;

use super::pattern::NamePattern;
use super::subject::Names;

/// How many of a certificate's names are printed.
const SHOWN: usize = 5;

/// What a signing certificate has to say about itself.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its only `O`, letter for letter.
    pub organization: String,
    /// Patterns, one of which its `CN` or a `dNSName` has to match.
    pub subjects: Vec<NamePattern>,
    /// Extended key usages it has to have, all of them.
    pub extended_key_usages: Vec<KeyPurpose>,
}

impl Policy {
    /// Where `certificate` is not what is expected.
    pub(super) fn mismatches(&self, certificate: &X509Certificate<'_>) -> Vec<Mismatch> {
        let names = Names::of(certificate);
        let purposes = purposes(certificate).unwrap_or_default();
        let mut mismatches = Vec::new();
        if names.organizations.as_slice() != [Some(self.organization.clone())] {
            mismatches.push(Mismatch::Organization {
                found: Shown::organizations(&names),
            });
        }
        let mut hosts = names.commons.iter().chain(&names.hosts);
        if !hosts.any(|host| self.subjects.iter().any(|it| it.matches(host))) {
            mismatches.push(Mismatch::Subject {
                found: Shown::hosts(&names),
            });
        }
        if let Some(missing) = self
            .extended_key_usages
            .iter()
            .find(|it| !purposes.contains(it))
        {
            mismatches.push(Mismatch::ExtendedKeyUsage {
                missing: missing.clone(),
                found: Shown::list(purposes.iter().map(ToString::to_string)),
            });
        }
        mismatches
    }

    /// The public facts of `certificate` on one line.
    #[expect(
        clippy::unused_self,
        reason = "what is worth showing is the policy's to say"
    )]
    pub(super) fn summary(&self, certificate: &X509Certificate<'_>) -> String {
        let names = Names::of(certificate);
        format!(
            "organisation {}, names {}, issuer {}, serial number {}",
            Shown::organizations(&names),
            Shown::hosts(&names),
            Shown::list(std::iter::once(certificate.issuer().to_string())),
            certificate.raw_serial_as_string(),
        )
    }
}

/// The extended key usages of `certificate`; `None` when it has no such extension.
pub(super) fn purposes(certificate: &X509Certificate<'_>) -> Option<Vec<KeyPurpose>> {
    let usage =
        certificate
            .iter_extensions()
            .find_map(|extension| match extension.parsed_extension() {
                ParsedExtension::ExtendedKeyUsage(usage) => Some(usage),
                _ => None,
            })?;
    let named = [
        (usage.any, "2.5.29.37.0"),
        (usage.server_auth, "1.3.6.1.5.5.7.3.1"),
        (usage.client_auth, "1.3.6.1.5.5.7.3.2"),
        (usage.code_signing, "1.3.6.1.5.5.7.3.3"),
        (usage.email_protection, "1.3.6.1.5.5.7.3.4"),
        (usage.time_stamping, "1.3.6.1.5.5.7.3.8"),
        (usage.ocsp_signing, "1.3.6.1.5.5.7.3.9"),
    ];
    let named = named
        .into_iter()
        .filter(|(present, _)| *present)
        .map(|(_, oid)| KeyPurpose(oid.to_owned()));
    let others = usage
        .other
        .iter()
        .map(|oid: &Oid<'_>| KeyPurpose(oid.to_id_string()));
    Some(named.chain(others).collect())
}

/// An extended key usage, by its object identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPurpose(String);

impl KeyPurpose {
    const WORDS: [(&'static str, &'static str); 6] = [
        ("serverAuth", "1.3.6.1.5.5.7.3.1"),
        ("clientAuth", "1.3.6.1.5.5.7.3.2"),
        ("codeSigning", "1.3.6.1.5.5.7.3.3"),
        ("emailProtection", "1.3.6.1.5.5.7.3.4"),
        ("timeStamping", "1.3.6.1.5.5.7.3.8"),
        ("OCSPSigning", "1.3.6.1.5.5.7.3.9"),
    ];

    /// It is `anyExtendedKeyUsage`, which an authority may have; a signer needs its own.
    pub(super) fn is_any(&self) -> bool {
        self.0 == "2.5.29.37.0"
    }
}

impl FromStr for KeyPurpose {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let word = Self::WORDS
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(text));
        if let Some((_, oid)) = word {
            return Ok(Self((*oid).to_owned()));
        }
        let purpose = Self(text.to_owned());
        match Oid::from_str(text) {
            Ok(oid) if !purpose.is_any() && oid.to_id_string() == text => Ok(purpose),
            _ => {
                Err("expected a word such as serverAuth, or an object id such as 1.3.6.1.5.5.7.3.1")
            }
        }
    }
}

impl fmt::Display for KeyPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Self::WORDS.iter().find(|(_, oid)| *oid == self.0);
        f.write_str(word.map_or(self.0.as_str(), |(word, _)| word))
    }
}

/// Names from a certificate, quoted and cut for a log line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown(String);

impl Shown {
    fn organizations(names: &Names) -> Self {
        let unreadable = || "(unreadable)".to_owned();
        Self::list(
            names
                .organizations
                .iter()
                .map(|it| it.clone().unwrap_or_else(unreadable)),
        )
    }

    fn hosts(names: &Names) -> Self {
        Self::list(names.commons.iter().chain(&names.hosts).cloned())
    }

    fn list(items: impl Iterator<Item = String>) -> Self {
        let mut shown: Vec<String> = Vec::new();
        let mut more = 0;
        for item in items {
            if shown.len() < SHOWN {
                shown.push(format!("{:?}", item.chars().take(200).collect::<String>()));
            } else {
                more += 1;
            }
        }
        Self(match (shown.is_empty(), more) {
            (true, _) => "none".to_owned(),
            (false, 0) => shown.join(" "),
            (false, more) => format!("{} and {more} more", shown.join(" ")),
        })
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A sound certificate says something else about itself than the settings expect.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// Not exactly one `O`, or another one.
    #[error(
        "the certificate's organisation is {found}; CALLBACK_ORGANIZATION would have to be that"
    )]
    Organization {
        /// What it says.
        found: Shown,
    },
    /// No name matches.
    #[error(
        "the certificate's names are {found}; CALLBACK_SUBJECTS would have to match one of them"
    )]
    Subject {
        /// What it says.
        found: Shown,
    },
    /// An extended key usage is missing.
    #[error(
        "the certificate lacks the extended key usage {missing} and has {found}; CALLBACK_EXTENDED_KEY_USAGES would have to name only what it has"
    )]
    ExtendedKeyUsage {
        /// What is expected and not there.
        missing: KeyPurpose,
        /// What is there.
        found: Shown,
    },
}

impl Mismatch {
    /// The word for the log.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Organization { .. } => "organization",
            Self::Subject { .. } => "subject",
            Self::ExtendedKeyUsage { .. } => "extended_key_usage",
        }
    }
}

#[cfg(test)]
mod tests;
