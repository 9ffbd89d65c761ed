"""What each backend answered in a cycle, as plans and logs report it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from .listing import EMPTY_LIST, OK


@dataclass(frozen=True, slots=True)
class EndpointStatus:
    """What one backend answered, and what the configuration left of it.

    ``endpoint`` is the canonical address of the backend, ``outcome`` that of its listing, and
    ``detail`` its cause in a sentence ("" where there is nothing to explain). ``answered`` says
    whether the whole list was read. ``models`` are as many as were listed, of which the
    configuration leaves out ``filtered``. ``unmatched`` are the expressions of the configuration
    that match no listed model, such as ``filter_regex: ^qwen``.
    """

    backend: str
    endpoint: str
    outcome: str
    answered: bool
    detail: str = ""
    models: int = 0
    filtered: int = 0
    unmatched: tuple[str, ...] = ()

    @property
    def is_ok(self) -> bool:
        """Whether the backend sent a list of models, and all of it was read."""
        return self.outcome == OK and self.answered

    def to_json(self) -> dict[str, Any]:
        """Return the status as the plan schema has it."""
        return {**asdict(self), "unmatched": list(self.unmatched)}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> EndpointStatus:
        """Return the status that :meth:`to_json` wrote."""
        return cls(**{**document, "unmatched": tuple(document["unmatched"])})


def is_answered(outcome: str, *, partial: bool) -> bool:
    """Tell whether a listing is all that its backend serves."""
    return outcome in (OK, EMPTY_LIST) and not partial
