// Everything the referral connector needs in Azure, in one resource group.
// Secrets are never part of it: they are put into the Key Vault by hand, and a new deployment leaves them alone.
targetScope = 'resourceGroup'

// What is deployed, and where

@description('Names of resources begin with this. Letters, digits and hyphens.')
@minLength(3)
@maxLength(24)
param name string = 'referrals'

@description('The region. It has to offer Flex Consumption, unless another plan is chosen.')
param location string = resourceGroup().location

@description('Tags of every resource.')
param tags object = {}

@description('The Entra ID object that may put secrets into the vault: a person, a group or a service principal.')
@minLength(36)
@maxLength(36)
param administratorObjectId string

@description('What kind of object that is.')
@allowed(['User', 'Group', 'ServicePrincipal'])
param administratorPrincipalType string = 'User'

@description('Who gets e-mail when a person is needed. Empty: alerts show in the portal only.')
param alertEmailAddresses array = []

@description('The hosting plan: flex (pay per use), premium (Elastic Premium) or dedicated (App Service).')
@allowed(['flex', 'premium', 'dedicated'])
param plan string = 'flex'

@description('With premium or dedicated: the size, such as EP1 or P0v3.')
param planSku string = 'EP1'

@description('With flex: the memory of an instance.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('With flex and premium: how many instances there are at most.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('How many instances wait for the webhook even when nothing happens: 0 saves money, 1 saves the first delivery a few seconds.')
@minValue(0)
@maxValue(20)
param alwaysReadyInstances int = 0

@description('Reach storage and vault over private endpoints in a virtual network only.')
param privateNetworking bool = false

@description('With private networking: the addresses of that network, at least a /24.')
param virtualNetworkPrefix string = '10.90.0.0/24'

@description('With private networking: public IPv4 addresses or ranges from which administrators may still reach the vault.')
param administratorIpAddresses array = []

@description('The resource id of a Key Vault with RBAC and purge protection that exists already. Empty: a new one.')
param existingKeyVaultId string = ''

@description('The resource id of a storage account that exists already. Empty: a new one.')
param existingStorageAccountId string = ''

@description('How many days logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('How many GB of logs a day are taken at most; alerts are blind once it is reached. -1: no limit.')
param logDailyCapGB int = -1

@description('How many refused deliveries in five minutes are a burst worth an alert.')
@minValue(1)
param refusedBurst int = 50

// The connector's settings: one parameter for each that makes sense in Azure, with the default of docs/settings.md

@description('PARTNER_CENTER_TENANT_ID: the partner tenant, a GUID or domain.')
@minLength(1)
param partnerCenterTenantId string
@description('PARTNER_CENTER_CLIENT_ID: the app registration that was consented to.')
@minLength(36)
@maxLength(36)
param partnerCenterClientId string
@description('PARTNER_CENTER_GRANT: password is for tenants that still need the old way.')
@allowed(['refresh_token', 'password'])
param partnerCenterGrant string = 'refresh_token'
@description('PARTNER_CENTER_USERNAME, with the password grant. The password is a secret of the vault.')
param partnerCenterUsername string = ''
@description('PARTNER_CENTER_REFRESH_TOKEN_SECRET: the name of the vault\'s secret that holds the refresh token.')
param partnerCenterRefreshTokenSecret string = 'partner-center-refresh-token'
@description('PARTNER_CENTER_API_URL')
param partnerCenterApiUrl string = 'https://api.partner.microsoft.com/v1.0/engagements'
@description('PARTNER_CENTER_AUDIENCE')
param partnerCenterAudience string = 'https://api.partner.microsoft.com'
@description('PARTNER_CENTER_WEBHOOK_API_URL')
param partnerCenterWebhookApiUrl string = 'https://api.partnercenter.microsoft.com/webhooks/v1'
@description('PARTNER_CENTER_WEBHOOK_AUDIENCE')
param partnerCenterWebhookAudience string = 'https://api.partnercenter.microsoft.com'
@description('ENTRA_AUTHORITY_URL')
#disable-next-line no-hardcoded-env-urls
param entraAuthorityUrl string = 'https://login.microsoftonline.com'
@description('SYNC_TARGET: flow hands referrals to a flow of your own, whose address is a secret of the vault.')
@allowed(['dataverse', 'flow'])
param syncTarget string = 'dataverse'
@description('DATAVERSE_URL: the Dynamics 365 environment, such as https://contoso.crm.dynamics.com. Empty with a flow.')
param dataverseUrl string
@description('DATAVERSE_COLUMN_PREFIX: what the names of the columns begin with that provision added to leads.')
param dataverseColumnPrefix string = 'pcref'
@description('FLOW_AUDIENCE: if the flow wants a sign-in, such as https://service.flow.microsoft.com/ with its slash.')
param flowAudience string = ''
@description('STORAGE_CONTAINER: the container of what the connector remembers.')
@minLength(3)
@maxLength(63)
param storageContainer string = 'referral-connector'
@description('CALLBACK_CERTIFICATE_URLS: where signing certificates may come from.')
#disable-next-line no-hardcoded-env-urls
param callbackCertificateUrls string = 'https://3psostorageacct.blob.core.windows.net/cert/*.cer'
@description('CALLBACK_ORGANIZATION')
param callbackOrganization string = 'Microsoft Corporation'
@description('CALLBACK_SUBJECTS')
param callbackSubjects string = 'pcnotifications*.microsoft.com'
@description('CALLBACK_EXTENDED_KEY_USAGES')
param callbackExtendedKeyUsages string = 'serverAuth'
@description('CALLBACK_TRUST_ANCHORS')
@allowed(['mozilla', 'pem', 'both'])
param callbackTrustAnchors string = 'mozilla'
@description('CALLBACK_TRUST_ANCHORS_PEM: PEM text, line breaks written as backslash n.')
param callbackTrustAnchorsPem string = ''
@description('CALLBACK_INTERMEDIATES_PEM: PEM text, line breaks written as backslash n.')
param callbackIntermediatesPem string = ''
@description('CALLBACK_AIA_HOSTS')
param callbackAiaHosts string = 'www.microsoft.com,caissuers.microsoft.com,cacerts.digicert.com'
@description('CALLBACK_CRL_HOSTS')
param callbackCrlHosts string = 'www.microsoft.com,crl2.microsoft.com,crl3.digicert.com,crl4.digicert.com'
@description('CALLBACK_REVOCATION')
@allowed(['off', 'soft', 'hard'])
param callbackRevocation string = 'soft'
@description('SYNC_MODE: observe writes nothing, inbound writes leads, link also names the lead in the referral, two-way writes everything.')
@allowed(['observe', 'inbound', 'link', 'two-way'])
param syncMode string = 'link'
@description('SYNC_ENVIRONMENT: unless it is production, nothing is ever written to Partner Center.')
param syncEnvironment string = 'production'
@description('SYNC_LEAD_OWNER: team:<guid> or user:<guid>. Empty: the organisation\'s rules decide.')
param syncLeadOwner string = ''
@description('SYNC_KINDS. Empty: all.')
param syncKinds string = ''
@description('SYNC_COUNTRIES. Empty: all.')
param syncCountries string = ''
@description('SYNC_LOCATIONS. Empty: all.')
param syncLocations string = ''
@description('SYNC_PARTNER_IDS. Empty: all.')
param syncPartnerIds string = ''
@description('MAPPING_FILE: a TOML file in the deployed package, such as mapping.toml. Empty: the default rules.')
param mappingFile string = ''
@description('SYNC_TIME_ZONE')
param syncTimeZone string = 'UTC'
@description('SYNC_QUALIFIED_MEANS')
@allowed(['accepted', 'won'])
param syncQualifiedMeans string = 'accepted'
@description('SYNC_DUPLICATES: what becomes of a referral whose contact and company match an open lead.')
@allowed(['report', 'link', 'create'])
param syncDuplicates string = 'report'
@description('SYNC_PARENTS: whether a new lead gets the account and the contact that the customer has already.')
@allowed(['match', 'off'])
param syncParents string = 'match'
@description('SYNC_CLOSE_HOLD_HOURS')
@minValue(0)
param syncCloseHoldHours int = 24
@description('SYNC_WON_HOLD_HOURS')
@minValue(0)
param syncWonHoldHours int = 72
@description('SYNC_RETRY_FIRST_SECONDS')
@minValue(1)
param syncRetryFirstSeconds int = 15
@description('SYNC_RETRY_LONGEST_MINUTES')
@minValue(1)
param syncRetryLongestMinutes int = 60
@description('SYNC_RETRY_DAYS')
@minValue(1)
param syncRetryDays int = 7
@description('SYNC_STATE_DAYS')
@minValue(1)
param syncStateDays int = 90
@description('Tell somebody beside the log what will need a person: the vault\'s secret warning-webhook-url holds the address to post to.')
param warningWebhook bool = false
@description('WARNING_WEBHOOK_FORMAT: adaptive-card is for a Teams workflow.')
@allowed(['json', 'adaptive-card'])
param warningWebhookFormat string = 'json'
@description('WARNING_DIGEST: with warningWebhook, how often it is told how things are.')
@allowed(['off', 'weekly'])
param warningDigest string = 'off'
@description('RUST_LOG')
@allowed(['info', 'debug', 'trace'])
param rustLog string = 'info'
@description('OTEL_SDK_DISABLED: true sends no traces of the connector to Application Insights.')
@allowed(['false', 'true'])
param otelSdkDisabled string = 'false'
@description('RECONCILE_SCHEDULE: six fields, UTC.')
param reconcileSchedule string = '0 */5 * * * *'
@description('TOKEN_RENEWAL_SCHEDULE: six fields, UTC.')
param tokenRenewalSchedule string = '0 17 3 * * *'

// Names

var suffix = uniqueString(resourceGroup().id, name)
var functionAppName = '${name}-${suffix}'
var newVault = empty(existingKeyVaultId)
var newStorage = empty(existingStorageAccountId)
// Cut at its slashes, a resource id has its subscription at 2, its resource group at 4 and its name at 8.
var vaultId = split(newVault ? resourceId('Microsoft.KeyVault/vaults', 'kv-${suffix}') : existingKeyVaultId, '/')
var storageId = split(newStorage ? resourceId('Microsoft.Storage/storageAccounts', 'st${suffix}') : existingStorageAccountId, '/')
var vaultName = vaultId[8]
var storageName = storageId[8]

// The secrets that the vault has to hold, as references that the platform resolves for the connector
var clientSecretReference = '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=partner-center-client-secret)'
var passwordReference = '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=partner-center-password)'
var flowUrlReference = '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=flow-url)'
var warningWebhookReference = '@Microsoft.KeyVault(VaultName=${vaultName};SecretName=warning-webhook-url)'

var settings = {
  PARTNER_CENTER_TENANT_ID: partnerCenterTenantId
  PARTNER_CENTER_CLIENT_ID: partnerCenterClientId
  PARTNER_CENTER_CLIENT_SECRET: clientSecretReference
  PARTNER_CENTER_GRANT: partnerCenterGrant
  KEY_VAULT_URL: partnerCenterGrant == 'password' ? '' : vaultAccess.outputs.uri
  PARTNER_CENTER_REFRESH_TOKEN_SECRET: partnerCenterRefreshTokenSecret
  PARTNER_CENTER_REFRESH_TOKEN_FILE: ''
  PARTNER_CENTER_USERNAME: partnerCenterUsername
  PARTNER_CENTER_PASSWORD: partnerCenterGrant == 'password' ? passwordReference : ''
  PARTNER_CENTER_API_URL: partnerCenterApiUrl
  PARTNER_CENTER_AUDIENCE: partnerCenterAudience
  PARTNER_CENTER_WEBHOOK_API_URL: partnerCenterWebhookApiUrl
  PARTNER_CENTER_WEBHOOK_AUDIENCE: partnerCenterWebhookAudience
  ENTRA_AUTHORITY_URL: entraAuthorityUrl
  SYNC_TARGET: syncTarget
  DATAVERSE_URL: dataverseUrl
  DATAVERSE_COLUMN_PREFIX: dataverseColumnPrefix
  FLOW_URL: syncTarget == 'flow' ? flowUrlReference : ''
  FLOW_AUDIENCE: flowAudience
  AZURE_CREDENTIAL: 'managed_identity'
  AZURE_CLIENT_ID: identity.properties.clientId
  AZURE_TENANT_ID: ''
  AZURE_CLIENT_SECRET: ''
  STORAGE_CONTAINER: storageContainer
  CALLBACK_CERTIFICATE_URLS: callbackCertificateUrls
  CALLBACK_ORGANIZATION: callbackOrganization
  CALLBACK_SUBJECTS: callbackSubjects
  CALLBACK_EXTENDED_KEY_USAGES: callbackExtendedKeyUsages
  CALLBACK_TRUST_ANCHORS: callbackTrustAnchors
  CALLBACK_TRUST_ANCHORS_PEM: callbackTrustAnchorsPem
  CALLBACK_INTERMEDIATES_PEM: callbackIntermediatesPem
  CALLBACK_AIA_HOSTS: callbackAiaHosts
  CALLBACK_CRL_HOSTS: callbackCrlHosts
  CALLBACK_REVOCATION: callbackRevocation
  SYNC_MODE: syncMode
  SYNC_ENVIRONMENT: syncEnvironment
  SYNC_LEAD_OWNER: syncLeadOwner
  SYNC_KINDS: syncKinds
  SYNC_COUNTRIES: syncCountries
  SYNC_LOCATIONS: syncLocations
  SYNC_PARTNER_IDS: syncPartnerIds
  SYNC_TIME_ZONE: syncTimeZone
  MAPPING_FILE: mappingFile
  SYNC_QUALIFIED_MEANS: syncQualifiedMeans
  SYNC_DUPLICATES: syncDuplicates
  SYNC_PARENTS: syncParents
  SYNC_CLOSE_HOLD_HOURS: string(syncCloseHoldHours)
  SYNC_WON_HOLD_HOURS: string(syncWonHoldHours)
  SYNC_RETRY_FIRST_SECONDS: string(syncRetryFirstSeconds)
  SYNC_RETRY_LONGEST_MINUTES: string(syncRetryLongestMinutes)
  SYNC_RETRY_DAYS: string(syncRetryDays)
  SYNC_STATE_DAYS: string(syncStateDays)
  WARNING_WEBHOOK_URL: warningWebhook ? warningWebhookReference : ''
  WARNING_WEBHOOK_FORMAT: warningWebhookFormat
  WARNING_DIGEST: warningDigest
  OUTBOUND_CA_FILE: ''
  // Alerts and workbook read the lines as JSON.
  LOG_FORMAT: 'json'
  RUST_LOG: rustLog
  OTEL_SDK_DISABLED: otelSdkDisabled
  RECONCILE_SCHEDULE: reconcileSchedule
  TOKEN_RENEWAL_SCHEDULE: tokenRenewalSchedule
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: '${name}-identity'
  location: location
  tags: tags
}

module monitoring 'modules/monitoring.bicep' = {
  name: '${name}-monitoring'
  params: {
    name: name
    location: location
    tags: tags
    principalId: identity.properties.principalId
    logRetentionDays: logRetentionDays
    logDailyCapGB: logDailyCapGB
  }
}

module vault 'modules/vault.bicep' = if (newVault) {
  name: '${name}-vault'
  params: {
    name: vaultName
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    privateOnly: privateNetworking
    administratorIpAddresses: administratorIpAddresses
  }
}

module vaultAccess 'modules/vault-access.bicep' = {
  name: '${name}-vault-access'
  scope: resourceGroup(vaultId[2], vaultId[4])
  params: {
    vaultName: vaultName
    principalId: identity.properties.principalId
    administratorObjectId: administratorObjectId
    administratorPrincipalType: administratorPrincipalType
  }
  dependsOn: [
    vault
  ]
}

module storage 'modules/storage.bicep' = if (newStorage) {
  name: '${name}-storage'
  params: {
    name: storageName
    location: location
    tags: tags
    privateOnly: privateNetworking
  }
}

module storageContents 'modules/storage-contents.bicep' = {
  name: '${name}-storage-contents'
  scope: resourceGroup(storageId[2], storageId[4])
  params: {
    accountName: storageName
    container: storageContainer
    principalId: identity.properties.principalId
  }
  dependsOn: [
    storage
  ]
}

module network 'modules/network.bicep' = if (privateNetworking) {
  name: '${name}-network'
  params: {
    name: name
    location: location
    tags: tags
    prefix: virtualNetworkPrefix
    delegateTo: plan == 'flex' ? 'Microsoft.App/environments' : 'Microsoft.Web/serverFarms'
    storageAccountId: storageContents.outputs.accountId
    vaultId: vaultAccess.outputs.vaultId
  }
}

module functionApp 'modules/function-app.bicep' = {
  name: '${name}-function-app'
  params: {
    name: functionAppName
    location: location
    tags: tags
    plan: plan
    planSku: planSku
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyInstances: alwaysReadyInstances
    identityId: identity.id
    identityClientId: identity.properties.clientId
    blobEndpoint: storageContents.outputs.blobEndpoint
    queueEndpoint: storageContents.outputs.queueEndpoint
    tableEndpoint: storageContents.outputs.tableEndpoint
    deploymentContainer: storageContents.outputs.deploymentContainer
    applicationInsightsName: monitoring.outputs.applicationInsightsName
    workspaceId: monitoring.outputs.workspaceId
    subnetId: privateNetworking ? network.outputs.functionSubnetId : ''
    settings: settings
  }
}

module alerts 'modules/alerts.bicep' = {
  name: '${name}-alerts'
  params: {
    name: name
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    emailAddresses: alertEmailAddresses
    refusedBurst: refusedBurst
  }
}

@description('For func azure functionapp publish.')
output functionAppName string = functionAppName

@description('What Partner Center is told to call, once the function key is added as ?code=.')
output webhookUrl string = functionApp.outputs.webhookUrl

@description('The application id of the application user in Dataverse.')
output identityClientId string = identity.properties.clientId

@description('The object id of the function app\'s identity.')
output identityPrincipalId string = identity.properties.principalId

@description('Where the secrets go.')
output keyVaultName string = vaultName

@description('Where packages and state lie.')
output storageAccountName string = storageName

@description('The container that packages are uploaded to.')
output deploymentContainer string = storageContents.outputs.deploymentContainer

@description('Where the logs are.')
output workspaceName string = monitoring.outputs.workspaceName
