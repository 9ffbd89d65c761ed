"""The parser of the command line, its help and its suggestions."""

from __future__ import annotations

import argparse
import logging
import re
import sys
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NoReturn

from .. import __version__
from ..report.operator_log import start_logging
from .catalogue import COMMANDS
from .exit_codes import USAGE
from .options.command import Command
from .options.common import add_common_options, wants_json

EPILOG: Final = """\
exit codes:
  0   all backends were asked; nothing to do, or everything done
  1   an error; the message says what to do; explain: nothing has that name
  2   plan, run --once --dry-run, explain: there is something to do
  3   a limit held something back; the plan says what, and how to let it through;
      or part of a saved plan is refused, or the plan is not the expected one
  4   a backend could not be asked; everything else is done, or planned;
      doctor: a warning, but no error
  64  the command line is wrong
  of several that fit, the first of 1, 3, 4, 2, 0

first steps:
  modelprovisioner demo                 see it work; needs no configuration
  modelprovisioner validate             check the configuration
  modelprovisioner doctor               find out why a model does not appear
  modelprovisioner plan                 show what would be done
  modelprovisioner explain MODEL        say why a model is, or is not, in LiteLLM
  modelprovisioner apply                carry it out once
  modelprovisioner run                  repeat it, as the container does

'modelprovisioner COMMAND --help' explains the options of a command.
"""
log = logging.getLogger(__name__)
_INVALID_CHOICE: Final = re.compile(
    r"invalid choice: '(?P<given>.*)' \(choose from (?P<known>.*)\)"
)


class _Parser(argparse.ArgumentParser):
    """Exits with 64 on wrong usage: argparse's 2 would mean that the plan has operations.

    With ``as_json`` an error is a line of the log in that format, without the usage.
    """

    def __init__(self, *, as_json: bool = False, **how: Any) -> None:
        super().__init__(**how)
        self._as_json = as_json

    def error(self, message: str) -> NoReturn:
        """Print what is wrong, with a suggestion where a word is close to a known one."""
        choice = _INVALID_CHOICE.search(message)
        if choice:
            known = [word.strip(" '") for word in choice["known"].split(",")]
            message += suggestion(choice["given"], known)
        if self._as_json:
            start_logging(debug=False, as_json=True)
            log.error("%s: %s", self.prog, message)
            self.exit(USAGE)
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\nTry '{self.prog} --help'.\n")

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """Refuse arguments that this parser does not have."""
        options = re.findall(r"(?<![\w-])--[a-z][a-z-]*", self.format_help())
        first = unknown[0].partition("=")[0]
        hint = suggestion(first, options) if first.startswith("-") else ""
        self.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'plan'?``, or "" where no known word is close."""
    from ..validate import nearest

    meant = nearest(word, known)
    return f"; did you mean '{meant}'?" if meant else ""


def parse(argv: Sequence[str] | None, start: argparse.Namespace) -> argparse.Namespace:
    """Return ``start`` with what the command line says; ``module`` is that of the command.

    Wrong usage ends the process with exit code 64.
    """
    words = sys.argv[1:] if argv is None else argv
    named = [command for command in COMMANDS if command.name in words]
    parser, commands = _parsers(named, as_json=asks_for_json(argv))
    arguments, unknown = parser.parse_known_args(argv, start)
    if unknown:
        commands[arguments.command].refuse(unknown)
    return arguments


def asks_for_json(argv: Sequence[str] | None) -> bool:
    """Tell whether the command line, even a wrong one, asks for a log of JSON lines."""
    words = sys.argv[1:] if argv is None else argv
    formats = [""]
    for word, following in zip(words, [*words[1:], ""], strict=False):
        option, _, value = word.partition("=")
        if option == "--log-format":
            formats.append(value or following)
    return wants_json(formats[-1])


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    return _parsers(COMMANDS)[0]


def _parsers(
    whole: Collection[Command], *, as_json: bool = False
) -> tuple[_Parser, dict[str, _Parser]]:
    """Return the parser of the whole command line, and that of each command.

    Only the commands of ``whole`` get their options, since a probe starts a process every time.
    """
    parser = _Parser(
        prog="modelprovisioner",
        description="Keeps a LiteLLM proxy in step with what your local LLM backends serve.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        as_json=as_json,
    )
    parser.add_argument(
        "--version", action="version", version=f"%(prog)s {__version__}", help="print the version"
    )
    add_common_options(parser, defaults=True)
    group = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    commands: dict[str, _Parser] = {}
    for command in COMMANDS:
        text = command.summary
        examples = "".join(f"\n  modelprovisioner {line}" for line in command.examples)
        commands[command.name] = group.add_parser(
            command.name,
            help=text,
            description=f"{text[0].upper()}{text[1:]}{'' if text.endswith('?') else '.'}",
            epilog=f"examples:{examples}\n",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            as_json=as_json,
        )
        chosen = {"command": command.name, "module": command.module or command.name}
        commands[command.name].set_defaults(**chosen)
        if command in whole:
            command.add_options(commands[command.name])
            add_common_options(commands[command.name], defaults=False)
    return parser, commands
