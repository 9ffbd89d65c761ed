"""The tree that YAML text stands for, and its value once aliases and merges are expanded.

Bounded in every direction: some hundred bytes of aliases of aliases would otherwise fill any
memory. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from .bounds import MAX_CONFIG, MAX_CONFIG_DEPTH, MAX_CONFIG_VALUES
from .errors import ConfigError, Problem
from .yamlscalar import NULLS, resolve, resolve_as

TOO_DEEP: Final = f"nested more than {MAX_CONFIG_DEPTH} levels deep"
Steps = tuple[str | int, ...]
"""The path of a value: keys and indexes from the root."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value before its aliases are expanded.

    ``kind`` is ``scalar``, ``list`` or ``map``, and ``content`` accordingly a text, a list of
    nodes, or a list of (key, value) pairs of nodes. ``mark`` has ``line`` and ``column`` from 0.
    ``tag`` is that of a scalar (``int``), "" without one; ``plain`` tells that it is not quoted.
    """

    kind: str
    content: Any
    mark: Any
    tag: str = ""
    plain: bool = False


def refusal(name: str, mark: Any, what: str) -> ConfigError:
    """Return the error that a file is refused at a mark (None: as a whole)."""
    place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
    return ConfigError([Problem(place, what)])


def check_bounds(name: str, mark: Any, nodes: int, depth: int) -> None:
    """Raise ConfigError if a document is beyond what anybody writes by hand."""
    if nodes > MAX_CONFIG_VALUES:
        raise refusal(name, mark, f"more than {MAX_CONFIG_VALUES} values (aliases count each time)")
    if depth > MAX_CONFIG_DEPTH:
        raise refusal(name, mark, TOO_DEEP)


@dataclass(slots=True)
class Expansion:
    """Nodes -> values, with aliases and merges expanded."""

    name: str
    lines: dict[Steps, int] = field(default_factory=dict)
    raw: dict[Steps, str] = field(default_factory=dict)
    duplicates: list[Steps] = field(default_factory=list)
    nodes: int = 0
    characters: int = 0

    def value(self, node: Node, path: Steps, depth: int) -> Any:
        """Return the value of a node at ``path``."""
        self._count(node, depth)
        self.lines.setdefault(path, node.mark.line + 1)
        if node.kind == "scalar":
            return self._scalar(node, path)
        if node.kind == "list":
            items = enumerate(node.content)
            return [self.value(item, (*path, index), depth + 1) for index, item in items]
        value = {}
        for text, (key, item) in self._pairs(node, path, depth).items():
            self.lines[*path, text] = key.mark.line + 1
            value[text] = self.value(item, (*path, text), depth + 1)
        return value

    def _count(self, node: Node, depth: int) -> None:
        self.nodes += 1
        check_bounds(self.name, node.mark, self.nodes, depth)
        if node.kind == "scalar":
            self.characters += len(node.content)
            if self.characters > MAX_CONFIG:
                what = f"aliases expand to more than {MAX_CONFIG >> 10} KiB of text"
                raise refusal(self.name, node.mark, what)

    def _scalar(self, node: Node, path: Steps) -> Any:
        self.raw[path] = node.content
        try:
            if node.tag:
                return resolve_as(node.tag, node.content)
            return resolve(node.content) if node.plain else node.content
        except ValueError as error:
            raise refusal(self.name, node.mark, str(error)) from None

    def _pairs(self, node: Node, path: Steps, depth: int) -> dict[str, tuple[Node, Node]]:
        """Return a map's entries by key: its own, then those that it merges, first one wins."""
        own: dict[str, tuple[Node, Node]] = {}
        merged: dict[str, tuple[Node, Node]] = {}
        for key, item in node.content:
            self._count(key, depth)
            if key.kind == "scalar" and key.plain and key.content == "<<":
                for source in item.content if item.kind == "list" else [item]:
                    merged = self._merged(source, depth) | merged
                continue
            text = self._key(key)
            if text in own:
                self.duplicates.append((*path, text))
            own[text] = (key, item)
        return merged | own

    def _merged(self, source: Node, depth: int) -> dict[str, tuple[Node, Node]]:
        self._count(source, depth + 1)
        if source.kind != "map":
            raise refusal(self.name, source.mark, "<< takes a map, or a list of maps")
        before = len(self.duplicates)
        pairs = self._pairs(source, (), depth + 1)
        del self.duplicates[before:]
        return pairs

    def _key(self, key: Node) -> str:
        if key.kind != "scalar" or (key.plain and key.content in NULLS):
            raise refusal(self.name, key.mark, "a key must be a text or a number")
        return str(key.content)
