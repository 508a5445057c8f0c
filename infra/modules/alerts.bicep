// Tells people what the connector's log lines ask them for, and shows how it is doing.

@description('Names begin with this.')
param name string

@description('The region.')
param location string

@description('Tags of every resource.')
param tags object

@description('The workspace with the logs.')
param workspaceId string

@description('Who gets e-mail.')
param emailAddresses array

@description('How many refused deliveries in five minutes are a burst.')
param refusedBurst int

var lines = loadTextContent('../monitoring/lines.kql')
var rules = loadJsonContent('../monitoring/alerts.json')
var board = loadTextContent('../monitoring/workbook.json')

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: '${name}-people'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'referrals'
    enabled: true
    emailReceivers: [
      for (address, index) in emailAddresses: {
        name: 'person ${index + 1}'
        emailAddress: address
        useCommonAlertSchema: true
      }
    ]
  }
}

resource alerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in rules: {
    name: '${name}-${rule.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: '${name}: ${rule.title}'
      description: rule.description
      severity: rule.severity
      enabled: true
      scopes: [
        workspaceId
      ]
      evaluationFrequency: rule.every
      windowSize: rule.window
      criteria: {
        allOf: [
          {
            query: replace('${lines}${join(rule.query, '\n')}', '{refusedBurst}', string(refusedBurst))
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: 0
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      autoMitigate: true
      // The tables appear with the first line in them.
      skipQueryValidation: true
      actions: {
        actionGroups: [
          people.id
        ]
      }
    }
  }
]

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, name, 'workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: '${name}: referrals and leads'
    category: 'workbook'
    sourceId: workspaceId
    serializedData: replace(board, '{lines}', replace(lines, '\n', '\\n'))
    version: '1.0'
  }
}
