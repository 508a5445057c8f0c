//! What the arguments of `verify` and the files they name hold.

use std::path::Path;

use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;

use super::{Unusable, VerifyArgs, bytes};
use crate::callback::examination::Evidence;

/// The delivery that `args` describe.
pub(super) fn evidence(args: &VerifyArgs) -> Result<Evidence, Unusable> {
    let signed = args.headers.is_some() || args.signature.is_some();
    let why = if args.body.is_none() && args.certificate.is_none() {
        Some(
            "there is nothing to examine: give --body with --headers or --signature, or --certificate",
        )
    } else if args.body.is_some() && !signed {
        Some("a body is judged by its signature: give --headers or --signature too")
    } else if args.body.is_none() && signed {
        Some("a signature is judged over a body: give --body too")
    } else if args.algorithm.is_some() && !signed {
        Some("--algorithm says how a signature was made: give --signature or --headers too")
    } else if args.signature.is_some() && args.headers.is_none() && args.certificate.is_none() {
        Some("a signature alone does not say whose it is: give --certificate or --headers too")
    } else {
        None
    };
    if let Some(why) = why {
        return Err(Unusable(why.to_owned()));
    }
    Ok(Evidence {
        headers: headers(args)?,
        whole: args.headers.is_some(),
        body: args.body.as_deref().map(bytes).transpose()?,
        certificate: args.certificate.as_deref().map(bytes).transpose()?,
        at: args.at.unwrap_or_else(Timestamp::now),
    })
}

/// The headers of the file, with the signature and algorithm of the arguments in place of theirs.
fn headers(args: &VerifyArgs) -> Result<HeaderMap, Unusable> {
    let mut headers = match &args.headers {
        Some(path) => parsed_headers(path)?,
        None => HeaderMap::new(),
    };
    if let Some(signature) = &args.signature {
        headers.remove("authorization");
        set(&mut headers, "x-ms-signature", signature)?;
        if args.headers.is_none() {
            set(&mut headers, "x-ms-signature-algorithm", "rsa-sha256")?;
        }
    }
    if let Some(algorithm) = &args.algorithm {
        set(&mut headers, "x-ms-signature-algorithm", algorithm)?;
    }
    Ok(headers)
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) -> Result<(), Unusable> {
    let value = HeaderValue::from_str(value)
        .map_err(|_| Unusable(format!("the value given for {name} is no header value")))?;
    headers.insert(name, value);
    Ok(())
}

/// Reads a file as a capture has it: a request line may come first, an empty line ends it.
fn parsed_headers(path: &Path) -> Result<HeaderMap, Unusable> {
    let bytes = bytes(path)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let mut headers = HeaderMap::new();
    for (number, line) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        if number == 1
            && line
                .windows(7)
                .any(|it| it == b" HTTP/1" || it == b" HTTP/2")
        {
            continue;
        }
        let (name, value) = header(line)
            .ok_or_else(|| Unusable(format!("{}: line {number} is no header", path.display())))?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn header(line: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = HeaderName::from_bytes(&line[..colon]).ok()?;
    let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
    Some((name, value))
}
