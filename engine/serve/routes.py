"""The paths that the server knows, and what answers each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .answer import Route
from .health import healthz, readyz
from .metrics import metrics_route


def routes(redact: Callable[[str], str]) -> Mapping[str, Route]:
    """Return what answers GET for each path; ``redact`` hides secrets in a text from outside."""
    return {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics_route(redact)}
