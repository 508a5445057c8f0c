#!/usr/bin/env python3
"""Renews types.json, the published resource types as far as the templates use them.

    python pin_types.py WORK_FOLDER

Installs three packages into WORK_FOLDER with npm and pip: `@azure/mcp-linux-x64`, which carries the types that Bicep
itself is given, and for the resources it lacks Microsoft's management libraries of the same interface versions. The
versions below are the pins; raise them, run this, and read the difference. Needed only for that: the check itself
reads types.json.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import bicep
from schema import Schema

HERE = Path(__file__).parent
AZMCP = "@azure/mcp-linux-x64@2.0.5"
LIBRARIES = {
    "azure-mgmt-monitor==7.0.0": {
        "Microsoft.Insights/actionGroups@2023-01-01": ("monitor/models", "ActionGroupResource"),
        "Microsoft.Insights/scheduledQueryRules@2023-12-01": ("monitor/models", "ScheduledQueryRuleResource"),
    },
    "azure-mgmt-monitor==6.0.2": {
        "Microsoft.Insights/diagnosticSettings@2021-05-01-preview": (
            "monitor/v2021_05_01_preview/models",
            "DiagnosticSettingsResource",
        ),
    },
    "azure-mgmt-privatedns==1.2.0": {
        "Microsoft.Network/privateDnsZones@2024-06-01": ("privatedns/models", "PrivateZone"),
        "Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01": ("privatedns/models", "VirtualNetworkLink"),
    },
}
# What the libraries call a kind of value.
KINDS = {"str": "string", "bool": "bool", "int": "int", "float": "int", "duration": "string", "iso-8601": "string", "object": "any"}


def main() -> None:
    work = Path(sys.argv[1])
    work.mkdir(parents=True, exist_ok=True)
    files = [bicep.read(path) for path in [HERE.parent / "main.bicep", *sorted((HERE.parent / "modules").glob("*.bicep"))]]
    wanted = {declaration.type for file in files for declaration in file.resources.values()}
    types = from_libraries(work, wanted)
    types |= from_azmcp(work, wanted - set(types))
    schema = Schema(types)
    for file in files:
        schema.check(file)
    pinned = {name: used(types[name], schema.seen.get(name, set())) for name in sorted(wanted & set(types))}
    (HERE / "types.json").write_text(json.dumps(pinned, indent=1, sort_keys=True) + "\n")
    print(f"pinned {len(pinned)} types; missing: {sorted(wanted - set(types)) or 'none'}")


def used(known: dict, seen: set[str]) -> dict:
    """`known` without the objects and variants that no template reaches."""
    kept = {"body": known["body"], "objects": {name: shape for name, shape in known["objects"].items() if name in seen}}
    if "variants" in known:
        kept["variants"] = {name: body for name, body in known["variants"].items() if f"={name}" in seen}
    for shape in [*kept["objects"].values(), kept["body"], *kept.get("variants", {}).values()]:
        for name, spec in shape.items():
            kind, *flags = spec.split(" #", 1)
            if kind.removesuffix("[]") in known["objects"] and kind.removesuffix("[]") not in kept["objects"]:
                # Reached by nothing: the first template that sets it is told to renew the pins.
                shape[name] = " #".join(["unpinned", *flags])
    return kept


def from_azmcp(work: Path, wanted: set[str]) -> dict:
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", work, AZMCP], check=True)
    program = work / "node_modules/@azure/mcp-linux-x64/dist/azmcp"
    quiet = {"AZURE_MCP_COLLECT_TELEMETRY": "false", "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"}
    types = {}
    for name in sorted({full.split("@")[0] for full in wanted}):
        asked = [program, "bicepschema", "get", "--resource-type", name]
        answer = json.loads(subprocess.run(asked, check=True, capture_output=True, env={**os.environ, **quiet}).stdout)
        entries = answer["results"]["BicepSchemaResult"]
        objects = {entry["name"]: shape(entry) for entry in entries if entry.get("$type") == "Object"}
        for entry in entries:
            if entry.get("$type") == "Resource" and entry["name"].split("@")[0].lower() == name.lower():
                types[f"{name}@{entry['name'].split('@')[1]}"] = {**bodies(entry["bodyType"]), "objects": objects}
    return types


def bodies(body: dict) -> dict:
    if "elements" not in body:
        return {"body": shape(body)}
    variants = {}
    for element in body["elements"]:
        own = next(item["type"] for item in element["properties"] if item["name"] == body["discriminator"])
        variants[own] = shape(element)
    return {"body": shape({"properties": body["baseProperties"]}), "variants": variants}


def shape(entry: dict) -> dict[str, str]:
    found = {item["name"]: spec(item["type"], item.get("flags", "")) for item in entry.get("properties", [])}
    if entry.get("additionalPropertiesType"):
        found["*"] = entry["additionalPropertiesType"]
    return found


def spec(kind: str, flags: str) -> str:
    if "ReadOnly" in flags:
        return f"{kind} #readonly"
    return f"{kind} #required" if "Required" in flags else kind


def from_libraries(work: Path, wanted: set[str]) -> dict:
    types = {}
    for package, resources in LIBRARIES.items():
        folder = work / package.replace("==", "-")
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target", folder, package], check=True)
        for full, (models, name) in resources.items():
            if full in wanted:
                classes = read_classes(folder / "azure/mgmt" / models / "_models_py3.py")
                objects: dict[str, dict[str, str]] = {}
                body = flatten(name, classes, objects)
                body |= {"id": "string #readonly", "type": "string #readonly", "name": "string #required"}
                types[full] = {"body": body, "objects": objects}
    return types


def read_classes(path: Path) -> dict:
    """Each model's properties with their rules, its base's included."""
    classes = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ClassDef):
            tables = {"_attribute_map": {}, "_validation": {}}
            for base in node.bases:
                for table, values in classes.get(getattr(base, "id", ""), {}).items():
                    tables[table] = dict(values)
            for item in node.body:
                if isinstance(item, ast.Assign) and item.targets[0].id in tables:
                    tables[item.targets[0].id] |= ast.literal_eval(item.value)
            classes[node.name] = tables
    return classes


def flatten(name: str, classes: dict, objects: dict) -> dict[str, str]:
    """The shape of a model. What the library writes as `properties.x` becomes x of an object `<name>.properties`."""
    found: dict[str, str] = {}
    for attribute, item in classes[name]["_attribute_map"].items():
        rules = classes[name]["_validation"].get(attribute, {})
        flag = " #readonly" if rules.get("readonly") else " #required" if rules.get("required") else ""
        target, key = found, item["key"]
        if key.startswith("properties."):
            found["properties"] = f"{name}.properties"
            target, key = objects.setdefault(f"{name}.properties", {}), key.removeprefix("properties.")
        target[key] = library_kind(item["type"], classes, objects) + flag
    return found


def library_kind(kind: str, classes: dict, objects: dict) -> str:
    if kind.startswith("["):
        return library_kind(kind[1:-1], classes, objects) + "[]"
    if kind.startswith("{"):
        name = f"Map.{kind[1:-1]}"
        objects[name] = {"*": library_kind(kind[1:-1], classes, objects)}
        return name
    if kind in classes:
        if kind not in objects:
            objects[kind] = {}
            objects[kind] |= flatten(kind, classes, objects)
        return kind
    return KINDS.get(kind, "string")


if __name__ == "__main__":
    main()
