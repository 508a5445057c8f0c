//! A storage account's connection string, as the Azure portal shows it: `Name=value` pairs with `;` between them.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use url::{Host, Url};

use super::{Account, StorageAccess, is_account_name};

/// The account that every storage emulator knows, and its key. Both are published; they open nothing real.
const EMULATOR_ACCOUNT: &str = "devstoreaccount1";
const EMULATOR_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const EMULATOR_BLOBS: &str = "http://127.0.0.1:10000/devstoreaccount1";
const EMULATOR_QUEUES: &str = "http://127.0.0.1:10001/devstoreaccount1";

/// The account that `text` describes, or all that is wrong with it. No problem repeats a value.
pub(super) fn parse(text: &str) -> Result<Account, Vec<String>> {
    let mut parts = Parts::read(text);
    let account = parts.account();
    match account {
        Some(account) if parts.problems.is_empty() => Ok(account),
        _ => Err(parts.problems),
    }
}

/// The pairs, by their names in lower case: the portal's spelling is not the only one in use.
struct Parts<'a> {
    values: BTreeMap<String, &'a str>,
    problems: Vec<String>,
}

impl<'a> Parts<'a> {
    fn read(text: &'a str) -> Self {
        let mut parts = Self {
            values: BTreeMap::new(),
            problems: Vec::new(),
        };
        let pairs = text.split(';').map(str::trim).filter(|it| !it.is_empty());
        for (number, pair) in (1..).zip(pairs) {
            let Some((name, value)) = pair.split_once('=') else {
                parts.problem(format!("its part {number} is no Name=value pair"));
                continue;
            };
            let name = name.trim();
            let before = parts.values.insert(name.to_ascii_lowercase(), value.trim());
            if before.is_some() {
                // Not by its name: what looks like one may be a key that was pasted alone.
                parts.problem(format!("its part {number} repeats an earlier one's name"));
            }
        }
        parts
    }

    fn account(&mut self) -> Option<Account> {
        if let Some(value) = self.get("UseDevelopmentStorage") {
            return Some(self.emulator(value));
        }
        let name = self.get("AccountName");
        let access = self.access(name);
        let blobs = self.endpoint("BlobEndpoint", "blob", name);
        let queues = self.endpoint("QueueEndpoint", "queue", name);
        Some(Account {
            blobs: blobs?,
            queues: queues?,
            access: access?,
        })
    }

    fn emulator(&mut self, value: &str) -> Account {
        if !value.eq_ignore_ascii_case("true") {
            self.problem("its UseDevelopmentStorage can only be true");
        }
        if self.get("DevelopmentStorageProxyUri").is_some() {
            self.problem(
                "its DevelopmentStorageProxyUri is not known here: name BlobEndpoint and QueueEndpoint instead",
            );
        }
        let address = |text: &str| text.parse().expect("a constant");
        Account {
            blobs: address(EMULATOR_BLOBS),
            queues: address(EMULATOR_QUEUES),
            access: StorageAccess::Key {
                account: EMULATOR_ACCOUNT.to_owned(),
                key: EMULATOR_KEY.into(),
            },
        }
    }

    fn access(&mut self, name: Option<&str>) -> Option<StorageAccess> {
        let signature = self.get("SharedAccessSignature");
        match (self.get("AccountKey"), signature) {
            (Some(_), Some(_)) => {
                self.problem("has AccountKey and SharedAccessSignature: keep one of them");
                None
            }
            (Some(key), None) => self.key(name, key),
            (None, Some(signature)) => self.signature(signature),
            (None, None) => {
                self.problem("has neither AccountKey nor SharedAccessSignature");
                None
            }
        }
    }

    fn key(&mut self, name: Option<&str>, key: &str) -> Option<StorageAccess> {
        let sound = STANDARD.decode(key).is_ok_and(|key| !key.is_empty());
        if !sound {
            self.problem("its AccountKey is no key: keys are base64");
        }
        if name.is_none() {
            self.problem("has no AccountName");
        }
        let account = name.filter(|_| sound)?.to_owned();
        let key = key.into();
        Some(StorageAccess::Key { account, key })
    }

    fn signature(&mut self, signature: &str) -> Option<StorageAccess> {
        let signature = signature.trim_start_matches('?');
        let names = url::form_urlencoded::parse(signature.as_bytes());
        if names.into_iter().any(|(name, _)| name == "sig") {
            return Some(StorageAccess::Signature(signature.into()));
        }
        self.problem("its SharedAccessSignature is none: there is no sig in it");
        None
    }

    /// The address of one service: the one that is given, or the usual one of the account.
    fn endpoint(&mut self, name: &str, kind: &str, account: Option<&str>) -> Option<Url> {
        if let Some(text) = self.get(name) {
            let url = address(text);
            if url.is_none() {
                self.problem(format!(
                    "its {name} has to be a plain https:// address (http:// only on this machine)"
                ));
            }
            return url;
        }
        let Some(account) = account else {
            self.problem(format!(
                "has no {name} and no AccountName to derive it from"
            ));
            return None;
        };
        if !is_account_name(account) {
            self.problem(format!(
                "has no {name}, and its AccountName is no account's name: 3 to 24 lower-case letters and digits"
            ));
            return None;
        }
        let scheme = self.get("DefaultEndpointsProtocol").unwrap_or("https");
        let suffix = self.get("EndpointSuffix").unwrap_or("core.windows.net");
        let url = address(&format!("{scheme}://{account}.{kind}.{suffix}"));
        if url.is_none() {
            self.problem(format!(
                "no https:// address for its {kind}s can be made of DefaultEndpointsProtocol and EndpointSuffix"
            ));
        }
        url
    }

    fn get(&self, name: &str) -> Option<&'a str> {
        let value = self.values.get(&name.to_ascii_lowercase()).copied();
        value.filter(|it| !it.is_empty())
    }

    fn problem(&mut self, text: impl Into<String>) {
        self.problems.push(text.into());
    }
}

/// A plain `https` address, or an `http` one of this machine, with no slash at its end.
fn address(text: &str) -> Option<Url> {
    let mut url: Url = text.parse().ok()?;
    let here = match url.host()? {
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
        Host::Domain(name) => name == "localhost",
    };
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    let guarded = url.scheme() == "https" || url.scheme() == "http" && here;
    if !(plain && guarded) {
        return None;
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Some(url)
}
