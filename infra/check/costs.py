"""What a month costs, and how far the limits reach: the tables of docs/deploy.md and docs/scale.md, computed.

`python3 infra/check/costs.py` writes them into the pages; a test holds the pages to them.
"""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
ALERTS = json.loads((ROOT / "infra/monitoring/alerts.json").read_text())

# List prices in US dollars. docs/deploy.md says where each is from and which are to be checked first.
GB_SECOND, FREE_GB_SECONDS = 0.000026, 100_000
MILLION_EXECUTIONS, FREE_EXECUTIONS = 0.40, 250_000
ALWAYS_READY_GB_SECOND = 0.000004
LOG_GB, FREE_LOG_GB = 2.30, 5
ALERT_OFTEN, ALERT_RARELY = 1.50, 0.50
BLOB_WRITES, BLOB_READS, BLOB_GB = 0.0625, 0.005, 0.023
PRIVATE_ENDPOINT_HOUR = 0.01

# A month.
DAYS, HOURS, SECONDS = 30, 730, 30 * 24 * 3600
PASSES = DAYS * 24 * 12
# What an event takes, generously: seconds of an instance of its own, blobs written and read, log.
EVENT_SECONDS, EVENT_WRITES, EVENT_READS, EVENT_LOG_KB = 1.5, 3, 3, 4
# What a pass of the timer that finds nothing takes, and the platform's own metrics.
PASS_SECONDS, PASS_WRITES, PASS_READS, PASS_LOG_KB, METRICS_GB = 2, 4, 6, 4, 0.5
# What the template deploys by default.
MEMORY_GB, PRIVATE_ENDPOINTS = 2, 4

# Limits. Dataverse's are for one user and one of its web servers.
DATAVERSE_REQUESTS, DATAVERSE_WINDOW, DATAVERSE_PARALLEL = 6000, 300, 52
OUR_PARALLEL, CALL_SECONDS = 16, 0.1
# A new lead: read, three looks for its customer, written, two notes, and one for what is asked now and then.
IMPORT_CALLS, PASS_SHARE = 8, 4 / 5
IMPORT_PER_SECOND = min(4, DATAVERSE_REQUESTS / DATAVERSE_WINDOW / IMPORT_CALLS)
CHANGE_CALLS = 2
STATE_KB = 2


def functions(events: int, memory: float = MEMORY_GB, passes: int = PASSES) -> float:
    seconds = events * EVENT_SECONDS + passes * PASS_SECONDS
    runs = events + passes + DAYS
    return (
        max(0, seconds * memory - FREE_GB_SECONDS) * GB_SECOND
        + max(0, runs - FREE_EXECUTIONS) / 1e6 * MILLION_EXECUTIONS
    )


def storage(events: int, referrals: int = 0) -> float:
    writes = events * EVENT_WRITES + PASSES * PASS_WRITES
    # Once a day everything that is remembered is gone through.
    reads = events * EVENT_READS + PASSES * PASS_READS + referrals * DAYS
    return writes / 1e4 * BLOB_WRITES + reads / 1e4 * BLOB_READS + referrals * STATE_KB / 1e6 * BLOB_GB


def log_gb(events: int) -> float:
    return (events * EVENT_LOG_KB + PASSES * PASS_LOG_KB) / 1e6 + METRICS_GB


def logs(events: int) -> float:
    return max(0, log_gb(events) - FREE_LOG_GB) * LOG_GB


def alerts() -> float:
    return sum(ALERT_OFTEN if alert["every"] == "PT5M" else ALERT_RARELY for alert in ALERTS)


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def dollars(amount: float) -> str:
    return f"${amount:,.2f}"


def month() -> str:
    """By the number of events a month."""
    sizes = [100, 10_000, 1_000_000]
    parts = {
        "Functions, 2 GB instances": functions,
        "storage account": storage,
        "logs": logs,
        f"{len(ALERTS)} alerts": lambda _: alerts(),
    }
    rows = [[name, *(dollars(cost(events)) for events in sizes)] for name, cost in parts.items()]
    sums = [sum(cost(events) for cost in parts.values()) for events in sizes]
    saved = [functions(events) - functions(events, memory=0.5) for events in sizes]
    rows.append(["**together**", *(f"**{dollars(amount)}**" for amount in sums)])
    rows.append(["the same on 512 MB instances", *(dollars(amount - less) for amount, less in zip(sums, saved))])
    return table(["a month", *(f"{events:,} events" for events in sizes)], rows)


