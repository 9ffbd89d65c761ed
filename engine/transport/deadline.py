"""A deadline for a whole answer; the timeout of a socket holds for each read only.

Without it a server that sends its headers byte by byte, or a gzip stream that never holds data,
could keep the client waiting without end.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from typing import Any

import requests
import urllib3


class _Timed(io.RawIOBase):
    """What a socket receives until its timeout, counted once from now, is over."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._deadline = time.monotonic() + (sock.gettimeout() or 0.0)

    def readable(self) -> bool:
        """Return true."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """Receive what has arrived, or wait for it until the deadline."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Release the socket."""
        self._raw.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_Timed(sock))


class _Plain(urllib3.connection.HTTPConnection):
    response_class = _Answer


class _Tls(urllib3.connection.HTTPSConnection):
    response_class = _Answer


class Bounded(requests.adapters.HTTPAdapter):
    """An adapter of requests for one server, whose read timeout holds for a whole answer."""

    _pool: Any = None

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Return the manager of requests for a proxy, whose sockets have TCP_NODELAY.

        urllib3 sets it on direct connections only. A body is sent after its headers; without
        TCP_NODELAY it waits until they are acknowledged, which takes a server about 40 ms.
        """
        options.setdefault("socket_options", _Plain.default_socket_options)
        return super().proxy_manager_for(proxy, **options)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        """Return the pool of requests, changed to open connections with a deadline."""
        pool: Any = self._pool
        if pool is None:  # requests looks it up anew for each request, by all that it depends on
            pool = self._pool = super().get_connection_with_tls_context(*args, **kwargs)
            pool.ConnectionCls = _Tls if pool.scheme == "https" else _Plain
        return pool

    def close(self) -> None:
        """Close every connection at once.

        urllib3 leaves this to the garbage collector, and each failed request leaves a cycle of
        exceptions that refers to the pool until then.
        """
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for pool in map(manager.pools.get, manager.pools.keys()):
                if pool is not None:
                    pool.close()
        self._pool = None
        super().close()
