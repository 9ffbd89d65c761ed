"""What a plan is made of: operations, skips, and their JSON form."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import Any, Final

from ..state.deployment import Key
from ..state.endpoint_status import EndpointStatus
from ..state.field_change import FieldChange
from ..state.frozen import EMPTY, Frozen, canonical_json, freeze, in_order, thaw
from ..state.pointer import parts_of

PLAN_VERSION: Final = 1
Order = tuple[int, Key, str]
CREATE: Final = "create"
UPDATE: Final = "update"
REPLACE: Final = "replace"
UNBLOCK: Final = "unblock"
BLOCK: Final = "block"
DELETE: Final = "delete"
ACTIONS: Final = (CREATE, UPDATE, REPLACE, UNBLOCK, BLOCK, DELETE)
"""In the order of their execution, so that no public name loses its last deployment meanwhile."""
SURPLUS: Final = "surplus"
"""The reason to delete a row that nothing wants, or to block it before that."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One write, complete: apply needs nothing else to carry it out.

    ``id`` is the row that exists afterwards (for a delete: the row that is deleted), ``replaces``
    the row that a replace deletes once the new row is live, "" for any other action. ``reason`` is
    a word of the table in :func:`engine.plan.planner.make_plan`, ``because`` a sentence for people.
    ``row`` is what is sent: ``{"model_name", "litellm_params", "model_info"}`` with secret
    references, empty for a delete. A block and an unblock also say ``blocked`` there, and have only
    the id and the mark of the row where nothing else of it changes. ``keeps`` is the row that every
    replica of LiteLLM must serve before a delete, so that the public name stays; "" where nothing
    of ours stays under it.
    ``before`` is the row that an update, a block or an unblock changes, or a replace or a delete
    takes away, in the same shape and as LiteLLM shows it, empty for a create.
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
    def takes_away(self) -> bool:
        """Whether its row no longer serves, for good or before a delete."""
        return self.action == DELETE or (self.action == BLOCK and self.reason == SURPLUS)

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
            **self.key._asdict(),
            "id": self.id,
            "reason": self.reason,
            "because": self.because,
            "row": thaw(self.row),
            "changes": [change.to_json() for change in self.changes],
            "replaces": self.replaces,
            "keeps": self.keeps,
            "before": in_order(self.before),
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
            **self.key._asdict(),
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

    ``endpoints`` are the answers of the backends, on which it is based. It is for the rows of
    ``owner`` in the LiteLLM at the URL ``litellm``.
    """

    operations: tuple[Operation, ...] = ()
    skips: tuple[Skip, ...] = ()
    endpoints: tuple[EndpointStatus, ...] = ()
    litellm: str = ""
    owner: str = ""

    @cached_property
    def digest(self) -> str:
        """A sha256 of what would be done, without the wording of the reasons and ``before``.

        The answers of the backends are not part of it: what they change is in the skips.
        """
        members: tuple[Operation | Skip, ...] = (*self.operations, *self.skips)
        plain = ({**member.to_json(), "because": ""} for member in members)
        return _sha256({k: v for k, v in document.items() if k != "before"} for document in plain)

    @property
    def checksum(self) -> str:
        """A sha256 of all by which a saved plan is carried out, ``before`` among it.

        What backends answered in words is not part of it.
        """
        answers = ({**status.to_json(), "detail": ""} for status in self.endpoints)
        return _sha256(chain([self._head()], (op.to_json() for op in self.operations), answers))

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
            "checksum": self.checksum,
        }

    def iter_json(self, *, indent: int | None = None, whole: bool = True) -> Iterator[str]:
        """Yield the JSON text of the plan document in pieces, as ``json.dumps`` would write it.

        As one tree, 10,000 operations would take 60 MiB. If it is not ``whole``, it ends after
        ``operations``.
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
        if whole:
            yield f'{comma}{margin}"checksum": "{self.checksum}"'
        yield margin[:1] + "}"

    def _head(self) -> dict[str, Any]:
        whose = {"litellm": self.litellm, "owner": self.owner}
        return {"version": PLAN_VERSION, "digest": self.digest, **whose, "summary": self.summary}

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Plan:
        """Return the plan that :meth:`to_json` wrote."""
        return cls(
            tuple(Operation.from_json(operation) for operation in document["operations"]),
            tuple(Skip.from_json(skip) for skip in document["skips"]),
            tuple(EndpointStatus.from_json(status) for status in document["endpoints"]),
            document["litellm"],
            document["owner"],
        )

    def without(self, refused: Mapping[Order, Skip]) -> Plan:
        """Return the plan with some operations, named by their order, turned into skips."""
        if not refused:
            return self
        kept = tuple(op for op in self.operations if op.order() not in refused)
        skips = sorted((*self.skips, *refused.values()), key=Skip.order)
        return replace(self, operations=kept, skips=tuple(skips))


def _sha256(documents: Iterable[Mapping[str, Any]]) -> str:
    sha256 = hashlib.sha256()
    for document in documents:
        sha256.update(f"{canonical_json(document)}\n".encode(errors="surrogatepass"))
    return sha256.hexdigest()


def _key(document: Mapping[str, Any]) -> Key:
    return Key(document["endpoint"], document["name"], document["upstream"])
