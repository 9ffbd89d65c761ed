"""The options of the commands, and the words that they accept."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path
from typing import Any, Final

from ..bounds import MAX_INTERVAL
from ..config.durations import seconds


def add_common_options(parser: argparse.ArgumentParser, *, defaults: bool) -> None:
    """Add the options that every command has, before and after its name.

    After it they have no ``defaults``, which would overwrite what is given before it.
    """
    group = parser.add_argument_group("options of every command, before or after its name")

    def option(name: str, default: object, **how: Any) -> None:
        group.add_argument(name, default=default if defaults else argparse.SUPPRESS, **how)

    option(
        "--config",
        Path(os.environ.get("MODELPROVISIONER_CONFIG", "/etc/config/config.yaml")),
        type=_path,
        metavar="FILE",
        help="the configuration ($MODELPROVISIONER_CONFIG; default /etc/config/config.yaml)",
    )
    option(
        "--secrets",
        Path(os.environ.get("MODELPROVISIONER_SECRETS", "/etc/secrets")),
        type=_path,
        metavar="DIR",
        help="the key files: 'litellm', and one for each backend that has a key"
        " ($MODELPROVISIONER_SECRETS; default /etc/secrets)",
    )
    option(
        "--debug",
        os.environ.get("DEBUG") == "true",
        action="store_true",
        help="log each request, without its content ($DEBUG=true)",
    )
    option(
        "--log-format",
        "text",
        choices=("text", "json"),
        help="format of the log, and of errors, on stderr (default text)",
    )
    option(
        "--color",
        "auto",
        choices=("auto", "always", "never"),
        help="colours on stdout (default auto: on a terminal, unless $NO_COLOR is set)",
    )


def _no_options(parser: argparse.ArgumentParser) -> None:
    del parser


def _plan_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the plan as JSON")
    parser.add_argument(
        "--out",
        type=_path,
        metavar="FILE",
        help="also write the plan as JSON; - is stdout, like --json",
    )
    _verbose_option(parser)
    _backend_option(parser)
    _force_option(parser)


def _apply_options(parser: argparse.ArgumentParser) -> None:
    _verbose_option(parser)
    _backend_option(parser)
    _force_option(parser)


def _run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="one cycle, then exit")
    parser.add_argument(
        "--interval",
        type=_duration,
        metavar="TIME",
        help="time between cycles: seconds, or 90s, 5m, 1h ($SLEEP_INTERVAL in seconds;"
        " default 60)",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="plan and log, but write nothing to LiteLLM"
    )
    _force_option(parser)
    parser.add_argument(
        "--artifacts", type=_path, metavar="DIR", help="write each new plan to DIR as JSON"
    )
    parser.add_argument(
        "--keep", type=_count, default=100, metavar="N", help="plans to keep in DIR (default 100)"
    )
    parser.add_argument(
        "--heartbeat",
        type=_path,
        metavar="FILE",
        help="file to touch after each operation and cycle",
    )


def _retire_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        metavar="BACKEND",
        help="the name that the backend has, or had, in the configuration",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show the plan, but write nothing to LiteLLM"
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="write the plan log to stdout; with --dry-run, the plan as JSON",
    )
    _force_option(parser, "delete its rows although the backend is configured")
    _verbose_option(parser)


def _demo_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pause",
        type=_pause,
        default=0.0,
        metavar="TIME",
        help="pause after each step: seconds, or 2s (default 0)",
    )


def _alive_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--heartbeat",
        type=_path,
        metavar="FILE",
        required=True,
        help="the file that 'run --heartbeat' touches",
    )
    parser.add_argument(
        "--max-age",
        type=_duration,
        default=600.0,
        metavar="TIME",
        help="how old it may be: seconds, or 90s, 10m (default 10m)",
    )


def _verbose_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="show each create and each skip by itself"
    )


def _backend_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--backend",
        action="append",
        default=[],
        metavar="NAME",
        help="change only what is on this backend; may be repeated (default: all)",
    )


def _force_option(
    parser: argparse.ArgumentParser,
    what: str = "carry out deletions of this backend that a limit holds",
) -> None:
    parser.add_argument(
        "--force",
        action="append",
        type=_forced,
        nargs="?",
        const="",
        default=[],
        metavar="BACKEND",
        help=f"{what}; may be repeated; 'all' for every backend",
    )


def _duration(text: str, least: float = 1.0) -> float:
    try:
        length = seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}, got {text!r}") from None
    if not least <= length <= MAX_INTERVAL:
        bounds = f"{least:g} to {MAX_INTERVAL:.0f}"
        raise argparse.ArgumentTypeError(f"expected {bounds} seconds, got {text}")
    return length


def _pause(text: str) -> float:
    return _duration(text, 0.0)


def _path(text: str) -> Path:
    """Return a path; an empty text, as an unset variable leaves it, would be the working folder."""
    if not text:
        raise argparse.ArgumentTypeError("expected a path, got ''")
    return Path(text)


def _count(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,5}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"expected a number from 1 to 999999, got {text!r}")
    return int(text)


def _forced(text: str) -> str:
    if not text:
        what = "name the backend, such as --force gpu1; --force all is every backend"
        raise argparse.ArgumentTypeError(what)
    return text


COMMANDS: Final = {
    "validate": ("check the configuration and secrets; sends no request", _no_options),
    "plan": ("show what would be done; writes nothing to LiteLLM", _plan_options),
    "apply": ("bring LiteLLM in step once", _apply_options),
    "run": ("bring LiteLLM in step repeatedly", _run_options),
    "retire": ("delete what a backend left in LiteLLM, for good", _retire_options),
    "demo": ("run the engine on simulated servers, then exit", _demo_options),
    "alive": ("for a liveness probe: is the heartbeat recent enough?", _alive_options),
}
"""By command: what it does, and what adds its own options."""
