"""The paths that the server knows, and what answers each of them."""

from __future__ import annotations

from collections.abc import Mapping

from .answer import Route
from .health import healthz, readyz


def routes() -> Mapping[str, Route]:
    """Return what answers GET for each path; what is imported here is loaded only to serve."""
    return {"/healthz": healthz, "/readyz": readyz}
