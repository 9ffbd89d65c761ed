"""How far one gets on the way to a server."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.doctor.reach import NAME, PORT, TLS, reach
from engine.transport.timing import Connection
from tests.certificate import make_certificate, server_context
from tests.rawserver import RawServer, always, as_json

USUAL = Connection(timeout=2.0, verify=True, ca_file=None)


def test_a_name_server_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = threading.Event()

    def wait(*_: Any, **__: Any) -> list[Any]:
        asked.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", wait)
    found = reach("http://slow.invalid", USUAL, 0.05)
    asked.set()
    assert (found.failed, found.why) == (NAME, "the name server does not answer in time")


@pytest.fixture
def deaf() -> Iterator[int]:
    """The port of a server that accepts no connection."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        port = int(server.getsockname()[1])
        waiting = []
        for _ in range(3):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
            waiting.append(client)
        yield port
        for client in waiting:
            client.close()


def test_a_port_that_accepts_nothing_is_given_up(deaf: int) -> None:
    found = reach(f"http://127.0.0.1:{deaf}", USUAL, 0.2)
    assert (found.failed, found.why) == (PORT, "no connection in time")


def test_a_server_that_hangs_up_during_the_handshake_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            connection, _ = server.accept()
            connection.recv(1)
            linger = struct.pack("ii", 1, 0)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        found = reach(f"https://127.0.0.1:{server.getsockname()[1]}", USUAL, 5)
        thread.join()
    assert found.failed == TLS
    assert "ends the connection during the handshake (connection reset" in found.why


def test_a_folder_of_authorities_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
    certificate = make_certificate(tmp_path)
    with RawServer(always(as_json([])), server_context(certificate)) as server:
        found = reach(server.url, USUAL, 5)
    assert "its certificate is not accepted" in found.why


def test_how_a_proxy_speaks_tls_is_left_to_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(always(as_json([]))) as server:
        monkeypatch.setenv("http_proxy", server.url.replace("http:", "https:"))
        monkeypatch.setenv("no_proxy", "")
        found = reach("http://gpu.invalid", USUAL, 0.5)
        assert (found.failed, found.port) == ("", server.port)
    assert "http_proxy" in found.proxy
