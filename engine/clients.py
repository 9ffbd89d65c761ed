"""The open connections of this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .transport import MAX_BACKEND_BODY, MAX_PROXY_BODY, Client

if TYPE_CHECKING:
    from .config import Connection
    from .state import Secret


class Http:
    """One Client per server, kept between cycles."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, str, Secret, Connection], Client] = {}

    def client(self, url: str, key: Secret, connection: Connection, *, backend: str = "") -> Client:
        """Return the client for LiteLLM, or the one of a backend, made on first use.

        Two backends on one server have a client each, since they are asked at the same time.
        """
        wanted = (backend, url, key, connection)
        if wanted not in self._clients:
            limit = MAX_BACKEND_BODY if backend else MAX_PROXY_BODY
            self._clients[wanted] = Client(url, key, connection, max_body=limit)
        return self._clients[wanted]

    def discard(self, client: Client) -> None:
        """Forget a client whose thread was given up, so that no other thread shares it."""
        self._clients = {key: kept for key, kept in self._clients.items() if kept is not client}

    def close(self) -> None:
        """Close every connection."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
