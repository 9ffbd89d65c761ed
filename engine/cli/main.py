"""The command line: arguments -> calls -> exit code. Decides nothing about deployments."""

from __future__ import annotations

import argparse
import gc
import io
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TextIO

from ..config.key_files import LITELLM_KEY
from ..errors import EngineError
from ..report.operator_log import start_logging
from ..state.secret import Secret
from ..text import describe_os_error, printable
from ..transport.timing import DEFAULT_TIMING, Timing
from .exit_codes import ERROR, of_error
from .options.common import wants_json
from .parser import asks_for_json, parse

log = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None, timing: Timing = DEFAULT_TIMING) -> int:
    """Run one command and return its exit code. Never raises for an expected error."""
    _prepare_stderr()
    try:
        return _run_flushed(argv, timing)
    finally:
        _flush_stderr()


def _run_flushed(argv: Sequence[str] | None, timing: Timing) -> int:
    try:
        _prepare_stdout()
        try:
            return _run(parse(argv, argparse.Namespace(timing=timing)))
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        _give_up(sys.stdout, 1)
        if not isinstance(error, BrokenPipeError):
            subject = f"{error.filename}" if error.filename else "the standard output"
            reason = describe_os_error(error)
            _report(f"{subject} cannot be used: {reason}", as_json=asks_for_json(argv))
        return ERROR


def _run(arguments: argparse.Namespace) -> int:
    as_json = wants_json(arguments.log_format)
    redactor = start_logging(debug=arguments.debug, as_json=as_json)
    redactor.learn([Secret(os.environ.get(LITELLM_KEY, "").strip())])
    if arguments.command != "run":
        gc.disable()  # it takes an eighth of the time of a plan, and the process ends soon
    try:
        command = import_module(f"..commands.{arguments.module}", __name__)
        return int(command.run(arguments, redactor))
    except EngineError as error:
        _report(redactor.redact(str(error)), as_json=as_json)
        return of_error(error)
    finally:
        gc.enable()


def _report(text: str, *, as_json: bool) -> None:
    """Write an error to stderr, which may be broken as well."""
    if as_json:
        start_logging(debug=False, as_json=True)
        log.error("%s", text)
        return
    with suppress(OSError):
        print(printable(f"error: {text}", kept="\n"), file=sys.stderr, flush=True)


def _prepare_stderr() -> None:
    """Make sure that there is a stderr: without one, ``print`` would write to stdout instead."""
    logging.raiseExceptions = False
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the end


def _prepare_stdout() -> None:
    """Escape what the encoding of stdout does not have.

    Raises:
        OSError: stdout is closed. Its number would be given to the next file or connection.
    """
    if sys.stdout is None:
        raise OSError(0, "it is closed; send it to a file, or to /dev/null")
    if isinstance(sys.stdout, io.TextIOWrapper):
        with suppress(OSError):  # of a stream whose file was exchanged, so that it cannot seek
            sys.stdout.reconfigure(errors="backslashreplace")


def _flush_stderr() -> None:
    try:
        sys.stderr.flush()
    except OSError:
        _give_up(sys.stderr, 2)


def _give_up(stream: TextIO | None, number: int) -> None:
    """Prevent the flush at exit, which would fail again and change the exit code."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno() if stream else number)
