"""A loop in this process with its port, and what asks that port."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.reconcile import Options, Ports
from engine.report.fan_out import FanOut
from engine.report.plan_log import PlanLog
from engine.run.heartbeat import longest_silence
from engine.run.loop import ConfigSource, Schedule, reconcile_forever
from engine.serve.board import Board
from engine.serve.routes import routes
from engine.serve.server import Site, serving
from engine.serve.snapshot import Snapshot
from engine.serve.sync import no_sync, sync_route
from engine.text import Redactor
from engine.transport.client_pool import Http
from tests.fleet import Fleet
from tests.quick import QUICK


@dataclass(frozen=True)
class Reply:
    """What the port answered; ``headers`` by their names in lower case."""

    status: int
    headers: dict[str, str]
    text: str


class Loop:
    """A running loop, whose next cycle begins only when it is woken."""

    def __init__(self, board: Board, schedule: Schedule, ports: Ports, port: int) -> None:
        self.board = board
        self.schedule = schedule
        self.ports = ports
        self.port = port

    def cycle(self) -> Snapshot:
        """Run one more cycle; return what is known after it."""
        before = self.board.snapshot().last
        self.schedule.wake.set()
        self.wait_until(lambda seen: seen.last is not before)
        return self.board.snapshot()

    def wait_until(self, is_so: Callable[[Snapshot], bool], seconds: float = 20.0) -> None:
        """Wait until the board shows something."""
        deadline = time.monotonic() + seconds
        while not is_so(self.board.snapshot()):
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def ask(self, path: str, method: str = "GET", **how: Any) -> Reply:
        """Send one request to the port."""
        return ask(self.port, path, method, **how)


def ask(port: int, path: str, method: str = "GET", **how: Any) -> Reply:
    """Send one request to a port of this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, **how)
        answer = connection.getresponse()
        headers = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(answer.status, headers, answer.read().decode())
    finally:
        connection.close()


@contextmanager
def running_loop(
    fleet: Fleet,
    options: Options | None = None,
    max_silence: float | None = None,
    token: Path | None = None,
) -> Iterator[Loop]:
    """Run the loop on a fleet, with its port; its first cycle begins at once."""
    redactor = Redactor(shortest=4)
    source = ConfigSource(fleet.folder / "config.yaml", fleet.folder, redactor.learn)
    schedule = Schedule(3600.0)
    silence = max_silence or longest_silence(schedule.interval)
    board = Board(lambda: source.state, silence, standby=schedule.standby)
    ports = Ports(FanOut(PlanLog(None), board), http=Http(QUICK), beat=board.beat)
    sync = sync_route(token, schedule, redactor.learn) if token else no_sync
    site = Site(routes(redactor.redact), {"/sync": sync}, board.snapshot, redactor)
    with serving(("127.0.0.1", 0), site) as port:
        arguments = (source, schedule, ports, options or Options(), board.ended)
        thread = threading.Thread(target=reconcile_forever, args=arguments)
        thread.start()
        try:
            yield Loop(board, schedule, ports, port)
        finally:
            ports.stop.set()
            schedule.wake.set()
            thread.join()
