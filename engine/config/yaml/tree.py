"""YAML events -> a tree of nodes -> its value, with aliases and merges expanded. Pure.

``yaml.compose`` cannot be used: it refuses an anchor that is defined twice, which Go's yaml.v2
allows, and its nodes do not show whether a scalar had a tag.

Everything is bounded: a few hundred bytes of aliases of aliases would otherwise fill any memory.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from ...bounds import MAX_CONFIG, MAX_CONFIG_DEPTH, MAX_CONFIG_VALUES
from ...errors import ConfigError, Problem
from .scalars import NULLS, resolve, resolve_as

TOO_DEEP: Final = f"nested more than {MAX_CONFIG_DEPTH} levels deep"
Steps = tuple[str | int, ...]
"""The path of a value: keys and indexes from the root."""
_CORE: Final = "tag:yaml.org,2002:"
_KINDS: Final = {
    yaml.ScalarEvent: ("scalar", ("str", "int", "float", "bool", "null")),
    yaml.SequenceStartEvent: ("seq", ("seq",)),
    yaml.MappingStartEvent: ("map", ("map",)),
}
"""By event: the kind of its node, and the tags that it may have."""
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@dataclass(slots=True, eq=False)
class Node:
    """A value before its aliases are expanded.

    ``kind`` is ``scalar``, ``seq`` or ``map``. ``mark`` has ``line`` and ``column``, from 0.
    ``tag`` is ``int``, ... ("" without a tag). ``text`` is that of a scalar, ``plain`` is true if
    it is not quoted. ``children`` are the items of a list, or the keys and values of a map in turn.
    """

    kind: str
    mark: Any
    tag: str = ""
    text: str = ""
    plain: bool = False
    children: list[Node] = field(default_factory=list)


def refusal(name: str, mark: Any, what: str) -> ConfigError:
    """Return the error for a file that is refused at a mark, or as a whole (None)."""
    place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
    return ConfigError([Problem(place, what)])


def compose(events: Iterable[Any], name: str) -> Node | None:
    """Return the root of the only document in PyYAML's events, None if there is none.

    An alias is the node of its anchor, so nodes may be shared; no node contains itself.

    Raises:
        ConfigError: a second document, a tag or an alias that is not allowed, or too much.
    """
    root = Node("seq", None)
    open_nodes = [root]
    anchors: dict[str, Node] = {}
    count = 0
    for event in events:
        if isinstance(event, yaml.CollectionEndEvent):
            open_nodes.pop()
        elif isinstance(event, yaml.DocumentStartEvent) and root.children:
            raise refusal(name, event.start_mark, "a second document; the file may hold one")
        elif isinstance(event, yaml.NodeEvent):
            count += 1
            _check_bounds(name, event.start_mark, count, len(open_nodes) - 1)
            node = _node(event, name, anchors)
            if node in open_nodes:
                what = "an alias (*) inside the value that it stands for"
                raise refusal(name, event.start_mark, what)
            open_nodes[-1].children.append(node)
            if isinstance(event, yaml.CollectionStartEvent):
                open_nodes.append(node)
    return root.children[0] if root.children else None


def _check_bounds(name: str, mark: Any, nodes: int, depth: int) -> None:
    """Raise ConfigError if a document has too many values or is nested too deeply."""
    if nodes > MAX_CONFIG_VALUES:
        raise refusal(name, mark, f"more than {MAX_CONFIG_VALUES} values (aliases count each time)")
    if depth > MAX_CONFIG_DEPTH:
        raise refusal(name, mark, TOO_DEEP)


def _node(event: Any, name: str, anchors: dict[str, Node]) -> Node:
    """Return the node that an event begins; for an alias, the node of its anchor."""
    mark = event.start_mark
    if isinstance(event, yaml.AliasEvent):
        if event.anchor in anchors:
            return anchors[event.anchor]
        what = "an alias (*) of an anchor (&) that does not come before it; quote a text with *"
        raise refusal(name, mark, what)
    kind, allowed = _KINDS[type(event)]
    tag = event.tag or "!"
    if tag != "!" and tag not in (f"{_CORE}{name}" for name in allowed):
        what = "a tag (!...) that is not allowed here; quote a text that begins with !"
        raise refusal(name, mark, what)
    node = Node(kind, mark, tag.removeprefix("!").removeprefix(_CORE))
    if kind == "scalar":
        node.text, node.plain = event.value, event.implicit[0]
        if _SURROGATE.search(node.text):
            raise refusal(name, mark, "not YAML: an escape that is not a character")
    if event.anchor:
        anchors[event.anchor] = node
    return node


@dataclass(slots=True)
class Expansion:
    """Nodes -> values, with aliases and merges expanded.

    ``lines``, ``raw`` and ``duplicates`` are as in :class:`engine.config.yaml.document.Document`.
    """

    name: str
    lines: dict[Steps, int] = field(default_factory=dict)
    raw: dict[Steps, str] = field(default_factory=dict)
    duplicates: list[Steps] = field(default_factory=list)
    nodes: int = 0
    characters: int = 0

    def value(self, node: Node, path: Steps, depth: int) -> Any:
        """Return the value of a node at ``path``.

        Raises:
            ConfigError: beyond a bound, or a key, merge or scalar that JSON cannot hold.
        """
        self._count(node, depth)
        self.lines.setdefault(path, node.mark.line + 1)
        if node.kind == "scalar":
            return self._scalar(node, path)
        if node.kind == "seq":
            items = enumerate(node.children)
            return [self.value(item, (*path, index), depth + 1) for index, item in items]
        value = {}
        for text, (key, item) in self._pairs(node, path, depth).items():
            self.lines[*path, text] = key.mark.line + 1
            value[text] = self.value(item, (*path, text), depth + 1)
        return value

    def _count(self, node: Node, depth: int) -> None:
        self.nodes += 1
        _check_bounds(self.name, node.mark, self.nodes, depth)
        self.characters += len(node.text)
        if self.characters > MAX_CONFIG:
            what = f"aliases expand to more than {MAX_CONFIG >> 10} KiB of text"
            raise refusal(self.name, node.mark, what)

    def _scalar(self, node: Node, path: Steps) -> Any:
        self.raw[path] = node.text
        try:
            if node.tag:
                return resolve_as(node.tag, node.text)
            return resolve(node.text) if node.plain else node.text
        except ValueError as error:
            raise refusal(self.name, node.mark, str(error)) from None

    def _pairs(self, node: Node, path: Steps, depth: int) -> dict[str, tuple[Node, Node]]:
        """Return a map's entries by key; its own take precedence, then the first merged ones."""
        own: dict[str, tuple[Node, Node]] = {}
        merged: dict[str, tuple[Node, Node]] = {}
        for key, item in zip(node.children[::2], node.children[1::2], strict=True):
            self._count(key, depth)
            if key.kind == "scalar" and key.plain and key.text == "<<":
                for source in item.children if item.kind == "seq" else [item]:
                    merged = self._merge(source, depth) | merged
                continue
            text = self._key(key)
            if text in own:
                self.duplicates.append((*path, text))
            own[text] = (key, item)
        return merged | own

    def _merge(self, source: Node, depth: int) -> dict[str, tuple[Node, Node]]:
        self._count(source, depth + 1)
        if source.kind != "map":
            raise refusal(self.name, source.mark, "<< takes a map, or a list of maps")
        before = len(self.duplicates)
        pairs = self._pairs(source, (), depth + 1)
        del self.duplicates[before:]
        return pairs

    def _key(self, key: Node) -> str:
        if key.kind != "scalar" or (key.plain and key.text in NULLS):
            raise refusal(self.name, key.mark, "a key must be a text or a number")
        return key.text
