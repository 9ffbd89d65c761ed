"""HTTP that never ends, has a wrong length, or redirects to another server.

More is in ``tests/unit/transport``.
"""

from __future__ import annotations

import gzip
import os
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path

import pytest

from engine.bounds import MAX_BODY
from engine.errors import Garbled, Rejected, TransportError, Unavailable
from engine.state.secret import Secret
from engine.transport.budget import Allowance
from engine.transport.client import Client
from engine.transport.timing import Connection
from tests.quick import QUICK
from tests.rawserver import AMPLE, Exchange, RawServer, Script, always, answer, as_json, once

from .town import survived, town

KEY = "sk-hostile-0123456789abcdef"
SHORT = 0.4
HANGS = 10.0
"""Seconds after which a request with the timeout SHORT counts as hanging."""


class Talk:
    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack

    def client(self, script: Script | bytes, timeout: float = AMPLE) -> tuple[Client, RawServer]:
        played = always(script) if isinstance(script, bytes) else script
        server = self.stack.enter_context(RawServer(played))
        client = Client(server.url, Secret(KEY), Connection(timeout), QUICK)
        self.stack.callback(client.close)
        return client, server


@pytest.fixture
def talk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Talk]:
    monkeypatch.setenv("NETRC", os.devnull)
    with ExitStack() as stack:
        yield Talk(stack)


# --- answers without an end ---


def forever(head: bytes, piece: bytes) -> Script:
    """Return the script of an answer that never ends and comes as fast as it can."""

    def script(exchange: Exchange) -> None:
        going = exchange.send(head)
        while going:
            going = exchange.send(piece)
        exchange.close()

    return script


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ENDLESS = {
    "100 Continue": forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "headers of 100 Continue": forever(b"HTTP/1.1 100 Continue\r\n", b"X-A: b\r\n" * 1000),
    "an extension of a chunk": forever(CHUNKED + b"1;", b"a" * 65536),
    "the size of a chunk": forever(CHUNKED, b"0" * 65536),
    "trailers": forever(CHUNKED + b"2\r\n[]\r\n0\r\n", b"X-A: b\r\n" * 1000),
    "one trailer": forever(CHUNKED + b"2\r\n[]\r\n0\r\nX-A: ", b"b" * 65536),
    "chunks of one byte": forever(CHUNKED, b"1\r\n \r\n" * 1000),
    "a status line": forever(b"HTTP/1.1 200 ", b"O" * 65536),
    "nothing, compressed": forever(
        answer(b"", "Content-Encoding: gzip", length=2**40), gzip.compress(b"") * 1000
    ),
}


@pytest.mark.parametrize("what", ENDLESS)
def test_reading_an_answer_without_an_end_stops(talk: Talk, what: str) -> None:
    client, _ = talk.client(ENDLESS[what], timeout=SHORT)
    begun = time.monotonic()
    with pytest.raises(TransportError):
        client.get("/models", attempts=1)
    assert time.monotonic() - begun < HANGS


def test_early_hints_are_not_read_as_the_next_answer(talk: Talk) -> None:
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    client, server = talk.client(hint + as_json([1]))
    for _ in range(3):
        with pytest.raises(Rejected, match="HTTP 103"):
            client.get("/models", attempts=1)
    assert len(server.exchanges) == 3


def test_an_answer_without_a_request_is_ignored(talk: Talk) -> None:
    def script(exchange: Exchange) -> None:
        exchange.send(as_json({"asked": exchange.path}))
        exchange.send(as_json({"asked": "never"}) * 3)

    client, _ = talk.client(script)
    for number in range(5):
        assert client.get(f"/{number}", attempts=1) == {"asked": f"/{number}"}
        time.sleep(0.05)


# --- lengths and compression ---


@pytest.mark.parametrize(
    ("length", "error"),
    [
        ("-1", None),
        ("-99999999999999999999", None),
        ("0x2", None),
        ("", None),
        ("1e3", None),
        ("9" * 30, Unavailable),
        ("9" * 5000, None),
        ("2, 3", TransportError),
        ("2, 2", None),
    ],
)
def test_an_invalid_length_does_no_harm(
    talk: Talk, length: str, error: type[Exception] | None
) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode()
    client, _ = talk.client(once(head + b"[]"), timeout=2)
    with pytest.raises(error) if error else nullcontext():
        assert client.get("/models", attempts=1) == []


def zeros(wbits: int) -> bytes:
    packer = zlib.compressobj(9, wbits=wbits)
    return b"".join([packer.compress(b" " * 2**20) for _ in range(64)]) + packer.flush()


