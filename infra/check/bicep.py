"""A Bicep file as a small model, read with tree-sitter."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import tree_sitter
import tree_sitter_bicep

PARSER = tree_sitter.Parser(tree_sitter.Language(tree_sitter_bicep.language()))


class Unreadable(Exception):
    """A file that is no Bicep."""


@dataclass
class Node:
    """A place in a file: what stands there and where."""

    raw: tree_sitter.Node
    file: "File"

    @property
    def kind(self) -> str:
        return self.raw.type

    @property
    def text(self) -> str:
        return self.raw.text.decode()

    @property
    def place(self) -> str:
        return f"{self.file.path.name}:{self.raw.start_point[0] + 1}"

    @property
    def children(self) -> list["Node"]:
        return [Node(child, self.file) for child in self.raw.named_children if child.type != "comment"]

    def walk(self):
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def literal(self):
        """The value, where it is written out: text, number, truth value or null; `...` where it is computed."""
        if self.kind == "string" and not any(child.kind == "interpolation" for child in self.children):
            return "".join(child.text for child in self.children).replace("\\'", "'").replace("\\n", "\n").replace("\\\\", "\\")
        if self.kind == "number":
            return int(self.text)
        if self.kind == "unary_expression" and self.text.startswith("-"):
            return int(self.text)
        if self.kind == "boolean":
            return self.text == "true"
        return None if self.kind == "null" else ...

    @property
    def properties(self) -> dict[str, "Node"]:
        """Of an object: its values by name; a computed name keeps its quotes."""
        found = {}
        for item in self.children:
            if item.kind == "object_property":
                name, value = item.children[0], item.children[-1]
                key = name.literal if name.kind == "string" else name.text
                found[name.text if key is ... else key] = value
        return found


@dataclass
class Declaration:
    """A parameter, variable, resource, module or output."""

    name: str
    node: Node
    decorators: dict[str, Node]
    type: str = ""
    value: Node | None = None
    existing: bool = False
    conditional: bool = False
    loops: bool = False

    @property
    def body(self) -> Node | None:
        """Of a resource or module: the object, out of its loop or condition."""
        node = self.value
        while node is not None and node.kind in ("for_statement", "if_statement"):
            node = node.children[-1]
        return node


@dataclass
class File:
    """One Bicep file."""

    path: Path
    params: dict[str, Declaration] = field(default_factory=dict)
    variables: dict[str, Declaration] = field(default_factory=dict)
    resources: dict[str, Declaration] = field(default_factory=dict)
    modules: dict[str, Declaration] = field(default_factory=dict)
    outputs: dict[str, Declaration] = field(default_factory=dict)
    root: Node = None

    @property
    def declarations(self) -> dict[str, Declaration]:
        return {**self.params, **self.variables, **self.resources, **self.modules}


GROUPS = {
    "parameter_declaration": "params",
    "variable_declaration": "variables",
    "resource_declaration": "resources",
    "module_declaration": "modules",
    "output_declaration": "outputs",
}


def read(path: Path, text: str | None = None) -> File:
    """Reads a file; complains with line numbers when it does not parse."""
    source = (text if text is not None else path.read_text()).encode()
    file = File(path)
    file.root = Node(PARSER.parse(source).root_node, file)
    broken = list(_errors(file.root))
    if broken:
        raise Unreadable("; ".join(f"{node.place}: cannot be parsed near {node.text[:40]!r}" for node in broken))
    decorators: dict[str, Node] = {}
    for node in file.root.children:
        if node.kind == "decorators":
            decorators = {
                call.children[0].text: call
                for decorator in node.children
                for call in decorator.children[:1]
            }
        elif node.kind in GROUPS:
            declaration = _declaration(node, decorators)
            getattr(file, GROUPS[node.kind])[declaration.name] = declaration
            decorators = {}
    return file


def _errors(node: Node):
    if node.raw.type == "ERROR" or node.raw.is_missing:
        yield node
        return
    for child in node.raw.children:
        yield from _errors(Node(child, node.file))


def _declaration(node: Node, decorators: dict[str, Node]) -> Declaration:
    name, *rest = node.children
    declaration = Declaration(name.text, node, decorators)
    if node.kind in ("resource_declaration", "module_declaration"):
        declaration.type = rest[0].literal
        declaration.existing = any(child.type == "existing" for child in node.raw.children)
        declaration.value = rest[-1]
        declaration.conditional = rest[-1].kind == "if_statement"
        declaration.loops = rest[-1].kind == "for_statement"
        return declaration
    if rest and rest[0].kind == "type":
        declaration.type = rest.pop(0).text
    declaration.value = rest[0] if rest else None
    return declaration
