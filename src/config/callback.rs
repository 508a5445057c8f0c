//! Who may call the webhook.

use super::Settings;

/// The rules a delivery has to meet.
#[derive(Clone, Debug)]
pub struct CallbackConfig {
    /// `CALLBACK_ORGANIZATION`.
    pub organization: String,
}

impl CallbackConfig {
    pub(super) fn read(settings: &mut Settings<'_>) -> Option<Self> {
        let organization = settings.required("CALLBACK_ORGANIZATION")?;
        Some(Self { organization })
    }
}