@pytest.mark.parametrize(
    ("packing", "make"),
    [
        ("deflate", lambda: zeros(15)),
        ("deflate", lambda: zeros(-15)),
        ("gzip, deflate", lambda: zlib.compress(zeros(31))),
        ("x-gzip", lambda: zeros(31)),
    ],
    ids=["zlib", "raw deflate", "gzip in deflate", "x-gzip"],
)
def test_a_compression_bomb_of_any_kind_is_cut(
    talk: Talk, packing: str, make: Callable[[], bytes]
) -> None:
    client, _ = talk.client(answer(make(), f"Content-Encoding: {packing}"), timeout=20)
    with pytest.raises(Garbled, match=f"has over {MAX_BODY} bytes|not JSON|broken"):
        client.get("/models", attempts=1)


@pytest.mark.parametrize("packing", ["br", "zstd", "compress", "nonsense", "gzip, br"])
def test_an_unknown_compression_is_not_json(talk: Talk, packing: str) -> None:
    client, _ = talk.client(answer(b"\x28\xb5\x2f\xfd" * 100, f"Content-Encoding: {packing}"))
    with pytest.raises(Garbled):
        client.get("/models", attempts=1)


# --- redirects ---


@pytest.mark.parametrize(
    "target",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/models",
        "javascript:alert(1)",
        "gopher://127.0.0.1:70/",
        "http://user:pass@127.0.0.1/models",
        "//elsewhere.example/models",
        "http://127.0.0.1.elsewhere.example/",
        "https://127.0.0.1/",
        "http://127.0.0.1\\@elsewhere.example/",
        "HTTP://ELSEWHERE.EXAMPLE/",
        "\thttp://elsewhere.example/",
        "http:elsewhere.example",
    ],
)
def test_the_key_is_never_sent_to_another_server(talk: Talk, target: str) -> None:
    client, server = talk.client(answer(b"", f"Location: {target}", status="302 Found"))
    with pytest.raises(TransportError) as refused:
        client.get("/models", attempts=1)
    assert KEY not in str(refused.value)
    hosts = {exchange.headers["host"] for exchange in server.exchanges}
    assert hosts == {f"127.0.0.1:{server.port}"}


def test_a_redirect_from_https_to_http_is_refused() -> None:
    client = Client("https://box", Secret(KEY), Connection(10.0), QUICK)
    with pytest.raises(Rejected, match=r"redirects to another server .*configure that URL itself"):
        client._same_origin("GET https://box/models", "https://box/models", "http://box/models")


def test_following_endless_redirects_on_one_server_stops(talk: Talk) -> None:
    def script(exchange: Exchange) -> None:
        exchange.send(answer(b"", f"Location: {exchange.path}/x", status="307 Over There"))

    client, server = talk.client(script)
    with pytest.raises(Rejected, match="more than 3 redirects"):
        client.get("/models", attempts=1)
    assert len(server.exchanges) == 4


# --- cookies ---


def test_cookies_are_not_kept(talk: Talk) -> None:
    def script(exchange: Exchange) -> None:
        cookies = [f"Set-Cookie: c{exchange.number}-{n}={'x' * 3000}" for n in range(80)]
        exchange.send(answer(b"[]", *cookies))

    client, server = talk.client(script)
    for _ in range(3):
        client.get("/models")
    assert all("cookie" not in exchange.headers for exchange in server.exchanges)
    assert not list(client._session.cookies)


# --- time of all requests to one backend together ---


def test_no_request_is_sent_after_the_time_is_up(talk: Talk) -> None:
    client, server = talk.client(as_json([]))
    allowance = Allowance(seconds=AMPLE)
    assert client.get("/models", allowance=allowance) == []
    allowance.until = time.monotonic()
    with pytest.raises(Unavailable, match="in which all requests to this server have to be"):
        client.get("/models", allowance=allowance)
    assert len(server.exchanges) == 1


def slowly(document: object) -> Script:
    """Return the script of answers that are slow, but each within the timeout."""

    def script(exchange: Exchange) -> None:
        exchange.wait(0.3)
        exchange.send(as_json(document))

    return script


TAGS = {"models": [{"name": f"m{number}"} for number in range(150)]}
PAGES = {"data": [{"id": "m"}], "has_more": True, "last_id": "m"}


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "document"), [("ollama", TAGS), ("auto", PAGES)])
def test_a_backend_with_many_slow_answers_does_not_delay_the_cycle(
    tmp_path: Path, kind: str, document: object
) -> None:
    with town(tmp_path, kind, timeout=1) as place:
        begun = time.monotonic()
        outcome = survived(place, slowly(document))
        asked = len(place.bad.exchanges)
        time.sleep(0.5)
        assert len(place.bad.exchanges) == asked, "it is still being asked"
    assert "no answer within 1 s" in outcome.out
    assert time.monotonic() - begun < 3 * HANGS
