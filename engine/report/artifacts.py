"""Plans stored as JSON files."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Final

from ..plan.plan import Plan
from .cycle_log import utc_now

_NAME: Final = re.compile(r"plan-\d{8}T\d{6}\.\d{6}Z-[0-9a-f]{12}\.json", re.ASCII)


class Artifacts:
    """A folder of plans, one JSON file each; only the newest ``keep`` files are kept.

    A plan is written only if it differs from the one before it, or a backend answers otherwise.
    ``redact`` is given each piece of its JSON text.
    """

    def __init__(
        self,
        folder: Path,
        *,
        keep: int = 100,
        clock: Callable[[], datetime] = utc_now,
        redact: Callable[[str], str] = str,
    ) -> None:
        self.folder = folder
        self._keep = keep
        self._clock = clock
        self._redact = redact
        self._last: tuple[object, ...] = ()

    def write(self, plan: Plan) -> Path | None:
        """Write a plan; return its path, or None if it equals the last one.

        Raises:
            OSError: the folder cannot be written to; no partial file remains.
        """
        digest = plan.digest
        answers = [(status.backend, status.outcome, status.answered) for status in plan.endpoints]
        if (digest, answers) == self._last:
            return None
        self.folder.mkdir(parents=True, exist_ok=True)
        stamp = self._clock().strftime("%Y%m%dT%H%M%S.%fZ")
        path = self.folder / f"plan-{stamp}-{digest[:12]}.json"
        write_atomically(path, plan_pieces(plan, self._redact))
        self._last = digest, answers
        for old in sorted(filter(_is_ours, self.folder.iterdir()))[: -self._keep]:
            old.unlink(missing_ok=True)
        return path


def plan_pieces(plan: Plan, redact: Callable[[str], str]) -> Iterator[str]:
    """Yield the pieces of a plan as JSON text for people; ``redact`` is given each of them."""
    return chain(map(redact, plan.iter_json(indent=2)), "\n")


def _is_ours(path: Path) -> bool:
    """Tell whether a file is a plan that was written here, by its exact name; no link is."""
    return bool(_NAME.fullmatch(path.name)) and path.is_file() and not path.is_symlink()


def write_atomically(path: Path, pieces: Iterable[str]) -> None:
    """Write a file completely or not at all.

    Raises:
        OSError: the file cannot be written; an earlier file of that name is unchanged.
    """
    handle, name = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
