"""Lists that come in pages, and lists that are requested with a query.

Anthropic's list, and those of gateways that copy it, says ``has_more``. The next page begins after
the id that the request names in ``after_id``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from ..bounds import MAX_PAGES
from ..errors import Garbled, Rejected
from .model_list import Entries, id_of, read_entries, read_list
from .record import part
from .server import Server


@dataclass(frozen=True, slots=True)
class FoundList:
    """A list, where it was found, and the answer unchanged.

    ``listed`` is the address below which it was found, ``path`` the requested path with its query.
    """

    entries: Entries
    listed: str
    path: str
    document: Any


def find_list(server: Server, suffixes: tuple[str, ...], query: str = "") -> FoundList:
    """Return the first page of the list that :func:`read_list` finds, asking with ``query``.

    A configured path is requested without ``query``.

    Raises:
        Garbled, Rejected, Unavailable: as :func:`read_list`.
    """
    answers: list[tuple[str, Any]] = []
    query = "" if server.models_endpoint else query

    def get(path: str) -> Any:
        path = with_query(path, query)
        answers.append((path, server.get(path)))
        return answers[-1][1]

    entries, listed = read_list(replace(server, get=get), suffixes)
    return FoundList(entries, listed, *answers[-1])


def paged_entries(server: Server, path: str, first: Any = None) -> Entries:
    """Return the entries of a list and of the pages that follow.

    ``first`` is the answer at ``path``, if it is known already. ``paged`` stays set where not all
    pages are read: after MAX_PAGES, at a page that cannot be read, and where the server ignores
    ``after_id`` and repeats its first page.

    Raises:
        Garbled, Rejected, Unavailable: there is no list at ``path``, or one that is too long.
    """
    document = server.get(path) if first is None else first
    entries = read_entries(document, server.quote)
    seen: set[str] = set()
    while len(seen) < MAX_PAGES - 1:
        after = _cursor(document)
        if not after or after in seen:
            break
        seen.add(after)
        try:
            document = server.get(with_query(path, f"after_id={after}"))
            page = read_entries(document, server.quote)
        except (Garbled, Rejected):
            break
        entries.add(page)
    return entries


def with_query(path: str, query: str) -> str:
    """Return a path with ``query`` added to its query, if it has one."""
    return f"{path}{'&' if '?' in path else '?'}{query}" if query else path


def left_out_note(server: Server, names: Collection[str], why: str) -> tuple[str, ...]:
    """Return the note on models that are left out of a list; nothing without such models."""
    if not names:
        return ()
    return (f"left out, since {why}: {server.quote(', '.join(names))}",)


def _cursor(document: Any) -> str:
    """Return the ``after_id`` of the next page of a list; "" on the last page."""
    if part(document, "has_more") is not True:
        return ""
    last = part(document, "last_id")
    if not isinstance(last, str) or not last:
        members = part(document, "data")
        last = id_of(members[-1]) if isinstance(members, list) and members else ""
    return quote(last, safe="", errors="replace")
