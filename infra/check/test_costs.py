"""The tables of costs and limits in the pages are what the arithmetic gives."""

from __future__ import annotations

import re
import unittest
from pathlib import Path

import costs

ROOT = costs.ROOT


def constant(path: str, pattern: str) -> float:
    found = re.search(pattern, (ROOT / path).read_text())
    return float(found.group(1).replace("_", ""))


class Costs(unittest.TestCase):
    maxDiff = None

    def test_the_pages_hold_what_is_computed(self):
        for page in costs.PAGES:
            with self.subTest(page):
                text = (ROOT / page).read_text()
                self.assertEqual(text, costs.filled(page), "python3 infra/check/costs.py writes the tables")

    def test_a_month_adds_up(self):
        for events in (0, 100, 1_000_000):
            cells = [costs.functions(events), costs.storage(events), costs.logs(events), costs.alerts()]
            self.assertTrue(all(cell >= 0 for cell in cells))
        self.assertEqual(costs.functions(0, memory=0.5), 0, "an idle app stays within the free grant")
        # By hand: (1,000,000 x 1.5 s + 8,640 x 2 s) x 2 GB, less 100,000, at $0.000026; 1,008,670 runs, less 250,000.
        self.assertAlmostEqual(costs.functions(1_000_000), 2_934_560 * 0.000026 + 0.758670 * 0.40, places=6)

    def test_what_the_arithmetic_takes_for_granted_is_what_the_program_does(self):
        self.assertEqual(constant("src/upstream.rs", r"Self::Dataverse => (\d+)"), costs.OUR_PARALLEL)
        self.assertEqual(constant("infra/main.bicep", r"param instanceMemoryMB int = (\d+)"), costs.MEMORY_GB * 1024)
        budget = constant("src/server.rs", r"RECONCILE_BUDGET: Duration = Duration::from_mins\((\d+)\)")
        self.assertEqual(budget / 5, costs.PASS_SHARE)
        template = (ROOT / "infra/main.bicep").read_text()
        self.assertIn("param reconcileSchedule string = '0 */5 * * * *'", template)

    def test_every_alert_is_of_a_frequency_that_has_a_price(self):
        self.assertLessEqual({alert["every"] for alert in costs.ALERTS}, {"PT5M", "PT15M", "PT30M", "PT1H"})


if __name__ == "__main__":
    unittest.main()
