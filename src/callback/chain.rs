//! Finds a chain from a signer's certificate to a trust anchor, and has OpenSSL judge it.

use jiff::Timestamp;
use openssl::error::ErrorStack;
use openssl::stack::Stack;
use openssl::x509::store::{X509Store, X509StoreBuilder};
use openssl::x509::verify::{X509VerifyFlags, X509VerifyParam};
use openssl::x509::{X509StoreContext, X509VerifyResult};

use super::anchors::TrustAnchors;
use super::certificate_policies;
use super::fetch::FetchError;
use super::link::{Link, LinkError};
use super::policy::KeyPurpose;
use super::validity::ValidityError;

/// Intermediates in one chain, at most.
const MOST_INTERMEDIATES: usize = 3;
/// OpenSSL's level for 112 bits of security: RSA from 2048 bits, no SHA-1.
const SECURITY_LEVEL: i32 = 2;
/// How many ways to an anchor are judged, and how many certificates are stepped on while looking for them. Certificates that
/// sign each other in circles make more ways than anybody can walk.
const MOST_PATHS: usize = 32;
const MOST_STEPS: usize = 256;

/// A chain that was judged and found good.
#[derive(Clone, Debug)]
pub(super) struct Path {
    links: Vec<Link>,
}

impl Path {
    /// Each certificate of the chain but the anchor, with its issuer's.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&Link, &Link)> {
        self.links.iter().zip(&self.links[1..])
    }

    /// Every certificate in it, the signer's first and the anchor last.
    pub(super) fn links(&self) -> &[Link] {
        &self.links
    }

    /// Every certificate in it is still valid at `now`.
    pub(super) fn check_validity(&self, now: Timestamp) -> Result<(), ValidityError> {
        self.links
            .iter()
            .try_for_each(|link| link.check_validity(now))
    }

    /// How many certificates there are, the anchor's included.
    pub(super) fn len(&self) -> usize {
        self.links.len()
    }
}

/// What the search found.
pub(super) enum Found<'a> {
    /// A good chain.
    Trusted(Path),
    /// None. These certificates were stepped on; the issuers they name might open a way.
    Nothing {
        /// Why the most promising way was no good.
        error: ChainError,
        /// Where the ways ended.
        reached: Vec<&'a Link>,
    },
}

/// Looks for a chain from `leaf` over certificates of `pool` to one of `anchors`, in which every authority may vouch for
/// `wanted` and everything is valid at `now`.
pub(super) fn find<'a>(
    leaf: &'a Link,
    pool: &'a [Link],
    anchors: &'a TrustAnchors,
    wanted: &'a [KeyPurpose],
    now: Timestamp,
) -> Found<'a> {
    let mut search = Search {
        pool,
        anchors,
        wanted,
        now,
        paths: MOST_PATHS,
        reached: Vec::new(),
        error: None,
    };
    match search.walk(&mut vec![leaf]) {
        Some(path) => Found::Trusted(path),
        None => Found::Nothing {
            error: search.error.unwrap_or(ChainError::NoIssuer),
            reached: search.reached,
        },
    }
}

struct Search<'a> {
    pool: &'a [Link],
    anchors: &'a TrustAnchors,
    wanted: &'a [KeyPurpose],
    now: Timestamp,
    paths: usize,
    reached: Vec<&'a Link>,
    error: Option<ChainError>,
}

impl<'a> Search<'a> {
    fn walk(&mut self, path: &mut Vec<&'a Link>) -> Option<Path> {
        let tip = *path.last()?;
        if self.reached.len() == MOST_STEPS {
            return None;
        }
        self.reached.push(tip);
        let (anchors, pool) = (self.anchors, self.pool);
        for anchor in anchors.issuers_of(tip) {
            if self.paths == 0 || path.iter().any(|link| link.is(anchor)) {
                continue;
            }
            self.paths -= 1;
            match self.judge(path, anchor) {
                Ok(path) => return Some(path),
                Err(error) => self.error = Some(error),
            }
        }
        if path.len() > MOST_INTERMEDIATES {
            return None;
        }
        for candidate in pool {
            if tip.names_as_issuer(candidate) && !path.iter().any(|link| link.is(candidate)) {
                path.push(candidate);
                let found = self.walk(path);
                path.pop();
                if found.is_some() {
                    return found;
                }
            }
        }
        None
    }

