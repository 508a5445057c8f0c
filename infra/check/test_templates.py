"""The templates parse twice, keep to the published types, and to our policy; and the checks themselves see slips."""

from __future__ import annotations

import json
import unittest
from pathlib import Path

import pycep

import bicep
import names
import policy
from schema import Schema

HERE = Path(__file__).resolve().parent
INFRA = HERE.parent
FILES = [INFRA / "main.bicep", *sorted((INFRA / "modules").glob("*.bicep"))]
TYPES = json.loads((HERE / "types.json").read_text())


def typed(files: list[bicep.File]) -> list[str]:
    schema = Schema(TYPES)
    for file in files:
        schema.check(file)
    return schema.complaints


class Templates(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.files = [bicep.read(path) for path in FILES]

    def test_a_second_parser_finds_the_same_declarations(self):
        for file in self.files:
            with self.subTest(file.path.name):
                other = pycep.BicepParser().parse(file_path=file.path)
                for group, ours in (
                    ("parameters", file.params),
                    ("variables", file.variables),
                    ("resources", file.resources),
                    ("modules", file.modules),
                    ("outputs", file.outputs),
                ):
                    self.assertEqual(set(other.get(group, {})), set(ours), group)
                for name, resource in file.resources.items():
                    theirs = other["resources"][name]
                    self.assertEqual(f"{theirs['type']}@{theirs['api_version']}", resource.type)

    def test_every_resource_keeps_to_its_published_type(self):
        self.assertEqual(typed(self.files), [])

    def test_only_types_in_use_are_pinned(self):
        self.assertEqual({resource.type for file in self.files for resource in file.resources.values()}, set(TYPES))

    def test_every_name_is_declared_used_and_described(self):
        self.assertEqual(names.check(self.files), [])

    def test_the_policy_holds(self):
        self.assertEqual(policy.check(self.files), [])

    def test_the_parameters_file_gives_what_is_needed_and_nothing_unknown(self):
        text = (INFRA / "main.bicepparam").read_text()
        self.assertIn("using './main.bicep'\n", text)
        # The parser knows no parameters files; without their first line they read like variables.
        as_variables = text.replace("using './main.bicep'", "").replace("\nparam ", "\nvar ")
        given = bicep.read(INFRA / "main.bicepparam", as_variables).variables
        main = self.files[0]
        self.assertEqual(set(given) - set(main.params), set())
        self.assertEqual({name for name, param in main.params.items() if param.value is None} - set(given), set())
        self.assertEqual([name for name, param in main.params.items() if "secure" in param.decorators and name in given], [])

    def test_every_queue_of_the_program_is_declared(self):
        contents = next(file for file in self.files if file.path.name == "storage-contents.bicep")
        written = {node.literal for node in contents.root.walk() if node.kind == "string"}
        self.assertLessEqual({"referral-retry", "referral-retry-poison"}, written)


STORAGE = """
param name string
resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  name: name
  location: 'x'
  kind: 'StorageV2'
  sku: {
    name: 'Standard_ZRS'
  }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    isLocalUserEnabled: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
  }
}
"""


class Slips(unittest.TestCase):
    def complaints(self, text: str) -> str:
        file = bicep.read(Path("slip.bicep"), text)
        return "\n".join([*typed([file]), *policy.check([file]), *names.check([file])])

    def see(self, complaint: str, old: str, new: str):
        self.assertIn(old, STORAGE)
        self.assertNotIn(complaint, self.complaints(STORAGE))
        self.assertIn(complaint, self.complaints(STORAGE.replace(old, new)))

    def test_a_misspelt_property_is_seen(self):
        self.see("has no properties.minTlsVersion", "minimumTlsVersion", "minTlsVersion")

    def test_a_read_only_property_is_seen(self):
        self.see("creationTime is read-only", "allowSharedKeyAccess: false", "creationTime: 'x'")

    def test_a_missing_property_is_seen(self):
        self.see("lacks kind", "  kind: 'StorageV2'\n", "")

    def test_a_value_off_the_list_is_seen(self):
        self.see("not 'StorageV3'", "'StorageV2'", "'StorageV3'")

    def test_a_text_for_a_truth_value_is_seen(self):
        self.see("is bool, not 'no'", "allowSharedKeyAccess: false", "allowSharedKeyAccess: 'no'")

    def test_an_unknown_version_is_seen(self):
        self.see("not among the pinned types", "@2025-01-01", "@2025-01-02")

    def test_a_shared_key_is_seen(self):
        self.see("needs properties.allowSharedKeyAccess False", "allowSharedKeyAccess: false", "allowSharedKeyAccess: true")

    def test_one_side_of_a_choice_is_seen(self):
        self.see("needs properties.allowBlobPublicAccess", "allowBlobPublicAccess: false", "allowBlobPublicAccess: empty(name) ? false : true")

    def test_an_undeclared_name_is_seen(self):
        self.see("nam is not declared", "name: name", "name: nam")

    def test_secrets_are_seen(self):
        for addition, complaint in (
            ("output k string = account.listKeys().keys[0].value", "listKeys takes a secret"),
            ("param password string", "password sounds like a secret"),
            ("@secure()\nparam password string = 'x'", "the secret password has a default"),
            ("@secure()\nparam word string\noutput o string = word", "the output o may show a secret"),
            ("resource s 'Microsoft.KeyVault/vaults/secrets@2024-11-01' = {\n  name: 'a'\n}", "is not for the template"),
            ("var r = '8e3af657-a8ff-443c-a75c-2fe8c4bcb635'", "none of the roles we give"),
        ):
            with self.subTest(complaint):
                self.assertNotIn(complaint, self.complaints(STORAGE))
                self.assertIn(complaint, self.complaints(f"{STORAGE}{addition}\n"))

    def test_what_does_not_parse_is_seen(self):
        with self.assertRaises(bicep.Unreadable):
            bicep.read(Path("slip.bicep"), STORAGE.replace("name: name", "name name"))


if __name__ == "__main__":
    unittest.main()
