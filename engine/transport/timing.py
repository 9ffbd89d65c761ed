"""How a server is reached: what is configured for it, and how long to wait otherwise. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..bounds import CONNECT_TIMEOUT


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach a server: ``timeout`` in seconds, ``ca_file`` a path or None."""

    timeout: float
    verify: bool = True
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class Timing:
    """Pauses and time limits in seconds, and numbers of attempts.

    :class:`engine.transport.client_pool.Http` holds it for everything that waits. Tests use shorter
    times.
    """

    connect: float = CONNECT_TIMEOUT
    """How long a server may take to accept a connection."""
    retry_pause: float = 0.3
    """The pause after the first failure of a GET; it is twice as long after the second."""
    grace: float = 1.0
    """How long after its timeout a backend is given up: resolving a name can take longer than any
    socket timeout."""
    create_attempts: int = 2
    """How often a create is sent while LiteLLM has not stored the row."""
    live_attempts: int = 4
    """How often LiteLLM is asked whether it serves a row that it has stored."""
    streak: int = 20
    """Answers in a row that show that every replica, or none, serves a row. A balancer that takes
    turns needs as many as there are replicas. One that chooses at random passes over one of two
    replicas in one of 1,000,000 cases, over one of three in 3,000, over one of four in 300; then it
    must also choose that one for the delete."""
    apply_pause: float = 0.5
    """The pause between two such attempts."""
    patience: float = 2.0
    """How long a cycle that only reads may continue after a stop; then it is abandoned."""


DEFAULT_TIMING: Final = Timing()