    fn judge(&self, path: &[&Link], anchor: &Link) -> Result<Path, ChainError> {
        let links: Vec<Link> = path.iter().copied().chain([anchor]).cloned().collect();
        for link in &links {
            link.check_validity(self.now)?;
        }
        if !path[1..].iter().all(|link| link.may_vouch_for(self.wanted)) {
            return Err(ChainError::Purpose);
        }
        let policies: Vec<_> = path
            .iter()
            .rev()
            .map(|link| (link.policies(), link.is_self_issued()))
            .collect();
        if !certificate_policies::are_satisfied(&policies) {
            return Err(ChainError::Policies);
        }
        let verdict = openssl_verdict(path, anchor).map_err(|_| ChainError::OpenSsl {
            reason: "the chain could not be judged",
            depth: 0,
        })?;
        match verdict {
            (X509VerifyResult::OK, _) => Ok(Path { links }),
            (result, depth) => Err(ChainError::OpenSsl {
                reason: result.error_string(),
                depth,
            }),
        }
    }
}

/// What OpenSSL thinks of the chain, and of which certificate in it, counted from the leaf.
///
/// The store holds the one anchor and the context the one path, so what is judged is what was found. Times are not for it
/// to check: it takes the last second of a validity for the first one after it.
fn openssl_verdict(path: &[&Link], anchor: &Link) -> Result<(X509VerifyResult, u32), ErrorStack> {
    let store = store(anchor)?;
    let mut between = Stack::new()?;
    for link in &path[1..] {
        between.push(link.x509().to_owned())?;
    }
    X509StoreContext::new()?.init(&store, path[0].x509(), &between, |context| {
        let verified = context.verify_cert()?;
        let result = match context.error() {
            X509VerifyResult::OK if !verified => X509VerifyResult::APPLICATION_VERIFICATION,
            result => result,
        };
        Ok((result, context.error_depth()))
    })
}

fn store(anchor: &Link) -> Result<X509Store, ErrorStack> {
    let mut parameters = X509VerifyParam::new()?;
    parameters.set_flags(
        X509VerifyFlags::X509_STRICT
            | X509VerifyFlags::PARTIAL_CHAIN
            | X509VerifyFlags::NO_CHECK_TIME,
    )?;
    parameters.set_auth_level(SECURITY_LEVEL);
    let mut builder = X509StoreBuilder::new()?;
    builder.set_param(&parameters)?;
    builder.add_cert(anchor.x509().to_owned())?;
    Ok(builder.build())
}

/// Why a signer's certificate is not trusted.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ChainError {
    /// The certificate cannot even be looked at.
    #[error("the certificate cannot take part in a chain")]
    Link(#[from] LinkError),
    /// Nobody we know has issued it.
    #[error("no known certificate leads from it to a trust anchor")]
    NoIssuer,
    /// Something in the chain is outside its time.
    #[error("a certificate in the chain is outside its time")]
    Validity(#[from] ValidityError),
    /// An authority in the chain is for something else.
    #[error("an authority in the chain is limited to other extended key usages")]
    Purpose,
    /// An authority requires certificate policies, and none runs through the chain.
    #[error("an authority in the chain requires a certificate policy that the chain does not have")]
    Policies,
    /// The chain breaks a rule.
    #[error("certificate {depth} of the chain is refused: {reason}")]
    OpenSsl {
        /// Which rule, in OpenSSL's words.
        reason: &'static str,
        /// Which certificate, 0 being the signer's.
        depth: u32,
    },
    /// A certificate that may be missing in the chain could not be fetched.
    #[error("an issuer's certificate could not be fetched")]
    Unavailable(#[source] FetchError),
}

#[cfg(test)]
mod tests;
