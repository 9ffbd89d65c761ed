"""A proxy from the environment: for whom it is used, and what messages say of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from engine.errors import Rejected, Unavailable
from engine.state.secret import Secret
from engine.transport.client import Client
from engine.transport.timing import Connection
from tests.quick import QUICK
from tests.rawserver import RawServer, always, answer, as_json

KEY = "sk-key-0123456789"
PASSWORD = "pr0xy%2Fpassword"
BOX = "http://box.invalid:8000"


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def client_of(url: str, stack: ExitStack) -> Client:
    client = Client(url, Secret(KEY), Connection(5.0), QUICK)
    stack.callback(client.close)
    return client


def closed_port(stack: ExitStack) -> int:
    with RawServer(always(b"")) as server:
        return server.port


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_errors_name_the_proxy_and_where_it_comes_from(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    proxy = stack.enter_context(RawServer(always(answer(b"no", status="403 Forbidden"))))
    monkeypatch.setenv(variable, f"http://user:{PASSWORD}@127.0.0.1:{proxy.port}")
    client = client_of(BOX, stack)
    with pytest.raises(Rejected) as refused:
        client.get("/models")
    assert str(refused.value) == (
        f"GET {BOX}/models through the proxy http://127.0.0.1:{proxy.port} from {variable}:"
        " HTTP 403: no"
    )


@pytest.mark.parametrize("url", [BOX, "https://box.invalid"])
def test_a_proxy_that_does_not_answer_is_what_the_error_is_about(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    port = closed_port(stack)
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://user:{PASSWORD}@127.0.0.1:{port}")
    with pytest.raises(Unavailable) as failed:
        client_of(url, stack).get("/models", attempts=1)
    variable = f"{url.partition(':')[0].upper()}_PROXY"
    assert str(failed.value) == (
        f"GET {url}/models through the proxy http://127.0.0.1:{port} from {variable}:"
        " no connection through the proxy (connection refused); if the"
        " server needs no proxy, add its host to no_proxy"
    )
    assert not failed.value.sent


def test_a_proxy_that_refuses_a_tunnel_is_quoted(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
    proxy = stack.enter_context(RawServer(always(reply)))
    monkeypatch.setenv("https_proxy", f"127.0.0.1:{proxy.port}")
    with pytest.raises(Unavailable, match=r"407 Proxy Authentication Required") as failed:
        client_of("https://box.invalid", stack).get("/models", attempts=1)
    assert f"the proxy http://127.0.0.1:{proxy.port} from https_proxy" in str(failed.value)


@pytest.mark.parametrize(
    "value",
    [
        f"http://user:{PASSWORD}@[broken:1",
        f"http://user:{PASSWORD}@127.0.0.1:99999",
        f"nonsense://user:{PASSWORD}@127.0.0.1:1",
        f"user:{PASSWORD}@",
    ],
)
def test_no_error_shows_the_password_of_a_proxy(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", value)
    with pytest.raises(Unavailable) as failed:
        client_of(BOX, stack).get("/models", attempts=1)
    assert "HTTP_PROXY" in str(failed.value)
    for part in (PASSWORD, "pr0xy/password", "user:"):
        assert part not in str(failed.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1", "[::ffff:127.0.0.1]"])
def test_no_proxy_is_used_for_this_machine(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    server = stack.enter_context(RawServer(always(as_json([1]))))
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port(stack)}")
    assert client_of(f"http://{host}:{server.port}", stack).get("/models") == [1]


@pytest.mark.parametrize("listed", ["box.invalid", ".invalid", "*", "box.invalid:8000"])
def test_a_host_in_no_proxy_is_reached_directly(
    stack: ExitStack, monkeypatch: pytest.MonkeyPatch, listed: str
) -> None:
    proxy = stack.enter_context(RawServer(always(as_json([1]))))
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    assert client_of(BOX, stack).get("/models") == [1]
    monkeypatch.setenv("NO_PROXY", listed)
    with pytest.raises(Unavailable) as failed:
        client_of(BOX, stack).get("/models", attempts=1)
    assert "proxy" not in str(failed.value)
