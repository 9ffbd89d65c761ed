"""The open connections of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from .budget import Pool
from .client import Client
from .request import Tape, Track
from .timing import DEFAULT_TIMING, Timing

if TYPE_CHECKING:
    from collections.abc import Collection

    from ..state.secret import Secret
    from .timing import Connection

LITELLM: Final = ""
LISTING: Final = "\0listing"
WRITER: Final = "\0writer-"
"""In place of the name of a backend: LiteLLM; LiteLLM while it is asked for its rows, which takes
long, so that it answers other requests meanwhile; and the start of what its further writers are
called."""
_OURS: Final = "\0"
"""How they begin, and no name of a backend does."""


class Http:
    """One Client per server, kept between cycles.

    ``timing`` holds for all of them; ``pool`` is the memory that backends share. A ``tape`` records
    what all of them ask and are answered, or answers in place of the servers.
    """

    def __init__(self, timing: Timing = DEFAULT_TIMING, tape: Tape | None = None) -> None:
        self.timing = timing
        self._tape = tape
        self.pool = Pool()
        self._clients: dict[str, tuple[tuple[str, Secret, Connection], Client]] = {}

    def client(
        self, url: str, key: Secret, connection: Connection, *, backend: str = LITELLM
    ) -> Client:
        """Return the client for LiteLLM, or the one of a backend, made on first use.

        Two backends on one server have a client each, since they are asked at the same time. If a
        backend gets another address, key or timeout, a new client replaces its client.
        """
        wanted = (url, key, connection)
        if backend in self._clients:
            known, client = self._clients[backend]
            if known == wanted:
                return client
            client.close()
        asked = LITELLM if backend.startswith(_OURS) else backend
        track = Track(self._tape, asked) if self._tape else None
        self._clients[backend] = wanted, Client(url, key, connection, self.timing, track)
        return self._clients[backend][1]

    def keep(self, backends: Collection[str]) -> None:
        """Close the connections of all backends but these."""
        for name in self._clients.keys() - {LITELLM, *backends}:
            if not name.startswith(_OURS):
                self._clients.pop(name)[1].close()

    def discard(self, client: Client) -> None:
        """Forget a client whose thread was given up, so that no other thread shares it.

        The connection that the thread waits on is closed when the wait ends.
        """
        client.close()
        for name, (_, known) in tuple(self._clients.items()):  # other threads add theirs meanwhile
            if known is client:
                self._clients.pop(name, None)

    def close(self) -> None:
        """Close every connection."""
        for _, client in self._clients.values():
            client.close()
        self._clients.clear()
