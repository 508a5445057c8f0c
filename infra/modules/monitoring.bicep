// Where logs and telemetry go. Nothing can be sent there with a mere key.

@description('Names begin with this.')
param name string

@description('The region.')
param location string

@description('Tags of every resource.')
param tags object

@description('The object id of the identity that sends telemetry.')
param principalId string

@description('How many days logs are kept.')
param logRetentionDays int

@description('How many GB of logs a day are taken at most; -1 for no limit.')
param logDailyCapGB int

// Monitoring Metrics Publisher
var publisher = '3913510d-42f4-4e42-8a64-420c390055eb'

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' = {
  name: '${name}-logs'
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: logRetentionDays
    features: {
      disableLocalAuth: true
      enableLogAccessUsingOnlyResourcePermissions: true
    }
    workspaceCapping: {
      dailyQuotaGb: logDailyCapGB
    }
  }
}

resource applicationInsights 'Microsoft.Insights/components@2020-02-02' = {
  name: '${name}-telemetry'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    IngestionMode: 'LogAnalytics'
    DisableLocalAuth: true
  }
}

resource mayPublish 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(applicationInsights.id, principalId, publisher)
  scope: applicationInsights
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', publisher)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

@description('The workspace\'s resource id.')
output workspaceId string = workspace.id

@description('The workspace\'s name.')
output workspaceName string = workspace.name

@description('The name of the Application Insights component.')
output applicationInsightsName string = applicationInsights.name
