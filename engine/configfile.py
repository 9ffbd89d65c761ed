"""YAML text -> a document of plain JSON types that knows its lines. The only importer of yaml.

Works on PyYAML's events, not on its loader: the loader resolves scalars differently from Go's
yaml.v2, recurses without bound and expands aliases without end. Messages hold positions only,
never text from the file, since any of it may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from .bounds import MAX_CONFIG
from .errors import ConfigError, Problem
from .files import read_bounded
from .yamltree import TOO_DEEP, Expansion, Node, Steps, check_bounds, refusal

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CORE: Final = "tag:yaml.org,2002:"
_SCALAR_TAGS: Final = frozenset({"str", "int", "float", "bool", "null"})
_NOT_YAML: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_BREAK: Final = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_EMPTY: Final = "empty; it needs at least `litellm: {url: ...}`"
_TOO_LARGE: Final = f"larger than {MAX_CONFIG >> 10} KiB"
_LIBYAML_TOO_DEEP: Final = "maximum nesting depth"
"""What libyaml says from 0.2.6 on, which has a bound of its own (1,000) and meets it first."""
_QUOTED: Final = re.compile(r"'(?P<said>[^']*)'")


@dataclass(frozen=True, slots=True)
class Document:
    """A configuration as it was written.

    ``value`` is its JSON value. ``lines`` maps the path of every value to its line (from 1; that
    of the key, in a map), ``raw`` that of every scalar to its original text. ``duplicates`` are
    the paths of keys that a map repeats, whose last occurrence counts.
    """

    name: str
    value: Any
    lines: Mapping[Steps, int]
    raw: Mapping[Steps, str]
    duplicates: tuple[Steps, ...]


def read_text(path: Path) -> str:
    """Return the text of a configuration file.

    Raises:
        ConfigError: it is not there, or no file that a configuration could be in.
    """
    remedy = "name another file with --config (by default /etc/config/config.yaml)"
    try:
        content = read_bounded(path, MAX_CONFIG)
        if len(content) <= MAX_CONFIG:
            return content.decode("utf-8-sig")
        what = _TOO_LARGE
    except FileNotFoundError:
        what = f"there is no such file; write it, or {remedy}"
    except UnicodeDecodeError:
        what = "not UTF-8 text; save it as UTF-8"
    except ValueError:
        what = f"not a file; {remedy}"
    except OSError as error:
        reason = error.strerror or type(error).__name__
        what = f"cannot be read ({reason.lower()}); mend its permissions, or {remedy}"
    raise ConfigError([Problem(str(path), what)])


def read_yaml(text: str, name: str) -> Document:
    """Return the one document in ``text``; ``name`` is what messages call the file.

    Raises:
        ConfigError: no YAML, not exactly one document, or beyond a limit; with line and column.
    """
    if len(text) > MAX_CONFIG or len(text.encode(errors="replace")) > MAX_CONFIG:
        raise refusal(name, None, _TOO_LARGE)
    text = text.removeprefix("\ufeff")
    strange = _NOT_YAML.search(text)
    if strange:
        lines = _LINE_BREAK.split(text[: strange.start()])
        place = f"{name}:{len(lines)}:{len(lines[-1]) + 1}"
        raise ConfigError([Problem(place, "a character that YAML does not allow; remove it")])
    root = _Parser(text, name).document()
    expansion = Expansion(name)
    value = expansion.value(root, (), 0)
    if value is None:
        raise refusal(name, None, _EMPTY)
    repeated = tuple(dict.fromkeys(expansion.duplicates))
    return Document(name, value, expansion.lines, expansion.raw, repeated)


def _without_quotations(message: str) -> str:
    """Return a message of PyYAML with what it quotes from the file left out.

    Single characters and names of tokens, such as ``'<scalar>'``, are no secrets.
    """

    def shown(match: re.Match[str]) -> str:
        return match[0] if len(match["said"]) < 2 or match["said"][0] == "<" else "a text"

    return _QUOTED.sub(shown, message)


class _Parser:
    """Events -> nodes."""

    def __init__(self, text: str, name: str) -> None:
        self._name = name
        self._events = self._read(text)
        self._anchors: dict[str, Node | None] = {}
        self._nodes = 0

    def document(self) -> Node:
        """Return the root of the only document."""
        next(self._events)
        start = next(self._events)
        if isinstance(start, yaml.StreamEndEvent):
            raise refusal(self._name, None, _EMPTY)
        root = self._node(next(self._events), 0)
        next(self._events)
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise refusal(self._name, after.start_mark, "a second document; the file may hold one")
        return root

    def _read(self, text: str) -> Iterator[Any]:
        loader = _LOADER(text)
        try:
            while True:
                yield loader.get_event()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            if _LIBYAML_TOO_DEEP in str(error.problem):
                raise refusal(self._name, mark, TOO_DEEP) from None
            said = ", ".join(part for part in (error.context, error.problem) if part)
            raise refusal(self._name, mark, f"not YAML: {_without_quotations(said)}") from None
        except (yaml.YAMLError, ValueError, OverflowError):
            raise refusal(self._name, None, "not YAML: it holds an unreadable escape") from None
        finally:
            loader.dispose()

    def _node(self, event: Any, depth: int) -> Node:
        self._nodes += 1
        check_bounds(self._name, event.start_mark, self._nodes, depth)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if event.anchor:
            self._anchors[event.anchor] = None
        node = self._content(event, depth)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: Any) -> Node:
        if event.anchor not in self._anchors:
            what = "an alias (*) of an anchor (&) that does not come before it; quote a text with *"
            raise refusal(self._name, event.start_mark, what)
        node = self._anchors[event.anchor]
        if node is None:
            raise refusal(self._name, event.start_mark, "an alias (*) inside of what it stands for")
        return node

    def _content(self, event: Any, depth: int) -> Node:
        mark = event.start_mark
        if isinstance(event, yaml.ScalarEvent):
            if _SURROGATE.search(event.value):
                raise refusal(self._name, mark, "not YAML: an escape that is no character")
            tag = self._tag(event, _SCALAR_TAGS)
            return Node("scalar", event.value, mark, tag, event.implicit[0])
        if isinstance(event, yaml.SequenceStartEvent):
            self._tag(event, {"seq"})
            items = [self._node(e, depth + 1) for e in self._until(yaml.SequenceEndEvent)]
            return Node("list", items, mark)
        self._tag(event, {"map"})
        nodes = [self._node(e, depth + 1) for e in self._until(yaml.MappingEndEvent)]
        return Node("map", list(zip(nodes[::2], nodes[1::2], strict=True)), mark)

    def _until(self, end: type) -> Iterator[Any]:
        while not isinstance(event := next(self._events), end):
            yield event

    def _tag(self, event: Any, allowed: frozenset[str] | set[str]) -> str:
        tag = event.tag or "!"
        if tag == "!":
            return ""
        if not tag.startswith(_CORE) or tag.removeprefix(_CORE) not in allowed:
            what = "a tag (!...) that has no place here; quote a text that begins with !"
            raise refusal(self._name, event.start_mark, what)
        return str(tag.removeprefix(_CORE))
