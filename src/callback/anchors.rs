//! Whom we trust to say who a signer is.

use std::sync::LazyLock;

use super::link::Link;

/// Mozilla's roots for web servers. Reading them takes milliseconds, so it waits for the first chain that needs them.
static MOZILLA: LazyLock<Vec<Link>> = LazyLock::new(|| {
    webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .filter_map(|der| Link::read_anchor(der).ok())
        .collect()
});

/// The roots a chain may end at.
#[derive(Clone, Debug)]
pub struct TrustAnchors {
    /// The roots of Mozilla's programme that may identify web servers count.
    pub mozilla: bool,
    /// These count too.
    pub own: Vec<Link>,
}

impl TrustAnchors {
    /// The anchors that may have issued `link`.
    pub(super) fn issuers_of<'a>(&'a self, link: &'a Link) -> impl Iterator<Item = &'a Link> {
        let mozilla = self.mozilla.then(|| MOZILLA.iter()).into_iter().flatten();
        self.own
            .iter()
            .chain(mozilla)
            .filter(|anchor| link.names_as_issuer(anchor))
    }
}

#[cfg(test)]
mod tests {
    use super::MOZILLA;

    #[test]
    fn every_root_of_mozilla_is_usable() {
        assert_eq!(
            MOZILLA.len(),
            webpki_root_certs::TLS_SERVER_ROOT_CERTS.len()
        );
    }
}
