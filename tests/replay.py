"""Plays a scenario folder: one server answers for every host in it, as an HTTP proxy.

So scenarios have stable host names (ids and fingerprints depend on them), the engine uses real
HTTP, and no port is fixed. In a folder that ``record`` wrote, a tape answers in place of the proxy:
its failures cannot be sent, and its hosts may be on loopback. LiteLLM is simulated in both, so that
it can be written to; its rows are those of the recorded listing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from engine.config.loader import load_config
from engine.config.model import Config
from engine.fakes.litellm import LiteLLMSimulator
from engine.fakes.litellm_rows import Database
from engine.fakes.server import Answer, Fault, LoopbackServer
from engine.litellm.fields import DEFAULT_FALSE
from engine.reconcile import Memory, Options, Ports, Report, reconcile_once
from engine.recording.folder import RECORDING, Recording, read_recording
from engine.recording.pages import host_of, taped_of
from engine.recording.player import Player, find_page
from engine.recording.replay import replay
from engine.report.plan_log import PlanLog
from engine.transport.client_pool import Http
from engine.transport.request import Asked, Taped

from .quick import QUICK

MASTER_KEY = "sk-scenario-master"
LITELLM = "http://litellm:4000"


class Replay:
    """Answers for LiteLLM (simulated; its replicas take turns) and for every backend (from files).

    A backend's file is ``backends/<host>.json``; :mod:`engine.recording.pages` says what is in it.
    A host without a file answers 502, which is how a proxy reports a refused connection.
    """

    def __init__(self, about: dict[str, Any]) -> None:
        database = Database()
        self.replicas = [
            LiteLLMSimulator(
                about.get("litellm", "1.106.2"),
                master_key=MASTER_KEY,
                config_models=about.get("config_models", []),
                database=database,
            )
            for _ in range(about.get("replicas", 1))
        ]
        self.reload()
        self.backends: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str]] = []
        self.fault: Any = None

    @property
    def writes(self) -> list[tuple[str, str]]:
        """What was written to LiteLLM; ``POST /api/show`` of Ollama only reads."""
        return [
            (method, url)
            for method, url in self.requests
            if method != "GET" and url.startswith(LITELLM)
        ]

    def answer(self, method: str, path: str, authorization: str, body: bytes) -> Answer:
        url = urlsplit(path)
        place = url.path + (f"?{url.query}" if url.query else "")
        if url.netloc == urlsplit(LITELLM).netloc:
            self.replicas = [*self.replicas[1:], self.replicas[0]]
            return self.replicas[0].answer(method, place, authorization, body)
        pages = self.backends.get(host_of(path))
        if pages is None:
            return Answer(502, b'{"error": "no such host"}')
        page = find_page(pages, Asked("", method, path, body))
        if page is None:
            return Answer(404, b'{"detail": "Not Found"}')
        taped = taped_of(page[0])
        return Answer(taped.status, bytes(taped.content), taped.kind)

    def reload(self) -> None:
        """Let every replica read what the others have written."""
        for replica in self.replicas:
            replica.reload()

    def forget(self, row_id: str) -> None:
        """Delete a row from the database only: LiteLLM lists it until its next reload."""
        del self.replicas[0].database.rows[row_id]

    def served(self) -> list[set[str]]:
        """Return the public names that each replica lists."""
        return [{row["model_name"] for row in self.rows()} for _ in self.replicas]

    def read_backends(self, folder: Path) -> None:
        """Read the answers of every backend from a folder."""
        files = sorted((folder / "backends").glob("*.json"))
        self.backends = {file.stem: json.loads(file.read_text()) for file in files}

    def call(self, method: str, path: str, body: object) -> None:
        """Send LiteLLM a write, as an operator would."""
        answer = self.answer(
            method, LITELLM + path, f"Bearer {MASTER_KEY}", json.dumps(body).encode()
        )
        assert answer.status == 200, answer.body

    def rows(self) -> list[dict[str, Any]]:
        """Return LiteLLM's listing."""
        answer = self.answer(
            "GET", f"{LITELLM}/v2/model/info?size=1000", f"Bearer {MASTER_KEY}", b""
        )
        return list(json.loads(answer.body)["data"])


class Simulated:
    """A tape with the recorded answers of the backends, and a simulated LiteLLM."""

    def __init__(self, replay: Replay, recording: Recording) -> None:
        self._replay = replay
        self._player = Player({}, recording.backends)

    def recall(self, asked: Asked) -> Taped | None:
        if asked.backend:
            return self._player.recall(asked)
        url = urlsplit(asked.url)
        path = f"{LITELLM}{url.path}?{url.query}".rstrip("?")
        self._replay.requests.append((asked.method, path))
        answer = self._replay.answer(asked.method, path, f"Bearer {MASTER_KEY}", asked.body)
        return Taped(answer.status, answer.content_type, bytearray(answer.body))

    def begin(self, asked: Asked) -> None: ...

    def keep(self, asked: Asked, taped: Taped) -> None: ...


