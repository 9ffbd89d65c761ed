"""The parser of the command line -> what a shell needs to complete it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

from ..options.words import path


@dataclass(frozen=True, slots=True)
class Value:
    """What an option or operand takes.

    ``choices`` are all words that it accepts, empty where any may do; ``is_path`` says that it is
    a file or folder. ``optional`` says that it may be left out.
    """

    name: str
    choices: tuple[str, ...] = ()
    is_path: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """An option, with all its names; ``value`` is None for a switch."""

    names: tuple[str, ...]
    help: str
    value: Value | None


@dataclass(frozen=True, slots=True)
class CommandWords:
    """A command: what may follow its name."""

    name: str
    help: str
    options: tuple[Option, ...]
    operands: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Grammar:
    """The whole command line: what may stand before a command, and the commands."""

    program: str
    options: tuple[Option, ...]
    commands: tuple[CommandWords, ...]


def grammar_of(parser: argparse.ArgumentParser) -> Grammar:
    """Return the words that a parser accepts."""
    (group,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))  # noqa: SLF001
    helps = {choice.dest: choice.help or "" for choice in group._choices_actions}  # noqa: SLF001
    commands = (
        CommandWords(name, helps[name], tuple(_options(command)), tuple(_operands(command)))
        for name, command in group.choices.items()
    )
    return Grammar(parser.prog, tuple(_options(parser)), tuple(commands))


def _options(parser: argparse.ArgumentParser) -> Iterator[Option]:
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to list them
        if action.option_strings:
            value = None if action.nargs == 0 else _value(action)
            yield Option(tuple(action.option_strings), _plain(action.help or ""), value)


def _operands(parser: argparse.ArgumentParser) -> Iterator[Value]:
    for action in parser._actions:  # noqa: SLF001
        if not action.option_strings:
            yield _value(action)


def _value(action: argparse.Action) -> Value:
    name = action.metavar if isinstance(action.metavar, str) else action.dest
    choices = tuple(map(str, action.choices or ()))
    return Value(name, choices, action.type is path, action.nargs in ("?", "*"))


def _plain(text: str) -> str:
    """Return the help of an option as it is shown."""
    return text.replace("%%", "%").replace("%(prog)s", "modelprovisioner")
