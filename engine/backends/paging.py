"""Lists that come in pages, and lists that are asked for with a query.

Anthropic's list, and those of gateways that copy it, says ``has_more`` and goes on after the id
that the next request names in ``after_id``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from ..bounds import MAX_PAGES
from ..errors import Garbled, Rejected
from .model_list import Entries, id_of, listed_below, read_entries
from .record import part
from .server import Server


@dataclass(frozen=True, slots=True)
class FoundList:
    """A list that was found: its entries, where it was, and the answer as it came.

    ``listed`` is the address below which it was, ``path`` what was asked for, with its query.
    """

    entries: Entries
    listed: str
    path: str
    document: Any


def find_list(server: Server, suffixes: tuple[str, ...], query: str = "") -> FoundList:
    """Find the list as :func:`listed_below` does, each time asked with ``query``; its first page.

    A configured path is asked for as it is.

    Raises:
        Garbled, Rejected, Unavailable: as :func:`listed_below`.
    """
    asked: list[tuple[str, Any]] = []
    query = "" if server.models_endpoint else query

    def get(path: str) -> Any:
        path = with_query(path, query)
        asked.append((path, server.get(path)))
        return asked[-1][1]

    entries, listed = listed_below(replace(server, get=get), suffixes)
    return FoundList(entries, listed, *asked[-1])


def paged_entries(server: Server, path: str, first: Any = None) -> Entries:
    """Return the entries of a list and of the pages that follow.

    ``first`` is the answer at ``path``, if it is at hand. ``paged`` stays set where the pages do
    not come to an end: after MAX_PAGES, at a page that cannot be read, and where the server does
    not know ``after_id`` and begins anew.

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
    """Return a path with a query added to the one that it may have."""
    return f"{path}{'&' if '?' in path else '?'}{query}" if query else path


def left_out(server: Server, names: Collection[str], why: str) -> tuple[str, ...]:
    """Return the note, if any, on models that are left out of a list."""
    if not names:
        return ()
    return (f"left out, since {why}: {server.quote(', '.join(names))}",)


def _cursor(document: Any) -> str:
    """Return what ``after_id`` asks for the next page of a list; "" where it has no more."""
    if part(document, "has_more") is not True:
        return ""
    last = part(document, "last_id")
    if not isinstance(last, str) or not last:
        members = part(document, "data")
        last = id_of(members[-1]) if isinstance(members, list) and members else ""
    return quote(last, safe="", errors="replace")
