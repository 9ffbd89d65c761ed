"""The configuration file -> a document of plain JSON types, with the line of each value.

This uses PyYAML's events, not its loader: the loader reads scalars differently from Go's yaml.v2,
and has no bounds on depth and aliases. Messages contain positions only, never text from the file,
since any of it may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from ...bounds import MAX_CONFIG
from ...errors import ConfigError, Problem
from ..key_files import read_bounded
from .tree import TOO_DEEP, Expansion, Steps, compose, refusal

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NOT_YAML: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LINE_BREAK: Final = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_EMPTY: Final = "empty; it needs at least `litellm: {url: ...}`"
_TOO_LARGE: Final = f"larger than {MAX_CONFIG >> 10} KiB"
_LIBYAML_TOO_DEEP: Final = "maximum nesting depth"
"""Part of an error of libyaml 0.2.6 and later, whose own bound (1,000) is reached first."""
_QUOTED: Final = re.compile(r"'(?P<text>[^']*)'")


@dataclass(frozen=True, slots=True)
class Document:
    """A configuration file as it was written.

    ``value`` is its JSON value. ``lines`` maps the path of every value to its line, from 1 (in a
    map, the line of the key). ``raw`` maps the path of every scalar to its original text.
    ``duplicates`` are the paths of keys that a map repeats; the last one counts.
    """

    name: str
    value: Any
    lines: Mapping[Steps, int]
    raw: Mapping[Steps, str]
    duplicates: tuple[Steps, ...]


def read_text(path: Path) -> str:
    """Return the text of a configuration file.

    Raises:
        ConfigError: there is no such file, or it cannot be read as UTF-8 text.
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
        what = f"cannot be read ({reason.lower()}); check its permissions, or {remedy}"
    raise ConfigError([Problem(str(path), what)])


def read_yaml(text: str, name: str) -> Document:
    """Return the only document in ``text``; ``name`` is what messages call the file.

    Raises:
        ConfigError: not YAML, not exactly one document, or beyond a bound; with line and column.
    """
    if len(text) > MAX_CONFIG or len(text.encode(errors="replace")) > MAX_CONFIG:
        raise refusal(name, None, _TOO_LARGE)
    text = text.removeprefix("\ufeff")
    strange = _NOT_YAML.search(text)
    if strange:
        lines = _LINE_BREAK.split(text[: strange.start()])
        place = f"{name}:{len(lines)}:{len(lines[-1]) + 1}"
        raise ConfigError([Problem(place, "a character that YAML does not allow; remove it")])
    root = compose(_events(text, name), name)
    expansion = Expansion(name)
    value = expansion.value(root, (), 0) if root else None
    if value is None:
        raise refusal(name, None, _EMPTY)
    repeated = tuple(dict.fromkeys(expansion.duplicates))
    return Document(name, value, expansion.lines, expansion.raw, repeated)


def _without_quotations(message: str) -> str:
    """Return a message of PyYAML without what it quotes from the file.

    Single characters and names of tokens, such as ``'<scalar>'``, are not secret.
    """

    def shown(match: re.Match[str]) -> str:
        return match[0] if len(match["text"]) < 2 or match["text"][0] == "<" else "a text"

    return _QUOTED.sub(shown, message)


def _events(text: str, name: str) -> Iterator[Any]:
    """Yield the events of PyYAML; raise ConfigError at the place that it cannot read."""
    loader = _LOADER(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if _LIBYAML_TOO_DEEP in str(error.problem):
            raise refusal(name, mark, TOO_DEEP) from None
        reason = ", ".join(part for part in (error.context, error.problem) if part)
        hint = "; indent with spaces, not with tabs" if _is_indented_by_tab(text, mark) else ""
        raise refusal(name, mark, f"not YAML: {_without_quotations(reason)}{hint}") from None
    except (yaml.YAMLError, ValueError, OverflowError):
        raise refusal(name, None, "not YAML: it holds an unreadable escape") from None
    finally:
        loader.dispose()


def _is_indented_by_tab(text: str, mark: Any) -> bool:
    lines = _LINE_BREAK.split(text)
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    return "\t" in line[: len(line) - len(line.lstrip())]
