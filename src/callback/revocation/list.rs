//! One revocation list (RFC 5280, sections 5 and 6.3): whether it may be believed, and what it says about one certificate.

use std::cmp::Ordering;

use jiff::Timestamp;
use openssl::x509::{CrlStatus, X509Crl};
use x509_parser::asn1_rs::Any;
use x509_parser::extensions::{
    DistributionPointName, GeneralName, IssuingDistributionPoint, ParsedExtension,
};
use x509_parser::prelude::{CertificateRevocationList, FromDer};

use crate::callback::link::Link;

/// What a list says about a certificate, and until when it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// The certificate is on the list.
    pub(super) revoked: bool,
    /// When the list was made.
    pub(super) made: Timestamp,
    /// When the next one comes.
    pub(super) until: Timestamp,
}

/// What the list `der`, fetched from `address`, says at `now` about `link`, which `issuer` issued.
pub(super) fn read(
    der: &[u8],
    address: &str,
    link: &Link,
    issuer: &Link,
    now: Timestamp,
) -> Result<Said, ListError> {
    let (made, until) = check_form(der, address, link, now)?;
    let list = X509Crl::from_der(der).map_err(|_| ListError::Unreadable)?;
    check_issuer(&list, issuer)?;
    let revoked = match list.get_by_serial(link.x509().serial_number()) {
        CrlStatus::NotRevoked | CrlStatus::RemoveFromCrl(_) => false,
        CrlStatus::Revoked(_) => true,
    };
    Ok(Said {
        revoked,
        made,
        until,
    })
}

/// The list is current, and complete for certificates such as `link` that name `address`.
fn check_form(
    der: &[u8],
    address: &str,
    link: &Link,
    now: Timestamp,
) -> Result<(Timestamp, Timestamp), ListError> {
    let Ok(([], list)) = CertificateRevocationList::from_der(der) else {
        return Err(ListError::Unreadable);
    };
    let second = |time: i64| Timestamp::from_second(time).map_err(|_| ListError::Unreadable);
    let made = second(list.last_update().timestamp())?;
    let until = list.next_update().ok_or(ListError::NoNextUpdate)?;
    let until = second(until.timestamp())?;
    if made > now || until < now {
        return Err(ListError::OutsideItsTime { made, until });
    }
    for extension in list.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::IssuingDistributionPoint(scope) => {
                check_was_read(scope, extension.value)?;
                check_scope(scope, address, link)?;
            }
            ParsedExtension::ParseError { .. } => return Err(ListError::Unreadable),
            // Among these is the delta CRL indicator: such a list is no whole one.
            _ if extension.critical => return Err(ListError::Scope),
            _ => {}
        }
    }
    Ok((made, until))
}

/// `scope` has all that is in `der`: what cannot be read must not count as no restriction.
fn check_was_read(scope: &IssuingDistributionPoint<'_>, der: &[u8]) -> Result<(), ListError> {
    let read = [
        scope.distribution_point.is_some(),
        scope.only_contains_user_certs,
        scope.only_contains_ca_certs,
        scope.only_some_reasons.is_some(),
        scope.indirect_crl,
        scope.only_contains_attribute_certs,
    ];
    let Ok(([], whole)) = Any::from_der(der) else {
        return Err(ListError::Unreadable);
    };
    let mut rest = whole.data;
    let mut fields = 0;
    while !rest.is_empty() {
        (rest, _) = Any::from_der(rest).map_err(|_| ListError::Unreadable)?;
        fields += 1;
    }
    if read.iter().filter(|it| **it).count() != fields {
        return Err(ListError::Scope);
    }
    Ok(())
}

/// The list is for every certificate such as `link` that names `address`, and for every reason.
fn check_scope(
    scope: &IssuingDistributionPoint<'_>,
    address: &str,
    link: &Link,
) -> Result<(), ListError> {
    let others = if link.is_authority() {
        scope.only_contains_user_certs
    } else {
        scope.only_contains_ca_certs
    };
    let partial = others
        || scope.only_contains_attribute_certs
        || scope.indirect_crl
        || scope.only_some_reasons.is_some();
    let here = match &scope.distribution_point {
        None => true,
        Some(DistributionPointName::FullName(names)) => names
            .iter()
            .any(|name| matches!(name, GeneralName::URI(uri) if *uri == address)),
        Some(DistributionPointName::NameRelativeToCRLIssuer(_)) => false,
    };
    if partial || !here {
        return Err(ListError::Scope);
    }
    Ok(())
}

fn check_issuer(list: &X509Crl, issuer: &Link) -> Result<(), ListError> {
    let authority = issuer.x509();
    let same = matches!(
        list.issuer_name().try_cmp(authority.subject_name()),
        Ok(Ordering::Equal)
    );
    let verified = || list.verify(authority.public_key().ok()?.as_ref()).ok();
    if !same || !issuer.may_sign_lists() || verified() != Some(true) {
        return Err(ListError::NotTheIssuers);
    }
    Ok(())
}

/// Why a list says nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// It is no revocation list.
    #[error("the revocation list cannot be read")]
    Unreadable,
    /// It does not say until when it holds.
    #[error("the revocation list does not say when the next one comes")]
    NoNextUpdate,
    /// It is from the future, or the next one is overdue.
    #[error("the revocation list is for {made} to {until}")]
    OutsideItsTime {
        /// When it was made.
        made: Timestamp,
        /// When the next one was due.
        until: Timestamp,
    },
    /// It is for other certificates, or does not stand alone.
    #[error("the revocation list is not a whole one for such certificates")]
    Scope,
    /// The certificate's issuer did not sign it.
    #[error("the revocation list is not signed by the certificate's issuer")]
    NotTheIssuers,
    /// A newer one has been seen.
    #[error("the revocation list is older than one that was seen before")]
    Older,
}

#[cfg(test)]
mod tests;
