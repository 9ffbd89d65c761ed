"""What was done, as a file says: the plan log of ``run``, or a plan as it was stored."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final

from ..apply.result import ALREADY, APPLIED, UNKNOWN
from ..bounds import MAX_PLAN
from ..errors import EngineError, InvalidDocument, UnusablePlan
from ..plan.plan import Operation
from ..plan_file import read_plan
from ..text import describe_os_error
from ..validate import validate
from .since import Done

_REMEDY: Final = (
    "Remedy: name the plan log of `run`, a plan that was stored with --artifacts or --out, or the"
    " log of another command with --json"
)
_NUMBER: Final = re.compile(r"\d{1,6}", re.ASCII)
Json = dict[str, Any]


@dataclass(slots=True)
class Cycle:
    """A cycle of a plan log: its number, when it began, its operations and how each ended."""

    number: int = 0
    time: str = ""
    digest: str = ""
    operations: tuple[Operation, ...] = ()
    outcomes: dict[tuple[str, str], str] = field(default_factory=dict)

    def done(self) -> tuple[Done, ...]:
        """Return what was carried out; what ended without a clear answer, or none, is not sure."""
        return tuple(
            Done(operation, sure=outcome in (APPLIED, ALREADY))
            for operation in self.operations
            for outcome in [self.outcomes.get((operation.action, operation.id), UNKNOWN)]
            if outcome in (APPLIED, ALREADY, UNKNOWN)
        )

    @property
    def changed(self) -> bool:
        """Whether something was carried out."""
        return any(each.sure for each in self.done())

    def is_meant(self, which: str) -> bool:
        """Tell whether a text is its number, or how its digest begins."""
        if _NUMBER.fullmatch(which) and int(which) == self.number:
            return True
        return len(which) > 3 and self.digest.startswith(which)


def read_done(path: Path, which: str = "") -> Cycle:
    """Return what a file says was done.

    Of a plan log, that is its last cycle that changed something, or the last one that ``which``
    names by its number or the beginning of its digest. A stored plan has no results.

    Raises:
        UnusablePlan: the file cannot be read, or has no such cycle.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise UnusablePlan(f"{path} is not a file. {_REMEDY}")
            if _holds_plan(file):
                plan = read_plan(path)
                return Cycle(digest=plan.digest, operations=plan.operations)
            file.seek(0)
            return _chosen(path, file, which)
    except OSError as error:
        raise UnusablePlan(
            f"{path} cannot be read: {describe_os_error(error)}. {_REMEDY}"
        ) from None


def _holds_plan(file: BinaryIO) -> bool:
    """Tell whether a file holds one plan, not the lines of a log."""
    content = file.read(MAX_PLAN + 1)
    try:
        document = json.loads(content) if len(content) <= MAX_PLAN else None
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and "operations" in document


def _chosen(path: Path, file: BinaryIO, which: str) -> Cycle:
    chosen = None
    for cycle in _cycles(path, file):
        if cycle.is_meant(which) if which else cycle.changed:
            chosen = cycle
    if chosen is None:
        what = f"no cycle {which!r} with operations" if which else "no cycle that changed something"
        raise UnusablePlan(f"{path} has {what}. {_REMEDY}")
    return chosen


def _cycles(path: Path, file: BinaryIO) -> Iterator[Cycle]:
    """Yield the cycles of a plan log that have operations, each when it has ended."""
    cycle = Cycle()
    for line in _lines(path, file):
        event = line.get("event")
        if event == "plan":
            if cycle.operations:
                yield cycle
            _check(path, line, "planlog")
            plan = line["plan"]
            operations = tuple(map(Operation.from_json, plan["operations"]))
            cycle = Cycle(line["cycle"], line["time"], plan["digest"], operations)
        elif event == "result":
            _check(path, line, "planlog")
            cycle.outcomes[line["action"], line["id"]] = line["outcome"]
        elif event == "cycle" and cycle.operations:
            yield cycle
            cycle = Cycle()
    if cycle.operations:
        yield cycle


def _lines(path: Path, file: BinaryIO) -> Iterator[Json]:
    """Yield the JSON objects of a file, one a line; an unfinished last line is passed over."""
    while content := file.readline(MAX_PLAN + 1):
        if not content.endswith(b"\n"):
            if len(content) > MAX_PLAN:
                raise UnusablePlan(f"{path} has a line of over {MAX_PLAN >> 20} MiB. {_REMEDY}")
            return
        if not content.strip():
            continue
        try:
            line = json.loads(content)
        except (ValueError, RecursionError):
            line = None
        if not isinstance(line, dict):
            raise UnusablePlan(
                f"{path} is no plan log: a line of it is not a JSON object. {_REMEDY}"
            )
        yield line


def _check(path: Path, document: Json, schema: str) -> None:
    try:
        validate(document, schema)
    except InvalidDocument as error:
        raise UnusablePlan(f"{path} is not as it was written: {_first(error)}. {_REMEDY}") from None


def _first(error: EngineError) -> str:
    return str(error).splitlines()[1].strip()
