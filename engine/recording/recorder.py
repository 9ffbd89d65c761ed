"""Keeps what the servers answer in one cycle, for a recording."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, Final

from ..bounds import MAX_RECORDING
from ..errors import Unavailable, Unrecorded
from ..transport.request import Asked, Taped
from .pages import host_of, names_of, page_of
from .scrub import Scrub

LITELLM_FILE: Final = "litellm"
_TOO_LARGE: Final = (
    f"the answers have over {MAX_RECORDING >> 20} MiB, more than a recording may hold. Remedy:"
    " record with a configuration that has fewer backends"
)


class Recorder:
    """A tape that asks the network, and keeps each answer. See :class:`Tape`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun: set[Asked] = set()
        self._kept: dict[Asked, Taped] = {}
        self._size = 0

    def recall(self, asked: Asked) -> Taped | None:
        """Return None: everything is asked for."""
        del asked
        return None

    def begin(self, asked: Asked) -> None:
        """Take note of a request that is not answered yet."""
        with self._lock:
            self._begun.add(asked)

    def keep(self, asked: Asked, taped: Taped) -> None:
        """Keep an answer; of a repeated request the last one counts."""
        with self._lock:
            self._begun.discard(asked)
            self._size += len(taped.content)
            if self._size > MAX_RECORDING:
                self._kept.clear()
            else:
                self._kept[asked] = taped

    def exchanges(self, timeouts: Mapping[str, float]) -> dict[Asked, Taped]:
        """Return what became of each request, by who was asked; some may still have no answer.

        ``timeouts`` are the seconds after which each backend was given up.

        Raises:
            Unrecorded: it is too much.
        """
        with self._lock:
            if self._size > MAX_RECORDING:
                raise Unrecorded(_TOO_LARGE)
            kept = dict(self._kept)
            for asked in self._begun - kept.keys():
                text = f"no answer within {timeouts.get(asked.backend, 0):g} s"
                kept[asked] = Taped(error=Unavailable(text))
        return kept


def page_files(exchanges: Mapping[Asked, Taped], scrub: Scrub) -> dict[str, dict[str, Any]]:
    """Return the documents with the answers of each server, without secrets, by name of the file.

    LiteLLM's is ``litellm``, that of a backend is ``backends/<host>``.
    """
    files: dict[str, dict[str, Any]] = {}
    for asked, taped in sorted(exchanges.items(), key=lambda item: _order(item[0])):
        file = f"backends/{host_of(asked.url)}" if asked.backend else LITELLM_FILE
        pages = files.setdefault(file, {})
        own, shared = map(scrub.redact, names_of(asked)[:2])
        page = _scrubbed(page_of(taped), scrub, rows=not asked.backend)
        pages[own if pages.get(shared, page) != page else shared] = page
    return files


def _order(asked: Asked) -> tuple[str, str, str, bytes]:
    return asked.backend, asked.url, asked.method, asked.body


def _scrubbed(page: Any, scrub: Scrub, *, rows: bool) -> Any:
    """Return a page without secrets; with ``rows`` its list ``data`` has rows of LiteLLM."""
    if isinstance(page, dict) and page.keys() == {"failed"}:
        failed = page["failed"]
        return {"failed": {**failed, "text": scrub.text(failed["text"])}}
    if isinstance(page, dict) and {"status", "body"} <= page.keys():
        return {**page, "body": _scrubbed_body(page["body"], scrub, rows=rows)}
    return _scrubbed_body(page, scrub, rows=rows)


def _scrubbed_body(body: Any, scrub: Scrub, *, rows: bool) -> Any:
    if isinstance(body, str):
        return scrub.text(body)
    if rows and isinstance(body, dict) and isinstance(body.get("data"), list):
        pages = {"total_pages": body["total_pages"]} if "total_pages" in body else {}
        return {"data": [scrub.row(row) for row in body["data"]], **pages}
    return scrub.document(body)
