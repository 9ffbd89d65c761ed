"""An HTTP exchange is bounded and classified, and hides the key, whatever the server does."""

from __future__ import annotations

import gc
import gzip
import json
import os
import socket
import ssl
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from stat import S_ISSOCK
from typing import Any

import pytest

from engine.bounds import MAX_BODY, MAX_EXCERPT, MAX_VALUES
from engine.errors import Garbled, Rejected, TransportError, Unavailable
from engine.state.secret import PLACEHOLDER_KEY, Secret
from engine.transport.client import Client
from engine.transport.client_pool import LISTING, LITELLM, WRITER, Http
from engine.transport.timing import Connection, Timing
from tests.certificate import make_certificate, server_context
from tests.quick import QUICK
from tests.rawserver import (
    AMPLE,
    MAX_WAIT,
    Exchange,
    RawServer,
    Script,
    always,
    answer,
    as_json,
    once,
)

KEY = 'sk-s3cr3t/with"quote\\and-slash-0123456789'
SHORT = 0.3
"""A timeout in seconds for tests that have to wait until it is over."""


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETRC", os.devnull)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


class Talk:
    """A server with a script, and a client of it."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack

    def server(self, script: Script | bytes, tls: ssl.SSLContext | None = None) -> RawServer:
        played = always(script) if isinstance(script, bytes) else script
        return self._stack.enter_context(RawServer(played, tls))

    def client(
        self,
        url: str,
        *,
        key: str = KEY,
        timeout: float = AMPLE,
        timing: Timing = QUICK,
        **more: Any,
    ) -> Client:
        client = Client(url, Secret(key), Connection(timeout, **more), timing)
        self._stack.callback(client.close)
        return client

    def get(self, script: Script | bytes, **options: Any) -> Any:
        return self.client(self.server(script).url, **options).get("/models", attempts=1)


@pytest.fixture
def talk(stack: ExitStack) -> Talk:
    return Talk(stack)


def unused_url() -> str:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_a_client_that_is_closed_during_a_request_leaves_no_connection(talk: Talk) -> None:
    """A backend that is given up is still waited for, in a thread that nobody looks at."""

    def script(exchange: Exchange) -> None:
        client.close()
        exchange.send(as_json({"error": "busy"}, "503 Service Unavailable"))

    server = talk.server(script)
    client = talk.client(server.url)
    with pytest.raises(Unavailable):
        client.get("/models")
    with pytest.raises(Unavailable):
        client.get("/models")
    assert server.all_hung_up()
    assert len(server.exchanges) == 1


# --- connections that fail ---


def test_a_closed_port_is_unavailable_and_nothing_was_sent(talk: Talk) -> None:
    with pytest.raises(
        Unavailable, match=r"GET http://127\.0\.0\.1:\d+/models: connection refus"
    ) as e:
        talk.client(unused_url()).get("/models")
    assert not e.value.sent
    assert e.value.status == 0


def test_a_path_that_reads_like_an_error_does_not_change_the_diagnosis(talk: Talk) -> None:
    server = talk.server(lambda exchange: exchange.close())
    with pytest.raises(Unavailable, match="broke off") as e:
        talk.client(server.url).get("/refused/establish/resolve", attempts=1)
    assert e.value.sent


def test_a_full_backlog_ends_at_the_connect_timeout(talk: Talk, stack: ExitStack) -> None:
    listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
    address = listening.getsockname()
    for _ in range(8):
        filler = stack.enter_context(socket.socket())
        filler.setblocking(False)
        filler.connect_ex(address)
    url = f"http://127.0.0.1:{address[1]}"
    begun = time.monotonic()
    with pytest.raises(Unavailable, match=r"no connection within 0\.2 s") as e:
        talk.client(url, timing=Timing(connect=0.2)).get("/models", attempts=1)
    assert time.monotonic() - begun < AMPLE / 2
    assert not e.value.sent


def test_a_host_name_that_does_not_exist_is_unavailable(
    talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unavailable, match=r"http://box.invalid/models: name or service") as e:
        talk.client("http://box.invalid").get("/models", attempts=1)
    assert not e.value.sent


def test_a_server_that_closes_without_an_answer_is_unavailable(talk: Talk) -> None:
    with pytest.raises(Unavailable, match="the answer broke off") as e:
        talk.get(lambda exchange: exchange.close())
    assert e.value.sent


def test_bytes_that_are_no_http_are_unavailable(talk: Talk) -> None:
    with pytest.raises(Unavailable):
        talk.get(once(b"SSH-2.0-OpenSSH_9.6\r\n"))


def test_a_hundred_thousand_headers_are_unavailable(talk: Talk) -> None:
    with pytest.raises(Unavailable):
        talk.get(once(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 100_000 + b"\r\n"))


def test_an_over_long_header_is_unavailable(talk: Talk) -> None:
    with pytest.raises(Unavailable):
        talk.get(once(b"HTTP/1.1 200 OK\r\nX-A: " + b"b" * 200_000 + b"\r\n\r\n"))


# --- time ---


def test_a_server_that_says_nothing_ends_at_the_timeout(talk: Talk) -> None:
    begun = time.monotonic()
    with pytest.raises(Unavailable, match=r"no answer within 0\.3 s"):
        talk.get(lambda exchange: exchange.wait(), timeout=SHORT)
    assert SHORT * 0.9 < time.monotonic() - begun < AMPLE


def drip(head: bytes, piece: bytes) -> Script:
    def script(exchange: Exchange) -> None:
        going = exchange.send(head)
        begun = time.monotonic()
        while going and time.monotonic() - begun < MAX_WAIT:
            exchange.wait(0.05)
            going = exchange.send(piece)
        exchange.close()

    return script


def test_a_body_that_drips_in_is_cut_at_the_deadline(talk: Talk) -> None:
    begun = time.monotonic()
    with pytest.raises(Unavailable, match=r"did not end within 0\.3 s|no answer within 0\.3 s"):
        talk.get(drip(answer(b"[", length=1000), b" "), timeout=SHORT)
    assert time.monotonic() - begun < AMPLE


def test_headers_that_drip_in_are_cut_at_the_deadline(talk: Talk) -> None:
    begun = time.monotonic()
    with pytest.raises(Unavailable):
        talk.get(drip(b"HTTP/1.1 200 OK\r\nX-Drip: ", b"a"), timeout=SHORT)
    assert time.monotonic() - begun < AMPLE


def test_compressed_nothing_that_drips_in_is_cut_at_the_deadline(talk: Talk) -> None:
    packer = zlib.compressobj(wbits=31)
    head = answer(b"", "Content-Encoding: gzip", length=100_000)
    nothing = packer.compress(b"") + packer.flush(zlib.Z_SYNC_FLUSH)
    begun = time.monotonic()
    with pytest.raises(Unavailable):
        talk.get(drip(head + nothing, b"\x00\x00\x00\xff\xff"), timeout=SHORT)
    assert time.monotonic() - begun < AMPLE


def test_a_body_that_stops_just_before_the_deadline_is_cut_at_the_deadline(talk: Talk) -> None:
    def script(exchange: Exchange) -> None:
        exchange.send(answer(b"[", length=1000))
        exchange.wait(1.9)
        exchange.send(b" ")
        exchange.wait()

    begun = time.monotonic()
    with pytest.raises(Unavailable):
        talk.get(script, timeout=2.0)
    assert time.monotonic() - begun < 3.6  # and not 3.9, as if the time started again


def test_a_slow_answer_within_the_timeout_is_waited_for(talk: Talk) -> None:
    def script(exchange: Exchange) -> None:
        exchange.wait(0.2)
        exchange.send(as_json({"data": []}))

    assert talk.get(script, timeout=2) == {"data": []}


# --- bodies that are not whole ---


def test_a_body_shorter_than_it_claims_is_unavailable(talk: Talk) -> None:
    with pytest.raises(Unavailable, match="the answer broke off"):
        talk.get(once(answer(b'{"data": []}', length=100)))


def test_a_body_is_read_no_further_than_it_claims(talk: Talk) -> None:
    assert talk.get(once(answer(b"[1] and more than its length", length=3))) == [1]


def chunked(*chunks: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in chunks) + end


def test_a_chunked_body_is_put_together(talk: Talk) -> None:
    assert talk.get(chunked(b'{"data', b'": [1', b", 2]}")) == {"data": [1, 2]}


@pytest.mark.parametrize(
    "data",
    [
        chunked(b'{"data', end=b""),
        chunked(b'{"data', end=b"40\r\nonly a part"),
        chunked(b'{"data', end=b"not a number\r\n"),
    ],
    ids=["between chunks", "inside a chunk", "no chunk size"],
)
def test_a_chunked_body_that_breaks_off_is_unavailable(talk: Talk, data: bytes) -> None:
    with pytest.raises(Unavailable, match="the answer broke off"):
        talk.get(once(data))


def test_a_body_without_a_length_ends_with_the_connection(talk: Talk) -> None:
    assert talk.get(once(b"HTTP/1.1 200 OK\r\n\r\n[1, 2]")) == [1, 2]


def test_a_contradictory_length_is_an_error_of_ours(talk: Talk) -> None:
    with pytest.raises(TransportError):
        talk.get(once(answer(b"[1, 2]", "Content-Length: 3")))


# --- compression ---


def test_a_gzip_body_is_unpacked(talk: Talk) -> None:
    body = gzip.compress(b'{"data": [1]}')
    assert talk.get(answer(body, "Content-Encoding: gzip")) == {"data": [1]}


def test_a_gzip_body_that_comes_byte_by_byte_is_unpacked(talk: Talk) -> None:
    body = gzip.compress(b'{"data": [1]}')

    def script(exchange: Exchange) -> None:
        exchange.send(answer(b"", "Content-Encoding: gzip", length=len(body)))
        for index in range(len(body)):
            exchange.send(body[index : index + 1])

    assert talk.get(script) == {"data": [1]}


def bomb(layers: int, size: int) -> bytes:
    packer, packed = zlib.compressobj(9, wbits=31), bytearray()
    for _ in range(size >> 20):
        packed += packer.compress(b" " * (1 << 20))
    packed += packer.flush()
    for _ in range(layers - 1):
        packed = bytearray(gzip.compress(bytes(packed)))
    return answer(bytes(packed), "Content-Encoding: " + ", ".join(["gzip"] * layers))


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_a_gzip_bomb_costs_little_memory_and_time(talk: Talk, layers: int) -> None:
    data = bomb(layers, 64 << 20)
    server = talk.server(data)
    client = talk.client(server.url, timeout=MAX_WAIT)
    tracemalloc.start()
    begun = time.monotonic()
    try:
        with pytest.raises(Garbled, match=f"the answer has over {MAX_BODY} bytes"):
            client.get("/models", attempts=1)
        assert tracemalloc.get_traced_memory()[1] < 4 * MAX_BODY
    finally:
        tracemalloc.stop()
    assert time.monotonic() - begun < AMPLE


def test_compression_on_compression_without_end_is_garbled(talk: Talk) -> None:
    body = b"[1]"
    for _ in range(12):
        body = gzip.compress(body)
    with pytest.raises(Garbled, match="compression is broken"):
        talk.get(answer(body, "Content-Encoding: " + ", ".join(["gzip"] * 12)))


def test_broken_gzip_is_garbled(talk: Talk) -> None:
    with pytest.raises(Garbled, match="compression is broken"):
        talk.get(answer(b"this is no gzip", "Content-Encoding: gzip"))


def test_a_gzip_body_cut_in_the_middle_is_garbled(talk: Talk) -> None:
    with pytest.raises(Garbled):
        talk.get(answer(gzip.compress(b'{"data": [1, 2, 3]}')[:20], "Content-Encoding: gzip"))


def test_an_unknown_compression_is_garbled(talk: Talk) -> None:
    with pytest.raises(Garbled):
        talk.get(answer(b"\x1b\x02\x00\xf8", "Content-Encoding: br"))


# --- size ---


def test_an_over_long_body_is_garbled(talk: Talk) -> None:
    with pytest.raises(Garbled, match=f"the answer has over {MAX_BODY} bytes"):
        talk.get(answer(b"[" + b" " * MAX_BODY + b"]"))


def test_a_body_of_exactly_the_limit_is_read(talk: Talk) -> None:
    assert talk.get(answer(b"[" + b" " * (MAX_BODY - 2) + b"]")) == []


def endless(head: bytes, piece: bytes = b" " * 65536) -> Script:
    def script(exchange: Exchange) -> None:
        going = exchange.send(head)
        while going:
            going = exchange.send(piece)
        exchange.close()

    return script


@pytest.mark.parametrize("status", ["200 OK", "500 Internal Server Error", "404 Not Found"])
def test_an_endless_body_is_cut_at_the_limit(talk: Talk, status: str) -> None:
    with pytest.raises(Garbled, match="the answer has over"):
        talk.get(endless(f"HTTP/1.1 {status}\r\n\r\n".encode()))


def test_the_endless_body_of_a_redirect_is_not_read(talk: Talk) -> None:
    sent = [0]

    def script(exchange: Exchange) -> None:
        if exchange.path == "/models":
            going = exchange.send(b"HTTP/1.1 307 Over There\r\nLocation: /there\r\n\r\n")
            while going and sent[0] < 256 << 20:
                going = exchange.send(b" " * 65536)
                sent[0] += 65536
            exchange.close()
        else:
            exchange.send(as_json([1]))

    assert talk.get(script) == [1]
    assert sent[0] < 64 << 20


# --- bodies that are not JSON -------------------------------------------------------------------


def test_html_with_200_is_garbled_and_not_quoted(talk: Talk) -> None:
    with pytest.raises(Garbled, match=r"the answer is not JSON \(text/html\)") as e:
        talk.get(answer(b"<html><body>Sign in</body></html>", kind="text/html"))
    assert "Sign in" not in str(e.value)


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", '{"a": [1, NaN]}']
)
def test_numbers_that_json_does_not_have_are_garbled(talk: Talk, number: str) -> None:
    with pytest.raises(Garbled, match="not JSON"):
        talk.get(answer(number.encode()))


def test_floats_keep_their_value(talk: Talk) -> None:
    assert talk.get(answer(b"[0.5, 1e3, 2.5e-07]")) == [0.5, 1000.0, 2.5e-07]


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request"])
def test_deep_nesting_is_an_error_of_ours(talk: Talk, opening: str, status: str) -> None:
    with pytest.raises((Garbled, Rejected)):
        talk.get(answer(opening.encode() * 100_000, status=status))


def test_invalid_utf_8_is_garbled(talk: Talk) -> None:
    with pytest.raises(Garbled, match="not JSON"):
        talk.get(answer(b'{"data": ["\xff\xfe"]}'))


def test_a_byte_order_mark_is_no_obstacle(talk: Talk) -> None:
    assert talk.get(answer(b"\xef\xbb\xbf[1]")) == [1]


@pytest.mark.parametrize(
    ("number", "read_as"),
    [
        (b"9" * 18, 10**18 - 1),
        (b"-" + b"9" * 18, 1 - 10**18),
        (b"1" + b"0" * 30, 1e30),
        (b"9" * 400, "9" * 60),
        (b"-" + b"9" * 100_000, "-" + "9" * 59),
    ],
)
def test_nobody_computes_with_huge_integers(talk: Talk, number: bytes, read_as: Any) -> None:
    assert talk.get(answer(b"[" + number + b"]")) == [read_as]


def test_an_answer_that_gives_a_name_two_values_is_garbled(talk: Talk) -> None:
    with pytest.raises(Garbled, match="contradicts itself, it gives 'data' two values"):
        talk.get(answer(b'{"data": [1], "data": [2]}'))


@pytest.mark.parametrize("status", ["204 No Content", "200 OK"])
def test_an_empty_body_is_garbled(talk: Talk, status: str) -> None:
    with pytest.raises(Garbled, match="the answer is empty"):
        talk.get(answer(b"", status=status))


# --- statuses ---


@pytest.mark.parametrize("status", [300, 304, 305, 400, 401, 403, 404, 405, 409, 410, 418, 422])
def test_these_statuses_mean_that_the_server_said_no(talk: Talk, status: int) -> None:
    with pytest.raises(Rejected) as e:
        talk.get(answer(b"", status=f"{status} Whatever"))
    assert e.value.status == status


@pytest.mark.parametrize("status", [408, 429, 500, 501, 502, 503, 504, 529, 599])
def test_these_statuses_mean_try_again_later(talk: Talk, status: int) -> None:
    with pytest.raises(Unavailable) as e:
        talk.get(answer(b"", status=f"{status} Whatever"))
    assert e.value.status == status
    assert e.value.sent


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "202 Accepted", "206 Partial"])
def test_these_statuses_are_answers(talk: Talk, status: str) -> None:
    assert talk.get(answer(b"[1]", status=status)) == [1]


# --- what the server says of an error ---


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"error": {"message": "Loading model", "code": 503}}, "Loading model"),
        ({"error": "Unauthorized"}, "Unauthorized"),
        ({"detail": "Not Found"}, "Not Found"),
        ({"detail": {"error": "no router"}}, "no router"),
        ({"message": "No."}, "No"),
        ("plain text in JSON", "plain text in JSON"),
        ({"error": {"code": 7}}, '{"code": 7}'),
        ({"detail": [{"loc": ["body"], "msg": "Field required"}]}, "Field required"),
    ],
)
def test_the_words_of_an_error_are_repeated(talk: Talk, document: Any, expected: str) -> None:
    with pytest.raises(Rejected) as e:
        talk.get(as_json(document, status="400 Bad Request"))
    assert "HTTP 400: " in str(e.value)
    assert expected in str(e.value)


def error_text_of(talk: Talk, body: bytes) -> str:
    with pytest.raises(Rejected) as e:
        talk.get(answer(body, status="400 Bad Request"))
    return str(e.value).partition("HTTP 400")[2]


def test_an_error_in_plain_text_is_repeated(talk: Talk) -> None:
    assert error_text_of(talk, b"go away") == ": go away"


@pytest.mark.parametrize("body", [b"<html>no</html>", b"\n <!doctype html>"])
def test_an_error_page_is_named_and_not_repeated(talk: Talk, body: bytes) -> None:
    what = ": with a web page, as a proxy in between or a sign-in page sends"
    assert error_text_of(talk, body) == what


def test_an_error_without_a_body_is_its_status(talk: Talk) -> None:
    assert error_text_of(talk, b"") == ""


def test_what_an_error_holds_is_not_counted_as_values(talk: Talk) -> None:
    with pytest.raises(Rejected, match="HTTP 400"):
        talk.get(answer(b"{}," * MAX_VALUES, status="400 Bad Request"))


def test_a_long_error_is_cut(talk: Talk) -> None:
    assert (
        len(error_text_of(talk, json.dumps({"error": "long " * 5000}).encode())) < MAX_EXCERPT + 10
    )


def test_an_error_is_one_printable_line(talk: Talk) -> None:
    ugly = "a\x1b[31mred\x1b[0m\r\nnext\x00 line\u202e\u2028end\ud800"
    text = error_text_of(talk, json.dumps({"error": ugly}).encode())
    assert text.isprintable()
    assert "\x1b" not in text


def test_an_error_that_is_no_utf_8_is_repeated_as_far_as_it_can_be_read(talk: Talk) -> None:
    assert "caf" in error_text_of(talk, b"caf\xe9 closed")


def test_a_deeply_nested_error_is_an_error_of_ours(talk: Talk) -> None:
    for depth in (100, 300, 500, 900, 950, 980, 990, 5000):
        body = b'{"error": [' + b"[" * depth + b"]" * depth + b"]}"
        assert len(error_text_of(talk, body)) < MAX_EXCERPT + 10


# --- the key ---


def test_the_key_is_sent_as_a_bearer(talk: Talk) -> None:
    server = talk.server(as_json([]))
    talk.client(server.url).get("/models")
    assert server.exchanges[0].headers["authorization"] == f"Bearer {KEY}"


def test_without_a_key_no_authorization_is_sent(talk: Talk) -> None:
    server = talk.server(as_json([]))
    talk.client(server.url, key="").get("/models")
    assert "authorization" not in server.exchanges[0].headers


@pytest.mark.parametrize("key", ["", KEY])
def test_netrc_is_not_used(
    talk: Talk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.delenv("NETRC")
    monkeypatch.setenv("HOME", str(tmp_path))
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1\nlogin somebody\npassword else\n")
    netrc.chmod(0o600)
    server = talk.server(as_json([]))
    talk.client(server.url, key=key).get("/models")
    assert "Basic" not in server.exchanges[0].head


def echoes(transformed: Callable[[str], str], **options: Any) -> Script:
    def script(exchange: Exchange) -> None:
        exchange.send(answer(transformed(exchange.head).encode(), **options))

    return script


def in_the_content_type(exchange: Exchange) -> None:
    exchange.send(answer(b"no JSON", kind=f"text/plain; you={KEY}"))


def in_a_redirect(exchange: Exchange) -> None:
    exchange.send(answer(b"", f"Location: http://{KEY}@elsewhere.example/", status="302 Found"))


def in_the_path_of_a_redirect(exchange: Exchange) -> None:
    if exchange.path == "/models":
        exchange.send(answer(b"", f"Location: /there?key={KEY}", status="302 Found"))
    else:
        exchange.send(answer(b"", status="404 Not Found"))


def in_a_header_that_breaks_off(exchange: Exchange) -> None:
    exchange.send(f"HTTP/1.1 200 OK\r\nX-Key: {KEY}\r\nContent-Length: 99\r\n\r\n[".encode())
    exchange.close()


def at_the_end_of_what_is_examined(exchange: Exchange) -> None:
    exchange.send(answer(b" " * (64 * 1024 - 20) + KEY.encode() + b" ", status="400 Bad Request"))


ECHOES: dict[str, Script] = {
    "the request as text": echoes(lambda head: head, status="400 Bad Request"),
    "the request in JSON": echoes(
        lambda head: json.dumps({"error": {"message": head}}), status="400 Bad Request"
    ),
    "the request in JSON in JSON": echoes(
        lambda head: json.dumps({"error": json.dumps({"got": head})}), status="400 Bad Request"
    ),
    "JSON in text": echoes(lambda head: f"cannot: {json.dumps(head)}", status="400 Bad Request"),
    "the key alone": echoes(lambda _: KEY, status="500 Internal Server Error"),
    "the key at the limit of the excerpt": echoes(
        lambda _: "x" * (MAX_EXCERPT - 10) + KEY, status="401 Unauthorized"
    ),
    "the key many times": echoes(lambda _: KEY * 5000, status="403 Forbidden"),
    "the key where the examined text ends": at_the_end_of_what_is_examined,
    "the key in the content type": in_the_content_type,
    "the key in the host of a redirect": in_a_redirect,
    "the key in the path of a redirect": in_the_path_of_a_redirect,
    "the key in a header": in_a_header_that_breaks_off,
}


def pieces(key: str, size: int = 12) -> list[str]:
    return [key[start : start + size] for start in range(len(key) - size + 1)]


@pytest.mark.parametrize("script", ECHOES.values(), ids=ECHOES.keys())
def test_no_error_holds_a_part_of_the_key(talk: Talk, script: Script) -> None:
    with pytest.raises(TransportError) as e:
        talk.get(script)
    error: BaseException | None = e.value
    while error is not None:
        assert not [piece for piece in pieces(KEY) if piece in f"{error} {error!r}"]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def test_other_secrets_are_hidden_too(talk: Talk) -> None:
    other = "another-secret-0123456789"
    server = talk.server(as_json({"error": f"bad api_key {other} for {KEY}"}, "400 Bad Request"))
    client = talk.client(server.url)
    client.hide([Secret(other), Secret("")])
    with pytest.raises(Rejected, match=r"bad api_key \*\*\* for \*\*\*$"):
        client.send("POST", "/model/new", {})


def test_the_placeholder_key_is_no_secret(talk: Talk) -> None:
    server = talk.server(as_json({"error": f"key {PLACEHOLDER_KEY} is wrong"}, "401 Unauthorized"))
    with pytest.raises(Rejected, match="key BLANK is wrong"):
        talk.client(server.url, key=PLACEHOLDER_KEY).get("/models")


# --- redirects ---


def moved(location: str, status: str = "307 Temporary Redirect") -> Script:
    def script(exchange: Exchange) -> None:
        if exchange.path == "/models":
            exchange.send(answer(b"", f"Location: {location}", status=status))
        else:
            exchange.send(as_json({"at": exchange.path}))

    return script


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"]
)
def test_a_redirect_on_the_same_server_is_followed_with_the_key(talk: Talk, status: str) -> None:
    server = talk.server(moved("/models/", status))
    assert talk.client(server.url).get("/models") == {"at": "/models/"}
    assert [x.headers["authorization"] for x in server.exchanges] == [f"Bearer {KEY}"] * 2


def test_an_absolute_redirect_to_the_same_server_is_followed(talk: Talk) -> None:
    def script(exchange: Exchange) -> None:
        moved(f"http://{exchange.headers['host']}/v1/models")(exchange)

    assert talk.get(script) == {"at": "/v1/models"}


def test_a_write_is_sent_again_where_it_is_redirected_to(talk: Talk) -> None:
    server = talk.server(moved("/there"))
    talk.client(server.url).send("POST", "/models", {"a": 1})
    assert [x.head.split(" ")[:2] for x in server.exchanges] == [
        ["POST", "/models"],
        ["POST", "/there"],
    ]


def elsewhere(other: RawServer) -> dict[str, str]:
    return {
        "another port": f"{other.url}/models",
        "another host": f"http://localhost:{other.port}/models",
        "no scheme": f"//127.0.0.1:{other.port}/models",
        "another scheme": f"https://127.0.0.1:{other.port}/models",
        "with a user": f"http://user@127.0.0.1:{other.port}/models",
    }


@pytest.mark.parametrize(
    "place", ["another port", "another host", "no scheme", "another scheme", "with a user"]
)
def test_a_redirect_to_another_server_is_refused_and_the_key_stays(talk: Talk, place: str) -> None:
    other = talk.server(as_json([]))
    with pytest.raises(Rejected, match=r"redirects to another server .*configure that URL itself"):
        talk.get(moved(elsewhere(other)[place]))
    assert not other.exchanges
    assert not other.connections


def test_a_redirect_to_the_same_port_of_another_host_is_refused(talk: Talk) -> None:
    server = talk.server(lambda x: moved(f"http://localhost:{x.headers['host'][10:]}/x")(x))
    with pytest.raises(Rejected, match="another server"):
        talk.client(server.url).get("/models")
    assert len(server.exchanges) == 1


@pytest.mark.parametrize(
    "location", ["http://[::1", "http://127.0.0.1:port/", "//", "http://\xff\xfe/", "data:,x", "?"]
)
def test_a_redirect_to_nowhere_is_an_error_of_ours(talk: Talk, location: str) -> None:
    def script(exchange: Exchange) -> None:
        exchange.send(answer(b"", f"Location: {location}", status="302 Found"))

    with pytest.raises(TransportError):
        talk.get(script)


def test_a_redirect_without_a_place_is_a_no(talk: Talk) -> None:
    with pytest.raises(Rejected, match="HTTP 302"):
        talk.get(answer(b"", status="302 Found"))


def test_a_redirect_loop_ends(talk: Talk) -> None:
    server = talk.server(answer(b"", "Location: /models", status="307 Temporary Redirect"))
    with pytest.raises(Rejected, match="more than 3 redirects"):
        talk.client(server.url).get("/models")
    assert len(server.exchanges) == 4


# --- connections that are kept ---


def test_the_connection_is_kept_between_requests(talk: Talk) -> None:
    server = talk.server(as_json([]))
    client = talk.client(server.url)
    for _ in range(5):
        client.get("/models")
    assert server.connections == 1


def test_a_kept_connection_that_the_server_closed_does_no_harm(talk: Talk) -> None:
    server = talk.server(once(as_json([1])))
    client = talk.client(server.url)
    for _ in range(3):
        assert client.get("/models", attempts=1) == [1]
        time.sleep(0.05)
    assert server.connections == 3


def test_a_client_that_is_closed_keeps_no_connection_open(talk: Talk) -> None:
    def script(exchange: Exchange) -> None:
        if exchange.number:
            exchange.send(as_json([]))
        else:
            exchange.close()

    server = talk.server(script)
    client = talk.client(server.url)
    gc.disable()  # the failed request leaves a cycle behind that holds the connections
    try:
        assert client.get("/models") == []
        client.close()
        assert server.all_hung_up()
    finally:
        gc.enable()


def test_a_connection_closed_at_the_next_request_is_tried_again(talk: Talk) -> None:
    def script(exchange: Exchange) -> None:
        if exchange.connection == 0 and exchange.number == 1:
            exchange.close()
        else:
            exchange.send(as_json([exchange.number]))

    server = talk.server(script)
    client = talk.client(server.url)
    assert client.get("/models") == [0]
    assert client.get("/models") == [2]


def test_what_is_left_of_one_answer_does_not_get_into_the_next(talk: Talk) -> None:
    def script(exchange: Exchange) -> None:
        exchange.send(answer(b"[1]" + b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[9]", length=3))

    client = talk.client(talk.server(script).url)
    assert client.get("/models", attempts=1) == [1]
    assert client.get("/models") == [1]


@pytest.mark.parametrize("attempts", [1, 2, 3])
def test_a_get_is_tried_as_often_as_was_asked(talk: Talk, attempts: int) -> None:
    server = talk.server(answer(b"", status="500 Internal Server Error"))
    with pytest.raises(Unavailable):
        talk.client(server.url).get("/models", attempts=attempts)
    assert len(server.exchanges) == attempts


@pytest.mark.parametrize("data", [answer(b"", status="404 Not Found"), answer(b"<html>")])
def test_what_will_not_change_is_asked_for_once(talk: Talk, data: bytes) -> None:
    server = talk.server(data)
    with pytest.raises((Rejected, Garbled)):
        talk.client(server.url).get("/models", attempts=3)
    assert len(server.exchanges) == 1


def test_a_write_is_sent_once(talk: Talk) -> None:
    server = talk.server(answer(b"", status="503 Service Unavailable"))
    with pytest.raises(Unavailable):
        talk.client(server.url).send("POST", "/model/new", {})
    assert len(server.exchanges) == 1


def test_a_write_holds_its_body_as_json(talk: Talk) -> None:
    server = talk.server(as_json({}))
    talk.client(server.url).send("POST", "/model/new", {"model_name": "größe"})
    assert server.exchanges[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize("proxied", [False, True], ids=["directly", "through a proxy"])
def test_a_body_does_not_wait_until_its_headers_are_acknowledged(
    talk: Talk, monkeypatch: pytest.MonkeyPatch, *, proxied: bool
) -> None:
    server = talk.server(as_json({}))
    url = server.url
    if proxied:
        monkeypatch.setenv("http_proxy", server.url)
        url = "http://litellm.invalid:4000"
    client = talk.client(url)
    client.send("POST", "/model/new", {})
    assert server.paths == [f"{url}/model/new" if proxied else "/model/new"]
    assert nodelay_of_sockets_to(server.port) == [True]


def nodelay_of_sockets_to(port: int) -> list[bool]:
    """Return whether TCP_NODELAY is set, for each socket of this process connected to a port."""
    found = []
    for path in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            if S_ISSOCK(path.stat().st_mode):
                with socket.socket(fileno=os.dup(int(path.name))) as copy:
                    if copy.getpeername() == ("127.0.0.1", port):
                        found.append(bool(copy.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
    return found


def test_a_server_has_one_client_until_it_is_discarded(stack: ExitStack) -> None:
    http = Http(QUICK)
    stack.callback(http.close)

    def client() -> Client:
        return http.client("http://127.0.0.1:9", Secret(KEY), Connection(10.0))

    first = client()
    assert client() is first
    http.discard(first)
    assert client() is not first


def test_a_rotated_key_closes_the_connection_that_had_the_old_one(stack: ExitStack) -> None:
    server = stack.enter_context(RawServer(always(as_json({}))))
    http = Http(QUICK)
    stack.callback(http.close)
    for key in ("one", "two", "three"):
        http.client(server.url, Secret(key), Connection(10.0), backend="box").get("/")
    assert server.connections == 3
    assert sockets_to(server.url) == 1


def test_a_backend_that_is_taken_out_leaves_no_connection_behind(stack: ExitStack) -> None:
    server = stack.enter_context(RawServer(always(as_json({}))))
    http = Http(QUICK)
    stack.callback(http.close)
    for name in (LITELLM, LISTING, f"{WRITER}1", "here", "gone"):
        http.client(server.url, Secret(KEY), Connection(10.0), backend=name).get("/")
    http.keep({"here"})
    assert sockets_to(server.url) == 4


def sockets_to(url: str) -> int:
    """Return how many connections of this process to a server are open."""
    port = f":{int(url.rpartition(':')[2]):04X}"
    rows = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(port) and row[3] == "01" for row in rows)


# --- TLS ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    return server_context(certificate)


def test_an_untrusted_certificate_is_refused_with_the_remedy(
    talk: Talk, tls: ssl.SSLContext
) -> None:
    server = talk.server(as_json([]), tls)
    with pytest.raises(Unavailable, match=r"certificate verify failed.*set ca_file"):
        talk.client(server.url).get("/models")
    assert not server.exchanges


@pytest.mark.parametrize("bundle", ["", "/etc/hosts"])
def test_ca_file_makes_a_private_authority_trusted(
    talk: Talk,
    tls: ssl.SSLContext,
    certificate: Path,
    monkeypatch: pytest.MonkeyPatch,
    bundle: str,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    server = talk.server(as_json([1]), tls)
    assert talk.client(server.url, ca_file=str(certificate)).get("/models") == [1]


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
@pytest.mark.parametrize("bundle", ["", "/etc/hosts"])
def test_verify_false_trusts_anybody(
    talk: Talk, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, bundle: str
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    server = talk.server(as_json([1]), tls)
    assert talk.client(server.url, verify=False).get("/models") == [1]


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_file_that_is_none_is_an_error_of_ours(
    talk: Talk, tls: ssl.SSLContext, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    server = talk.server(as_json([1]), tls)
    with pytest.raises(Unavailable):
        talk.client(server.url, ca_file=str(path)).get("/models")


def test_tls_to_a_server_that_speaks_none_is_unavailable(talk: Talk) -> None:
    server = talk.server(once(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    with pytest.raises(Unavailable):
        talk.client(f"https://127.0.0.1:{server.port}", timeout=1).get("/models", attempts=1)


def test_no_tls_to_a_server_that_wants_it_is_an_error_of_ours(
    talk: Talk, tls: ssl.SSLContext
) -> None:
    server = talk.server(as_json([1]), tls)
    with pytest.raises(TransportError):
        talk.client(f"http://127.0.0.1:{server.port}", timeout=1).get("/models", attempts=1)


def test_what_a_server_quotes_of_a_wrong_key_is_taken_out(talk: Talk) -> None:
    expected = (
        "Received API Key = sk-...1234, Key Hash (Token) ="
        "eb796493f8fde42eb1d7cb36ec8b05b0c363663a46c7c08b182736ba01673276."
    )
    with pytest.raises(Rejected) as refused:
        talk.get(as_json({"error": {"message": expected}}, status="401 Unauthorized"))
    assert "1234" not in str(refused.value)
    assert "eb796493" not in str(refused.value)


@pytest.mark.parametrize(("text", "shown"), [("No key.", "No key"), ("Wait...", "Wait...")])
def test_a_sentence_of_a_server_ends_with_ours(talk: Talk, text: str, shown: str) -> None:
    reply = answer(json.dumps({"detail": text}).encode(), status="400 Bad Request")
    with pytest.raises(Rejected) as refused:
        talk.get(reply)
    assert str(refused.value).endswith(f"HTTP 400: {shown}")
