"""How to reach a server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach a server: ``timeout`` in seconds, ``ca_file`` a path or None."""

    timeout: float
    verify: bool = True
    ca_file: str | None = None
