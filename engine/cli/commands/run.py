"""``run``: bring LiteLLM in step repeatedly; write the plan log to stdout."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...bounds import MAX_INTERVAL, MAX_QUOTED
from ...errors import WrongUsage
from ...notify.notifier import Notifier
from ...notify.sender import Sender
from ...reconcile import Memory, Options, Ports
from ...report.artifacts import Artifacts
from ...report.fan_out import FanOut
from ...report.plan_log import PlanLog
from ...run.ended import Watch, watch_all, watch_nothing
from ...run.heartbeat import longest_silence, write_heartbeat
from ...run.loop import ConfigSource, Schedule, reconcile_forever, reconcile_interruptibly
from ...run.signals import stop_on_signals
from ...text import Redactor, shortened
from ...transport.client_pool import Http
from ..context import options_of
from ..exit_codes import OK, of_applied, of_planned

if TYPE_CHECKING:
    from ...serve.board import Board

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Loop:
    """What repeats cycles until ``stop`` is set."""

    source: ConfigSource
    schedule: Schedule
    options: Options
    stop: threading.Event

    def run(self, ports: Ports, watch: Watch) -> None:
        """Run cycles; ``watch`` is told of each."""
        reconcile_forever(self.source, self.schedule, ports, self.options, watch)


def run(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Run cycles until a signal stops them, or one cycle if that is asked."""
    if arguments.listen and arguments.once:
        raise WrongUsage("--listen is for the loop; leave it out, or --once")
    if arguments.sync_token and not arguments.listen:
        raise WrongUsage("--sync-token is for the port that --listen opens; give both")
    if arguments.leader_election and arguments.once:
        raise WrongUsage("--leader-election is for the loop; leave it out, or --once")
    source = ConfigSource(arguments.config, arguments.secrets, redactor.learn, os.environ)
    config = source.load()
    options = options_of(arguments, config, dry_run=arguments.dry_run)
    wake, stop = threading.Event(), threading.Event()
    if not arguments.once:
        schedule = Schedule(interval(arguments), wake)
        _repeat(_Loop(source, schedule, options, stop), arguments, redactor)
        return OK
    ports = _ports(arguments, redactor, stop)
    stop_on_signals(stop, wake)
    report = reconcile_interruptibly(lambda: config, ports, Memory(), options)
    ports.beat()
    return of_planned(report) if arguments.dry_run else of_applied(report)


def _repeat(loop: _Loop, arguments: argparse.Namespace, redactor: Redactor) -> None:
    """Run cycles until a signal stops them, with a port and an election if these are asked."""
    schedule = loop.schedule
    if not arguments.listen:
        ports = _ports(arguments, redactor, loop.stop)
        stop_on_signals(loop.stop, schedule.wake)
        with _told(loop, ports, arguments, redactor) as tell:
            loop.run(ports, tell)
        return
    from ...serve.board import Board
    from ...serve.page.answers import page_searches
    from ...serve.routes import routes
    from ...serve.server import Site, serving
    from ...serve.sync import no_sync, sync_route

    silence = arguments.max_age or longest_silence(schedule.interval)
    board = Board(lambda: loop.source.state, silence, standby=schedule.standby)
    ports = _ports(arguments, redactor, loop.stop, board)
    token, learn = arguments.sync_token, redactor.learn
    posts = {"/sync": sync_route(token, schedule, learn) if token else no_sync}
    pages = page_searches(redactor.redact_json)
    site = Site(routes(redactor.redact), posts, board.snapshot, redactor, pages)
    with serving(arguments.listen, site):
        stop_on_signals(loop.stop, schedule.wake)
        with _told(loop, ports, arguments, redactor) as tell:
            loop.run(ports, watch_all(board.ended, tell))


@contextmanager
def _told(
    loop: _Loop, ports: Ports, arguments: argparse.Namespace, redactor: Redactor
) -> Iterator[Watch]:
    """Give what tells others of each cycle; at the end the Lease is let go before anything else."""
    with (
        _notifying(loop.source, ports, redactor) as tell,
        _election(loop, arguments, redactor) as record,
    ):
        yield watch_all(tell, record)


@contextmanager
def _election(loop: _Loop, arguments: argparse.Namespace, redactor: Redactor) -> Iterator[Watch]:
    """Take part in an election, if that is asked, so that the loop works only while it leads.

    Give what records each cycle as Events of Kubernetes.
    """
    if arguments.leader_election and arguments.dry_run:
        log.info("a dry run takes part in no election: as the leader it would keep others idle")
    if arguments.dry_run or not arguments.leader_election:
        yield watch_nothing
        return
    from ...kube.election import Terms
    from ...kube.leadership import Wanted, taking_part
    from ...kube.place import usual_name

    shard = arguments.shard
    namespace, name = arguments.leader_election
    name = name or usual_name(*((shard.number, shard.of) if shard else ()))
    wanted = Wanted(namespace, name, Terms(arguments.lease_duration))
    with taking_part(wanted, loop.schedule.wake, loop.stop, redactor.redact) as leadership:
        loop.schedule.term, loop.schedule.doubt = leadership.term, leadership.doubt
        yield leadership.watch


def _ports(
    arguments: argparse.Namespace,
    redactor: Redactor,
    stop: threading.Event,
    board: Board | None = None,
) -> Ports:
    """Return how cycles reach the outside; a board is told of all that the plan log is."""
    plan_log = PlanLog(sys.stdout, redact=redactor.redact_json)
    heartbeat = arguments.heartbeat

    def beat() -> None:
        if heartbeat:
            write_heartbeat(heartbeat)
        if board:
            board.beat()

    return Ports(
        FanOut(plan_log, board) if board else plan_log,
        _artifacts(arguments, redactor),
        Http(arguments.timing),
        stop,
        beat=beat,
    )


@contextmanager
def _notifying(source: ConfigSource, ports: Ports, redactor: Redactor) -> Iterator[Watch]:
    """Give what watches a loop and tells the webhooks; at the end it has a moment for the rest."""
    sender = Sender(ports.http.timing)
    notifier = Notifier(lambda: source.state, sender, redactor.redact, ports.stop.is_set)
    try:
        yield notifier.watch
    finally:
        sender.close()


def _artifacts(arguments: argparse.Namespace, redactor: Redactor) -> Artifacts | None:
    if not arguments.artifacts:
        return None
    return Artifacts(arguments.artifacts, keep=arguments.keep, redact=redactor.redact_json)


def interval(arguments: argparse.Namespace) -> float:
    """Return the seconds between cycles; an invalid $SLEEP_INTERVAL counts as 60."""
    if arguments.interval is not None:
        return float(arguments.interval)
    text = os.environ.get("SLEEP_INTERVAL", "").strip()
    if not text:
        return 60.0
    try:
        seconds = int(text)
    except ValueError:
        seconds = 0
    if not 1 <= seconds <= MAX_INTERVAL:
        shown = shortened(text, MAX_QUOTED)
        limit = int(MAX_INTERVAL)
        log.warning("SLEEP_INTERVAL=%r is not a whole number from 1 to %d; using 60", shown, limit)
        return 60.0
    return float(seconds)
