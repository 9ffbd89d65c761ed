"""``POST /sync``: begin a cycle now, for whoever has the token."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ..config.key_files import read_key
from ..errors import ConfigError, Problem
from ..run.loop import Schedule
from ..state.secret import Secret
from .answer import Answer, Post, text

SHORTEST: Final = 16
"""Characters of the shortest token that is accepted: a shorter one can be guessed."""
_SCHEME: Final = "bearer"
log = logging.getLogger(__name__)
Learn = Callable[[tuple[Secret, ...]], None]


def no_sync(authorization: str) -> Answer:
    """Answer that no token was configured."""
    del authorization
    return text(404, "start `run` with --sync-token FILE to begin cycles from here")


def sync_route(path: Path, schedule: Schedule, learn: Learn) -> Post:
    """Return what wakes a loop for a bearer of the token in a file, which is read each time.

    Calls while a cycle runs are one: the next cycle begins right after it. One that stands by has
    no cycles, and says so. ``learn`` receives each token, so that it is hidden.

    Raises:
        ConfigError: the file holds no usable token.
    """

    def read() -> str:
        try:
            token = read_key(path)
        except FileNotFoundError:
            raise ConfigError([Problem(str(path), "there is no such file")]) from None
        except ValueError as error:
            raise ConfigError([Problem("", str(error))]) from None
        learn((Secret(token),))
        if len(token) < SHORTEST:
            what = f"a token has at least {SHORTEST} characters: openssl rand -hex 32"
            raise ConfigError([Problem(str(path), what)])
        return token

    def sync(authorization: str) -> Answer:
        try:
            expected = read()
        except ConfigError as error:
            log.error("--sync-token cannot be used: %s", error)
            return text(503, "the token of this server cannot be read; the log of `run` says why")
        scheme, _, token = authorization.partition(" ")
        is_it = hmac.compare_digest(token.strip().encode(), expected.encode())
        if scheme.lower() != _SCHEME or not is_it:
            what = text(401, "send the header 'Authorization: Bearer TOKEN' with the right token")
            return Answer(401, what.content_type, what.body, {"WWW-Authenticate": "Bearer"})
        if schedule.standby() is not None:
            return text(503, "this replica stands by; try again, until the one that leads answers")
        schedule.wake.set()
        return text(202, "a cycle begins now, or right after the one in progress")

    read()
    return sync
