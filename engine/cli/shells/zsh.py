"""Completion in zsh, by its own ``_arguments`` and ``_describe``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .grammar import CommandWords, Grammar, Option, Value


def zsh_script(grammar: Grammar) -> str:
    """Return a script that defines the completion of a program; it may be a file of ``fpath``."""
    name = f"_{grammar.program}"
    commands = [f"        {_quoted(f'{c.name}:{c.help}')}" for c in grammar.commands]
    lines = [
        f"#compdef {grammar.program}",
        f"# Completion of {grammar.program} in zsh. Made by: {grammar.program} completion zsh",
        f"{name}() {{",
        "    local curcontext=$curcontext state state_descr line",
        "    typeset -A opt_args",
        "    local -a commands",
        "    commands=(",
        *commands,
        "    )",
        "    _arguments -C \\",
        *_specs(grammar.options, "        "),
        "        '1: :->command' '*:: :->words' && return",
        "    if [[ $state == command ]]; then",
        "        _describe command commands",
        "        return",
        "    fi",
        "    case $line[1] in",
        *(line for command in grammar.commands for line in _case(command)),
        "    esac",
        "}",
        f"if [[ $funcstack[1] == {name} ]]; then",
        f'    {name} "$@"',
        "else",
        f"    compdef {name} {grammar.program}",
        "fi",
    ]
    return "\n".join(lines) + "\n"


def _case(command: CommandWords) -> Iterator[str]:
    yield f"        {command.name})"
    yield "            _arguments \\"
    yield from _specs(command.options, "                ")
    operands = [f"'{number}{_taken(v)}'" for number, v in enumerate(command.operands, 1)]
    yield f"                {' '.join(operands) or chr(39) + '*: :' + chr(39)};;"


def _specs(options: Iterable[Option], margin: str) -> Iterator[str]:
    for option in options:
        for name in option.names:
            taken = joint = ""
            if option.value:
                taken = ":" * option.value.optional + _taken(option.value)
                joint = "=" if name.startswith("--") else ""
            spec = f"*{name}{joint}[{_escaped(option.help)}]{taken}"
            yield f"{margin}{_quoted(spec)} \\"


def _taken(value: Value) -> str:
    """Return the message and the action of a value."""
    action = "_files" if value.is_path else f"({' '.join(value.choices)})" if value.choices else " "
    return f":{value.name}:{action}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]").replace(":", "\\:")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'" if text else ""
