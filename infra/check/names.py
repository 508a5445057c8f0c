"""What a compiler would say about names: undeclared and unused ones, modules called with the wrong parameters."""

from __future__ import annotations

from bicep import Declaration, File, Node

# The functions that the templates use, with the fewest and the most arguments each takes.
FUNCTIONS = {
    "cidrSubnet": (3, 3),
    "empty": (1, 1),
    "environment": (0, 0),
    "guid": (1, 99),
    "join": (2, 2),
    "loadJsonContent": (1, 3),
    "loadTextContent": (1, 2),
    "max": (1, 99),
    "replace": (3, 3),
    "resourceGroup": (0, 2),
    "resourceId": (2, 99),
    "split": (2, 2),
    "string": (1, 1),
    "subscription": (0, 1),
    "subscriptionResourceId": (2, 99),
    "union": (2, 99),
    "uniqueString": (1, 99),
}


def check(files: list[File]) -> list[str]:
    """The complaints about all names of `files`."""
    by_path = {file.path.resolve(): file for file in files}
    return [complaint for file in files for complaint in [*_file(file), *_modules(file, by_path)]]


def _file(file: File) -> list[str]:
    used: set[str] = set()
    complaints: list[str] = []
    for group in (file.params, file.variables, file.resources, file.modules, file.outputs):
        for declaration in group.values():
            if declaration.value is not None:
                _expression(declaration.value, set(), file, used, complaints)
    for name, declaration in {**file.params, **file.variables}.items():
        if name not in used:
            complaints.append(f"{declaration.node.place}: {name} is never used")
    for name, declaration in {**file.params, **file.outputs}.items():
        if not _text(declaration):
            complaints.append(f"{declaration.node.place}: {name} has no description")
    return complaints


def _text(declaration: Declaration) -> str:
    call = declaration.decorators.get("description")
    return call.children[1].children[0].text if call else ""


def _expression(node: Node, local: set[str], file: File, used: set[str], complaints: list[str]) -> None:
    if node.kind == "for_statement":
        head, *rest = node.children
        inside = local | ({child.text for child in head.children} or {head.text})
        _expression(rest[0], local, file, used, complaints)
        for child in rest[1:]:
            _expression(child, inside, file, used, complaints)
        return
    if node.kind == "call_expression" and node.children[0].kind == "identifier":
        name, arguments = node.children[0].text, node.children[1].children
        fewest, most = FUNCTIONS.get(name, (None, None))
        if fewest is None:
            complaints.append(f"{node.place}: {name} is no function we know")
        elif not fewest <= len(arguments) <= most:
            complaints.append(f"{node.place}: {name} does not take {len(arguments)} arguments")
        for argument in arguments:
            _expression(argument, local, file, used, complaints)
        return
    if node.kind == "object_property":
        key, value = node.children[0], node.children[-1]
        if key.kind == "string":
            _expression(key, local, file, used, complaints)
        _expression(value, local, file, used, complaints)
        return
    if node.kind == "identifier":
        if node.text in file.declarations:
            used.add(node.text)
        elif node.text not in local:
            complaints.append(f"{node.place}: {node.text} is not declared")
        return
    for child in node.children:
        _expression(child, local, file, used, complaints)


def _modules(file: File, by_path: dict) -> list[str]:
    complaints = []
    for module in file.modules.values():
        target = by_path.get((file.path.parent / module.type).resolve())
        if target is None:
            complaints.append(f"{module.node.place}: there is no {module.type}")
            continue
        params = module.body.properties.get("params")
        given = set(params.properties) if params else set()
        needed = {name for name, param in target.params.items() if param.value is None}
        complaints += [f"{module.node.place}: {module.type} lacks {name}" for name in sorted(needed - given)]
        complaints += [f"{module.node.place}: {module.type} has no {name}" for name in sorted(given - set(target.params))]
    for node in file.root.walk():
        if node.kind == "member_expression" and node.children[0].text.endswith(".outputs"):
            module = file.modules.get(node.children[0].children[0].text)
            target = module and by_path.get((file.path.parent / module.type).resolve())
            if target and node.children[1].text not in target.outputs:
                complaints.append(f"{node.place}: {module.type} gives no {node.children[1].text}")
    return complaints
