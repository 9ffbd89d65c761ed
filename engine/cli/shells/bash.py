"""Completion in bash. No function of the package bash-completion is needed."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import Final

from .grammar import CommandWords, Grammar, Option, Value

_FILES: Final = (
    "local IFS=$'\\n'; compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- \"$word\"))"
)
"""Completes files, also those with blanks in their names."""


def bash_script(grammar: Grammar) -> str:
    """Return a script that defines the completion of a program."""
    name = f"_{grammar.program}"
    commands = "|".join(command.name for command in grammar.commands)
    takers = "|".join(name for name, _ in _taking(grammar.options))
    lines = [
        f"# Completion of {grammar.program} in bash. Made by: {grammar.program} completion bash",
        f"{name}() {{",
        "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}",
        "    local command= words= i",
        "    COMPREPLY=()",
        "    [[ $word == = ]] && word=",
        "    [[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD-2]}",
        "    for ((i = 1; i < COMP_CWORD; i++)); do",
        "        case ${COMP_WORDS[i]} in",
        f"            {takers}) [[ ${{COMP_WORDS[i+1]}} == = ]] && ((i++)); ((i++));;",
        f"            {commands}) command=${{COMP_WORDS[i]}}; break;;",
        "        esac",
        "    done",
        '    case "$command $before" in',
        *_values(grammar),
        "    esac",
        "    case $command in",
        f"        '') words={quote(' '.join(_first(grammar)))};;",
        *(f"        {c.name}) {_words(c)};;" for c in grammar.commands),
        "    esac",
        '    COMPREPLY=($(compgen -W "$words" -- "$word"))',
        "}",
        f"complete -F {name} {grammar.program}",
    ]
    return "\n".join(lines) + "\n"


def _first(grammar: Grammar) -> Iterator[str]:
    yield from (command.name for command in grammar.commands)
    yield from (name for option in grammar.options for name in option.names)


def _values(grammar: Grammar) -> Iterator[str]:
    """Yield a case for each option with a value; a value that may be left out is not asked for."""
    yield from (_case(f"*{quote(f' {name}')}", value) for name, value in _taking(grammar.options))
    every = {name for name, _ in _taking(grammar.options)}
    for command in grammar.commands:
        for name, value in _taking(command.options):
            if name not in every:
                yield _case(quote(f"{command.name} {name}"), value)


def _taking(options: tuple[Option, ...]) -> Iterator[tuple[str, Value]]:
    for option in options:
        if option.value is not None and not option.value.optional:
            yield from ((name, option.value) for name in option.names)


def _case(place: str, value: Value) -> str:
    choices = quote(" ".join(value.choices))
    words = f'COMPREPLY=($(compgen -W {choices} -- "$word"))'
    return f"        {place}) {_FILES if value.is_path else words}; return;;"


def _words(command: CommandWords) -> str:
    """Return what sets the words that may follow a command, or looks for files."""
    names = [name for option in command.options for name in option.names]
    names += [word for value in command.operands for word in value.choices]
    takes_files = any(value.is_path for value in command.operands)
    also = f"; [[ $word == -* ]] || {{ {_FILES}; return; }}" if takes_files else ""
    return f"words={quote(' '.join(names))}{also}"
