"""The options that every command has."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any, Final

from .words import path

LOG_FORMATS: Final = ("auto", "text", "json")
_LOG_FORMAT: Final = (
    "format of the log, and of errors, on stderr; auto: text on a terminal, else json"
    " ($MODELPROVISIONER_LOG_FORMAT; default text)"
)


def wants_json(log_format: str) -> bool:
    """Tell whether the log is JSON lines in a format; "" is that of the environment."""
    chosen = log_format or _usual_format()
    return chosen == "json" or (chosen == "auto" and not sys.stderr.isatty())


def _usual_format() -> str:
    given = os.environ.get("MODELPROVISIONER_LOG_FORMAT", "")
    return given if given in LOG_FORMATS else "text"


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
        type=path,
        metavar="FILE",
        help="the configuration ($MODELPROVISIONER_CONFIG; default /etc/config/config.yaml)",
    )
    if defaults:
        parser.set_defaults(usual_config=parser.get_default("config"))
    option(
        "--secrets",
        Path(os.environ.get("MODELPROVISIONER_SECRETS", "/etc/secrets")),
        type=path,
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
        _usual_format(),
        choices=LOG_FORMATS,
        help=_LOG_FORMAT,
    )
    option(
        "--color",
        "auto",
        choices=("auto", "always", "never"),
        help="colours on stdout (default auto: on a terminal, unless $NO_COLOR is set)",
    )
