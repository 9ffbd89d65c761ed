"""A plan as Markdown, for a pull request or a chat. Pure.

What comes from outside stands only in code, where nothing in it has a meaning: no link, no mention
of a person, no HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from typing import Final

from ..plan.plan import CREATE, Operation, Plan, Skip
from ..state.deployment import DesiredState
from ..text import format_value, printable
from .columns import in_columns
from .field_changes import format_path
from .news import counts, format_count, remedy, state_in_words
from .summary import summary_of
from .terminal import MAX_FOLDED, format_name

_SIGNS: Final = {"create": "+", "update": "!", "replace": "!", "delete": "-"}
"""A block of the language ``diff`` colours lines by these."""
_SEVERAL: Final = 3
"""Creates and skips for one reason that are shown each by itself; more are folded."""
_WIDTH: Final = 100


def markdown_of(plan: Plan, desired: DesiredState, *, verbose: bool = False) -> str:
    """Return a plan as GitHub Flavored Markdown, grouped by endpoint, with its digest.

    If it is not ``verbose``, many creates of a backend are only their names, of very many some.
    Source of the rules: https://github.github.com/gfm/.
    """
    lines = [f"**{_plain(summary_of(plan))}**", ""]
    for endpoint in sorted(desired.endpoints, key=lambda endpoint: endpoint.backends):
        operations = [op for op in plan.operations if op.key.endpoint == endpoint.url]
        skips = [skip for skip in plan.skips if skip.key.endpoint == endpoint.url]
        asked = [status for status in plan.endpoints if status.endpoint == endpoint.url]
        names = ", ".join(map(_code, endpoint.backends))
        lines += [f"### {names} at {_code(endpoint.url)}", ""]
        for status in asked:
            bad = not status.is_ok
            state = state_in_words(status) if bad else counts(status)
            lines.append(f"- {_code(status.backend)}: {state}")
            if bad:
                lines.append(f"  - {_code(status.detail)}" if status.detail else "  - no detail")
                lines.append(f"  - remedy: {_plain(remedy(status))}")
        lines += [""] * bool(asked)
        lines += _block(operations, verbose=verbose)
        lines += _left_alone(skips)
    known = {endpoint.url for endpoint in desired.endpoints}
    strays = [skip for skip in plan.skips if skip.key.endpoint not in known]
    if strays:
        lines += ["### Endpoints that are not configured", "", *_left_alone(strays)]
    return "\n".join([*lines, f"Digest: {_code(plan.digest)}"])


def _block(operations: list[Operation], *, verbose: bool) -> Iterator[str]:
    """Yield operations as a block of code whose colours are those of a diff."""
    if not operations:
        return
    content: list[str] = []
    for _, members in groupby(operations, lambda op: (op.action, op.because)):
        group = list(members)
        if group[0].action == CREATE and len(group) > _SEVERAL and not verbose:
            content += _creates(group)
        else:
            content += [line for operation in group for line in _operation(operation)]
    runs = re.findall("`+", "\n".join(content))
    fence = "`" * max(3, *(len(run) + 1 for run in runs), 0)
    yield from (f"{fence}diff", *content, fence, "")


def _creates(group: list[Operation]) -> Iterator[str]:
    """Yield many creates of one backend, as rows of their names."""
    yield f"+ create {format_count(len(group), 'model')}"
    yield f"#     {group[0].reason}: {printable(group[0].because)}"
    names = [format_name(operation.key.name) for operation in group]
    for row in in_columns(names, _WIDTH, MAX_FOLDED):
        yield f"+     {row}"


def _operation(operation: Operation) -> Iterator[str]:
    name, upstream = format_name(operation.key.name), format_name(operation.key.upstream)
    yield f"{_SIGNS[operation.action]} {operation.action} {name}  {upstream}"
    yield f"#     {operation.reason}: {printable(operation.because)}"
    for change in operation.changes:
        yield f"#     {format_path(change)}"
        if change.op != "add":
            yield f"-         {format_value(change.before)}"
        if change.op != "remove":
            yield f"+         {format_value(change.after)}"


def _left_alone(skips: list[Skip]) -> Iterator[str]:
    """Yield skips by reason and cause; the names of many are folded away."""
    ordered = sorted(skips, key=lambda skip: (skip.reason, skip.because, skip.key))
    for (reason, because), group in groupby(ordered, lambda skip: (skip.reason, skip.because)):
        names = [_code(format_name(skip.key.name)) for skip in group]
        head = f"left alone: {reason}, {_code(because)}"
        if len(names) <= _SEVERAL:
            yield f"- {', '.join(names)} {head}"
        else:
            yield f"- <details><summary>{len(names)} models {reason}</summary>"
            yield from ("", f"  {_code(because)}", "", f"  {', '.join(names)}", "", "  </details>")
    yield from [""] * bool(skips)


def _code(text: str) -> str:
    """Return a code span, whatever is in the text; see GFM 6.3."""
    shown = printable(text)
    ticks = "`" * (1 + max(map(len, re.findall("`+", shown)), default=0))
    pad = " " if shown.startswith("`") or shown.endswith("`") or not shown else ""
    return f"{ticks}{pad}{shown}{pad}{ticks}"


def _plain(text: str) -> str:
    """Return a sentence of ours, which may name a backend, without a meaning in Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>#|@~])", r"\\\1", printable(text))
