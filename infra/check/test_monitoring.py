"""Alerts and workbook: Microsoft's parser takes their queries, and run on the program's own lines they say what they should."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path

import duckdb_kql

import monitoring

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# Lines that the program wrote; a test of the program keeps them true to what it writes today.
RECORDED = {line["code"]: line for line in map(json.loads, (HERE / "lines.jsonl").read_text().splitlines())}
MINUTES, HOURS = timedelta(minutes=1), timedelta(hours=1)
NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
TABLES = {"AppTraces": ["TimeGenerated", "Message"], "FunctionAppLogs": ["TimeGenerated", "Message"]}


@functools.cache
def sql(query: str) -> str:
    """The query as the engine takes it; parsing is what takes long."""
    return str(duckdb_kql.to_sql(query, schema=TABLES, query_now=NOW))


def line(code: str, **changes) -> dict:
    """A line of the program about this outcome. Changes are written with `_` for `.` in `referral.id`."""
    like = RECORDED.get(code) or RECORDED["warning_raised" if code.startswith("warning_") else "parked"]
    return {**like, "code": code, **{name.replace("referral_", "referral."): value for name, value in changes.items()}}


def warning(cause: str, word: str = "raised", about: str | None = None) -> dict:
    """A line about a warning."""
    return line(f"warning_{word}", cause=cause, about=about)


class Workspace:
    """A workspace that holds lines of some age, in both tables, among lines of others."""

    def __init__(self, *lines: tuple[timedelta, dict]):
        self.connection = duckdb_kql.connect()
        now = NOW.replace(tzinfo=None)
        for table in TABLES:
            self.connection.execute(f"create table {table} (TimeGenerated timestamp, Message varchar)")
            rows = [(now - age, json.dumps({**line, "timestamp": f"{age} {number}"})) for number, (age, line) in enumerate(lines)]
            rows.append((now, "Executed 'Functions.ReferralWebhook' (Succeeded)"))
            rows.append((now, json.dumps({"timestamp": "now", "target": "other", "note": "referral_connector", "code": "misconfigured"})))
            self.connection.executemany(f"insert into {table} values (?, ?)", rows)

    def rows(self, query: str) -> list[tuple]:
        text = sql(query)
        values = {"kqlnow": NOW.replace(tzinfo=None)} if "$kqlnow" in text else {}
        return self.connection.execute(text, values).fetchall()


def fired(*lines: tuple[timedelta, dict]) -> set[str]:
    """The alerts that these lines raise, beside those that a timer does not run."""
    timers = (1 * HOURS, line("renewed", cause="stored")), (5 * MINUTES, line("reconciled"))
    workspace = Workspace(*timers, *lines)
    return {name for name, query in monitoring.alert_queries().items() if workspace.rows(query)}


class Queries(unittest.TestCase):
    def test_microsofts_parser_has_nothing_against_any(self):
        queries = {**monitoring.alert_queries(), **monitoring.workbook_queries()}
        parser = ["node", HERE / "parse_kql.cjs", os.environ["NODE_PACKAGES"]]
        slip = {"a slip": monitoring.LINES + "lines | where coed == 'x'"}
        run = subprocess.run(parser, input=json.dumps({**queries, **slip}), check=True, capture_output=True, text=True)
        judged = json.loads(run.stdout)
        self.assertIn("'coed' does not refer to any known column", judged.pop("a slip")[0])
        self.assertEqual({name: found for name, found in judged.items() if found}, {})
        self.assertEqual(set(judged), set(queries))

    def test_every_word_compared_with_is_one_the_program_writes(self):
        written = monitoring.words_written(ROOT / "src")
        for name, query in {**monitoring.alert_queries(), **monitoring.workbook_queries()}.items():
            self.assertEqual(monitoring.words_of(query) - written, set(), name)

    def test_the_beginning_fits_into_the_workbooks_json(self):
        for character in '"\\\t':
            self.assertNotIn(character, monitoring.LINES)

    def test_alerts_name_themselves_once_and_look_at_no_more_than_two_days(self):
        names = [alert["name"] for alert in monitoring.ALERTS]
        self.assertEqual(len(set(names)), len(names))
        for alert in monitoring.ALERTS:
            self.assertIn(alert["window"], {"PT5M", "PT15M", "P1D", "P2D"}, alert["name"])
            self.assertIn(alert["every"], {"PT5M", "PT15M", "PT1H"}, alert["name"])
            self.assertIn(alert["severity"], range(5), alert["name"])

    def test_the_guide_has_every_alert_with_its_severity_and_their_number(self):
        guide = (ROOT / "docs/deploy.md").read_text()
        rows = re.findall(r"^\| `([a-z-]+)` \| (\d) \|", guide, re.M)
        self.assertEqual(sorted(rows), sorted((alert["name"], str(alert["severity"])) for alert in monitoring.ALERTS))
        words = {17: "seventeen", 18: "eighteen", 19: "nineteen", 20: "twenty"}
        self.assertIn(f"{words[len(rows)]} alerts", guide)

    def test_every_part_of_the_workbook_runs(self):
        lines = [line(code) for code in RECORDED]
        workspace = Workspace(*((MINUTES * number, it) for number, it in enumerate(lines)))
        for name, query in monitoring.workbook_queries().items():
            self.assertTrue(workspace.rows(query.split("| render")[0]), name)


class Alerts(unittest.TestCase):
    def test_a_day_on_which_all_goes_well_raises_none(self):
        self.assertEqual(fired((MINUTES, line("synced")), (MINUTES, line("replayed")), (MINUTES, line("test"))), set())

    def test_each_line_that_asks_for_a_person_raises_its_own(self):
        self.assertEqual(fired((MINUTES, line("misconfigured"))), {"misconfigured"})
        self.assertEqual(fired((MINUTES, line("policy_mismatch", level="ERROR"))), {"policy-mismatch"})
        self.assertEqual(fired((MINUTES, line("not_kept", level="ERROR"))), {"not-kept"})
        self.assertEqual(fired((MINUTES, line("panic", level="ERROR", referral_id=None))), {"other-error"})

    def test_wrong_permissions_are_told_until_work_goes_on(self):
        wrong = (20 * HOURS, line("misconfigured"))
        self.assertEqual(fired(wrong), {"misconfigured"})
        for code in ("resumed", "synced"):
            self.assertEqual(fired(wrong, (19 * HOURS, line(code, level="INFO"))), set(), code)
        # A new instance has the same permissions.
        self.assertEqual(fired(wrong, (19 * HOURS, line("started"))), {"misconfigured"})

    def test_a_wrong_setting_is_told_until_the_program_starts_with_a_right_one(self):
        wrong = (20 * HOURS, line("misconfigured", referral_id=None))
        self.assertEqual(fired(wrong), {"misconfigured"})
        self.assertEqual(fired(wrong, (19 * HOURS, line("started"))), set())

    def test_what_waits_for_a_permission_is_told_of_once_however_long_it_waits(self):
        waits = [(minutes * MINUTES, line("parked", cause="misconfigured")) for minutes in (50, 31, 5)]
        self.assertEqual(fired((HOURS, line("misconfigured")), *waits), {"misconfigured"})
        # Its line may be older than two days.
        self.assertEqual(fired(*waits), {"misconfigured"})
        # While others are synced the trouble is the referral's own.
        self.assertEqual(fired(*waits, (MINUTES, line("synced", referral_id="of another"))), {"sync-lag"})

    def test_a_dead_letter_is_told_until_the_referral_is_in_step(self):
        letter = (20 * HOURS, line("dead_lettered"))
        self.assertEqual(fired(letter), {"dead-letter"})
        referral = letter[1]["referral.id"]
        self.assertEqual(fired(letter, (MINUTES, line("synced", referral_id=referral))), set())
        self.assertEqual(fired(letter, (MINUTES, line("synced", referral_id="of another"))), {"dead-letter"})

    def test_a_failed_renewal_is_told_until_one_succeeds(self):
        failed = line("renewal_failed")
        self.assertEqual(fired((MINUTES, failed)), {"consent-lost"})
        self.assertEqual(fired((2 * HOURS, failed)), set())

    def test_a_renewal_that_does_not_come_is_told(self):
        missing = monitoring.alert_queries()["renewal-missing"]
        for age, told in ((25 * HOURS, False), (27 * HOURS, True)):
            self.assertEqual(bool(Workspace((age, line("renewed"))).rows(missing)), told, age)
        self.assertTrue(Workspace().rows(missing))

    def test_a_pass_that_does_not_come_is_told(self):
        missing = monitoring.alert_queries()["reconcile-missing"]
        for age, told in ((2 * HOURS, False), (4 * HOURS, True)):
            self.assertEqual(bool(Workspace((age, line("reconciled"))).rows(missing)), told, age)
        self.assertTrue(Workspace().rows(missing))

    def test_a_failed_pass_is_told_until_one_can_look_however_rare_they_are(self):
        failed = line("reconcile_failed", level="ERROR", referral_id=None)
        queries = monitoring.alert_queries()
        self.assertEqual(fired((MINUTES, failed)), {"reconcile-failed"})
        for lines, told in (
            ([(50 * MINUTES, failed)], True),
            ([(50 * MINUTES, failed), (MINUTES, line("reconciled"))], False),
            ([(50 * MINUTES, failed), (MINUTES, line("reconcile_cut_short", level="WARN"))], False),
        ):
            self.assertEqual(bool(Workspace(*lines).rows(queries["reconcile-failed"])), told, lines)
        self.assertEqual(fired((MINUTES, line("reconcile_cut_short", level="WARN", referral_id=None))), set())

    def test_events_that_do_not_arrive_are_told_until_they_do(self):
        self.assertEqual(fired((20 * HOURS, warning("event_arrival"))), {"events-not-arriving"})
        self.assertEqual(fired((20 * HOURS, warning("event_arrival")), (HOURS, warning("event_arrival", "over"))), set())
        # The line alone says nothing of whether any are expected.
        self.assertEqual(fired((MINUTES, line("events_not_arriving", level="WARN", referral_id=None))), set())

    def test_a_registration_that_somebody_changed_is_told_until_it_is_put_right(self):
        changed = (20 * HOURS, warning("webhook_key", about="one"))
        self.assertEqual(fired((44 * HOURS, changed[1]), (20 * HOURS, warning("webhook_key", "stands", "one"))), {"registration-drift"})
        self.assertEqual(fired(changed, (HOURS, warning("webhook_key", "over", "one"))), set())
        self.assertEqual(fired(changed, (HOURS, warning("webhook_key", "over", "another"))), {"registration-drift"})

    def test_events_that_went_elsewhere_are_told_of_by_where_they_went(self):
        missing, changed = (HOURS, warning("event_arrival")), (HOURS, warning("webhook_address", about="one"))
        self.assertEqual(fired(missing, changed), {"registration-drift"})
        over = (MINUTES, warning("webhook_address", "over", "one"))
        self.assertEqual(fired(missing, changed, over), {"events-not-arriving"})

    def test_a_consent_that_cannot_be_prolonged_is_told(self):
        self.assertEqual(fired((MINUTES, line("renewed", cause="no_successor"))), {"consent-ageing"})

    def test_a_burst_counts_each_refusal_once(self):
        refusals = [(MINUTES, line("refused"))] * monitoring.BURST
        self.assertEqual(fired(*refusals), set())
        self.assertEqual(fired(*refusals, (MINUTES, line("refused"))), {"refused-burst"})

    def test_a_referral_that_is_parked_again_and_again_lags_until_it_is_settled(self):
        parked = line("parked", cause="dataverse")
        referral = parked["referral.id"]
        again = [(minutes * MINUTES, parked) for minutes in (31, 20, 5)]
        self.assertEqual(fired(*again[1:]), set())
        self.assertEqual(fired(*again), {"sync-lag"})
        self.assertEqual(fired(*again, (MINUTES, line("synced", referral_id=referral))), set())
        self.assertEqual(fired(*again, (25 * MINUTES, line("synced", referral_id=referral))), set())
        self.assertEqual(fired(*again, (MINUTES, line("synced", referral_id="of another"))), {"sync-lag"})

    def test_a_referral_near_its_date_is_told_until_that_is_over(self):
        raised = warning("acceptance_dates", about="one")
        stands = warning("acceptance_dates", "stands", "one")
        self.assertEqual(fired((20 * HOURS, raised)), {"acceptance-dates"})
        self.assertEqual(fired((44 * HOURS, raised), (20 * HOURS, stands)), {"acceptance-dates"})
        over = warning("acceptance_dates", "over", "one")
        self.assertEqual(fired((20 * HOURS, raised), (1 * HOURS, over)), set())
        other = warning("acceptance_dates", "over", "another")
        self.assertEqual(fired((20 * HOURS, raised), (1 * HOURS, other)), {"acceptance-dates"})

    def test_every_other_warning_is_told_until_it_is_over(self):
        raised = (20 * HOURS, warning("lead_columns"))
        self.assertEqual(fired(raised), {"early-warning"})
        self.assertEqual(fired(raised, (HOURS, warning("lead_columns", "over"))), set())

    def test_every_code_word_of_the_check_up_raises_one_alert_or_is_told_by_another_line(self):
        words = set(re.findall(r"^\| `(\w+)`", (ROOT / "docs/checkup.md").read_text(), re.M))
        by_lines = {
            "renewal": "consent-lost",
            "refresh_token": "consent-lost, consent-ageing or renewal-missing",
            "partner_center": "reconcile-failed",
            "dataverse": "reconcile-failed",
            "leads": "reconcile-failed",
            "dead_letters": "dead-letter",
            "sync_lag": "sync-lag",
            "waiting": "sync-lag, when it lasts",
        }
        alerts = {"acceptance_dates": "acceptance-dates", "event_arrival": "events-not-arriving"}
        of_warnings = {name: query for name, query in monitoring.alert_queries().items() if "'warning_raised'" in query}
        for word in sorted(words | {"renewal"}):
            drift = word.startswith("webhook") and word != "webhook_token"
            own = "registration-drift" if drift else alerts.get(word, "early-warning")
            expected = set() if word in by_lines else {own}
            workspace = Workspace((HOURS, warning(word, about="one")))
            told = {name for name, query in of_warnings.items() if workspace.rows(query)}
            self.assertEqual(told, expected, word)

    def test_a_consent_that_the_renewal_finds_lost_too_is_told_once(self):
        found = (MINUTES, warning("consent"))
        self.assertEqual(fired(found), {"early-warning"})
        self.assertEqual(fired(found, (2 * MINUTES, line("renewal_failed"))), {"consent-lost"})

    def test_a_mapping_file_that_cannot_be_used_is_told_until_the_program_starts_with_another(self):
        broken = (20 * HOURS, line("mapping_file", level="ERROR", cause=None, referral_id=None))
        self.assertEqual(fired((20 * HOURS + MINUTES, line("started")), broken), {"early-warning"})
        self.assertEqual(fired((20 * HOURS + MINUTES, line("started")), broken, (MINUTES, line("started"))), set())
        now = (MINUTES, broken[1])
        self.assertEqual(fired((2 * MINUTES, line("started")), now), {"early-warning"})

    def test_a_receiver_that_takes_nothing_is_told_until_it_does(self):
        refused = line("warnings_not_sent", level="WARN", referral_id=None)
        self.assertEqual(fired((HOURS, refused)), {"warnings-not-sent"})
        self.assertEqual(fired((HOURS, refused), (MINUTES, line("warnings_sent", level="INFO", referral_id=None))), set())

    def test_three_deliveries_without_a_certificate_are_told(self):
        one = (MINUTES, line("certificate_unavailable", level="WARN", referral_id=None))
        self.assertEqual(fired(one, one), set())
        self.assertEqual(fired(one, one, one), {"certificate-unavailable"})


if __name__ == "__main__":
    unittest.main()
