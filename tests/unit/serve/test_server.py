"""The port itself: what it refuses, what it bounds, what its answers bear, and that it ends."""

from __future__ import annotations

import http.client
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from engine.bounds import MAX_POSTED, MAX_VISITORS
from engine.errors import CannotListen
from engine.serve import server
from engine.serve.answer import Answer, text
from engine.serve.server import Site, serving
from engine.serve.snapshot import Snapshot
from engine.state.secret import Secret
from engine.text import Redactor
from tests.served import ask

HERE = ("127.0.0.1", 0)
NOW = Snapshot(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC), 0.0, 600.0)


def broken(snapshot: Snapshot) -> Answer:
    raise ValueError("sk-a-secret")


def site() -> Site:
    redactor = Redactor()
    redactor.learn([Secret("sk-a-secret")])
    gets = {
        "/text": lambda _: text(200, "all is well, sk-a-secret"),
        "/json": lambda _: Answer(200, "application/json", '{"sk-a-secret": "sk-a-secret"}'),
        "/broken": broken,
    }
    posts = {"/do": lambda authorization: text(202, f"done for {authorization!r}")}
    return Site(gets, posts, lambda: NOW, redactor)


@pytest.fixture
def port() -> Iterator[int]:
    with serving(HERE, site()) as number:
        yield number


def test_get_and_head_answer_with_strict_headers_and_without_secrets(port: int) -> None:
    got, head = ask(port, "/text?x=1"), ask(port, "/text", "HEAD")
    assert (got.status, got.text) == (200, "all is well, ***\n")
    assert (head.status, head.text, head.headers) == (200, "", got.headers)
    assert got.headers["cache-control"] == "no-store"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert got.headers["server"].strip() == "modelprovisioner"
    policy = got.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy


def test_a_json_document_keeps_its_names(port: int) -> None:
    assert ask(port, "/json").text == '{"sk-a-secret": "***"}'


@pytest.mark.parametrize(
    ("method", "path", "status", "words"),
    [
        ("GET", "/nothing", 404, "/text"),
        ("POST", "/nothing", 404, "/text"),
        ("GET", "/text/", 404, "/text"),
        ("GET", "/../etc/passwd", 404, "/text"),
        ("GET", "/do", 405, "POST"),
        ("POST", "/text", 405, "GET"),
        ("PUT", "/text", 405, "GET"),
        ("DELETE", "/do", 405, "POST"),
        ("BREW", "/text", 501, "501"),
        ("POST", "/do", 202, "done for ''"),
    ],
)
def test_a_request_gets_the_status_that_fits(
    port: int, method: str, path: str, status: int, words: str
) -> None:
    reply = ask(port, path, method)
    assert reply.status == status
    assert words in reply.text
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert ("allow" in reply.headers) == (status == 405)


def test_an_error_in_a_page_is_logged_and_harms_nothing_else(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    reply = ask(port, "/broken")
    assert reply.status == 500
    assert "log" in reply.text
    assert "secret" not in reply.text
    assert "/broken cannot be shown; this is a bug" in caplog.text
    assert ask(port, "/text").status == 200


def test_a_request_is_logged_only_if_that_is_asked(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "engine")
    ask(port, "/text")
    assert caplog.messages == []
    caplog.set_level(logging.DEBUG, "engine")
    with socket.create_connection(("127.0.0.1", port), 20) as client:
        client.sendall(b"GET /text?\x1b[31m HTTP/1.0\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.0 200")
    assert caplog.messages == ['127.0.0.1 "GET /text?\\x1b[31m HTTP/1.0" 200 -']


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Length": str(MAX_POSTED + 1)}, 413),
        ({"Content-Length": "9" * 30}, 413),
        ({"Content-Length": "-1"}, 411),
        ({"Content-Length": "1_0"}, 411),
        ({"Transfer-Encoding": "chunked"}, 411),
    ],
)
def test_a_body_that_is_too_long_or_without_a_length_is_refused(
    port: int, headers: dict[str, str], status: int
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest("POST", "/do")
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    assert connection.getresponse().status == status
    connection.close()


def test_a_body_up_to_the_bound_is_read_and_ignored(port: int) -> None:
    assert ask(port, "/do", "POST", body=b"x" * MAX_POSTED).status == 202


@pytest.mark.parametrize("line", [b"\x00\x01\x02\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9\r\n\r\n"])
def test_what_is_no_request_is_answered_without_repeating_it(port: int, line: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), 20) as client:
        client.sendall(line)
        reply = client.recv(65536)
    assert b"GET" not in reply
    assert b"\x01" not in reply
    assert ask(port, "/text").status == 200


@pytest.mark.slow
def test_more_clients_than_there_is_room_for_are_told_to_come_back(port: int) -> None:
    with ExitStack() as stack:
        for _ in range(MAX_VISITORS):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), 20))
        busy = ask(port, "/text")
    assert busy.status == 503
    assert busy.headers["retry-after"] == "1"
    wait_for_room(port)


def wait_for_room(port: int) -> None:
    deadline = time.monotonic() + 20
    while ask(port, "/text").status != 200:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.slow
def test_clients_that_are_too_slow_are_broken_off(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "MAX_VISIT", 0.1)
    with ExitStack() as stack:
        slow = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), 20))
            for _ in range(MAX_VISITORS)
        ]
        for client in slow:
            client.sendall(b"GET /text HTTP/1.1\r\n")
        wait_for_room(port)
        assert [client.recv(1) for client in slow] == [b""] * MAX_VISITORS


def test_a_port_that_is_taken_is_an_error_with_a_remedy(port: int) -> None:
    with (
        pytest.raises(CannotListen, match=f"127.0.0.1:{port}: address already in use; choose"),
        serving(("127.0.0.1", port), site()),
    ):
        pass


def test_the_port_is_free_again_at_once(port: int) -> None:
    with serving(HERE, site()) as second:
        assert ask(second, "/text").status == 200
    with serving(("127.0.0.1", second), site()):
        assert ask(second, "/text").status == 200


def test_no_host_is_all_interfaces() -> None:
    with serving(("", 0), site()) as number:
        assert ask(number, "/text").status == 200
        if socket.has_dualstack_ipv6():
            with socket.create_connection(("::1", number), 20) as client:
                client.sendall(b"GET /text HTTP/1.0\r\n\r\n")
                assert client.recv(100).startswith(b"HTTP/1.0 200")


def test_a_snapshot_is_taken_for_each_request() -> None:
    moments = iter([1.0, 2.0])
    told = {"/age": lambda seen: text(200, f"{seen.silence}")}
    looking = Site(told, {}, lambda: replace(NOW, silence=next(moments)), Redactor())
    with serving(HERE, looking) as number:
        assert [ask(number, "/age").text for _ in range(2)] == ["1.0\n", "2.0\n"]
