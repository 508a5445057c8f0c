"""What has to hold of the deployment whatever else changes: no keys, no secrets in the template, no old protocols."""

from __future__ import annotations

import re

from bicep import Declaration, File, Node
from schema import resolved

# By kind of resource: a property and the only value it may have.
REQUIRED = {
    "Microsoft.Storage/storageAccounts": {
        "properties.allowSharedKeyAccess": False,
        "properties.allowBlobPublicAccess": False,
        "properties.allowCrossTenantReplication": False,
        "properties.isLocalUserEnabled": False,
        "properties.minimumTlsVersion": "TLS1_2",
        "properties.supportsHttpsTrafficOnly": True,
    },
    "Microsoft.Storage/storageAccounts/blobServices/containers": {"properties.publicAccess": "None"},
    "Microsoft.KeyVault/vaults": {
        "properties.enableRbacAuthorization": True,
        "properties.enableSoftDelete": True,
        "properties.enablePurgeProtection": True,
        "properties.enabledForTemplateDeployment": False,
    },
    "Microsoft.Insights/components": {"properties.DisableLocalAuth": True},
    "Microsoft.OperationalInsights/workspaces": {"properties.features.disableLocalAuth": True},
    "Microsoft.Web/sites": {
        "properties.httpsOnly": True,
        "properties.siteConfig.minTlsVersion": "1.2",
        "properties.siteConfig.scmMinTlsVersion": "1.2",
        "properties.siteConfig.ftpsState": "Disabled",
        "properties.siteConfig.remoteDebuggingEnabled": False,
        "identity.type": "UserAssigned",
    },
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies": {"properties.allow": False},
    "Microsoft.Network/privateDnsZones/virtualNetworkLinks": {
        # The zone must not hide the public host of Partner Center's certificates.
        "properties.resolutionPolicy": "NxDomainRedirect",
    },
}
# A deployment would overwrite what is live, or leave it readable in the deployment's history.
FORBIDDEN = {"Microsoft.KeyVault/vaults/secrets", "Microsoft.KeyVault/vaults/accessPolicies"}
ROLES = {
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": "Key Vault Secrets Officer",
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
}
SECRET = re.compile(r"secret|password|passwd|token|credential|connectionstring|accountkey|functionkey|sas(?![a-z])", re.I)
# Parameters that only sound like secrets.
NAMES_ONLY = {
    "partnerCenterRefreshTokenSecret": "the name of a secret",
    "tokenRenewalSchedule": "a schedule",
}


def check(files: list[File]) -> list[str]:
    """The complaints about `files`."""
    return [complaint for file in files for rule in (_resources, _secrets, _roles) for complaint in rule(file)]


def _resources(file: File) -> list[str]:
    complaints = []
    for resource in file.resources.values():
        kind = resource.type.split("@")[0]
        if kind in FORBIDDEN:
            complaints.append(f"{resource.node.place}: {kind} is not for the template")
        if resource.existing or resource.body is None:
            continue
        for path, wanted in REQUIRED.get(kind, {}).items():
            found = _at(resource.body, path.split("."))
            if not found or any(node.literal is ... or node.literal != wanted for node in found):
                complaints.append(f"{resource.node.place}: {kind} needs {path} {wanted!r}")
    return complaints


def _at(node: Node, path: list[str]) -> list[Node]:
    """Every value that may stand at `path`."""
    if not path:
        return resolved(node)
    found = []
    for part in resolved(node):
        value = part.properties.get(path[0]) if part.kind == "object" else None
        found += _at(value, path[1:]) if value else []
    return found


def _secrets(file: File) -> list[str]:
    complaints = []
    for node in file.root.walk():
        if node.kind == "call_expression":
            function = node.children[0].text.split(".")[-1]
            if function.startswith("list") or function == "getSecret":
                complaints.append(f"{node.place}: {function} takes a secret out of Azure")
    for name, param in file.params.items():
        if SECRET.search(name) and name not in NAMES_ONLY and "secure" not in param.decorators:
            complaints.append(f"{param.node.place}: {name} sounds like a secret and is not @secure")
        if "secure" in param.decorators and param.value is not None and param.value.literal != "":
            complaints.append(f"{param.node.place}: the secret {name} has a default")
    secure = {name for name, param in file.params.items() if "secure" in param.decorators}
    for name, output in file.outputs.items():
        words = {node.text for node in output.value.walk() if node.kind in ("identifier", "property_identifier")}
        if SECRET.search(name) or words & secure or any(SECRET.search(word) for word in words - set(NAMES_ONLY)):
            complaints.append(f"{output.node.place}: the output {name} may show a secret")
    return complaints


def _roles(file: File) -> list[str]:
    complaints = []
    for resource in file.resources.values():
        if not resource.type.startswith("Microsoft.Authorization/roleAssignments@"):
            continue
        body = resource.body.properties
        scope, properties = body.get("scope"), body["properties"].properties
        principal, role = properties["principalId"].text, _role(resource)
        if scope is None or body["name"].text != f"guid({scope.text}.id, {principal}, {role})":
            complaints.append(f"{resource.node.place}: the name has to be made of scope, principal and role")
        if "principalType" not in properties:
            complaints.append(f"{resource.node.place}: without principalType a new principal may not be found yet")
    for node in file.root.walk():
        guid = node.literal if node.kind == "string" else None
        if isinstance(guid, str) and re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", guid) and guid not in ROLES:
            complaints.append(f"{node.place}: {guid} is none of the roles we give")
    return complaints


def _role(resource: Declaration) -> str:
    call = resource.body.properties["properties"].properties["roleDefinitionId"]
    return call.children[1].children[-1].text
