"""Run cycles repeatedly, with backoff after failures, until a stop."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from ..config.loader import load_config
from ..config.model import Config
from ..errors import ConfigError, EngineError, Unrecorded
from ..reconcile import DEFAULT_OPTIONS, Memory, Options, Ports, Report, reconcile_once
from ..report.cycle_log import utc_now
from ..state.frozen import EMPTY
from ..state.secret import Secret
from .config_changes import describe_changes
from .ended import Ended, Watch, watch_nothing
from .heartbeat import JITTER, MAX_BACKOFF
from .interruptible import run_interruptibly

log = logging.getLogger(__name__)
_STANDBY: Final = 10.0
"""The longest wait between two signs of life while another engine leads, in seconds."""


@dataclass(slots=True)
class Schedule:
    """When the next cycle is due: ``interval`` seconds with jitter, longer after failures.

    Setting ``wake`` starts it at once. ``term`` returns the number of the term in which this engine
    leads, the same as long as no other can have led meanwhile, and 0 while another may lead: then
    there is no cycle. ``doubt`` returns why it cannot be known who leads, "" where it is known.
    Without an election this engine always leads.
    """

    interval: float
    wake: threading.Event = field(default_factory=threading.Event)
    failures: int = 0
    term: Callable[[], int] = lambda: 1
    doubt: Callable[[], str] = str

    def delay(self, *, failed: bool) -> float:
        """Return the seconds until the next cycle, and remember whether this one failed."""
        self.failures = self.failures + 1 if failed else 0
        limit = max(self.interval, MAX_BACKOFF)
        delay = min(limit, self.interval * 2.0 ** min(self.failures, 16))
        return delay * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret

    def leads(self, term: int) -> bool:
        """Tell whether this engine leads, and has led without a break since that term began."""
        return self.term() == term

    def standby(self) -> str | None:
        """Return None while this engine leads; else "", or why it cannot be known who leads."""
        return None if self.term() else self.doubt()

    def wait(self, delay: float) -> None:
        """Sleep until the next cycle is due, in ``delay`` seconds."""
        log.debug("next cycle in %.1f s", delay)
        self.wake.wait(delay)
        self.wake.clear()


@dataclass(frozen=True, slots=True)
class ConfigState:
    """Which configuration is in force; None before the first one was read.

    ``generation`` is 1 for the first one, and one more for each that differs from the one before,
    be it in a key; it is in force since ``since``. ``problem`` is why the file cannot be used now,
    in lines that are not redacted, "" if it can. ``path`` is that of the file.
    """

    config: Config | None = None
    generation: int = 0
    since: datetime | None = None
    problem: str = ""
    path: Path | None = None


class ConfigSource:
    """Reads the configuration again for each cycle; if it is invalid, the last good one is used.

    Says in the log what changed: that the configuration is another one, and whose key is.
    ``learn`` receives the secrets of each configuration before anything about it is logged.
    ``state`` is a frozen value at any time, for other threads.
    ``environment`` has the variables that the configuration may name.
    """

    def __init__(
        self,
        config_path: Path,
        secrets: Path,
        learn: Callable[[tuple[Secret, ...]], None] = lambda _: None,
        environment: Mapping[str, str] = EMPTY,
    ) -> None:
        self._where = (config_path, secrets, environment)
        self._learn = learn
        self._last_texts: tuple[str, ...] = ()
        self.state = ConfigState(path=config_path)

    def load(self) -> Config:
        """Return the configuration.

        Raises:
            ConfigError: it is invalid, and there is no earlier one that was good.
        """
        last = self.state.config
        try:
            config = load_config(*self._where)
        except ConfigError as error:
            self.state = replace(self.state, problem=str(error))
            if last is None:
                raise
            kept = "keeping the last good configuration"
            self._log_once(logging.ERROR, *(f"{kept}; {line}" for line in str(error).splitlines()))
            return last
        self._learn(config.secrets())
        is_new = config is not last and config != last
        if last is not None:
            for line in describe_changes(last, config) if is_new else ():
                log.info("%s", line)
            if self.state.problem:
                log.info("the configuration is valid again")
        if is_new:
            self._log_once(logging.WARNING, *config.notices)
            number, path = self.state.generation + 1, self.state.path
            self.state = ConfigState(config, number, utc_now(), path=path)
        elif self.state.problem or config is not last:
            self.state = replace(self.state, config=config, problem="")
        return config

    def _log_once(self, level: int, *texts: str) -> None:
        if texts != self._last_texts:
            for text in texts:
                log.log(level, "%s", text)
        self._last_texts = texts


def reconcile_interruptibly(
    load: Callable[[], Config], ports: Ports, memory: Memory, options: Options
) -> Report | None:
    """Load the configuration and run one cycle; None if a stop interrupted its reading."""
    return run_interruptibly(
        lambda: reconcile_once(load(), ports, memory, options),
        ports.stop,
        ports.writing,
        ports.http.timing.patience,
    )


def reconcile_forever(
    source: ConfigSource,
    schedule: Schedule,
    ports: Ports,
    options: Options = DEFAULT_OPTIONS,
    watch: Watch = watch_nothing,
) -> None:
    """Run cycles until ``ports.stop`` is set. A failed cycle does not end the loop.

    While another engine may lead, there is none, only a sign of life now and then. With each term
    of this one everything begins anew, also the time for which a list must have been suspicious:
    others may have changed anything since the last.
    """
    memory, led = Memory(), 0
    while not ports.stop.is_set():
        term = schedule.term()
        if term != led:
            memory, led, schedule.failures = Memory(), term, 0
        if not term:
            ports.beat()
            schedule.wait(min(schedule.interval, _STANDBY))
            continue
        fenced = replace(ports, may_write=partial(schedule.leads, term))
        begun, start = utc_now(), time.monotonic()
        report, error = _run_cycle(source, fenced, memory, options)
        seconds = time.monotonic() - start
        delay = schedule.delay(failed=bool(error) or not (report is None or report.converged))
        due = utc_now() + timedelta(seconds=delay)
        watch(Ended(report, error, begun, seconds, due, options.dry_run))
        ports.beat()
        schedule.wait(delay)


def _run_cycle(
    source: ConfigSource, ports: Ports, memory: Memory, options: Options
) -> tuple[Report | None, str]:
    """Run one cycle; return its report, None if a stop interrupted it, and its error or ""."""
    begun = time.monotonic()
    try:
        return reconcile_interruptibly(source.load, ports, memory, options), ""
    except EngineError as expected:
        log.error("%s", expected)
        error = str(expected)
    except Exception as bug:
        log.exception("the cycle failed; this is a bug, please report it")
        error = type(bug).__name__
    memory.suspicious_since = {}
    with suppress(Unrecorded):
        ports.log.failed(error, time.monotonic() - begun)
    return None, error
