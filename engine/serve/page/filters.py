"""Which deployments the reader asked to see. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from ...bounds import MAX_ID
from ..status.deployments import STATES

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """Shown are deployments whose name or upstream has ``text``, in ``state``, of ``backend``.

    Each is "" for all.
    """

    text: str = ""
    state: str = ""
    backend: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Filter:
        """Return what a query asks for; a state that does not exist is as none."""
        state = query.get("state", "")
        text = query.get("q", "").strip()[:MAX_ID]
        return cls(text, state if state in STATES else "", query.get("backend", "")[:MAX_ID])

    def __bool__(self) -> bool:
        return bool(self.text or self.state or self.backend)

    def shows(self, deployment: Json) -> bool:
        """Tell whether a deployment of the status document is shown."""
        text = self.text.casefold()
        return (
            self.state in ("", deployment["state"])
            and self.backend in ("", deployment["backend"])
            and (text in deployment["name"].casefold() or text in deployment["upstream"].casefold())
        )

    def link(self, **changes: str) -> str:
        """Return the address of the page with some of this changed."""
        parts = {"q": self.text, "state": self.state, "backend": self.backend, **changes}
        query = urlencode({name: value for name, value in parts.items() if value})
        return f"/?{query}#models" if query else "/#models"
