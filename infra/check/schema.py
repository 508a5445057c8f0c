"""Holds the templates to the published resource types: names, required and read-only properties, kinds of values."""

from __future__ import annotations

from bicep import Declaration, File, Node

# What Bicep itself gives every resource.
BICEP = {"parent", "scope", "dependsOn"}


class Schema:
    """The published types: {"Type@version": {"body": {property: "type flags"}, "objects": {name: {…}}}}.

    Flags are `required` and `readonly`; `*` as a property stands for any name."""

    def __init__(self, types: dict):
        self.types = types
        self.complaints: list[str] = []
        self.seen: dict[str, set[str]] = {}

    def check(self, file: File) -> None:
        for declaration in file.resources.values():
            known = self.types.get(declaration.type)
            if known is None:
                self.complain(declaration.node, f"{declaration.type} is not among the pinned types")
                continue
            self.seen.setdefault(declaration.type, set())
            if declaration.body is None:
                self.complain(declaration.node, "has no body")
            elif not declaration.existing:
                self.body(declaration, known)

    def body(self, declaration: Declaration, known: dict) -> None:
        body = {name: spec for name, spec in known["body"].items() if name != "apiVersion"}
        if "variants" in known:
            variants = known["variants"]
            name = declaration.body.properties["name"].literal
            if name not in variants:
                self.complain(declaration.node, f"{declaration.type} is none of {sorted(variants)}")
                return
            self.seen[declaration.type].add(f"={name}")
            body = {**body, **variants[name]}
        for name in BICEP:
            body[name] = "any"
        self.object(declaration.type, declaration.body, body, "")

    def object(self, resource: str, node: Node, shape: dict[str, str], path: str) -> None:
        for name, value in node.properties.items():
            spec = shape.get(name) or shape.get("*")
            if spec is None:
                self.complain(value, f"{resource} has no {path}{name}")
                continue
            kind, *flags = spec.rsplit(" #", 1)
            if flags == ["readonly"]:
                self.complain(value, f"{resource}: {path}{name} is read-only")
            self.value(resource, value, kind, f"{path}{name}")
        for name, spec in shape.items():
            if spec.endswith(" #required") and name not in node.properties:
                self.complain(node, f"{resource} lacks {path}{name}")

    def value(self, resource: str, node: Node, kind: str, path: str) -> None:
        if kind == "any":
            return
        for node in resolved(node):
            objects = self.types[resource]["objects"]
            if kind.endswith("[]"):
                self.array(resource, node, kind[:-2], path)
            elif kind in objects:
                self.seen[resource].add(kind)
                if node.kind == "object":
                    self.object(resource, node, objects[kind], f"{path}.")
                elif node.literal not in (None, ...) or node.kind == "array":
                    self.complain(node, f"{resource}: {path} is an object")
            else:
                self.scalar(resource, node, kind, path)

    def array(self, resource: str, node: Node, kind: str, path: str) -> None:
        if node.kind == "array":
            for item in node.children:
                self.value(resource, item.children[-1] if item.kind == "for_statement" else item, kind, f"{path}[]")
        elif node.kind == "for_statement":
            self.value(resource, node.children[-1], kind, f"{path}[]")
        elif node.kind == "object" or node.literal not in (None, ...):
            self.complain(node, f"{resource}: {path} is an array")

    def scalar(self, resource: str, node: Node, kind: str, path: str) -> None:
        if node.kind in ("object", "array", "for_statement"):
            self.complain(node, f"{resource}: {path} is {kind}")
            return
        literal = node.literal
        if literal is ... or literal is None:
            return
        choices = kind.split(" | ")
        wanted = {"bool": bool, "int": int, "string": str}
        if len(choices) == 1 and kind in wanted:
            fits = type(literal) is wanted[kind]
        else:
            # A list that ends in `string` is open, for services ahead of their documents; we keep to what is listed.
            fits = literal in choices
        if not fits:
            self.complain(node, f"{resource}: {path} is {kind}, not {node.text}")

    def complain(self, node: Node, what: str) -> None:
        self.complaints.append(f"{node.place}: {what}")


def resolved(node: Node) -> list[Node]:
    """What a value may be: both sides of a choice, the parts of a union, what a variable or parameter stands for."""
    if node.kind == "parenthesized_expression":
        return resolved(node.children[0])
    if node.kind == "ternary_expression":
        _, yes, no = node.children
        return resolved(yes) + resolved(no)
    if node.kind == "identifier":
        declared = {**node.file.variables, **node.file.params}.get(node.text)
        if declared is not None and declared.value is not None and declared.value.kind != "call_expression":
            return resolved(declared.value)
    if node.kind == "call_expression" and node.children[0].text == "union":
        return [part for argument in node.children[1].children for part in resolved(argument)]
    return [node]
