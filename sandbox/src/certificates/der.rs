//! The few DER encodings that OpenSSL's builders have no typed form for.

const SEQUENCE: u8 = 0x30;

/// One value: `tag`, its length, `content`.
pub(super) fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    if content.len() < 0x80 {
        out.push(u8::try_from(content.len()).expect("shorter than 128"));
    } else {
        let length = content.len().to_be_bytes();
        let digits: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
        out.push(0x80 | u8::try_from(digits.len()).expect("a length has at most 8 bytes"));
        out.extend(digits);
    }
    out.extend_from_slice(content);
    out
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    value(SEQUENCE, &parts.concat())
}

/// A general name of the URI kind (RFC 5280, 4.2.1.6).
fn uri(address: &str) -> Vec<u8> {
    value(0x86, address.as_bytes())
}

/// `AuthorityInfoAccessSyntax` with one `caIssuers` address (RFC 5280, 4.2.2.1).
pub(super) fn ca_issuers(address: &str) -> Vec<u8> {
    const CA_ISSUERS: [u8; 10] = [0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02];
    sequence(&[sequence(&[CA_ISSUERS.to_vec(), uri(address)])])
}

/// `CRLDistributionPoints` with one address (RFC 5280, 4.2.1.13).
pub(super) fn distribution_point(address: &str) -> Vec<u8> {
    let full_name = value(0xa0, &uri(address));
    sequence(&[sequence(&[value(0xa0, &full_name)])])
}

/// `NameConstraints` that permits these DNS names alone (RFC 5280, 4.2.1.10).
pub(super) fn permitted_dns_names(names: &[String]) -> Vec<u8> {
    let subtrees: Vec<Vec<u8>> = names
        .iter()
        .map(|name| sequence(&[value(0x82, name.as_bytes())]))
        .collect();
    sequence(&[value(0xa0, &subtrees.concat())])
}

/// `AuthorityKeyIdentifier` with the key's identifier alone (RFC 5280, 4.2.1.1).
pub(super) fn authority_key(identifier: &[u8]) -> Vec<u8> {
    sequence(&[value(0x80, identifier)])
}

#[cfg(test)]
mod tests {
    use super::value;

    #[test]
    fn lengths_take_the_short_form_below_128_and_the_long_form_from_there() {
        assert_eq!(value(0x04, &[0; 127])[..2], [0x04, 0x7f]);
        assert_eq!(value(0x04, &[0; 128])[..3], [0x04, 0x81, 0x80]);
        assert_eq!(value(0x04, &[0; 300])[..4], [0x04, 0x82, 0x01, 0x2c]);
    }
}
