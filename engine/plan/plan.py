"""What a plan is made of: operations, skips, and their JSON form."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Final

from ..state.deployment import Key
from ..state.endpoint_status import EndpointStatus
from ..state.frozen import EMPTY, Frozen, canonical_json, freeze, thaw
from ..state.pointer import parts_of

PLAN_VERSION: Final = 1
Order = tuple[int, Key, str]
CREATE: Final = "create"
UPDATE: Final = "update"
REPLACE: Final = "replace"
DELETE: Final = "delete"
ACTIONS: Final = (CREATE, UPDATE, REPLACE, DELETE)
"""In the order of their execution, so that no public name loses its last deployment meanwhile."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One changed field: an RFC 6902 operation on the deployment, plus the value it had.

    ``path`` points below the deployment (``/litellm_params/rpm``); ``op`` is ``add``, ``replace``
    or ``remove``. A secret appears only as its reference.
    """

    op: str
    path: str
    before: Any = None
    after: Any = None

    def to_json(self) -> dict[str, Any]:
        """Return the operation as RFC 6902 has it; the extra member ``was`` is legal there."""
        document: dict[str, Any] = {"op": self.op, "path": self.path}
        if self.op != "remove":
            document["value"] = thaw(self.after)
        if self.op != "add":
            document["was"] = thaw(self.before)
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> FieldChange:
        """Return the change that :meth:`to_json` wrote."""
        before, after = freeze(document.get("was")), freeze(document.get("value"))
        return cls(document["op"], document["path"], before, after)


@dataclass(frozen=True, slots=True)
class Operation:
    """One write, complete: apply needs nothing else to carry it out.

    ``id`` is the row that exists afterwards (for a delete: the row that is deleted), ``replaces``
    the row that a replace deletes once the new row is live, "" for any other action. ``reason`` is
    a word of the table in :func:`engine.plan.planner.make_plan`, ``because`` a sentence for people.
    ``row`` is what is sent: ``{"model_name", "litellm_params", "model_info"}`` with secret
    references, empty for a delete. ``keeps`` is the row that every replica of LiteLLM must serve
    before a delete, so that the public name stays; "" where nothing of ours stays under it.
    ``before`` is the row that an update changes, or a replace or a delete takes away, in the same
    shape and as LiteLLM shows it, empty for a create.
    """

    action: str
    key: Key
    id: str
    reason: str
    because: str
    row: Frozen
    changes: tuple[FieldChange, ...] = ()
    replaces: str = ""
    keeps: str = ""
    before: Frozen = field(default_factory=lambda: EMPTY)

    @property
    def touched(self) -> str:
        """The id of the existing row that it changes or deletes; for a create, the new id."""
        return self.replaces if self.action == REPLACE else self.id

    @property
    def removed_params(self) -> tuple[str, ...]:
        """The names of the ``litellm_params`` fields that it removes as a whole."""
        paths = [parts_of(change.path) for change in self.changes if change.op == "remove"]
        return tuple(path[1] for path in paths if len(path) == 2 and path[0] == "litellm_params")

    def order(self) -> Order:
        """Return the sort key of the plan's order; no two operations of a plan share it."""
        return ACTIONS.index(self.action), self.key, self.id

    def to_json(self) -> dict[str, Any]:
        """Return the operation as the plan schema has it."""
        return {
            "action": self.action,
            **asdict(self.key),
            "id": self.id,
            "reason": self.reason,
            "because": self.because,
            "row": thaw(self.row),
            "changes": [change.to_json() for change in self.changes],
            "replaces": self.replaces,
            "keeps": self.keeps,
            "before": thaw(self.before),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Operation:
        """Return the operation that :meth:`to_json` wrote."""
        return cls(
            document["action"],
            _key(document),
            document["id"],
            document["reason"],
            document["because"],
            freeze(document["row"]),
            tuple(FieldChange.from_json(change) for change in document["changes"]),
            document["replaces"],
            document["keeps"],
            freeze(document["before"]),
        )


@dataclass(frozen=True, slots=True)
class Skip:
    """An action that is left out on purpose, and why."""

    action: str
    key: Key
    id: str
    reason: str
    because: str

    def order(self) -> tuple[Key, str, str, str]:
        """Return the sort key of the plan's order."""
        return self.key, self.id, self.reason, self.action

    def to_json(self) -> dict[str, Any]:
        """Return the skip as the plan schema has it."""
        return {
            "action": self.action,
            **asdict(self.key),
            "id": self.id,
            "reason": self.reason,
            "because": self.because,
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Skip:
        """Return the skip that :meth:`to_json` wrote."""
        names = ("id", "reason", "because")
        return cls(document["action"], _key(document), *(document[name] for name in names))


@dataclass(frozen=True)  # no slots: cached_property keeps its value in the instance's __dict__
class Plan:
    """Ordered operations, and what was left out and why. Made by :mod:`engine.plan.planner`.

    ``endpoints`` are the answers of the backends, on which it is based.
    """

    operations: tuple[Operation, ...] = ()
    skips: tuple[Skip, ...] = ()
    endpoints: tuple[EndpointStatus, ...] = ()

    @cached_property
    def digest(self) -> str:
        """A sha256 of what would be done, without the wording of the reasons and ``before``.

        The answers of the backends are not part of it: what they change is in the skips.
        """
        members: tuple[Operation | Skip, ...] = (*self.operations, *self.skips)
        sha256 = hashlib.sha256()
        for member in members:
            document = {**member.to_json(), "because": ""}
            document.pop("before", None)
            sha256.update(f"{canonical_json(document)}\n".encode())
        return sha256.hexdigest()

    @property
    def summary(self) -> dict[str, int]:
        """How many operations of each action, and how many skips."""
        counts = Counter(operation.action for operation in self.operations)
        return {**{action: counts[action] for action in ACTIONS}, "skip": len(self.skips)}

    @property
    def degraded(self) -> bool:
        """Whether the list of some backend could not be read as a whole."""
        return not all(status.answered for status in self.endpoints)

    def to_json(self) -> dict[str, Any]:
        """Return the plan document, as ``schemas/plan.schema.json`` has it."""
        return {
            **self._head(),
            "operations": [operation.to_json() for operation in self.operations],
            "skips": [skip.to_json() for skip in self.skips],
            "endpoints": [status.to_json() for status in self.endpoints],
        }

    def iter_json(self, *, indent: int | None = None, whole: bool = True) -> Iterator[str]:
        """Yield the JSON text of the plan document in pieces, as ``json.dumps`` would write it.

        As one tree, 10,000 operations would take 60 MiB. If it is not ``whole``, ``operations`` is
        the only list in it.
        """
        encode = json.JSONEncoder(indent=indent).encode
        comma, margin = (", ", "") if indent is None else (",", "\n" + " " * indent)
        inner = margin + margin[1:]
        yield encode(self._head())[:-1].rstrip()
        lists: dict[str, Sequence[Operation | Skip | EndpointStatus]]
        lists = {"operations": self.operations}
        if whole:
            lists |= {"skips": self.skips, "endpoints": self.endpoints}
        for name, group in lists.items():
            yield f'{comma}{margin}"{name}": ['
            for number, member in enumerate(group):
                text = encode(member.to_json()).replace("\n", inner)
                yield f"{comma if number else ''}{inner}{text}"
            yield f"{margin if group else ''}]"
        yield margin[:1] + "}"

    def _head(self) -> dict[str, Any]:
        return {"version": PLAN_VERSION, "digest": self.digest, "summary": self.summary}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Plan:
        """Return the plan that :meth:`to_json` wrote."""
        return cls(
            tuple(Operation.from_json(operation) for operation in document["operations"]),
            tuple(Skip.from_json(skip) for skip in document["skips"]),
            tuple(EndpointStatus.from_json(status) for status in document["endpoints"]),
        )

    def without(self, refused: Mapping[Order, Skip]) -> Plan:
        """Return the plan with some operations, named by their order, turned into skips."""
        if not refused:
            return self
        kept = tuple(op for op in self.operations if op.order() not in refused)
        skips = sorted((*self.skips, *refused.values()), key=Skip.order)
        return replace(self, operations=kept, skips=tuple(skips))


def _key(document: Mapping[str, Any]) -> Key:
    return Key(document["endpoint"], document["name"], document["upstream"])
