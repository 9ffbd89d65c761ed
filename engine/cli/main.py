"""The command line: arguments -> calls -> exit code. Decides nothing about deployments."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from .. import __version__
from ..bounds import MAX_INTERVAL
from ..errors import EngineError, Unrecorded
from ..report.operator_log import start_logging
from ..transport.timing import DEFAULT_TIMING, Timing
from . import commands
from .commands import ERROR

USAGE: Final = 64
_EPILOG: Final = """\
exit codes:
  0   nothing to do, or everything done
  1   an error; the message says what to do
  2   plan: there are operations to carry out
  3   a limit held deletions back (--force carries them out)
  64  the command line is wrong

first steps:
  modelprovisioner demo                 see it work; needs no configuration
  modelprovisioner validate             check the configuration
  modelprovisioner plan                 show what would be done
  modelprovisioner apply                carry it out once
  modelprovisioner run                  repeat it, as the container does
"""


class _Parser(argparse.ArgumentParser):
    """Exits with 64 on wrong usage: argparse's 2 would mean that the plan has operations."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\nTry '{self.prog} --help'.\n")


def main(argv: Sequence[str] | None = None, timing: Timing = DEFAULT_TIMING) -> int:
    """Run one command and return its exit code. Never raises for an expected error."""
    arguments = _parser().parse_args(argv, argparse.Namespace(timing=timing))
    redactor = start_logging(debug=arguments.debug, as_json=arguments.log_format == "json")
    try:
        return int(arguments.command(arguments, redactor))
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


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="modelprovisioner",
        description="Keeps a LiteLLM proxy in step with what your local LLM backends serve.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    group = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    common = _common()

    def command(name: str, text: str, run: object) -> argparse.ArgumentParser:
        sub = group.add_parser(name, help=text, description=text, parents=[common])
        sub.set_defaults(command=run)
        return sub

    command("validate", "check the configuration and secrets; sends no request", commands.validate)
    plan = command("plan", "show what would be done; writes nothing to LiteLLM", commands.plan)
    plan.add_argument("--json", action="store_true", help="print the plan as JSON")
    plan.add_argument("--out", type=Path, metavar="FILE", help="also write the plan as JSON")
    plan.add_argument("--force", action="store_true", help="plan as apply --force would")
    apply = command("apply", "bring LiteLLM in step once", commands.apply)
    apply.add_argument("--force", action="store_true", help="carry out deletions that are held")
    run = command("run", "bring LiteLLM in step repeatedly", commands.run)
    _run_arguments(run)
    demo = command("demo", "run the engine on simulated servers, then exit", commands.demo)
    demo.add_argument(
        "--pause", type=_pause, default=0.0, metavar="S", help="pause after each step"
    )
    alive = command(
        "alive", "for a liveness probe: is the heartbeat recent enough?", commands.alive
    )
    alive.add_argument("--heartbeat", type=Path, metavar="FILE", required=True)
    alive.add_argument("--max-age", type=_seconds, default=600.0, metavar="S")
    return parser


def _common() -> _Parser:
    common = _Parser(add_help=False)
    common.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        default=Path(os.environ.get("MODELPROVISIONER_CONFIG", "/etc/config/config.yaml")),
        help="the configuration ($MODELPROVISIONER_CONFIG; default /etc/config/config.yaml)",
    )
    common.add_argument(
        "--secrets",
        type=Path,
        metavar="DIR",
        default=Path(os.environ.get("MODELPROVISIONER_SECRETS", "/etc/secrets")),
        help="the key files: 'litellm', and one for each backend that has a key"
        " ($MODELPROVISIONER_SECRETS; default /etc/secrets)",
    )
    common.add_argument(
        "--debug",
        action="store_true",
        default=os.environ.get("DEBUG") == "true",
        help="log each request, without its content ($DEBUG=true)",
    )
    common.add_argument(
        "--log-format", choices=("text", "json"), default="text", help="format of the log on stderr"
    )
    common.add_argument("--color", choices=("auto", "always", "never"), default="auto")
    return common


def _run_arguments(run: argparse.ArgumentParser) -> None:
    run.add_argument("--once", action="store_true", help="one cycle, then exit")
    run.add_argument(
        "--interval",
        type=_seconds,
        metavar="S",
        help="seconds between cycles ($SLEEP_INTERVAL; default 60)",
    )
    run.add_argument(
        "--dry-run", action="store_true", help="plan and log, but write nothing to LiteLLM"
    )
    run.add_argument("--force", action="store_true", help="carry out deletions that are held")
    run.add_argument(
        "--artifacts", type=Path, metavar="DIR", help="write each new plan to DIR as JSON"
    )
    run.add_argument(
        "--keep", type=_count, default=100, metavar="N", help="plans to keep in DIR (default 100)"
    )
    run.add_argument(
        "--heartbeat",
        type=Path,
        metavar="FILE",
        help="file to touch after each operation and cycle",
    )


def _seconds(text: str, least: float = 1.0) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected seconds, got {text!r}") from None
    if not least <= seconds <= MAX_INTERVAL:
        bounds = f"{least:g} to {MAX_INTERVAL:.0f}"
        raise argparse.ArgumentTypeError(f"expected {bounds} seconds, got {text}")
    return seconds


def _pause(text: str) -> float:
    return _seconds(text, 0.0)


def _count(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,5}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"expected a number from 1 to 999999, got {text!r}")
    return int(text)
