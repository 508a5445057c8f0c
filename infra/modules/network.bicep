// A virtual network in which the function app reaches storage and vault over private endpoints.

@description('Names begin with this.')
param name string

@description('The region.')
param location string

@description('Tags of every resource.')
param tags object

@description('The network\'s addresses, at least a /24.')
param prefix string

@description('The service that the function app\'s subnet is delegated to.')
param delegateTo string

@description('The storage account to reach.')
param storageAccountId string

@description('The vault to reach.')
param vaultId string

var zones = [
  'privatelink.blob.${environment().suffixes.storage}'
  'privatelink.queue.${environment().suffixes.storage}'
  'privatelink.table.${environment().suffixes.storage}'
  'privatelink${replace(environment().suffixes.keyvaultDns, 'vault.', 'vaultcore.')}'
]
var targets = [
  {
    group: 'blob'
    id: storageAccountId
  }
  {
    group: 'queue'
    id: storageAccountId
  }
  {
    group: 'table'
    id: storageAccountId
  }
  {
    group: 'vault'
    id: vaultId
  }
]

resource network 'Microsoft.Network/virtualNetworks@2024-07-01' = {
  name: '${name}-network'
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [
        prefix
      ]
    }
    subnets: [
      {
        name: 'function-app'
        properties: {
          addressPrefix: cidrSubnet(prefix, 26, 0)
          delegations: [
            {
              name: 'function-app'
              properties: {
                serviceName: delegateTo
              }
            }
          ]
        }
      }
      {
        name: 'private-endpoints'
        properties: {
          addressPrefix: cidrSubnet(prefix, 26, 1)
          privateEndpointNetworkPolicies: 'Enabled'
        }
      }
    ]
  }
}

resource privateZones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zone in zones: {
    name: zone
    location: 'global'
    tags: tags
  }
]

// Without the redirect, this zone would answer "no such name" for every storage account of others that has a private
// endpoint somewhere, and the host of Partner Center's certificates may become one of those.
resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (zone, index) in zones: {
    parent: privateZones[index]
    name: '${name}-network'
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      resolutionPolicy: 'NxDomainRedirect'
      virtualNetwork: {
        id: network.id
      }
    }
  }
]

resource endpoints 'Microsoft.Network/privateEndpoints@2024-07-01' = [
  for target in targets: {
    name: '${name}-${target.group}'
    location: location
    tags: tags
    properties: {
      subnet: {
        id: '${network.id}/subnets/private-endpoints'
      }
      privateLinkServiceConnections: [
        {
          name: target.group
          properties: {
            privateLinkServiceId: target.id
            groupIds: [
              target.group
            ]
          }
        }
      ]
    }
  }
]

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-07-01' = [
  for (target, index) in targets: {
    parent: endpoints[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: target.group
          properties: {
            privateDnsZoneId: privateZones[index].id
          }
        }
      ]
    }
    dependsOn: [
      links
    ]
  }
]

@description('The subnet of the function app.')
output functionSubnetId string = '${network.id}/subnets/function-app'
