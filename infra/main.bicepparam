// The parameters of a deployment. Copy this file, fill in the five values of the first block, and leave out what you do
// not change. No secret belongs here: main.bicep takes none.
using './main.bicep'

// Needed

// The Entra ID tenant in which Partner Center knows you.
param partnerCenterTenantId = '00000000-0000-0000-0000-000000000000'
// The app registration that was consented to (docs/deploy.md, step 1).
param partnerCenterClientId = '00000000-0000-0000-0000-000000000000'
// The Dynamics 365 environment.
param dataverseUrl = 'https://contoso.crm.dynamics.com'
// You, or a group of yours, who will put the secrets into the vault: `az ad signed-in-user show --query id`.
param administratorObjectId = '00000000-0000-0000-0000-000000000000'
param administratorPrincipalType = 'User'
// Who is told when something needs a person.
param alertEmailAddresses = ['referrals@contoso.example']

// What the connector may write. `observe` writes nothing anywhere and logs what it would write: begin with it.
param syncMode = 'observe'

// Where it runs

param name = 'referrals'
param plan = 'flex'
param instanceMemoryMB = 2048
param alwaysReadyInstances = 0
param tags = {
  application: 'referral-connector'
}
// With a virtual network of its own: storage and vault are then reached over private endpoints, and the vault from
// these addresses too, so that you can put secrets into it.
param privateNetworking = false
param administratorIpAddresses = []
