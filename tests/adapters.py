"""A fake backend with a table of answers, and golden records: shared by tests of adapters."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.backends.record import Record
from engine.backends.server import LISTED, ROOT, Adapter, Found, Server
from engine.errors import Garbled, Rejected, TransportError, Unavailable
from engine.state.endpoint import canonical_endpoint

FIXTURES = Path(__file__).parent.parent / "fixtures"
CASES = FIXTURES / "adapters"
WRITE = bool(os.environ.get("WRITE_GOLDEN"))
"""Set it to write what the adapters find into the cases; then read and check them."""

ANY = "*"
"""The key of the answer to every allowed request without an answer of its own."""
MAX_SENT = 1000
"""Requests after which an adapter counts as endless."""


def server_over(
    answers: Mapping[str, Any],
    allowed: Sequence[str],
    *,
    url: str = "http://box:8000",
    models_endpoint: str = "",
) -> tuple[Server, list[str]]:
    """Return a backend that gives these answers, and the list of requests that it was sent.

    The key of an answer is ``GET /path`` or ``POST /path``, with the query if there is one; for a
    POST with a certain body it may also be ``POST /path {"its": "json"}``. The value is the body,
    or ``{"status": 503, "body": ...}``; a status of 0 is a refused connection. A request without an
    answer gets 404. A request that is not in ``allowed`` fails the test.
    """
    endpoint = canonical_endpoint(url)
    listing = f"GET {url.removeprefix(endpoint)}{models_endpoint}" if models_endpoint else ""
    permitted = {*allowed, listing.partition("?")[0]}
    sent: list[str] = []

    def exchange(request: str, body: object = None) -> Any:
        asked = request if body is None else f"{request} {json.dumps(body)}"
        sent.append(asked)
        assert len(sent) <= MAX_SENT, "the adapter does not end"
        assert request.partition("?")[0] in permitted, f"{request} is not in ALLOWED"
        for key in (asked, request, ANY):
            if key in answers:
                return _outcome(request, answers[key])
        raise Rejected(f"{request}: HTTP 404", status=404)

    server = Server(
        endpoint,
        url,
        models_endpoint,
        get=lambda path: exchange(f"GET {path}"),
        post=lambda path, body: exchange(f"POST {path}", body),
        quote=lambda document: str(document)[:300],
    )
    return server, sent


def _outcome(request: str, answer: Any) -> Any:
    """Return the body, or raise what the engine's client raises for the status."""
    if not (isinstance(answer, dict) and {"status"} <= set(answer) <= {"status", "body"}):
        return answer
    status = answer["status"]
    if not isinstance(status, int):
        return answer
    if status == 0:
        raise Unavailable(f"{request}: connection refused", sent=False)
    if 200 <= status < 300:
        if "body" not in answer:
            raise Garbled(f"{request}: the answer is empty")
        return answer["body"]
    if status in (408, 429) or status >= 500:
        raise Unavailable(f"{request}: HTTP {status}", status=status)
    raise Rejected(f"{request}: HTTP {status}", status=status)


def route_of(adapter: Adapter, mode: str, found: Found, endpoint: str) -> tuple[str, str]:
    """Return the LiteLLM provider and the api_base of models of one mode."""
    route = adapter.ROUTES.get(mode, adapter.ROUTES[""])
    if route.base == LISTED:
        return route.provider, found.listed
    return route.provider, endpoint if route.base == ROOT else f"{endpoint}/v1"


def plain(record: Record) -> dict[str, Any]:
    """Return a record as a dict, without what has its default."""
    return {
        "id": record.id,
        **{
            name: value
            for name, value in dataclasses.asdict(record).items()
            if name != "id" and value
        },
    }


def result_of(adapter: Adapter, case: Mapping[str, Any]) -> dict[str, Any]:
    """Run an adapter on a case; return its result in the form that the case has.

    ``base`` is where the list was; ``routes`` has the provider and api_base of each mode that was
    found ("" for an unknown mode); ``left_out`` counts what could not be used. An adapter that
    raises gives ``{"error": "Garbled"}``.
    """
    url = case.get("url", "http://box:8000")
    server, sent = server_over(
        case["requests"], adapter.ALLOWED, url=url, models_endpoint=case.get("models_endpoint", "")
    )
    try:
        found = adapter.ask(server)
    except TransportError as error:
        return {"sent": sent, "error": type(error).__name__}
    left_out = {name: getattr(found, name) for name in ("unread", "unusable", "paged")}
    modes = {str(record.info.get("mode", "")) for record in found.records}
    result = {
        "sent": sent,
        "records": [plain(record) for record in found.records],
        "base": found.listed,
        "routes": {
            mode: " ".join(route_of(adapter, mode, found, server.endpoint))
            for mode in sorted(modes)
        },
        "notes": list(found.notes),
    }
    if any(left_out.values()):
        result["left_out"] = {name: value for name, value in left_out.items() if value}
    return result


_RESULT = ("sent", "records", "base", "routes", "notes", "left_out", "error")


def golden_case(path: Path, adapter: Adapter) -> None:
    """Assert that an adapter finds in a case exactly what the case has as its result."""
    case = read(path)
    result = json.loads(json.dumps(result_of(adapter, case)))
    if WRITE:
        given = {name: value for name, value in case.items() if name not in _RESULT}
        text = json.dumps({**given, **result}, indent=2, ensure_ascii=False) + "\n"
        path.write_text(text, encoding="utf-8")
    else:
        assert result == {name: case[name] for name in _RESULT if name in case}, path.name


def cases(kind: str) -> list[Path]:
    """Return the golden cases of one kind of backend."""
    return sorted((CASES / kind).glob("*.json"))


def read(path: Path) -> dict[str, Any]:
    """Return a golden case."""
    case: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return case


def ask(adapter: Adapter, answers: Mapping[str, Any], **options: str) -> Found:
    """Return what an adapter finds at a backend that gives these answers."""
    server, _ = server_over(answers, adapter.ALLOWED, **options)
    return adapter.ask(server)


def answered(
    adapter: Adapter, case: Mapping[str, Any], change: Callable[[Any], Any]
) -> list[dict[str, Any]]:
    """Return the records of a case after ``change`` was applied to each of its bodies."""
    changed = {request: change(body) for request, body in case["requests"].items()}
    records = result_of(adapter, {**case, "requests": changed}).get("records", [])
    return sorted(records, key=lambda record: str(record["id"]))
