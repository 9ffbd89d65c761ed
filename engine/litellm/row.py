"""A deployment -> the row that is sent or was listed, and which rows a write can name. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..state.deployment import MARK, DesiredDeployment, ObservedDeployment
from ..state.frozen import EMPTY, Frozen, freeze, thaw
from ..state.mark import LADDER, mark_document, released_document
from ..state.secret import SECRET, Secret, is_reference


def is_patchable(row_id: str) -> bool:
    """Tell whether a PATCH can name a row: its id is one segment of the path.

    LiteLLM accepts any text as an id, but its route accepts no slash, escaped or not, and clients
    and servers resolve ``.`` and ``..``.
    """
    return "/" not in row_id and row_id not in ("", ".", "..")


def is_deletable(row_id: str) -> bool:
    """Tell whether a row can be deleted, and be looked for afterwards.

    The id is in the body of the delete and in the query of the look-up, where LiteLLM treats an
    empty id as a missing one.
    """
    return row_id != ""


def row_of(
    wanted: DesiredDeployment, row_id: str, *, revision: int, kept: Frozen | None = None
) -> Frozen:
    """Return ``{"model_name", "litellm_params", "model_info"}`` of a deployment under an id.

    ``kept`` are fields, shaped like ``DesiredDeployment.fields``, that somebody else set on the
    row and that stay; where both have a field, ours is sent.
    """
    kept_fields: dict[str, Any] = thaw(kept) if kept else {}
    fields = thaw(wanted.fields)
    mark = replace(wanted.mark, revision=revision)
    info = {**kept_fields.get("model_info", {}), **fields["model_info"]}
    return freeze(  # type: ignore[no-any-return]
        {
            "model_name": wanted.key.name,
            "litellm_params": {
                **kept_fields.get("litellm_params", {}),
                **fields["litellm_params"],
            },
            "model_info": {**info, "id": row_id, MARK: mark_document(mark)},
        }
    )


def stamped(row: Frozen, time: str) -> Frozen:
    """Return a row that is sent, with the time of its pause where its mark needs one.

    A plan has no time in it, so that it is the same plan until it is carried out.
    """
    mark = row.get("model_info", EMPTY).get(MARK, EMPTY)
    if mark.get("paused") != LADDER or mark.get("paused_at"):
        return row
    info = {**row["model_info"], MARK: {**mark, "paused_at": time}}
    return freeze({**row, "model_info": info})  # type: ignore[no-any-return]


def shown_mark(seen: ObservedDeployment) -> dict[str, Any]:
    """Return the part of ``model_info`` that says whose a row is, or who let go of it."""
    if seen.mark is not None:
        return {MARK: mark_document(seen.mark)}
    return {MARK: released_document(seen.released)} if seen.released else {}


class ShownRow(Mapping[str, Any]):
    """All that LiteLLM shows of a row, shaped like :func:`row_of`, with secret references.

    A view, not a copy: a plan may take thousands of rows away, which are in memory already.
    """

    __slots__ = ("_seen",)

    def __init__(self, seen: ObservedDeployment) -> None:
        self._seen = seen

    def __getitem__(self, name: str) -> Any:
        seen = self._seen
        if name == "model_name":
            return seen.key.name
        if name == "model_info":
            mark = shown_mark(seen)
            blocked = {"blocked": True} if seen.blocked else {}
            return freeze({**seen.fields[name], **blocked, **mark, "id": seen.id})
        return seen.fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(("model_name", "litellm_params", "model_info"))

    def __len__(self) -> int:
        return 3

    def __repr__(self) -> str:
        return f"ShownRow({dict(self)!r})"


def resolved(value: Any, secrets: Mapping[str, Secret]) -> Any:
    """Return a row as plain JSON with the secrets, by fingerprint, in place of their references."""
    if is_reference(value):
        return secrets[value[SECRET]].reveal_json()
    if isinstance(value, Mapping):
        return {name: resolved(item, secrets) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [resolved(item, secrets) for item in value]
    return value
