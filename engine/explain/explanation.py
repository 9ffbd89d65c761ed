"""What is known of one model, as values and as JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from ..plan.caps import LIMIT
from ..plan.plan import Operation, Skip
from ..state.deployment import Key
from ..state.endpoint_status import EndpointStatus
from ..state.frozen import EMPTY, Frozen, thaw

EXPLANATION_VERSION: Final = 1
WANTED: Final = "wanted"
FILTERED: Final = "filtered"
SUPERSEDED: Final = "superseded"
IN_STEP: Final = "in_step"
NOTHING: Final = "nothing"
FOREIGN: Final = "foreign"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the configuration that has to do with a model.

    ``option`` is its path (``backends[0].filter_regex``), ``line`` where it stands in the file (0
    for a default), ``text`` the expression or value (may be ""), ``effect`` what it does.
    """

    option: str
    line: int
    text: str
    effect: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What a backend sent about a model: the request, and the JSON value without secrets.

    If it is ``cut``, ``value`` is the beginning of its text.
    """

    request: str
    value: Any
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Name:
    """One public name that the configuration gives a listed model.

    ``key`` is the one of its row, whose name differs where ``name`` is not free. ``decision`` is
    ``wanted``, ``filtered``, ``superseded`` (by another model in its place), or the reason of a
    refusal; ``because`` says why. ``outcome`` is what the plan does about it: ``in_step``, an
    action, the reason of a skip, or ``nothing`` if it is not wanted. ``remedy`` is what an operator
    can do. ``rows`` are the ids of the rows in its place.
    """

    name: str
    key: Key
    decision: str
    because: str
    outcome: str
    remedy: str = ""
    rows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listed:
    """A model in the list of a backend.

    ``told`` are the fields of ``model_info`` that its backend reports, ``sources`` where.
    """

    status: EndpointStatus
    kind: str
    id: str
    told: Frozen = field(default_factory=lambda: EMPTY)
    sources: Frozen = field(default_factory=lambda: EMPTY)
    entries: tuple[Entry, ...] = ()
    rules: tuple[Rule, ...] = ()
    names: tuple[Name, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A model that a backend sends, and that is not in its list as it is read."""

    status: EndpointStatus
    id: str
    because: str
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """A row of LiteLLM.

    ``owner`` and ``backend`` are those of its mark, "" without one. ``outcome`` is what the plan
    does with it: ``in_step``, an action, the reason of a skip, or ``foreign`` for a row that is not
    looked at; ``because`` says why.
    """

    id: str
    name: str
    upstream: str
    address: str
    owner: str
    backend: str
    outcome: str
    because: str
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class Unread:
    """A backend whose list could not be read as a whole: it may serve anything."""

    status: EndpointStatus
    remedy: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is known of what somebody asked for.

    ``config`` is the name of the file whose lines rules name. ``more`` counts models and rows that
    are left out, because there are too many. ``holders`` describe rows of others by public name.
    ``nearest`` are names that ``asked`` may have meant, if nothing has that name.
    """

    asked: str
    config: str
    listed: tuple[Listed, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    rows: tuple[Row, ...] = ()
    holders: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    operations: tuple[Operation, ...] = ()
    skips: tuple[Skip, ...] = ()
    unread: tuple[Unread, ...] = ()
    nearest: tuple[str, ...] = ()
    more: int = 0

    @property
    def found(self) -> bool:
        """Whether anything has the name."""
        return bool(self.listed or self.left_out or self.rows)

    @property
    def held(self) -> bool:
        """Whether a limit holds something back that concerns it."""
        return any(skip.reason in ("held", LIMIT) for skip in self.skips)

    @property
    def degraded(self) -> bool:
        """Whether a list that concerns it could not be read as a whole."""
        unseen = any(skip.reason == "incomplete" for skip in self.skips)
        statuses = [each.status for each in self.listed]
        statuses += [each.status for each in self.left_out]
        return unseen or not all(status.answered for status in statuses)

    def to_json(self) -> dict[str, Any]:
        """Return the document, as ``schemas/explanation.schema.json`` has it."""
        return {
            "version": EXPLANATION_VERSION,
            "asked": self.asked,
            "config": self.config,
            "found": self.found,
            "listed": [_listed(listed) for listed in self.listed],
            "left_out": [_left_out(each) for each in self.left_out],
            "rows": [asdict(row) for row in self.rows],
            "holders": thaw(self.holders),
            "operations": [operation.to_json() for operation in self.operations],
            "skips": [skip.to_json() for skip in self.skips],
            "unread": [{**each.status.to_json(), "remedy": each.remedy} for each in self.unread],
            "nearest": list(self.nearest),
            "more": self.more,
        }


def _listed(listed: Listed) -> dict[str, Any]:
    return {
        "backend": listed.status.to_json(),
        "kind": listed.kind,
        "id": listed.id,
        "told": thaw(listed.told),
        "sources": thaw(listed.sources),
        "entries": [_plain(asdict(entry)) for entry in listed.entries],
        "rules": [asdict(rule) for rule in listed.rules],
        "names": [
            {
                **name.key._asdict(),
                "wanted_name": name.name,
                "decision": name.decision,
                "because": name.because,
                "outcome": name.outcome,
                "remedy": name.remedy,
                "rows": list(name.rows),
            }
            for name in listed.names
        ],
    }


def _left_out(each: LeftOut) -> dict[str, Any]:
    return {
        "backend": each.status.to_json(),
        "id": each.id,
        "because": each.because,
        "entries": [_plain(asdict(entry)) for entry in each.entries],
    }


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = thaw(document)
    return plain
