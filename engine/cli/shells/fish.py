"""Completion in fish, by its own ``complete``."""

from __future__ import annotations

from collections.abc import Iterator

from .grammar import Grammar, Option, Value


def fish_script(grammar: Grammar) -> str:
    """Return a script that defines the completion of a program."""
    begin = f"complete -c {grammar.program}"
    first = "__fish_use_subcommand"
    lines = [
        f"# Completion of {grammar.program} in fish. Made by: {grammar.program} completion fish",
        f"{begin} -f",
        *(
            f"{begin} -n {first} -a {command.name} -d {_quoted(command.help)}"
            for command in grammar.commands
        ),
        *(f"{begin} -n {first}{words}" for option in grammar.options for words in _option(option)),
    ]
    for command in grammar.commands:
        seen = _quoted(f"__fish_seen_subcommand_from {command.name}")
        for option in command.options:
            lines += [f"{begin} -n {seen}{words}" for words in _option(option)]
        for value in command.operands:
            if value.choices:
                lines.append(f"{begin} -n {seen} -a {_quoted(' '.join(value.choices))}")
            elif value.is_path:
                lines.append(f"{begin} -n {seen} -F")
    return "\n".join(lines) + "\n"


def _option(option: Option) -> Iterator[str]:
    """Yield the words that describe an option, once with all its names."""
    names = (f" -l {n[2:]}" if n.startswith("--") else f" -s {n[1:]}" for n in option.names)
    yield f"{''.join(names)}{_taken(option.value)} -d {_quoted(option.help)}"


def _taken(value: Value | None) -> str:
    if value is None or value.optional:
        return ""
    if value.is_path:
        return " -r -F"
    return f" -x -a {_quoted(' '.join(value.choices))}" if value.choices else " -x"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
