"""JSON pointers (RFC 6901) into the fields of a deployment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def pointer(parts: Sequence[object]) -> str:
    """Return the pointer of a path: ``("litellm_params", "a/b")`` is ``/litellm_params/a~1b``."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def parts_of(path: str) -> list[str]:
    """Return the parts of a pointer; the inverse of :func:`pointer`."""
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def leaves(value: Any, parts: tuple[object, ...] = ()) -> Iterator[tuple[tuple[object, ...], Any]]:
    """Yield the path and value of everything inside ``value`` that is neither a map nor a list."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from leaves(item, (*parts, key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from leaves(item, (*parts, index))
    else:
        yield parts, value


def put(document: Any, path: str, value: object) -> None:
    """Set ``value`` at a pointer of a plain document; maps that are missing on its path are added.

    A part of the path that leads into a list is an index. Where the path leads nowhere, nothing
    is set.
    """
    *way, last = parts_of(path)
    for part in way:
        if isinstance(document, dict):
            document = document.setdefault(part, {})
        elif isinstance(document, list) and _is_index(part, document):
            document = document[int(part)]
        else:
            return
    if isinstance(document, dict):
        document[last] = value
    elif isinstance(document, list) and _is_index(last, document):
        document[int(last)] = value


def _is_index(part: str, members: Sequence[object]) -> bool:
    """Tell whether a part is that of a member; ``"²".isdigit()`` holds, and ``int("²")`` raises."""
    sound = part.isascii() and part.isdigit() and len(part) <= len(str(len(members)))
    return sound and int(part) < len(members)