def options() -> str:
    """What costs extra."""
    ready = MEMORY_GB * SECONDS * ALWAYS_READY_GB_SECOND
    endpoints = PRIVATE_ENDPOINTS * HOURS * PRIVATE_ENDPOINT_HOUR
    return table(
        ["option", "a month"],
        [
            ["`alwaysReadyInstances = 1`, 2 GB", dollars(ready)],
            [f"`privateNetworking = true`, {PRIVATE_ENDPOINTS} private endpoints without their traffic", dollars(endpoints)],
        ],
    )


def limits() -> str:
    """What Dataverse's limits allow, and what instances could ask for."""
    rate = DATAVERSE_REQUESTS / DATAVERSE_WINDOW
    rows = [
        ["requests a second that one user may send for long", f"{rate:.0f}"],
        ["changed referrals a second within that", f"{rate / CHANGE_CALLS:.0f}"],
        ["changed referrals an hour within that", f"{rate / CHANGE_CALLS * 3600:,.0f}"],
    ]
    for instances in (1, 3, 10):
        parallel = instances * OUR_PARALLEL
        busy = DATAVERSE_REQUESTS / (parallel / CALL_SECONDS)
        name = f"{instances} instance{'s' if instances > 1 else ''} at full speed"
        rows.append([f"{name}: requests at once, of {DATAVERSE_PARALLEL}", str(parallel)])
        rows.append([f"{name}: seconds until {DATAVERSE_REQUESTS:,} are sent", f"{busy:.1f}"])
    return table(["Dataverse", ""], rows)


def large() -> str:
    """A partner with 100,000 referrals."""
    referrals, events = 100_000, 100_000
    seconds = referrals / IMPORT_PER_SECOND
    rows = [
        ["first import by the timer, hours", f"{seconds / PASS_SHARE / 3600:.1f}"],
        ["first import by `reconcile`, hours", f"{seconds / 3600:.1f}"],
        ["referrals a second meanwhile", f"{IMPORT_PER_SECOND:.1f}"],
        ["Dataverse requests a second meanwhile", f"{IMPORT_PER_SECOND * IMPORT_CALLS:.0f}"],
        ["pages of Partner Center's list", f"{referrals // 100:,}"],
        ["remembered state, GB", f"{referrals * STATE_KB / 1e6:.1f}"],
        ["storage a month, with the daily round and 100,000 events", dollars(storage(events, referrals))],
        ["log a month, GB", f"{log_gb(events):.1f}"],
        ["log a month", dollars(logs(events))],
        ["Functions a month", dollars(functions(events))],
    ]
    return table(["100,000 referrals", ""], rows)


def platform() -> str:
    """A thousand tenants of a hundred events each; the free grants and the free logs count once."""
    tenants, events = 1000, 100

    def run(memory: float, minutes: int) -> float:
        return functions(tenants * events, memory, tenants * DAYS * 24 * 60 // minutes)

    rows = [
        ["Functions: 2 GB, a pass every 5 minutes", dollars(run(2, 5))],
        ["Functions: 512 MB, a pass every 5 minutes", dollars(run(0.5, 5))],
        ["Functions: 512 MB, a pass every 15 minutes", dollars(run(0.5, 15))],
        ["storage", dollars(tenants * storage(events))],
        ["logs", dollars(max(0, tenants * log_gb(events) - FREE_LOG_GB) * LOG_GB)],
        [f"{len(ALERTS)} alerts each", dollars(tenants * alerts())],
        ["the alerts once, over a workspace that all share", dollars(alerts())],
    ]
    return table(["1,000 tenants, a month", ""], rows)


PAGES = {
    "docs/deploy.md": {"month": month, "options": options},
    "docs/scale.md": {"limits": limits, "large": large, "platform": platform},
}


def filled(page: str) -> str:
    """The page with its tables as they should be."""
    text = (ROOT / page).read_text()
    for name, make in PAGES[page].items():
        start, end = f"<!-- computed: {name} -->\n", "<!-- end -->"
        before, rest = text.split(start)
        text = f"{before}{start}{make()}\n{end}{rest.split(end, 1)[1]}"
    return text


if __name__ == "__main__":
    for page in PAGES:
        (ROOT / page).write_text(filled(page))
