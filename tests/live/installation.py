"""The engine as an operator uses it: a configuration, a folder of keys, and a command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .real_proxy import RealProxy
from .tap import Request, Tap

Json = dict[str, Any]
_REPOSITORY = Path(__file__).parents[2]
_PATIENCE = 180.0
"""Seconds after which a command that has not ended counts as stuck."""
_PROMPT = 5.0
"""Seconds in which SIGTERM must have ended the loop."""


@dataclass(frozen=True)
class Outcome:
    """What a command did: its exit code (negative: a signal), its output and its requests."""

    code: int
    stdout: str
    stderr: str
    requests: tuple[Request, ...]

    @property
    def writes(self) -> list[Request]:
        """Its requests that were no GET."""
        return [request for request in self.requests if request[0] != "GET"]

    @property
    def lines(self) -> list[Json]:
        """The plan log on its stdout."""
        return [json.loads(line) for line in self.stdout.splitlines()]

    def events(self, event: str) -> list[Json]:
        """Return the lines of one event."""
        return [line for line in self.lines if line["event"] == event]

    @property
    def skips(self) -> list[Json]:
        """What was decided not to be done."""
        return [line["skip"] for line in self.events("skip")]

    @property
    def operations(self) -> list[Json]:
        """What was planned."""
        return [
            operation for line in self.events("plan") for operation in line["plan"]["operations"]
        ]

    @property
    def results(self) -> list[tuple[str, str, str]]:
        """(reason, name, outcome) of each operation, in their order."""
        found = self.events("result")
        return [(line["reason"], line["name"], line["outcome"]) for line in found]

    def __str__(self) -> str:
        return f"exit code {self.code}\n--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"


class Installation:
    """A folder with a configuration and keys; ``litellm`` is behind ``tap``.

    ``owner`` keeps it apart from others on the same LiteLLM.
    """

    def __init__(self, folder: Path, tap: Tap, litellm: RealProxy, owner: str) -> None:
        self.tap = tap
        self.litellm = litellm
        self.owner = owner
        self.config = folder / "config.yaml"
        self.secrets = folder / "secrets"
        self.secrets.mkdir(parents=True)
        self.planned: set[str] = set()
        self.write_key("litellm", litellm.key)

    def write_key(self, name: str, key: str) -> None:
        """Write a key file, with the final newline that editors add."""
        (self.secrets / name).write_text(key + "\n")

    def configure(self, *backends: Json, **top: Any) -> None:
        """Write a configuration with these backends."""
        document = {
            "litellm": {"url": self.tap.url},
            "owner": self.owner,
            "backends": list(backends),
            **top,
        }
        self.config.write_text(json.dumps(document, indent=1))

    def run(self, *arguments: str, debug: bool = False) -> Outcome:
        """Run a command to its end, and until LiteLLM lists none of the rows that it deleted."""
        before = len(self.tap.requests)
        process = self.start(*arguments, debug=debug)
        try:
            stdout, stderr = process.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise
        asked = tuple(self.tap.requests[before:])
        outcome = Outcome(process.returncode, stdout, stderr, asked)
        if arguments[0] == "run":
            self._remember(stdout)
        self.litellm.forget(self.tap.deleted)
        return outcome

    def cycle(self) -> Outcome:
        """``run --once``."""
        return self.run("run", "--once")

    def converge(self, *, degraded: bool = False) -> Outcome:
        """``run --once``, which must succeed, with all backends or, ``degraded``, without some."""
        outcome = self.cycle()
        assert outcome.code == (4 if degraded else 0), str(outcome)
        return outcome

    def assert_quiet(self, *, degraded: bool = False) -> None:
        """Check that another cycle has nothing to do, only reads, and is one line in the log.

        Each process tells anew what it finds wrong with a backend.
        """
        outcome = self.converge(degraded=degraded)
        assert outcome.writes == [], str(outcome)
        events = [line["event"] for line in outcome.lines if line["event"] != "endpoint"]
        assert events == ["cycle"], str(outcome)

    def start(self, *arguments: str, debug: bool = False) -> subprocess.Popen[str]:
        """Start a command; from now on the traps of the tap kill it."""
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(_REPOSITORY)}
        if debug:
            environment["DEBUG"] = "true"
        command = [sys.executable, "-m", "engine", *arguments]
        process = subprocess.Popen(
            [*command, "--config", str(self.config), "--secrets", str(self.secrets)],
            env=environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.tap.victim = process
        return process

    @contextmanager
    def looping(self, *arguments: str, interval: float = 3600) -> Iterator[Loop]:
        """Run the loop until the block ends, also with an error."""
        loop = Loop(self.start("run", "--interval", str(interval), *arguments))
        try:
            yield loop
        finally:
            loop.end()
            self._remember("\n".join(loop.stdout))

    def _remember(self, stdout: str) -> None:
        """Remember the ids of planned rows: LiteLLM lists none that it cannot serve."""
        for line in stdout.splitlines():
            if '"event": "plan"' in line:
                operations = json.loads(line)["plan"]["operations"]
                self.planned |= {operation["id"] for operation in operations}


class Loop:
    """A running loop; ``stdout`` and ``stderr`` are its lines so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.stdout: list[str] = []
        self.stderr: list[str] = []
        self._news = threading.Condition()
        self._readers = [
            threading.Thread(target=self._read, args=(stream, lines))
            for stream, lines in ((process.stdout, self.stdout), (process.stderr, self.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def cycles(self) -> list[Json]:
        """The cycles that ended."""
        return [line for line in map(json.loads, self.stdout) if line["event"] == "cycle"]

    def wait_for_cycles(self, count: int, seconds: float = 30) -> list[Json]:
        """Wait until that many cycles have ended; return them."""
        what = f"{count} cycles"
        self._wait(lambda: len(self.cycles()) >= count, seconds, what)
        return self.cycles()

    def wait_for_stderr(self, text: str, seconds: float = 30) -> None:
        """Wait until a text is on stderr."""
        self._wait(lambda: text in "\n".join(self.stderr), seconds, repr(text))

    def hang_up(self) -> None:
        """SIGHUP."""
        self.process.send_signal(signal.SIGHUP)

    def terminate(self) -> int:
        """SIGTERM; return the exit code of the process, which must end soon."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(_PROMPT)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running {_PROMPT:g} s after SIGTERM") from None

    def end(self) -> None:
        """Kill it if it still runs, and read the rest of its output."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join()

    def _read(self, stream: Any, lines: list[str]) -> None:
        with stream:
            for line in stream:
                with self._news:
                    lines.append(line.rstrip("\n"))
                    self._news.notify_all()

    def _wait(self, condition: Callable[[], bool], seconds: float, what: str) -> None:
        with self._news:
            happened = self._news.wait_for(condition, seconds)
        output = "\n".join([*self.stdout, "--- stderr", *self.stderr])
        assert happened, f"no {what} within {seconds:g} s\n{output}"
