"""LiteLLM's listing of its rows -> the observed document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from operator import is_
from typing import Any, Final

from ..errors import Garbled, Rejected, Unavailable
from ..state.deployment import Editing
from ..transport.client import Client
from .compact_rows import Rows
from .error_messages import explained, has_no_models
from .known_rows import KnownRows

_EVERYTHING: Final = 1_000_000
"""A page size: an updated row moves to the end of the list, so pages would shift under us."""


@dataclass(frozen=True, slots=True)
class Listed:
    """The rows of a listing without their nulls, and by their text for the next listing."""

    data: list[Any]
    known: KnownRows


class KnownListing:
    """The last listing: its rows by their text, and the document that was made of them."""

    def __init__(self) -> None:
        self.rows = KnownRows()
        self._document: dict[str, Any] = {}

    def renew(self, listed: Listed, editing: Editing) -> dict[str, Any]:
        """Take the next listing; return its document, the same one if nothing in it is new."""
        last = self._document
        document = {"editing": asdict(editing), "data": listed.data}
        same = bool(last) and last["editing"] == document["editing"]
        same = same and len(last["data"]) == len(listed.data)
        if not (same and all(map(is_, last["data"], listed.data))):
            self._document = document
        self.rows = listed.known
        return self._document


def fetch_rows(
    client: Client, before: KnownRows | None = None, changing: Callable[[], None] = lambda: None
) -> Listed:
    """Return the rows that LiteLLM lists.

    Nulls are left out of the rows: LiteLLM adds some 150 to each. Rows that are in ``before`` are
    taken from there. ``changing`` is called if many are not.

    Raises:
        TransportError: there is no listing; then there is no cycle.
    """
    try:
        answer, rows = _listed(client, f"/v2/model/info?size={_EVERYTHING}", before, changing)
    except Rejected as error:
        if error.status not in (403, 404):
            raise Rejected(explained(error), status=error.status) from None
        answer, rows = _listed(client, "/v1/model/info", before, changing)
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, list):
        raise Garbled("LiteLLM's listing has no list 'data'; nothing is known of its models")
    if answer.get("total_pages", 1) not in (0, 1):
        raise Garbled("LiteLLM's listing is only a page of it, although all was asked for")
    return Listed(data, rows.finish())


def _listed(
    client: Client, path: str, before: KnownRows | None, changing: Callable[[], None]
) -> tuple[Any, Rows]:
    """Return a listing; a proxy without models answers 500, which counts as an empty one."""
    attempts: list[Rows] = []

    def begin() -> Rows:
        attempts.append(Rows(before, changing))
        return attempts[-1]

    try:
        return client.rows(path, begin, attempts=3), attempts[-1]
    except Unavailable as error:
        if has_no_models(error):
            return {"data": []}, Rows()
        raise
