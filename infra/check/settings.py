"""The settings table of the connector, and what the templates make of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from bicep import File, Node

# Settings that the template decides by itself.
FIXED = {"AZURE_CREDENTIAL": "managed_identity", "LOG_FORMAT": "json"}
# Settings that it makes of the resources it deploys.
MADE = {"PARTNER_CENTER_CLIENT_SECRET", "PARTNER_CENTER_PASSWORD", "KEY_VAULT_URL", "AZURE_CLIENT_ID", "FLOW_URL", "WARNING_WEBHOOK_URL"}
# Other ways to name the storage account. It has no key to put into a connection string.
NOT_SET = {"AzureWebJobsStorage", "AzureWebJobsStorage__accountName"}


@dataclass
class Row:
    """One row of the table."""

    name: str
    default: str | None
    example: str
    secret: bool


def table(path: Path) -> list[Row]:
    """The rows of `src/config/table.rs`."""
    text = path.read_text()
    text = text[text.index("pub const SETTINGS") :]
    text = text[: text.index("\n];")]
    rows = []
    for piece in re.split(r"\n    setting\(", text)[1:]:
        name = re.match(r'\s*"([^"]+)"', piece).group(1)
        default, example = (re.search(rf'\.{method}\(\s*"([^"]*)"', piece) for method in ("default", "example"))
        rows.append(
            Row(
                name,
                default.group(1) if default else None,
                example.group(1) if example else "",
                ".secret()" in piece,
            )
        )
    return rows


def check(rows: list[Row], main: File, app: File) -> list[str]:
    """The complaints about the app settings of `main` and of the function app's module."""
    given = main.variables["settings"].value.properties
    platform = app.variables["platformSettings"].value.properties
    known = {row.name for row in rows}
    complaints = [f"the template sets no {name}" for name in sorted(known - set(given) - set(platform) - NOT_SET)]
    complaints += [f"the table has no {name}" for name in given if name not in known]
    complaints += [f"{name} would stand beside the addresses" for name in sorted(NOT_SET & {*given, *platform})]
    for row in rows:
        if row.name in given and row.name not in MADE:
            complaints += _value(row, given[row.name], main)
    return complaints


def _value(row: Row, node: Node, main: File) -> list[str]:
    literal = node.literal
    if literal is not ...:
        wanted = FIXED.get(row.name, row.default or "")
        return [] if literal == wanted else [f"{row.name} is {literal!r}, not {wanted!r}"]
    if row.secret:
        return [f"{row.name} is a secret and no reference to the vault"]
    name = node.children[1].text.strip("()") if node.kind == "call_expression" else node.text
    param = main.params.get(name)
    if param is None:
        return [f"{row.name} is no parameter"]
    wanted = re.sub(r"_(\w)", lambda found: found.group(1).upper(), row.name.lower())
    complaints = [] if name == wanted else [f"{row.name} comes from {name}, not from {wanted}"]
    default = None if param.value is None else str(param.value.literal)
    if param.value is None:
        # Needed, so without a default in the table either.
        return complaints + ([f"{row.name} has a default, and {name} none"] if row.default is not None else [])
    expected = row.default if row.default is not None else row.example if name.endswith("Schedule") else ""
    return complaints + ([] if default == expected else [f"{row.name} is {expected!r} by default, {name} {default!r}"])
