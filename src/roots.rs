//! Whom outgoing TLS believes: the system's authorities, Mozilla's roots, which are compiled in, and those a setting adds.
//!
//! The system's are whatever the TLS library finds; a container may hold none. So the program brings its own.

use reqwest::Certificate;

/// Mozilla's roots for web servers and the certificates in `own`, PEM text, to be trusted beside the system's.
///
/// Fails when `own` is no PEM.
pub(crate) fn beside_the_systems(own: Option<&[u8]>) -> Result<Vec<Certificate>, reqwest::Error> {
    let mut roots = own
        .map(Certificate::from_pem_bundle)
        .transpose()?
        .unwrap_or_default();
    for der in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        roots.push(Certificate::from_der(der)?);
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::beside_the_systems;

    #[test]
    fn every_root_of_mozilla_counts_and_so_does_each_of_the_settings() {
        let mozilla = webpki_root_certs::TLS_SERVER_ROOT_CERTS;
        assert_eq!(beside_the_systems(None).unwrap().len(), mozilla.len());
        let pem = |der: &[u8]| {
            openssl::x509::X509::from_der(der)
                .unwrap()
                .to_pem()
                .unwrap()
        };
        let own = [pem(&mozilla[0]), pem(&mozilla[1])].concat();
        let roots = beside_the_systems(Some(&own)).unwrap();
        assert_eq!(roots.len(), mozilla.len() + 2);
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let broken = b"-----BEGIN CERTIFICATE-----\nnot base64\n-----END CERTIFICATE-----\n";
        assert!(beside_the_systems(Some(broken)).is_err());
    }
}
