// The function app and its plan.

@description('The function app\'s name.')
param name string

@description('The region.')
param location string

@description('Tags of every resource.')
param tags object

@description('flex, premium or dedicated.')
param plan string

@description('With premium or dedicated: the size.')
param planSku string

@description('With flex: the memory of an instance.')
param instanceMemoryMB int

@description('How many instances there are at most.')
param maximumInstanceCount int

@description('How many instances wait for the webhook.')
param alwaysReadyInstances int

@description('The resource id of the identity it runs as.')
param identityId string

@description('The client id of that identity.')
param identityClientId string

@description('Where blobs are.')
param blobEndpoint string

@description('Where queues are.')
param queueEndpoint string

@description('Where tables are.')
param tableEndpoint string

@description('The container of packages.')
param deploymentContainer string

@description('The Application Insights component in this resource group that gets the telemetry.')
param applicationInsightsName string

@description('The workspace that gets the logs.')
param workspaceId string

@description('The subnet it joins; empty for none.')
param subnetId string

@description('The connector\'s settings.')
param settings object

var flex = plan == 'flex'
var inNetwork = !empty(subnetId)

var flexSku = {
  name: 'FC1'
  tier: 'FlexConsumption'
}
var alwaysReady = [
  {
    name: 'http'
    instanceCount: alwaysReadyInstances
  }
]
var flexConfig = {
  deployment: {
    storage: {
      type: 'blobContainer'
      value: '${blobEndpoint}${deploymentContainer}'
      authentication: {
        type: 'UserAssignedIdentity'
        userAssignedIdentityResourceId: identityId
      }
    }
  }
  runtime: {
    name: 'custom'
    version: '1.0'
  }
  scaleAndConcurrency: {
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReady: alwaysReadyInstances == 0 ? [] : alwaysReady
  }
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: applicationInsightsName
}

resource hostingPlan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: '${name}-plan'
  location: location
  tags: tags
  kind: flex ? 'functionapp' : plan == 'premium' ? 'elastic' : 'linux'
  sku: flex ? flexSku : { name: planSku }
  properties: {
    reserved: true
    maximumElasticWorkerCount: plan == 'premium' ? maximumInstanceCount : null
  }
}

resource site 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  tags: tags
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: hostingPlan.id
    httpsOnly: true
    publicNetworkAccess: 'Enabled'
    clientAffinityEnabled: false
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: inNetwork ? subnetId : null
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      ftpsState: 'Disabled'
      remoteDebuggingEnabled: false
      alwaysOn: plan == 'dedicated'
      vnetRouteAllEnabled: inNetwork && !flex ? true : null
      minimumElasticInstanceCount: plan == 'premium' ? max(1, alwaysReadyInstances) : null
      functionsRuntimeScaleMonitoringEnabled: plan == 'premium' && inNetwork ? true : null
    }
    functionAppConfig: flex ? flexConfig : null
  }
}

// What the host and the platform read. Flex refuses the settings that the other plans need.
var platformSettings = {
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  AzureWebJobsStorage__blobServiceUri: blobEndpoint
  AzureWebJobsStorage__queueServiceUri: queueEndpoint
  AzureWebJobsStorage__tableServiceUri: tableEndpoint
  AzureWebJobsDisableHomepage: 'true'
  APPLICATIONINSIGHTS_CONNECTION_STRING: applicationInsights.properties.ConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
}
var otherPlanSettings = {
  FUNCTIONS_WORKER_RUNTIME: 'custom'
  FUNCTIONS_EXTENSION_VERSION: '~4'
  WEBSITE_RUN_FROM_PACKAGE: '${blobEndpoint}${deploymentContainer}/referral-connector.zip'
  WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID: identityId
}

resource appSettings 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: site
  name: 'appsettings'
  properties: union(settings, platformSettings, flex ? {} : otherPlanSettings)
}

// Publishing takes an Entra ID sign-in, never a user name and password.
resource publishingByFtp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: site
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource publishingByPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: site
  name: 'scm'
  properties: {
    allow: false
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: site
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'FunctionAppLogs'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

@description('The webhook, without its key.')
output webhookUrl string = 'https://${site.properties.defaultHostName}/api/ReferralWebhook'
