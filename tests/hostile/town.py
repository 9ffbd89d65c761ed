"""A simulated LiteLLM, a good and a bad backend, and cycles in a process of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.config.loader import load_config
from engine.fakes.backend import FakeBackend
from engine.fakes.litellm import LiteLLMSimulator
from engine.reconcile import Memory, Options, Ports, Report, reconcile_once
from engine.report.plan_log import PlanLog
from engine.transport.client_pool import Http
from tests.quick import QUICK
from tests.rawserver import AMPLE, Exchange, RawServer, Script, always, answer, as_json

MASTER = "sk-town-master-key"
MAX_PEAK = 200 << 20
"""Bytes of memory that no cycle may reach with any input: the container has 320 MiB."""
MAX_SECONDS = 300
"""Seconds after which a cycle counts as hanging."""
_RUN = """
import sys
from engine.cli.main import main
code = main(sys.argv[2:])
(peak,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM"))
open(sys.argv[1], "w").write(peak.split()[1])
sys.exit(code)
"""
SERVED = as_json({"data": [{"id": "kept-1"}, {"id": "kept-2"}]})


@dataclass(frozen=True)
class Outcome:
    """How a command ended: its exit code, its output, the most bytes of memory that it took."""

    code: int
    out: str
    peak: int


class Town:
    """``bad`` serves two models until its ``script`` is replaced; ``good`` lists its ``models``."""

    def __init__(
        self,
        folder: Path,
        stack: ExitStack,
        kind: str = "openai",
        timeout: float = AMPLE,
        version: str = "1.106.2",
    ) -> None:
        self.folder = folder
        self.stack = stack
        self.proxy = stack.enter_context(LiteLLMSimulator(version, master_key=MASTER))
        self.good = stack.enter_context(FakeBackend("openai", ["good-1"]))
        self.bad = self.server(SERVED)
        (folder / "litellm").write_text(MASTER)
        self.backends = [
            {"name": "bad", "type": kind, "url": f"{self.bad.url}/v1", "timeout": timeout}
        ]
        self.configure(*self.backends)

    def server(self, script: Script | bytes) -> RawServer:
        played = always(script) if isinstance(script, bytes) else script
        return self.stack.enter_context(RawServer(played))

    def configure(self, *backends: dict[str, Any], url: str = "", **top: Any) -> None:
        good = {"name": "good", "url": f"{self.good.url}/v1"}
        litellm = {"url": url or self.proxy.url}
        document = {"litellm": litellm, "backends": [good, *backends], **top}
        (self.folder / "config.yaml").write_text(json.dumps(document))

    def run(self, *command: str) -> Outcome:
        """Run a command of the program in a process of its own."""
        peak = self.folder / "peak"
        paths = ["--config", str(self.folder / "config.yaml"), "--secrets", str(self.folder)]
        done = subprocess.run(
            [sys.executable, "-c", _RUN, str(peak), *command, *paths],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=MAX_SECONDS,
            check=False,
            cwd=Path(__file__).parent.parent.parent,
            env={name: value for name, value in os.environ.items() if "PROXY" not in name.upper()},
        )
        out = done.stdout.decode(errors="replace")
        return Outcome(done.returncode, out, int(peak.read_text()) << 10 if peak.exists() else 0)

    def cycle(self, memory: Memory | None = None, *, dry_run: bool = False) -> Report:
        """Run a cycle in this process."""
        ports = Ports(PlanLog(None), http=Http(QUICK))
        self.stack.callback(ports.http.close)
        config = load_config(self.folder / "config.yaml", self.folder)
        return reconcile_once(config, ports, memory or Memory(), Options(dry_run=dry_run))

    def rows(self) -> dict[str, Any]:
        """What is stored, by public name."""
        return {row.model_name: row for row in self.proxy.database.rows.values()}


@contextmanager
def town(folder: Path, kind: str = "openai", timeout: float = AMPLE) -> Iterator[Town]:
    with ExitStack() as stack:
        yield Town(folder, stack, kind, timeout)


def survived(place: Town, script: Script | bytes) -> Outcome:
    """Let ``bad`` play a script; check that a cycle changes ``good`` as it should, and no more."""
    assert place.cycle().converged
    before = place.rows()
    assert {"good-1"} < before.keys()
    place.bad.script = always(script) if isinstance(script, bytes) else script
    place.good.models = ["good-2", "good-1"]
    outcome = place.run("apply")
    assert outcome.code in (0, 4), outcome.out  # 4: the list of ``bad`` was not read as a whole
    assert "Traceback" not in outcome.out
    assert "report it" not in outcome.out
    after = place.rows()
    assert after.pop("good-2")
    assert after == before
    assert 0 < outcome.peak < MAX_PEAK, f"{outcome.peak >> 20} MiB"
    return outcome


def listing(rows: bytes | list[Any], **more: Any) -> Script:
    """Return the script of a LiteLLM that lists these rows, and accepts no writes."""
    body = rows if isinstance(rows, bytes) else json.dumps({"data": rows, **more}).encode()

    def script(exchange: Exchange) -> None:
        if exchange.path.startswith("/health"):
            exchange.send(as_json({"db": "connected", "litellm_version": "1.106.2"}))
        else:
            exchange.send(answer(body))

    return script
