"""Any other program that does the same work, measured from outside.

It is started once for each work and runs cycles until it is stopped. A cycle begins when it asks
LiteLLM for its listing; it ends ``pause`` seconds before the next one begins.
"""

from __future__ import annotations

import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .fleet import ENVIRONMENT, LISTINGS, NONE, Fleet
from .processes import Cost, cpu_of, peak_of
from .server import Request
from .works import Work

PATIENCE: Final = 600.0
"""Seconds that all cycles of a work may take."""
_LOOK: Final = 0.02
_ETC: Final = (
    "mount -t tmpfs tmpfs /etc && mkdir /etc/config /etc/secrets"
    ' && cp "$0/config.yaml" /etc/config/ && cp "$0"/secrets/* /etc/secrets/ && exec "$@"'
)
"""Runs a command that reads /etc/config/config.yaml and /etc/secrets, in an /etc of its own."""
Sample = tuple[Cost, list[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class _Mark:
    """A moment in the life of a process, and the CPU seconds that it had used by then."""

    time: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Peer:
    """The command of a program, and the seconds that it waits between two cycles.

    ``{config}`` and ``{secrets}`` in the command stand for the configuration file and the folder of
    key files. Without them, the program finds both where the Go program reads them: in
    ``/etc/config/config.yaml`` and ``/etc/secrets``, in a mount namespace of its own (unshare(1)).
    The environment has ``SLEEP_INTERVAL``.
    """

    command: str
    pause: int = 1

    def measure(self, fleet: Fleet, work: Work, runs: int) -> list[Sample]:
        """Return the costs of its cycles: of the first, or of those from the third on.

        LiteLLM lists the same all the time, so a program that corrects it does so in each cycle.
        A program that only plans has no loop, so there are none for the work ``plan``.
        """
        if work.name == "plan":
            return []
        fleet.list_rows(work.listing)
        if work.listing == NONE:
            return [self._costs(fleet, [(0, 2)])[0] for _ in range(runs)]
        return self._costs(fleet, [(number, number + 1) for number in range(3, 3 + runs)])

    def _costs(self, fleet: Fleet, spans: list[tuple[int, int]]) -> list[Sample]:
        """Start the program, and return the costs between its marks of these numbers."""
        fleet.take()
        with self._running(fleet) as process:
            marks, requests = self._marks(fleet, process, spans[-1][1] + 1)
            peak = peak_of(process.pid)
        samples = []
        for first, last in spans:
            begin, end = marks[first], marks[last]
            asked = sorted(r.line for r in requests if begin.time <= r.time < end.time)
            cost = Cost(end.time - begin.time - self.pause, end.cpu - begin.cpu, peak)
            samples.append((cost, asked))
        return samples

    def _marks(
        self, fleet: Fleet, process: subprocess.Popen[bytes], count: int
    ) -> tuple[list[_Mark], list[Request]]:
        """Return its start, then the requests for a listing; and all requests."""
        marks, requests = [_Mark(time.monotonic(), 0.0)], list[Request]()
        until = time.monotonic() + PATIENCE
        before = 0.0
        while len(marks) < count:
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"the peer ended or hangs: {self.command}")
            time.sleep(_LOOK)
            used = cpu_of(process.pid)
            new = fleet.take()
            # Until it asks, it sleeps: what it had used at the look before is what counts.
            marks += [_Mark(r.time, before) for r in new if _is_listing(r, fleet.port)]
            requests += new
            before = used
        return marks, requests

    @contextmanager
    def _running(self, fleet: Fleet) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen(
            self._arguments(fleet.folder),
            cwd=fleet.folder,
            env={**ENVIRONMENT, "SLEEP_INTERVAL": str(self.pause)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with process:
            try:
                yield process
            finally:
                process.kill()

    def _arguments(self, folder: Path) -> list[str]:
        if "{config}" in self.command:
            places = {"config": folder / "config.yaml", "secrets": folder / "secrets"}
            return shlex.split(self.command.format(**places))
        unshare = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", _ETC]
        return [*unshare, str(folder), *shlex.split(self.command)]


def _is_listing(request: Request, port: int) -> bool:
    method, path = request.line
    path, _, query = path.partition("?")
    whole = "model" not in query
    return request.port == port and method == "GET" and path in LISTINGS and whole
