"""The arguments of the command line."""

from __future__ import annotations

import argparse
import os
import re
import sys
from pathlib import Path
from typing import Final, NoReturn

from .. import __version__
from ..bounds import MAX_INTERVAL
from .exit_codes import USAGE

EPILOG: Final = """\
exit codes:
  0   all backends were asked; nothing to do, or everything done
  1   an error; the message says what to do
  2   plan, run --once --dry-run: there is something to do
  3   a limit held deletions back (--force carries them out)
  4   a backend could not be asked; everything else is done, or planned
  64  the command line is wrong
  of several that fit, the first of 1, 3, 4, 2, 0

first steps:
  modelprovisioner demo                 see it work; needs no configuration
  modelprovisioner validate             check the configuration
  modelprovisioner plan                 show what would be done
  modelprovisioner apply                carry it out once
  modelprovisioner run                  repeat it, as the container does
"""


class Parser(argparse.ArgumentParser):
    """Exits with 64 on wrong usage: argparse's 2 would mean that the plan has operations."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\nTry '{self.prog} --help'.\n")


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; ``command`` is the name of a command's module."""
    parser = Parser(
        prog="modelprovisioner",
        description="Keeps a LiteLLM proxy in step with what your local LLM backends serve.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    group = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    common = common_options()

    def command(name: str, text: str) -> argparse.ArgumentParser:
        sub = group.add_parser(name, help=text, description=text, parents=[common])
        sub.set_defaults(command=name)
        return sub

    command("validate", "check the configuration and secrets; sends no request")
    plan = command("plan", "show what would be done; writes nothing to LiteLLM")
    plan.add_argument("--json", action="store_true", help="print the plan as JSON")
    plan.add_argument("--out", type=Path, metavar="FILE", help="also write the plan as JSON")
    plan.add_argument("--force", action="store_true", help="plan as apply --force would")
    apply = command("apply", "bring LiteLLM in step once")
    apply.add_argument("--force", action="store_true", help="carry out deletions that are held")
    run = command("run", "bring LiteLLM in step repeatedly")
    _run_arguments(run)
    demo = command("demo", "run the engine on simulated servers, then exit")
    demo.add_argument(
        "--pause", type=_pause, default=0.0, metavar="S", help="pause after each step"
    )
    alive = command("alive", "for a liveness probe: is the heartbeat recent enough?")
    alive.add_argument("--heartbeat", type=Path, metavar="FILE", required=True)
    alive.add_argument("--max-age", type=_seconds, default=600.0, metavar="S")
    return parser


def common_options() -> Parser:
    """Return the options that every command has."""
    common = Parser(add_help=False)
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
