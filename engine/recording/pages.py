"""The answers of one server as a document: pages by path. Pure.

A page is a body, ``{"status": 503, "body": ...}``, or ``{"failed": {...}}`` for a request that no
answer came to. A body that is a text is sent as it is, any other one as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote, urlsplit

from ..errors import Garbled, Rejected, TransportError, Unavailable
from ..transport.json_values import DECODER
from ..transport.request import Asked, Taped

JSON: Final = "application/json"
Pages = Mapping[str, Any]
"""By request: ``/path?query``, ``POST /path`` or ``POST /path BODY``; any of them may be followed
by `` as NAME`` for what the server answers to one backend of several with its address."""
_LONG: Final = 300
"""Characters of a request body that are written out in a name."""
_ERRORS: Final[Mapping[str, type[TransportError]]] = {
    "unavailable": Unavailable,
    "rejected": Rejected,
    "garbled": Garbled,
}


def host_of(url: str) -> str:
    """Return the name of the file with the answers of a server, without ``.json``."""
    parts = urlsplit(url)
    secure = "https_" if parts.scheme == "https" else ""
    return secure + quote(parts.netloc.replace(":", "_"), safe="[]")


def names_of(asked: Asked) -> tuple[str, ...]:
    """Return the names under which the page for a request may be, the most exact one first."""
    parts = urlsplit(asked.url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    names: tuple[str, ...] = (f"{asked.method} {path}", path)
    if asked.body:
        names = (f"{asked.method} {path} {_shown(asked.body)}", *names)
    elif asked.method == "GET":
        names = (path,)
    return tuple(name + whose for name in names for whose in (f" as {asked.backend}", ""))


def _shown(body: bytes) -> str:
    try:
        text = json.dumps(json.loads(body), sort_keys=True, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = body.decode(errors="backslashreplace")
    return text if len(text) <= _LONG else f"sha256:{sha256(body).hexdigest()}"


def page_of(taped: Taped) -> Any:
    """Return the page for what became of a request; its text is not scrubbed yet."""
    error = taped.error
    if error is not None and (not taped.status or 200 <= taped.status < 300):
        return {"failed": _failure(error)}
    body = _body(taped.content)
    raw = isinstance(body, str)
    page: dict[str, Any] = {"status": taped.status, "body": body}
    if raw and taped.kind != JSON:
        page["type"] = taped.kind
    if taped.via and taped.status >= 300:
        page["via"] = taped.via
    plain = page.keys() == {"status", "body"} and taped.status == 200
    ambiguous = isinstance(body, dict) and body.keys() & {"status", "failed"}
    return body if plain and not ambiguous else page


def taped_of(page: Any) -> Taped:
    """Return what a page stands for; a failure has its error.

    Raises:
        ValueError: it is not a page.
    """
    if isinstance(page, dict) and page.keys() == {"failed"}:
        return Taped(error=_error(page["failed"]))
    if isinstance(page, dict) and {"status", "body"} <= page.keys() <= _KEYS:
        if not (isinstance(page["status"], int) and 100 <= page["status"] <= 599):
            return Taped(200, JSON, _content(page))
        kind, via = page.get("type", JSON), page.get("via", "")
        return Taped(page["status"], str(kind), _content(page["body"]), str(via))
    return Taped(200, JSON, _content(page))


_KEYS: Final = frozenset({"status", "body", "type", "via"})


def _content(body: Any) -> bytearray:
    return bytearray((body if isinstance(body, str) else json.dumps(body)).encode())


def _body(content: bytearray) -> Any:
    """Return the JSON value of a body; its text if that is no JSON, or a JSON text itself."""
    try:
        text = content.decode("utf-8-sig")
    except ValueError:
        return content.decode(errors="backslashreplace")
    try:
        value = DECODER.decode(text)
    except (ValueError, RecursionError, Garbled):
        return text
    return text if isinstance(value, str) else value


def _failure(error: TransportError) -> dict[str, Any]:
    name = next(name for name, kind in _ERRORS.items() if isinstance(error, kind))
    failure: dict[str, Any] = {"error": name, "text": str(error)}
    if isinstance(error, Unavailable):
        failure |= {"status": error.status, "sent": error.sent}
    elif isinstance(error, Rejected):
        failure["status"] = error.status
    return failure


def _error(failure: Any) -> TransportError:
    if not isinstance(failure, dict) or failure.get("error") not in _ERRORS:
        raise ValueError("expected an error of unavailable, rejected or garbled")
    text, status = str(failure.get("text", "")), failure.get("status", 0)
    status = status if isinstance(status, int) else 0
    if failure["error"] == "unavailable":
        return Unavailable(text, status=status, sent=failure.get("sent") is not False)
    return Rejected(text, status=status) if failure["error"] == "rejected" else Garbled(text)
