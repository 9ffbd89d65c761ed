"""A backend with the answers of a case in ``fixtures/adapters``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from engine.fakes.server import Answer, Fault
from engine.state.endpoint import canonical_endpoint

from . import adapters

BELOW_A_PATH = {"gpustack", "docker_model_runner", "lemonade", "openrouter"}
"""Kinds whose API may be at another path than ``/v1``."""


class RecordedBackend:
    """Gives the answers of a case, below the path of its URL; host and port do not matter."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.case = case
        self.requests: list[tuple[str, str]] = []
        self.fault: Callable[[str, str, bytes], Fault | None] | None = None
        self._below = urlsplit(canonical_endpoint(url_of(case))).path

    def answer(self, method: str, path: str, authorization: str, body: bytes) -> Answer:
        """Answer a request from the case."""
        del authorization
        url = urlsplit(path)
        place = url.path.removeprefix(self._below)
        asked = f"{method} {place}" + (f"?{url.query}" if url.query else "")
        answers = self.case["requests"]
        # A real server ignores an unknown query; the case has only what its adapter requests.
        plain = {key.partition("?")[0]: key for key in reversed(answers)}
        full = f"{asked} {json.dumps(json.loads(body))}" if body else asked
        keys = (full, asked, plain.get(asked), adapters.ANY)
        page = next((answers[key] for key in keys if key in answers), {"status": 404})
        if isinstance(page, dict) and set(page) <= {"status", "body"} and "status" in page:
            return Answer(page["status"] or 502, json.dumps(page.get("body", {})).encode())
        return Answer(200, json.dumps(page).encode())


def url_of(case: dict[str, Any]) -> str:
    """Return the URL under which a case is configured."""
    return str(case.get("url", "http://box:8000"))


def with_models(kind: str = "") -> list[dict[str, Any]]:
    """Return the cases in which an adapter finds models, with their kind and name as ``label``."""
    found = []
    for path in sorted(adapters.CASES.glob(f"{kind or '*'}/*.json")):
        case = adapters.read(path)
        if case.get("records"):
            found.append({**case, "kind": path.parent.name, "label": f"{kind}/{path.stem}"})
    return found
