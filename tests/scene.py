"""A fleet with named servers whose port a browser can look at, at a time that the test chooses."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.config.model import Config
from engine.errors import EngineError
from engine.reconcile import Memory, Options, Ports, reconcile_once
from engine.run.ended import Ended
from engine.run.loop import ConfigSource, ConfigState
from engine.serve.board import Board
from engine.serve.page.answers import page_searches
from engine.serve.routes import routes
from engine.serve.server import Site, serving
from engine.text import Redactor
from engine.transport.client_pool import Http
from engine.validate import validate
from tests.quick import QUICK
from tests.replay import MASTER_KEY, Replay, proxied, unproxied
from tests.served import Reply, ask

BEGIN = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
CONFIG = """\
litellm:
  url: http://litellm:4000
backends:
  - name: vllm
    type: vllm
    url: http://gpu1:8000
    litellm_params_defaults: {rpm: 60, timeout: 120}
  - name: ollama
    type: ollama
    url: http://gpu2:11434
    exclude_regex: embed
  - name: llamacpp
    type: llamacpp
    url: http://gpu3:8080
    removal_grace: 1h
"""
OLLAMA = ["deepseek-r1:14b", "gemma3:12b", "gemma3:27b", "llama3.2:3b", "mistral-nemo:12b"]
OLLAMA += ["nomic-embed-text:latest", "phi4:14b", "qwen3:8b"]


class Scene:
    """``models`` has what each host serves; a host that is taken out cannot be reached."""

    def __init__(self, replay: Replay, folder: Path) -> None:
        self.replay = replay
        self.folder = folder
        self.now = BEGIN
        self.models: dict[str, list[str]] = {
            "gpu1_8000": ["qwen3-32b", "qwen3-coder-30b"],
            "gpu2_11434": list(OLLAMA),
            "gpu3_8080": ["mistral-small-3.2"],
        }
        self.redactor = Redactor(shortest=4)
        (folder / "litellm").write_text(MASTER_KEY)
        (folder / "vllm").write_text("sk-vllm-1234")
        self.configure(CONFIG)
        self._source = ConfigSource(folder / "config.yaml", folder, self.redactor.learn)
        self.board = Board(self._state, 600.0, lambda: self.now)
        self.ports = Ports(self.board, http=Http(QUICK))
        self._memory = Memory()
        self.port = 0
        self._since: dict[int, datetime] = {}

    def configure(self, text: str) -> None:
        """Write the configuration."""
        (self.folder / "config.yaml").write_text(text)

    def load(self) -> Config:
        """Read the configuration, as the loop does before its first cycle."""
        config = self._source.load()
        self._since.setdefault(self._source.state.generation, self.now)
        return config

    @property
    def url(self) -> str:
        """The address of the page."""
        return f"http://127.0.0.1:{self.port}/"

    def cycle(self, minutes: float = 1.0, *, dry_run: bool = False) -> None:
        """Let time pass, and run a cycle."""
        self.now += timedelta(minutes=minutes)
        self._memory.suspicious_since = {
            url: since - 60 * minutes for url, since in self._memory.suspicious_since.items()
        }
        self.replay.backends = {
            host: _pages(host, names) for host, names in self.models.items() if names is not None
        }
        self.replay.reload()
        begun, start, report, error = self.now, time.monotonic(), None, ""
        try:
            config = self.load()
            report = reconcile_once(config, self.ports, self._memory, Options(dry_run=dry_run))
        except EngineError as expected:
            error = str(expected)
        seconds = time.monotonic() - start
        due = begun + timedelta(seconds=60)
        self.board.ended(Ended(report, error, begun, seconds, due, dry_run))
        self.board.beat()

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        self.board.beat()

    def edit(self, name: str, **params: object) -> None:
        """Change a row in LiteLLM by hand."""
        row = next(row for row in self.replay.rows() if row["model_name"] == name)
        path = f"/model/{row['model_info']['id']}/update"
        self.replay.call("PATCH", path, {"litellm_params": params})

    def ask(self, path: str, method: str = "GET") -> Reply:
        """Send one request to the port."""
        return ask(self.port, path, method)

    def json(self, path: str, schema: str) -> Any:
        """Return a document of the port, which is valid."""
        document = json.loads(self.ask(path).text)
        validate(document, schema)
        return document

    def _state(self) -> ConfigState:
        state = self._source.state
        since = self._since.get(state.generation)
        return replace(state, since=since, path=Path("/etc/config/config.yaml"))


def _pages(host: str, names: list[str]) -> dict[str, Any]:
    if host.endswith("_11434"):
        return {"/api/tags": {"models": [{"name": name, "model": name} for name in names]}}
    owner = "llamacpp" if host.endswith("_8080") else "vllm"
    data = [{"id": name, "object": "model", "owned_by": owner} for name in names]
    return {"/v1/models": {"object": "list", "data": data}}


@contextmanager
def scene() -> Iterator[Scene]:
    """Run the servers and the port; yield the scene."""
    replay = Replay({"litellm": "1.110.2"})
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stack.enter_context(proxied(replay, patch))
        here = Scene(replay, folder)
        stack.callback(here.ports.http.close)
        pages = page_searches(lambda text: unproxied(here.redactor.redact_json(text)))
        site = Site(routes(here.redactor.redact), {}, here.board.snapshot, here.redactor, pages)
        port = stack.enter_context(serving(("127.0.0.1", 0), site))
        here.port = port
        yield here
