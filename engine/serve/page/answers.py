"""What answers the paths of the page and of the documents behind it."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

from ..answer import Answer, Query, Search, text
from ..snapshot import Snapshot
from ..status.document import status_document
from ..status.plans import plan_document, plans_document
from .filters import Filter
from .layout import page

_HTML: Final = "text/html; charset=utf-8"
_JSON: Final = "application/json; charset=utf-8"
_FILES: Final = {
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
_LEAST_DIGEST: Final = 8
"""Characters of a digest by which a plan is found."""
_RELOADS: Final = range(5, 3601)
"""Seconds between two loads of the page that a reader without a script may ask for."""
Redact = Callable[[str], str]


def page_searches(redact_json: Redact) -> Mapping[str, Search]:
    """Return what answers each path; ``redact_json`` takes secrets out of JSON texts.

    They are taken out before a text becomes HTML: in HTML they would look otherwise. One answer is
    made at a time, however many ask: with 10,000 rows it takes 25 MiB.
    """
    turn = threading.Lock()

    def show(snapshot: Snapshot, query: Query) -> Answer:
        mark = mark_of(snapshot)
        if query.get("unless") == mark:
            return Answer(204, _HTML, "")
        with turn:
            html = _page(snapshot, query, mark, redact_json)
        return Answer(200, _HTML, html, is_redacted=True)

    def status(snapshot: Snapshot, query: Query) -> Answer:
        del query
        with turn:
            return _document(status_document(snapshot))

    files = {path: _file(*found) for path, found in _FILES.items()}
    return {"/": show, "/api/status": status, "/api/plans": _plans, **files}


def _page(snapshot: Snapshot, query: Query, mark: str, redact_json: Redact) -> str:
    documents = {"status": status_document(snapshot), "plans": plans_document(snapshot)}
    clean = json.loads(redact_json(json.dumps(documents)))
    asked = query.get("reload", "")
    reload = int(asked) if re.fullmatch("[0-9]{1,4}", asked) else 0
    reload = reload if reload in _RELOADS else 0
    return page(clean["status"], clean["plans"], Filter.of(query), mark, reload)


def mark_of(snapshot: Snapshot) -> str:
    """Return a text that changes whenever the page would say something else, but for the time."""
    last, good, progress = snapshot.last, snapshot.good, snapshot.progress
    parts = (
        snapshot.started,
        last and (last.begun, last.error),
        good and good.begun,
        snapshot.planned,
        progress and sum(progress.outcomes.values()),
        snapshot.config.generation,
        snapshot.config.problem,
        snapshot.silence > snapshot.max_silence,
    )
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _plans(snapshot: Snapshot, query: Query) -> Answer:
    """Answer with the last plans; with a digest, or its beginning, with that plan alone."""
    digest = query.get("digest")
    if digest is None:
        return _document(plans_document(snapshot))
    found = plan_document(snapshot, digest) if len(digest) >= _LEAST_DIGEST else None
    if found is None:
        why = f"no plan of late has this digest; give {_LEAST_DIGEST} or more of its characters"
        return text(404, f"{why}, or all of them; /api/plans lists them")
    return _document(found)


def _document(document: dict[str, Any]) -> Answer:
    return Answer(200, _JSON, json.dumps(document))


def _file(name: str, content_type: str) -> Search:
    def show(snapshot: Snapshot, query: Query) -> Answer:
        del snapshot, query
        return Answer(200, content_type, _content(name), is_redacted=True)

    return show


@cache
def _content(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text("utf-8")
