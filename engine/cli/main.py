"""The command line: arguments -> calls -> exit code. Decides nothing about deployments."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from ..errors import EngineError, Unrecorded
from ..report.operator_log import start_logging
from ..transport.timing import DEFAULT_TIMING, Timing
from .exit_codes import ERROR
from .options import make_parser


def main(argv: Sequence[str] | None = None, timing: Timing = DEFAULT_TIMING) -> int:
    """Run one command and return its exit code. Never raises for an expected error."""
    arguments = make_parser().parse_args(argv, argparse.Namespace(timing=timing))
    redactor = start_logging(debug=arguments.debug, as_json=arguments.log_format == "json")
    try:
        command = import_module(f"..commands.{arguments.command}", __name__)
        return int(command.run(arguments, redactor))
    except EngineError as error:
        print(f"error: {redactor.redact(str(error))}", file=sys.stderr)
        if isinstance(error, Unrecorded):
            _give_up_stdout()
        return ERROR
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _give_up_stdout()
        return ERROR


def _give_up_stdout() -> None:
    """Prevent the flush at exit, which would fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
