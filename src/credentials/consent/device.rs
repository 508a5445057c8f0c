//! The device code flow: the last resort, where no browser can come back.

use std::time::Duration;

use oauth2::StandardDeviceAuthorizationResponse;

use super::attempt::scopes;
use super::exchange::{refused, send};
use super::{ConsentError, SecureApplication, SignedIn, Tenant};

/// A code to enter in any browser.
pub struct DeviceCode(StandardDeviceAuthorizationResponse);

impl DeviceCode {
    /// Where to enter it.
    pub fn address(&self) -> &str {
        self.0.verification_uri()
    }

    /// The code.
    pub fn code(&self) -> &str {
        self.0.user_code().secret()
    }

    /// How long it is good.
    pub fn lifetime(&self) -> Duration {
        self.0.expires_in()
    }
}

impl SecureApplication {
    /// A new code.
    pub async fn device_code(&self) -> Result<DeviceCode, ConsentError> {
        let send = |request| send(&self.transport, "ask for a device code", request);
        let oauth = self.oauth();
        let asked = oauth
            .exchange_device_code()
            .add_scopes(scopes(&self.config.audience))
            .request_async(&send);
        match asked.await {
            Ok(code) => Ok(DeviceCode(code)),
            Err(error) => Err(ConsentError::SignIn(refused(error))),
        }
    }

    /// Waits until the person who entered `code` has signed in, for at most `patience`.
    ///
    /// A device code can carry neither a nonce nor a demand for a second factor.
    pub async fn entered(
        &self,
        tenant: &Tenant,
        code: &DeviceCode,
        patience: Duration,
    ) -> Result<SignedIn, ConsentError> {
        let send = |request| send(&self.transport, "redeem device code", request);
        let oauth = self.oauth();
        let asked = oauth.exchange_device_access_token(&code.0).request_async(
            &send,
            tokio::time::sleep,
            None,
        );
        let tokens = tokio::time::timeout(patience, asked)
            .await
            .map_err(|_| ConsentError::Nobody { after: patience })?
            .map_err(|error| ConsentError::SignIn(refused(error)))?;
        self.signed_in(tenant, None, &tokens)
    }
}
