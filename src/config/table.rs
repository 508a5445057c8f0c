//! The one table of settings: the code reads its defaults here, the docs and the example file repeat it.

/// Who reads a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// This program.
    Connector,
    /// The Functions host, from the same app settings.
    Host,
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The environment variable.
    pub name: &'static str,
    /// What it is for, in one line.
    pub purpose: &'static str,
    /// What it is when not set.
    pub default: Option<&'static str>,
    /// A value for the example file.
    pub example: &'static str,
    /// Its value must never be shown.
    pub secret: bool,
    /// Who reads it.
    pub source: Source,
}

const fn setting(name: &'static str, purpose: &'static str) -> Setting {
    Setting {
        name,
        purpose,
        default: None,
        example: "",
        secret: false,
        source: Source::Connector,
    }
}

impl Setting {
    const fn default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self.example = value;
        self
    }

    const fn example(mut self, value: &'static str) -> Self {
        self.example = value;
        self
    }

    const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    const fn host(mut self) -> Self {
        self.source = Source::Host;
        self
    }
}

/// Every setting, in the order of the docs.
pub const SETTINGS: &[Setting] = &[
    setting("PARTNER_CENTER_TENANT_ID", "the partner tenant's id, a GUID or domain")
        .example("00000000-0000-0000-0000-000000000000"),
    setting("PARTNER_CENTER_CLIENT_ID", "the app registration that was consented to")
        .example("00000000-0000-0000-0000-000000000000"),
    setting("PARTNER_CENTER_CLIENT_SECRET", "that app registration's client secret").secret(),
    setting("PARTNER_CENTER_GRANT", "how tokens are obtained: `refresh_token`, or `password` for tenants that still need the old way")
        .default("refresh_token"),
    setting("KEY_VAULT_URL", "the vault that keeps the refresh token; a loopback address is taken for an emulator, whose challenge is not checked")
        .example("https://contoso.vault.azure.net"),
    setting("PARTNER_CENTER_REFRESH_TOKEN_SECRET", "the name of the vault's secret that holds the refresh token")
        .default("partner-center-refresh-token"),
    setting("PARTNER_CENTER_REFRESH_TOKEN_FILE", "for local work, instead of the vault: a file of mode 0600 that holds the refresh token"),
    setting("PARTNER_CENTER_USERNAME", "with the `password` grant: the user"),
    setting("PARTNER_CENTER_PASSWORD", "with the `password` grant: the user's password").secret(),
    setting("PARTNER_CENTER_API_URL", "where the referrals API is")
        .default("https://api.partner.microsoft.com/v1.0/engagements"),
    setting("PARTNER_CENTER_AUDIENCE", "the audience of its access tokens")
        .default("https://api.partner.microsoft.com"),
    setting("PARTNER_CENTER_WEBHOOK_API_URL", "where webhooks are registered: another host than the referrals'")
        .default("https://api.partnercenter.microsoft.com/webhooks/v1"),
    setting("PARTNER_CENTER_WEBHOOK_AUDIENCE", "the audience of that host's access tokens")
        .default("https://api.partnercenter.microsoft.com"),
    setting("ENTRA_AUTHORITY_URL", "where Microsoft Entra ID issues tokens")
        .default("https://login.microsoftonline.com"),
    setting("SYNC_TARGET", "where referrals go: `dataverse`, or `flow` for a flow of your own that takes them")
        .default("dataverse"),
    setting("DATAVERSE_URL", "unless `SYNC_TARGET` is `flow`: the Dynamics 365 environment")
        .example("https://contoso.crm.dynamics.com"),
    setting("DATAVERSE_COLUMN_PREFIX", "what the names of the connector's own lead columns begin with, where `provision` added them")
        .default("pcref"),
    setting("FLOW_URL", "with `SYNC_TARGET` `flow`: the address of the flow's HTTP trigger, with its port and signature").secret(),
    setting("FLOW_AUDIENCE", "if the flow wants a sign-in: the audience of its access tokens, such as `https://service.flow.microsoft.com/`, with its slash"),
    setting("AZURE_CREDENTIAL", "how we sign in to Dataverse, Key Vault, Storage and the flow: `managed_identity`, `client_secret` or `azure_cli`")
        .default("managed_identity"),
    setting("AZURE_CLIENT_ID", "a user-assigned identity's client id, or with `client_secret` the app's id"),
    setting("AZURE_TENANT_ID", "with `client_secret`: the tenant"),
    setting("AZURE_CLIENT_SECRET", "with `client_secret`: the secret").secret(),
    setting("AzureWebJobsStorage", "the function app's own storage account, as a connection string with a key or a shared access signature; it keeps what the connector remembers of each referral, and what it does later")
        .example("UseDevelopmentStorage=true")
        .secret(),
    setting("AzureWebJobsStorage__accountName", "instead of a connection string: the account's name, opened as an identity"),
    setting("AzureWebJobsStorage__blobServiceUri", "instead of the name: where the account's blobs are"),
    setting("AzureWebJobsStorage__queueServiceUri", "instead of the name: where the account's queues are"),
    setting("AzureWebJobsStorage__credential", "with a name or addresses: `managedidentity`; empty means as `AZURE_CREDENTIAL` says"),
    setting("AzureWebJobsStorage__clientId", "with a name or addresses: a user-assigned identity's client id"),
    setting("STORAGE_CONTAINER", "the container of the connector's blobs; made when it is not there").default("referral-connector"),
    setting("CALLBACK_CERTIFICATE_URLS", "where signing certificates may come from; `*` stands for letters, digits, `.`, `_` and `-`")
        .default("https://3psostorageacct.blob.core.windows.net/cert/*.cer"),
    setting("CALLBACK_ORGANIZATION", "the organisation a signing certificate has to name")
        .default("Microsoft Corporation"),
    setting("CALLBACK_SUBJECTS", "the host names a signing certificate has to name, one of them; one `*` stands for letters, digits and `-`")
        .default("pcnotifications*.microsoft.com"),
    setting("CALLBACK_EXTENDED_KEY_USAGES", "the extended key usages a signing certificate has to have, as words or object ids")
        .default("serverAuth"),
    setting("CALLBACK_TRUST_ANCHORS", "which roots a signing certificate may chain to: `mozilla`, `pem` or `both`")
        .default("mozilla"),
    setting("CALLBACK_TRUST_ANCHORS_PEM", "with `pem` or `both`: the roots, as PEM text or a file's path"),
    setting("CALLBACK_INTERMEDIATES_PEM", "intermediate certificates to try first, as PEM text or a file's path"),
    setting("CALLBACK_AIA_HOSTS", "hosts that intermediate certificates may be fetched from")
        .default("www.microsoft.com,caissuers.microsoft.com,cacerts.digicert.com"),
    setting("CALLBACK_CRL_HOSTS", "hosts that revocation lists may be fetched from")
        .default("www.microsoft.com,crl2.microsoft.com,crl3.digicert.com,crl4.digicert.com"),
    setting("CALLBACK_REVOCATION", "whether a signing certificate's revocation is looked up: `off`, `soft` (a list that cannot be had is no obstacle) or `hard`")
        .default("soft"),
    setting("SYNC_MODE", "what may be written: `observe` nothing, `inbound` leads, `link` leads and the referral's externalReferenceId, `two-way` everything")
        .default("link"),
    setting("SYNC_ENVIRONMENT", "the environment's name; unless it is `production`, nothing is ever written to Partner Center")
        .default("production"),
    setting("SYNC_LEAD_OWNER", "who gets new leads: `team:<guid>` or `user:<guid>`; empty leaves it to the organisation's rules"),
    setting("SYNC_KINDS", "sync only these kinds: `marketplace-lead`, `qualified-lead`, `co-sell-opportunity`; empty means all"),
    setting("SYNC_COUNTRIES", "sync only customers in these countries, two letters each; empty means all"),
    setting("SYNC_LOCATIONS", "sync only referrals to these partner locations; empty means all"),
    setting("SYNC_PARTNER_IDS", "sync only referrals to these partner ids; empty means all"),
    setting("SYNC_TIME_ZONE", "the time zone in which the organisation's dates are meant").default("UTC"),
    setting("SYNC_QUALIFIED_MEANS", "what a qualified lead says about its referral in `two-way` mode: `accepted` or `won`")
        .default("accepted"),
    setting("SYNC_DUPLICATES", "a referral whose contact and company match an open lead: `report` makes its lead and tells the seller, `link` takes that lead if it is the only one, `create` does not look")
        .default("report"),
    setting("SYNC_PARENTS", "whether a new lead gets the account and the contact that the customer has already, each where exactly one matches: `match` or `off`")
        .default("match"),
    setting("MAPPING_FILE", "a TOML file with mapping rules of your own, laid over the default ones; a path, relative to the app's folder"),
    setting("SYNC_CLOSE_HOLD_HOURS", "hours a disqualified lead must rest before its referral is closed, which is final")
        .default("24"),
    setting("SYNC_WON_HOLD_HOURS", "the same for a referral closed as won").default("72"),
    setting("SYNC_RETRY_FIRST_SECONDS", "seconds until a referral that could not be synced is tried again; doubles with each failure")
        .default("15"),
    setting("SYNC_RETRY_LONGEST_MINUTES", "the most minutes between two tries").default("60"),
    setting("SYNC_RETRY_DAYS", "days for which a referral is tried before it becomes a dead letter").default("7"),
    setting("SYNC_STATE_DAYS", "days for which it is remembered what a closed referral and its lead agreed on").default("90"),
    setting("WARNING_WEBHOOK_URL", "who is told, beside the log, what will need a person: an address to post to, such as a Teams workflow's")
        .secret(),
    setting("WARNING_WEBHOOK_FORMAT", "what is posted there: `json`, or `adaptive-card` for a Teams workflow").default("json"),
    setting("WARNING_DIGEST", "how often it is posted there how things are: `off` or `weekly`").default("off"),
    setting("OUTBOUND_CA_FILE", "PEM file of more authorities for outgoing TLS, such as an inspecting firewall's; never trusted for callbacks"),
    setting("LOG_FORMAT", "`json`, `text`, or `auto`: text on a terminal").default("auto"),
    setting("RUST_LOG", "how much of this program is logged: `info`, `debug` or `trace`").default("info"),
    setting("APPLICATIONINSIGHTS_CONNECTION_STRING", "where traces of calls go; the Functions host sends its own telemetry there").secret(),
    setting("APPLICATIONINSIGHTS_AUTHENTICATION_STRING", "with `Authorization=AAD`, traces are sent with a token, as `AZURE_CREDENTIAL` says; the host reads it too"),
    setting("OTEL_SDK_DISABLED", "`true` sends no traces, whatever else is set").default("false"),
    setting("RECONCILE_SCHEDULE", "when both sides are searched for what no event told, as a six-field schedule in UTC")
        .example("0 */5 * * * *")
        .host(),
    setting("TOKEN_RENEWAL_SCHEDULE", "when credentials are renewed, as a six-field schedule in UTC")
        .example("0 17 3 * * *")
        .host(),
];

/// The row of `name`.
pub(super) fn find(name: &str) -> &'static Setting {
    SETTINGS
        .iter()
        .find(|setting| setting.name == name)
        .expect("every setting the code reads is in the table")
}
