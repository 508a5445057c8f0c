"""The queries of the alerts and of the workbook, as the template puts them together."""

from __future__ import annotations

import json
import re
from pathlib import Path

MONITORING = Path(__file__).resolve().parent.parent / "monitoring"
LINES = (MONITORING / "lines.kql").read_text()
ALERTS = json.loads((MONITORING / "alerts.json").read_text())
BURST = 50


def alert_queries() -> dict[str, str]:
    """By the alerts' names."""
    return {
        alert["name"]: (LINES + "\n".join(alert["query"])).replace("{refusedBurst}", str(BURST)) for alert in ALERTS
    }


def workbook_queries() -> dict[str, str]:
    """By the titles of the workbook's parts. The template replaces in the text, before it is JSON."""
    text = (MONITORING / "workbook.json").read_text().replace("{lines}", LINES.replace("\n", "\\n"))
    items = json.loads(text)["items"]
    return {item["name"]: item["content"]["query"] for item in items if "query" in item["content"]}


def words_of(query: str) -> set[str]:
    """The code words that a query, without its beginning, compares with."""
    return set(re.findall(r"'([a-z]+(?:_[a-z]+)*)'", query.removeprefix(LINES)))


def words_written(source: Path) -> set[str]:
    """Every code word that the program's source gives a log line."""
    found = set()
    for path in source.rglob("*.rs"):
        text = path.read_text()
        found |= set(re.findall(r'=> "([a-z]+(?:_[a-z]+)*)"', text))
        found |= set(re.findall(r'\bcode = "([a-z_]+)"', text))
        # What was looked at is a constant of its topic, and the `cause` of a warning.
        found |= set(re.findall(r'\bconst \w+: &str = "([a-z]+(?:_[a-z]+)*)"', text))
    return found