def recorded_rows(recording: Recording) -> list[dict[str, Any]]:
    """Return the rows of the recorded listing as they would be posted."""
    listing = next(page for path, page in recording.litellm.items() if "/model/info" in path)
    return [_posted(row) for row in listing["data"]]


def _posted(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with all that LiteLLM added to it, since the golden plan may show that too."""
    params = row["litellm_params"].items()
    return {
        **row,
        "litellm_params": {k: v for k, v in params if v is not False or k not in DEFAULT_FALSE},
    }


class Stage:
    """One scenario, ready to run cycles."""

    def __init__(self, folder: Path, replay: Replay, secrets: Path) -> None:
        self.folder = folder
        self.replay = replay
        self._secrets = secrets
        self._recording = read_recording(folder) if (folder / RECORDING).exists() else None
        self.tape = Simulated(replay, self._recording) if self._recording else None
        self.ports = Ports(PlanLog(None), http=Http(QUICK, self.tape))
        self.memory = Memory()

    def cycle(self, folder: Path, *, dry_run: bool = False) -> Report:
        """Run one cycle with the configuration, secrets and backends of a folder."""
        config = self._recording.config() if self._recording else self._config(folder)
        return reconcile_once(config, self.ports, self.memory, Options(dry_run=dry_run))

    def replayed(self) -> dict[str, Any] | None:
        """Return the plan of a recorded folder, in the order in which LiteLLM listed its fields."""
        if self._recording is None:
            return None
        return replay(self._recording, self._recording.config(), Options()).plan.to_json()

    def _config(self, folder: Path) -> Config:
        self.replay.read_backends(folder)
        for old in self._secrets.iterdir():
            old.unlink()
        (self._secrets / "litellm").write_text(MASTER_KEY)
        keys = folder / "secrets.json"
        for name, key in (json.loads(keys.read_text()) if keys.exists() else {}).items():
            (self._secrets / name).write_text(key)
        return load_config(folder / "config.yaml", self._secrets)

    def prepare(self) -> None:
        """Bring LiteLLM to where the scenario begins."""
        if self._recording:
            for row in recorded_rows(self._recording):
                if row["model_info"]["db_model"]:
                    self.replay.call("POST", "/model/new", row)
                if row["model_info"].get("blocked"):
                    block = {"model_id": row["model_info"]["id"]}
                    self.replay.call("POST", "/model/block", block)
        before = self.folder / "before"
        if before.is_dir():
            assert self.cycle(before).converged
            self.replay.reload()
        observed = self.folder / "observed.json"
        steps = json.loads(observed.read_text()) if observed.exists() else {}
        for row in steps.get("rows", ()):
            self.replay.call("POST", "/model/new", row)
        for edit in steps.get("edits", ()):
            name = edit.pop("name")
            row = next(row for row in self.replay.rows() if row["model_name"] == name)
            row_id = row["model_info"]["id"]
            edit["model_info"] = {"id": row_id, **edit.get("model_info", {})}
            self.replay.call("PATCH", f"/model/{row_id}/update", edit)
        for name in steps.get("paused", ()):
            row = next(row for row in self.replay.rows() if row["model_name"] == name)
            self.replay.call("POST", "/model/block", {"model_id": row["model_info"]["id"]})
        for name in steps.get("forgotten", ()):
            row = next(row for row in self.replay.rows() if row["model_name"] == name)
            self.replay.forget(row["model_info"]["id"])
        self.replay.requests.clear()


@contextmanager
def proxied(replay: Replay, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """While entered, send all plain HTTP to ``replay``, whatever its host is."""
    server = LoopbackServer(replay)
    server.start()
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    try:
        yield
    finally:
        server.stop()


def unproxied(text: str) -> str:
    """Return a text without what messages say of the proxy, whose port is never the same."""
    return re.sub(r" through the proxy http://127\.0\.0\.1:\d+ from http_proxy", "", text)


@contextmanager
def staged(folder: Path, secrets: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Set a scenario up; while entered, all plain HTTP goes to it."""
    about = json.loads((folder / "about.json").read_text())
    if (folder / RECORDING).exists():
        rows = recorded_rows(read_recording(folder))
        about["config_models"] = [row for row in rows if not row["model_info"]["db_model"]]
    replay = Replay(about)
    stage = Stage(folder, replay, secrets)
    with proxied(replay, monkeypatch):
        try:
            yield stage
        finally:
            stage.ports.http.close()


__all__ = ["Fault", "Replay", "Stage", "proxied", "staged", "unproxied"]
