"""The processes that are measured: seconds, CPU and memory of a process, seen from outside.

A loop is a process that runs cycle after cycle; what is measured is one cycle of it. Everything
else is measured from start to end.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .fleet import ENVIRONMENT, ROOT
from .server import Request

FLOOR: Final = Path(__file__).with_name("floor.py")
YARDSTICK: Final = Path(__file__).with_name("yardstick.py")
PATIENCE: Final = 900.0
"""Seconds after which a cycle counts as hanging."""
_LOOK: Final = 0.005
"""Seconds between two looks at a process."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What was used: seconds, seconds of CPU, peak memory in MiB."""

    wall: float
    cpu: float
    peak: float


class Loop:
    """A process that begins a cycle when it is asked, and writes a line at its end."""

    def __init__(self, process: subprocess.Popen[bytes], end: bytes, errors: Path) -> None:
        self.process = process
        self._end = end
        self._errors = errors

    def begin(self) -> None:
        """Start a cycle: SIGHUP for the engine, a line for the floor."""
        if self.process.stdin is None:
            self.process.send_signal(signal.SIGHUP)
        else:
            self.process.stdin.write(b"again\n")
            self.process.stdin.flush()

    def cycle(self) -> Cost:
        """Run a cycle and return its cost, but for the peak since the start of the process."""
        cpu, wall = cpu_of(self.process.pid), time.monotonic()
        self.begin()
        self.wait()
        wall = time.monotonic() - wall
        return Cost(wall, self._settled() - cpu, peak_of(self.process.pid))

    def wait(self) -> None:
        """Wait until a cycle has ended.

        Raises:
            RuntimeError: the cycle failed, the process ended, or it took too long.
        """
        assert self.process.stdout is not None
        until, seen = time.monotonic() + PATIENCE, b""
        while True:
            left = max(0.0, until - time.monotonic())
            ready, _, _ = select.select([self.process.stdout], [], [], left)
            chunk = os.read(self.process.stdout.fileno(), 1 << 20) if ready else b""
            if not chunk:
                raise RuntimeError(f"no end of a cycle: {self._errors.read_text()[-2000:]}")
            *whole, seen = (seen + chunk).split(b"\n")
            for line in whole:
                if self._end in line[:300]:
                    if b'"ok": false' in line:
                        raise RuntimeError(f"the cycle failed: {line.decode()}")
                    return

    def _settled(self) -> float:
        """Return the CPU seconds once the process uses no more: it may still tidy up."""
        before, now = -1.0, cpu_of(self.process.pid)
        while now != before:
            time.sleep(2 * _LOOK)
            before, now = now, cpu_of(self.process.pid)
        return now


@contextmanager
def engine_loop(arguments: Sequence[str], folder: Path) -> Iterator[Loop]:
    """Run the engine; its first cycle begins at once."""
    command = [sys.executable, "-m", "engine", "run", "--interval", "86400", *arguments]
    with _running(command, folder, stdin=subprocess.DEVNULL) as process:
        yield Loop(process, b'"event": "cycle"', folder / "errors")


@contextmanager
def floor_loop(requests: Path, folder: Path) -> Iterator[Loop]:
    """Run the floor, and wait until it is ready."""
    command = [sys.executable, "-IS", str(FLOOR), str(requests), "loop"]
    with _running(command, folder, stdin=subprocess.PIPE) as process:
        loop = Loop(process, b"", folder / "errors")
        loop.wait()
        yield loop


@contextmanager
def _running(command: list[str], folder: Path, stdin: int) -> Iterator[subprocess.Popen[bytes]]:
    with (folder / "errors").open("wb") as errors:
        process = subprocess.Popen(
            command, cwd=ROOT, env=ENVIRONMENT, stdin=stdin, stdout=subprocess.PIPE, stderr=errors
        )
    with process:
        try:
            yield process
        finally:
            process.kill()


def run_engine(*command: str, folder: Path) -> Cost:
    """Run a command of the engine that has to end with 0, and return its cost."""
    return run([sys.executable, "-m", "engine", *command], folder)


def run_floor(requests: Path, folder: Path) -> Cost:
    """Send the requests once, in a new process, and return the cost."""
    return run([sys.executable, "-IS", str(FLOOR), str(requests)], folder)


def run_yardstick(folder: Path) -> Cost:
    """Return the cost of a fixed amount of work; see :mod:`tests.bench.yardstick`."""
    return run([sys.executable, str(YARDSTICK)], folder)


def run(command: list[str], folder: Path) -> Cost:
    """Run a command to its end and return the cost.

    Raises:
        RuntimeError: it did not end with 0, or took too long.
    """
    begun, peak = time.monotonic(), 0.0
    with (folder / "errors").open("wb") as errors:
        process = subprocess.Popen(
            command, cwd=ROOT, env=ENVIRONMENT, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=errors,
        )  # fmt: skip
    end = os.pidfd_open(process.pid)
    try:
        while not select.select([end], [], [], _LOOK)[0]:
            peak = peak_of(process.pid) or peak
            if time.monotonic() - begun > PATIENCE:
                process.kill()
    finally:
        os.close(end)
    wall = time.monotonic() - begun
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        text = (folder / "errors").read_text()[-2000:]
        raise RuntimeError(f"{command} ended with {process.returncode}: {text}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, peak)


def cpu_of(pid: int) -> float:
    """Return the CPU seconds of a process with all its threads, also of those that have ended.

    The number of the clock is that of clock_getcpuclockid(3) on Linux, in nanoseconds; /proc has
    only hundredths of a second.
    """
    return time.clock_gettime((~pid << 3) | 2)


def peak_of(pid: int) -> float:
    """Return the most MiB of memory that a process has had; 0 if it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def write_requests(requests: list[Request], folder: Path, litellm: int) -> None:
    """Write what the floor sends (see :mod:`tests.bench.floor`); ``litellm`` is LiteLLM's port."""
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    stage, lanes = 0, dict[str, list[bytes]]()
    for request in requests:
        if request.port == litellm and request.line[0] != "GET":
            stage = 1
        lane = lanes.setdefault(f"{stage}-{request.port}-{request.connection}", [])
        lane += [b"%d\n" % len(request.content), request.content]
    for name, pieces in lanes.items():
        (folder / name).write_bytes(b"".join(pieces))
