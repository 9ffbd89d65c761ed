"""The row that an operation took away or changed, to be made again. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ..litellm.fields import DEFAULT_FALSE, NEVER_LISTED, SERVER_SET, is_injected, is_masked
from ..plan.plan import CREATE, DELETE, Operation, Skip
from ..state.deployment import MARK, Key, Mark
from ..state.frozen import Frozen, freeze
from ..state.mark import read_mark
from ..state.pointer import leaves, parts_of
from ..state.secret import NOT_OURS, SECRET, is_reference

KEY_UNKNOWN: Final = "key_unknown"
_REDACTED: Final = re.compile(r"(?<!\*)\*{3}(?!\*)")
PARTS: Final = ("litellm_params", "model_info")


def row_again(done: Operation) -> tuple[Frozen, str] | Skip:
    """Return the row that a delete or a replace took away, and a text about what it lacks now."""
    before, mark = done.before, read_mark(done.before["model_info"].get(MARK))
    if mark is None or "api_key" not in before["litellm_params"]:
        what = "LiteLLM does not show the key that it had"
        return leave(done, KEY_UNKNOWN, f"{what}; make the row again by hand, with its key")
    if before["model_info"].get("blocked"):
        what = "it was paused by hand, and would be in service again"
        return leave(done, "paused", f"{what}; make it again by hand")
    declared = {(part, name) for part, name, _ in declared_in(before, mark)}
    unknown = [name for _, name, value in declared_in(before, mark) if is_unknown(name, value)]
    if unknown:
        return unknown_skip(done, unknown)
    row: dict[str, Any] = {"model_name": before["model_name"]}
    lost = []
    for part in PARTS:
        row[part] = {}
        for name, value in before[part].items():
            if (part, name) in declared or name in ("id", MARK):
                row[part][name] = value
            elif is_unknown(name, value, masked=part == "litellm_params"):
                lost.append(name)
            elif not _is_added(part, name, value):
                row[part][name] = value
    what = f"; not readable, so set it by hand again: {', '.join(sorted(lost))}" if lost else ""
    return freeze(row), what


def declared_in(before: Frozen, mark: Mark) -> Iterator[tuple[str, str, Any]]:
    """Yield part, name and value of each field of a row that its mark declares."""
    for part, name in map(parts_of, mark.fields):
        if name in before[part]:
            yield part, name, before[part][name]
        elif name in NEVER_LISTED:
            yield part, name, {SECRET: NOT_OURS}


def is_unknown(name: str, value: Any, *, masked: bool = True) -> bool:
    """Tell whether not all of a value is known, so that it cannot be sent again."""
    if is_reference(value):
        return bool(value[SECRET] == NOT_OURS)
    if name in NEVER_LISTED:
        return True
    if isinstance(value, Mapping):
        return any(is_unknown(key, item, masked=masked) for key, item in value.items())
    if isinstance(value, list | tuple):
        return any(is_unknown(name, item, masked=masked) for item in value)
    return masked and is_masked(name) and isinstance(value, str)


def _is_added(part: str, name: str, value: Any) -> bool:
    """Tell whether LiteLLM adds a field to its listing by itself."""
    if part == "litellm_params":
        return name in DEFAULT_FALSE and value is False
    return name in SERVER_SET or is_injected(name)


def is_redacted(row: Frozen) -> bool:
    """Tell whether a secret of ours was taken out of a row when it was written down.

    LiteLLM's masks, in which three asterisks may stand as well, are under names that it masks.
    """
    for path, leaf in leaves(row):
        name = next((part for part in reversed(path) if isinstance(part, str)), "")
        masked = path[0] == "litellm_params" and is_masked(name)
        if isinstance(leaf, str) and not masked and _REDACTED.search(leaf):
            return True
    return False


def key_before(done: Operation) -> Key:
    """Return the key of the row that an operation changed or took away."""
    upstream = done.before["litellm_params"]["model"]
    return Key(done.key.endpoint, done.before["model_name"], upstream)


def unknown_skip(done: Operation, names: Iterable[str]) -> Skip:
    """Return that an operation cannot be undone, since fields of its row are not known."""
    what = f"LiteLLM does not show all of {', '.join(sorted(set(names)))}"
    return leave(done, KEY_UNKNOWN, f"{what}; set it back by hand")


def leave(done: Operation, reason: str, because: str) -> Skip:
    """Return that an operation is not undone, and why."""
    action = {CREATE: DELETE, DELETE: CREATE}.get(done.action, done.action)
    return Skip(action, done.key, done.id, reason, because)
