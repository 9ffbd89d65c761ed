"""A LiteLLM with rows of real size and its backends, as prepared bytes, and their configuration."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from .server import ONE_ROW, Content, Request, Servers, running_servers

ROOT: Final = Path(__file__).parents[2]
LISTED_ROW: Final = ROOT / "fixtures/bench/row.json"
LISTINGS: Final = ("/v2/model/info", "/v1/model/info", "/model/info")
WRITE_PAUSE: Final = 0.02
"""Seconds until the simulated LiteLLM answers a write; a real one takes longer."""
NONE, SAME, ONE, ALL = "none", "same", "one", "all"
"""Listings: without rows, with the wanted rows, with one or all of them changed by hand."""
RPM: Final = 100
ENVIRONMENT: Final = {
    **{name: value for name, value in os.environ.items() if "PROXY" not in name.upper()},
    "PYTHONPATH": str(ROOT),
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "1048576",
}
"""No proxy, and the allocator as it is set in the image."""
_EMPTY: Final = b'{"data":[],"total_count":0,"current_page":1,"total_pages":0,"size":1000000}'
_KEY: Final = "sk-bench-0123456789"


@dataclass(frozen=True, slots=True)
class Size:
    """How many rows LiteLLM has, and how many backends serve them."""

    rows: int
    backends: int


class Fleet:
    """The servers and the folder with ``config.yaml`` and ``secrets/``."""

    def __init__(self, size: Size, litellm: Servers, backends: Servers, folder: Path) -> None:
        self.size = size
        self.folder = folder
        self.litellm, self.backends = litellm, backends
        (self.port,) = litellm.ports
        self._serve_models()
        self._write_keys()
        self.configure(writers=1)
        self._answer(LISTINGS, _EMPTY)
        self._answer(["/health/readiness"], b'{"status":"healthy","db":"connected"}')
        self._answer(["/public/model_hub/info"], b'{"litellm_version":"1.110.2"}')
        self._answer(["POST", "PATCH"], b'{"model_id":"stored"}')
        self._answer([ONE_ROW], b'{"data":[{"model_info":{"id":"stored"}}],"total_pages":1}')
        self._prepare_listings()
        self.set_pace(0)

    @property
    def arguments(self) -> list[str]:
        """The options that point a command of the engine at this fleet."""
        secrets = self.folder / "secrets"
        return ["--config", str(self.folder / "config.yaml"), "--secrets", str(secrets)]

    def set_pace(self, latency: int, rate: int = 0) -> None:
        """Let reads take this many ms, and LiteLLM send so many MB in a second (0: no limit)."""
        self.litellm.pace(latency / 1000, WRITE_PAUSE, rate * 1e6)
        self.backends.pace(latency / 1000, WRITE_PAUSE, 0)

    def list_rows(self, which: str) -> None:
        """Let LiteLLM list the rows of a listing: NONE, SAME, ONE or ALL."""
        for path in LISTINGS:
            self.litellm.put(self.port, path, Content(self.folder / which))

    def set_down(self, *, down: bool) -> None:
        """Let the first backend answer 503, or answer again."""
        status = 503 if down else 200
        port = self.backends.ports[0]
        self.backends.put(port, "/v1/models", Content(self._models(0), status))

    def take(self) -> list[Request]:
        """Return the requests since the last call."""
        return sorted(self.litellm.take() + self.backends.take(), key=lambda request: request.time)

    def _answer(self, paths: tuple[str, ...] | list[str], body: bytes) -> None:
        for path in paths:
            self.litellm.put(self.port, path, Content(body))

    def _models(self, backend: int) -> bytes:
        ids = [f"model-{n:05}" for n in range(backend, self.size.rows, self.size.backends)]
        records = [{"id": name, "object": "model", "owned_by": "bench"} for name in ids]
        return json.dumps({"object": "list", "data": records}).encode()

    def _serve_models(self) -> None:
        for number, port in enumerate(self.backends.ports):
            self.backends.put(port, "/v1/models", Content(self._models(number)))

    def configure(self, writers: int) -> None:
        """Write the configuration; with one writer, it is one that the Go program reads too."""
        backends = [
            {
                "name": f"backend-{number}",
                "type": "openai",
                "url": f"http://127.0.0.1:{port}/v1",
                "litellm_params_defaults": {"rpm": RPM},
                "model_info_defaults": {"mode": "chat"},
            }
            for number, port in enumerate(self.backends.ports)
        ]
        litellm: dict[str, Any] = {"url": f"http://127.0.0.1:{self.port}"}
        if writers > 1:
            litellm["writers"] = writers
        limits = {"max_models": self.size.rows, "max_creates": self.size.rows}
        config = {"litellm": litellm, "limits": limits, "backends": backends}
        (self.folder / "config.yaml").write_text(json.dumps(config, indent=1))

    def _write_keys(self) -> None:
        """Write the key of LiteLLM, and one for every fifth backend."""
        secrets = self.folder / "secrets"
        secrets.mkdir()
        (secrets / "litellm").write_text(_KEY)
        for number in range(0, self.size.backends, 5):
            (secrets / f"backend-{number}").write_text(f"{_KEY}-{number}")

    def _prepare_listings(self) -> None:
        rows = [_listed(row) for row in self._wanted_rows()]
        if len(rows) != self.size.rows:
            raise RuntimeError(f"the engine planned {len(rows)} rows, not {self.size.rows}")
        same = [_as_json(row) for row in rows]
        for row in rows:
            row["litellm_params"]["rpm"] = RPM + 1
        changed = [_as_json(row) for row in rows]
        middle = len(rows) // 2
        one = [*same[:middle], changed[middle], *same[middle + 1 :]]
        (self.folder / NONE).write_bytes(_EMPTY)
        for name, texts in ((SAME, same), (ONE, one), (ALL, changed)):
            tail = f'],"total_count":{len(texts)},"current_page":1,"total_pages":1,"size":1000000}}'
            (self.folder / name).write_text('{"data":[' + ",".join(texts) + tail)

    def _wanted_rows(self) -> list[dict[str, Any]]:
        """Return the rows that the engine would create."""
        out = self.folder / "plan.json"
        done = subprocess.run(
            [sys.executable, "-m", "engine", "plan", *self.arguments, "--out", str(out)],
            env=ENVIRONMENT,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=300,
            check=False,
        )
        if done.returncode != 2:
            raise RuntimeError(f"plan ended with {done.returncode}: {done.stderr.decode()}")
        return [operation["row"] for operation in json.loads(out.read_text())["operations"]]


def _listed(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as LiteLLM lists it: without its key, and with some 200 fields of LiteLLM's."""
    listed = json.loads(LISTED_ROW.read_text())
    params = {key: value for key, value in row["litellm_params"].items() if key != "api_key"}
    provider = params["model"].partition("/")[0]
    added = {"key": params["model"], "litellm_provider": provider}
    return {
        "model_name": row["model_name"],
        "litellm_params": listed["litellm_params"] | params,
        "model_info": listed["model_info"] | added | row["model_info"],
    }


def _as_json(row: dict[str, Any]) -> str:
    return json.dumps(row, separators=(",", ":"))


@contextmanager
def running_fleet(size: Size, folder: Path) -> Iterator[Fleet]:
    """Run the servers of a fleet, whose files are in a new folder, until the end of the block."""
    folder.mkdir(parents=True)
    with running_servers(1) as litellm, running_servers(size.backends) as backends:
        yield Fleet(size, litellm, backends, folder)
