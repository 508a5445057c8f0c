"""The app settings of the template are the settings table of the program."""

from __future__ import annotations

import dataclasses
import unittest
from pathlib import Path

import bicep
import settings

INFRA = Path(__file__).resolve().parent.parent
ROOT = INFRA.parent


class Settings(unittest.TestCase):
    def setUp(self):
        self.rows = settings.table(ROOT / "src/config/table.rs")
        self.main = bicep.read(INFRA / "main.bicep")
        self.app = bicep.read(INFRA / "modules/function-app.bicep")

    def check(self, rows: list[settings.Row]) -> list[str]:
        return settings.check(rows, self.main, self.app)

    def test_every_row_of_the_table_is_an_app_setting_with_the_same_default(self):
        self.assertEqual(self.check(self.rows), [])

    def test_the_table_is_read_whole(self):
        text = (ROOT / "src/config/table.rs").read_text()
        self.assertEqual(len(self.rows), text.count("\n    setting("))

    def test_a_new_row_a_lost_one_and_another_default_are_seen(self):
        added = settings.Row("SYNC_NEW", None, "", False)
        self.assertEqual(self.check([*self.rows, added]), ["the template sets no SYNC_NEW"])
        lost = [row for row in self.rows if row.name != "SYNC_KINDS"]
        self.assertEqual(self.check(lost), ["the table has no SYNC_KINDS"])
        changed = [dataclasses.replace(row, default="two-way") if row.name == "SYNC_MODE" else row for row in self.rows]
        self.assertEqual(self.check(changed), ["SYNC_MODE is 'two-way' by default, syncMode 'link'"])

    def test_a_secret_given_as_a_parameter_is_seen(self):
        rows = [dataclasses.replace(row, secret=True) if row.name == "SYNC_KINDS" else row for row in self.rows]
        self.assertEqual(self.check(rows), ["SYNC_KINDS is a secret and no reference to the vault"])


if __name__ == "__main__":
    unittest.main()
