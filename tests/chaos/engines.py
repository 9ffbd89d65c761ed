"""Engines as processes of their own, forked from a server that has imported all of the engine."""

from __future__ import annotations

import ctypes
import json
import multiprocessing
import os
import random
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

from engine.transport.timing import Timing

Json = dict[str, Any]

PATIENCE: Final = 90.0
"""Seconds for a cycle; an engine that needs longer is stuck, and that is a violation."""
_POLL: Final = 0.02
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8
"""Numbers of options in the malloc.h of glibc."""
_STARTER: Final = multiprocessing.get_context("forkserver")
_STARTER.set_forkserver_preload(
    ["engine.cli.commands.run", "engine.reconcile", "tests.chaos.engines"]
)


@dataclass(frozen=True)
class Trouble:
    """What is wrong with the machine on which an engine runs.

    ``clock`` is the seed of a wall clock that jumps by up to a day, forwards and backwards, each
    time it is read; ``disk_full`` lets every write to a file fail, ``stdout_full`` that of the log.
    """

    clock: str = ""
    disk_full: bool = False
    stdout_full: bool = False


def _engine(
    out: Connection, err: Connection, arguments: list[str], trouble: Trouble, timing: Timing
) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    _allocate_as_in_the_container()
    os.dup2(out.fileno(), 1)
    os.dup2(err.fileno(), 2)
    if trouble.stdout_full:
        os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
    if trouble.disk_full:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    if trouble.clock:
        _let_the_clock_jump(random.Random(trouble.clock))
    from engine.cli.main import main

    sys.exit(main(arguments, timing))


def _allocate_as_in_the_container() -> None:
    """Give large buffers back at once, as the MALLOC variables in the Dockerfile do.

    They are read before the first allocation, which here was long ago. Otherwise glibc would keep
    the 16 MiB in which a key was hashed.
    """
    libc = ctypes.CDLL(None)
    libc.mallopt(_MMAP_THRESHOLD, 1 << 20)
    libc.mallopt(_ARENA_MAX, 1)


def _let_the_clock_jump(dice: random.Random) -> None:
    from engine.report import cycle_log

    def off() -> float:
        return dice.uniform(-86400, 86400)

    class Jumping(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Jumping:
            real = datetime.now(tz or UTC) + timedelta(seconds=off())
            return cls.fromtimestamp(real.timestamp(), tz)

    real_time = time.time
    time.time = lambda: real_time() + off()
    cycle_log.datetime = Jumping  # type: ignore[attr-defined]


class EngineProcess:
    """One engine with its folder (config.yaml, secrets/, artifacts/), run again and again.

    ``output`` has every line that its processes wrote, ``kills`` is how often it was killed.
    """

    def __init__(self, folder: Path, owner: str, timing: Timing) -> None:
        self.folder = folder
        self.owner = owner
        self.timing = timing
        self.output: list[str] = []
        self.kills = 0
        self.cycles = 0
        self.trouble = Trouble()
        self.loop_arguments: tuple[str, ...] = ()
        (folder / "secrets").mkdir(parents=True)
        self._process: BaseProcess | None = None
        self._readers: list[threading.Thread] = []
        self._reaping = threading.Lock()
        self._news = threading.Condition()
        self._ended: list[Json] = []

    @property
    def running(self) -> bool:
        """Whether a process of it is alive."""
        with self._reaping:
            return self._process is not None and self._process.is_alive()

    @property
    def pid(self) -> int:
        """The process id."""
        assert self._process is not None
        return self._process.pid or 0

    def once(self, *arguments: str) -> int:
        """``run --once``: return the exit code, negative for a signal."""
        self.stop()
        self._start("run", "--once", *arguments)
        return self._await_end()

    def cycle(self) -> Json:
        """Let the loop run one cycle; return its line of the log, {} if the engine died."""
        before = self.cycles
        if self.running:
            os.kill(self.pid, signal.SIGHUP)
        else:
            self._done()
            self._start("run", "--interval", "86400", *self.loop_arguments)
        end = time.monotonic() + PATIENCE
        while self.running and time.monotonic() < end:
            with self._news:
                # The pipes of a process end a moment before it does: so check again soon.
                if self._news.wait_for(lambda: self.cycles > before, _POLL):
                    return self._ended[-1]
        if self.running:
            raise TimeoutError(f"an engine did not end its cycle within {PATIENCE:g} s")
        self._done()
        return {}

    def kill(self) -> None:
        """Kill -9, and wait until it is dead."""
        if self._process is not None:
            self._process.kill()
            self.kills += 1
            while self.running:
                time.sleep(0.001)

    def stop(self) -> int:
        """End the loop with SIGTERM; return the exit code."""
        if self.running:
            os.kill(self.pid, signal.SIGTERM)
        return self._await_end()

    def _await_end(self) -> int:
        end = time.monotonic() + PATIENCE
        while self.running and time.monotonic() < end:
            time.sleep(0.005)
        return self._done()

    def _start(self, *arguments: str) -> None:
        places = ["--config", str(self.folder / "config.yaml")]
        places += ["--secrets", str(self.folder / "secrets")]
        pipes = [_STARTER.Pipe(duplex=False) for _ in range(2)]
        process = _STARTER.Process(
            target=_engine,
            args=(pipes[0][1], pipes[1][1], [*arguments, *places], self.trouble, self.timing),
        )
        process.start()
        for _, writing in pipes:
            writing.close()
        self._process = process
        self._readers = [
            threading.Thread(target=self._read, args=(reading, handle))
            for (reading, _), handle in zip(pipes, (self._read_log, self._keep), strict=True)
        ]
        for reader in self._readers:
            reader.start()

    def _done(self) -> int:
        if self._process is None:
            return 0
        if self.running:
            self.kill()
            raise TimeoutError(f"an engine did not end within {PATIENCE:g} s")
        for reader in self._readers:
            reader.join()
        code = self._process.exitcode
        self._process.close()
        self._process = None
        return code or 0

    def _read(self, reading: Connection, handle: Callable[[str], None]) -> None:
        with reading, os.fdopen(os.dup(reading.fileno()), "r", errors="replace") as lines:
            for line in lines:
                handle(line)
        with self._news:
            self._news.notify_all()

    def _keep(self, line: str) -> None:
        self.output.append(line)

    def _read_log(self, line: str) -> None:
        self.output.append(line)
        try:
            event = json.loads(line)
        except ValueError:  # it was killed in the middle of a line
            return
        if event["event"] == "cycle":
            with self._news:
                self._ended.append(event)
                self.cycles += 1
                self._news.notify_all()
