// Who may use the vault: the function app's identity, which stores the renewed token, and the administrator.

@description('A vault in this resource group.')
param vaultName string

@description('The object id of the function app\'s identity.')
param principalId string

@description('The object id of the administrator.')
param administratorObjectId string

@description('What kind of object that is.')
param administratorPrincipalType string

// Key Vault Secrets Officer
var officer = 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

resource identityMayKeepSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, principalId, officer)
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', officer)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

resource administratorMayKeepSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, administratorObjectId, officer)
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', officer)
    principalId: administratorObjectId
    principalType: administratorPrincipalType
  }
}

@description('The vault\'s resource id.')
output vaultId string = vault.id

@description('The vault\'s address.')
output uri string = vault.properties.vaultUri
