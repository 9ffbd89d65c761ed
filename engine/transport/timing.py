"""How long the engine waits, and how often it tries, where no operator decides it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..bounds import CONNECT_TIMEOUT


@dataclass(frozen=True, slots=True)
class Timing:
    """Pauses and time limits in seconds, and numbers of attempts.

    Given to :class:`engine.transport.client_pool.Http`; everything that waits takes it from there.
    A test gives a fast one.
    """

    connect: float = CONNECT_TIMEOUT
    """How long a server may take to accept a connection."""
    retry_pause: float = 0.3
    """The pause after the first failure of a GET; it is twice as long after the second."""
    grace: float = 1.0
    """How long, beyond its timeout, a backend is waited for before it is given up: a name
    resolution can take longer than any socket timeout allows."""
    create_attempts: int = 2
    """How often a create is sent that LiteLLM has not stored."""
    live_attempts: int = 4
    """How often LiteLLM is asked whether it serves a row that it has stored."""
    apply_pause: float = 0.5
    """The pause between two such attempts."""
    patience: float = 2.0
    """How long a cycle that only reads may go on after a stop; it is then abandoned."""


DEFAULT_TIMING: Final = Timing()
