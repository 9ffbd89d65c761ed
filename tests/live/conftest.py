"""The engine against a real LiteLLM, as named by LITELLM_URL and LITELLM_MASTER_KEY.

The proxy may be in use: a test knows only rows on servers of its own, has an owner and model
names of its own, and removes what it made, however it ends. LITELLM_URLS may name replicas of
one proxy, LLAMACPP_URLS running llama.cpp servers that nobody else registers meanwhile.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from engine.fakes.server import LoopbackServer

from ..recorded import RecordedBackend
from .chat_backends import ChatBackend
from .installation import Installation
from .real_proxy import RealProxy, ids
from .tap import Tap

_URL, _KEY = os.environ.get("LITELLM_URL", ""), os.environ.get("LITELLM_MASTER_KEY", "")
NO_LITELLM: Final = (
    "NOT TESTED AGAINST A REAL LITELLM: set LITELLM_URL (such as http://127.0.0.1:4000, a proxy"
    " with a database) and LITELLM_MASTER_KEY; LITELLM_URLS (its replicas) and LLAMACPP_URLS"
    " (real llama.cpp servers) are optional, comma separated"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip every live test without a real LiteLLM."""
    if _URL and _KEY:
        return
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=NO_LITELLM))


@pytest.fixture
def unique() -> str:
    """A text for names that nobody else has."""
    return uuid.uuid4().hex[:12]


@pytest.fixture
def replicas() -> Iterator[list[RealProxy]]:
    """Every replica of the proxy; only one where LITELLM_URLS is not set."""
    urls = os.environ.get("LITELLM_URLS", "") or _URL
    proxies = [RealProxy(url.strip(), _KEY) for url in urls.split(",")]
    yield proxies
    for proxy in proxies:
        proxy.close()


@pytest.fixture
def litellm(servers: Servers) -> RealProxy:
    """The proxy; at the end the rows of the test are removed from it."""
    return servers.litellm


@pytest.fixture
def second_admin(litellm: RealProxy, unique: str) -> Iterator[str]:
    """The key of another admin, who is removed at the end."""
    user = f"admin-{unique}"
    answer = litellm.call("POST", "/user/new", {"user_id": user, "user_role": "proxy_admin"})
    assert answer.status_code == 200, answer.text
    yield answer.json()["key"]
    litellm.call("POST", "/user/delete", {"user_ids": [user]})


class Servers:
    """The backends of a test. ``sites`` are their addresses: rows there are the test's."""

    def __init__(self, litellm: RealProxy, stack: ExitStack) -> None:
        self.litellm = litellm
        self.sites: list[str] = []
        self.installations: list[Installation] = []
        self._stack = stack

    def start(self, kind: str, models: list[str], *, key: str | None = None) -> ChatBackend:
        """Start a fake backend on a port that no row in LiteLLM uses."""
        taken = {str(row["litellm_params"].get("api_base")) for row in self.litellm.rows()}
        while True:
            backend = ChatBackend(kind, models, key=key)
            backend.start()
            if not any(base.startswith(backend.url) for base in taken):
                break
            backend.close()
        self._stack.callback(backend.close)
        self.sites.append(backend.url)
        return backend

    def record(self, case: dict[str, Any]) -> str:
        """Start a backend that answers as a recorded case; return its root URL."""
        server = LoopbackServer(RecordedBackend(case))
        server.start()
        self._stack.callback(server.stop)
        self.sites.append(f"http://127.0.0.1:{server.server_port}")
        return self.sites[-1]

    def llamacpp(self, models: list[str]) -> list[str]:
        """Return the URL of a real llama.cpp server for each model, or of fakes that serve them."""
        urls = [url.strip().rstrip("/") for url in os.environ.get("LLAMACPP_URLS", "").split(",")]
        if len(urls) < len(models):
            return [self.start("openai", [model]).url for model in models]
        for url in urls[: len(models)]:
            assert not self.litellm.rows_on(url), f"{url}: others have registered it; use your own"
            self.sites.append(url)
        return urls[: len(models)]

    def clean(self) -> None:
        """Remove every row of the test, also those that LiteLLM stored and does not list."""
        planned = [
            model_id for installed in self.installations for model_id in sorted(installed.planned)
        ]
        for model_id in (*self.litellm.made, *planned):
            self.litellm.delete(model_id)
        for site in self.sites:
            for model_id in ids(self.litellm.rows_on(site)):
                self.litellm.delete(model_id)


@pytest.fixture
def servers(replicas: list[RealProxy]) -> Iterator[Servers]:
    """Backends on loopback."""
    with ExitStack() as stack:
        servers = Servers(replicas[0], stack)
        try:
            yield servers
        finally:
            servers.clean()


Install = Callable[..., Installation]


@pytest.fixture
def install(servers: Servers, tmp_path: Path, unique: str) -> Iterator[Install]:
    """Return a function that makes an installation for the proxy, or for one of its replicas."""
    with ExitStack() as stack:

        def new(proxy: RealProxy = servers.litellm) -> Installation:
            tap = stack.enter_context(Tap(proxy.url))
            folder = tmp_path / f"installation-{len(servers.installations)}"
            made = Installation(folder, tap, proxy, f"live-{unique}")
            servers.installations.append(made)
            return made

        yield new


@pytest.fixture
def installation(install: Install) -> Installation:
    """An installation for the proxy."""
    return install()


def section(backend: ChatBackend, **fields: Any) -> dict[str, Any]:
    """Return the section of a fake in a configuration; its name is `box` unless given."""
    return {"name": "box", "type": backend.kind, "url": backend.url, **fields}
