"""The package is the zip that the publishing tool would send, and the same files make the same bytes."""

from __future__ import annotations

import sys
import tempfile
import unittest
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.append(str(ROOT / "infra/package"))

import pack  # noqa: E402
from funcignore import FuncIgnore  # noqa: E402

PACKAGE = [
    "ReferralReconcile/function.json",
    "ReferralRetry/function.json",
    "ReferralWebhook/function.json",
    "TokenRenewal/function.json",
    "host.json",
    "referral-connector",
]


class Package(unittest.TestCase):
    def setUp(self):
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.program = self.folder / "built"
        self.program.write_bytes(b"\x7fELF" + bytes(100))

    def packed(self, name: str) -> Path:
        target = self.folder / name
        pack.write_zip(pack.contents(ROOT, self.program), self.program, target)
        return target

    def test_it_holds_the_hosts_files_and_the_program_that_was_built(self):
        with zipfile.ZipFile(self.packed("one.zip")) as archive:
            self.assertEqual(archive.namelist(), PACKAGE)
            self.assertEqual(archive.read("referral-connector"), self.program.read_bytes())
            for name in PACKAGE[:-1]:
                self.assertEqual(archive.read(name), (ROOT / name).read_bytes())

    def test_the_program_alone_may_be_executed(self):
        with zipfile.ZipFile(self.packed("one.zip")) as archive:
            modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
            made_by = {entry.create_system for entry in archive.infolist()}
        self.assertEqual(modes, {name: 0o100666 for name in PACKAGE} | {"referral-connector": 0o100777})
        self.assertEqual(made_by, {3}, "only zips made by Unix have modes")

    def test_the_same_files_make_the_same_bytes(self):
        first = self.packed("one.zip").read_bytes()
        self.program.touch()
        self.assertEqual(first, self.packed("two.zip").read_bytes())

    def test_a_program_that_the_patterns_leave_out_is_no_package(self):
        (self.folder / "host.json").write_text('{"customHandler": {"description": {"defaultExecutablePath": "other"}}}')
        (self.folder / ".funcignore").write_text("*\n!host.json\n")
        with self.assertRaisesRegex(SystemExit, "leaves the program other out"):
            pack.contents(self.folder, self.program)


class Rules(unittest.TestCase):
    def test_a_pattern_matches_from_the_start_to_a_word_boundary(self):
        rules = FuncIgnore("test\n*.rs\n# comment\n\n")
        for dropped in ("test", "test/a.json", "test-webhook/function.json", "main.rs"):
            self.assertFalse(rules.packs(dropped), dropped)
        for packed in ("tests/a.json", "src/main.rs", "a/test", "host.json"):
            self.assertTrue(rules.packs(packed), packed)

    def test_an_exception_wins_wherever_it_stands(self):
        rules = FuncIgnore("!handler\n*\n!/webhook/**")
        for packed in ("handler", "handler.debug", "webhook/function.json", "webhook/a/b"):
            self.assertTrue(rules.packs(packed), packed)
        for dropped in ("handlers", "src/handler", "target/debug/handler", ".cargo/config.toml"):
            self.assertFalse(rules.packs(dropped), dropped)

    def test_some_names_are_never_packed(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for path in ("a.json", "local.settings.json", "b/Local.Settings.json", ".git/config", ".vscode/x"):
                (folder / path).parent.mkdir(exist_ok=True)
                (folder / path).touch()
            self.assertEqual(FuncIgnore("!local.settings.json").packed(folder), ["a.json"])


if __name__ == "__main__":
    unittest.main()
