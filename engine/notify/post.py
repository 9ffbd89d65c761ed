"""One message to one webhook, and why that did not work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from ..errors import Garbled, Rejected, Unavailable
from ..state.secret import Secret
from ..transport.budget import Allowance
from ..transport.client import Client
from ..transport.timing import DEFAULT_TIMING, Connection, Timing

TIMEOUT: Final = 10.0
"""Seconds that a webhook may take to answer."""
_REDIRECT: Final = range(300, 400)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a message was not taken; ``passing`` if another attempt may succeed."""

    why: str
    passing: bool = False


class Receiver:
    """A webhook. ``host`` is all that is ever shown of its URL. For one thread only."""

    def __init__(
        self, url: Secret, timing: Timing = DEFAULT_TIMING, timeout: float = TIMEOUT
    ) -> None:
        base, self._path = _divided(url.reveal())
        self.host = host_of(url)
        self._client = Client(base, Secret(""), Connection(timeout), timing)

    def post(self, message: dict[str, Any]) -> Failure | None:
        """Send a message once; return why that failed, None if it was taken.

        No error's own text is returned: it would hold the URL.
        """
        try:
            self._client.ask(self._path, Allowance(), post=message)
        except Garbled:
            return None  # it was taken: only what was answered cannot be read
        except Rejected as error:
            if error.status in _REDIRECT:
                why = "it redirects elsewhere, which is not followed; configure that URL itself"
                return Failure(why)
            return Failure(f"it answers HTTP {error.status}; check the URL in its key file")
        except Unavailable as error:
            why = f"it answers HTTP {error.status}" if error.status else "it cannot be reached"
            return Failure(why, passing=True)
        return None

    def close(self) -> None:
        """Close the connection; a request that another thread is in is the last one."""
        self._client.close()


def host_of(url: Secret) -> str:
    """Return the host of a webhook, with its port if it has one: that may be shown."""
    parts = urlsplit(url.reveal())
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def _divided(url: str) -> tuple[str, str]:
    """Return the part of a URL before its path, and the rest."""
    parts = urlsplit(url)
    base = f"{parts.scheme}://{parts.netloc}"
    return base, url[len(base) :] or "/"
