"""What LiteLLM has, and what becomes of each row. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ..litellm.fields import shown_address
from ..plan.plan import Operation, Plan, Skip
from ..state.deployment import MARK, Key, ObservedState
from ..state.mark import mark_owner, read_mark
from .explanation import FOREIGN, IN_STEP, Row
from .names import NOTICE

_FOREIGN: Final = "its address is that of no configured backend; it is never touched"
_IN_STEP: Final = "it is as it should be"


class Rows:
    """LiteLLM's rows, and what a cycle decided about each."""

    def __init__(self, document: Mapping[str, Any], observed: ObservedState, plan: Plan) -> None:
        self._data = document["data"]
        seen = (*observed.deployments, *observed.strays)
        self._keys = {row.id: row.key for row in seen}
        self._operations: defaultdict[str, list[Operation]] = defaultdict(list)
        self._skips: defaultdict[str, list[Skip]] = defaultdict(list)
        for operation in plan.operations:
            self._operations[operation.touched].append(operation)
        for skip in plan.skips:
            self._skips[skip.id].append(skip)

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        return iter(self._data)

    def key(self, row: Mapping[str, Any]) -> Key | None:
        """Return the key under which a row is compared; None if it is not looked at."""
        return self._keys.get(row["model_info"]["id"])

    def explained(self, row: Mapping[str, Any]) -> Row:
        """Return a row with what becomes of it."""
        info, params = row["model_info"], row["litellm_params"]
        mark = read_mark(info.get(MARK))
        outcome, because = self._outcome(info["id"])
        address = params.get("api_base")
        return Row(
            info["id"],
            row["model_name"],
            params["model"],
            shown_address(address) if isinstance(address, str) else "",
            mark_owner(info.get(MARK)) or "",
            mark.backend if mark else "",
            outcome,
            because,
            blocked=info.get("blocked") is True,
        )

    def _outcome(self, row_id: str) -> tuple[str, str]:
        if row_id not in self._keys:
            return FOREIGN, _FOREIGN
        for operation in self._operations.get(row_id, ()):
            return operation.action, f"{operation.reason}: {operation.because}"
        skips = self._skips.get(row_id, ())
        for skip in sorted(skips, key=lambda skip: skip.reason == NOTICE):
            if skip.reason == NOTICE:
                return IN_STEP, f"{_IN_STEP}; {skip.reason}: {skip.because}"
            return skip.reason, skip.because
        return IN_STEP, _IN_STEP


def names_of(row: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a row can be called: its id, its public name, that of its team, its upstream."""
    info = row["model_info"]
    yield from (info["id"], row["model_name"], row["litellm_params"]["model"])
    team_name = info.get("team_public_model_name")
    if isinstance(team_name, str):
        yield team_name
