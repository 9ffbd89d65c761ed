"""A deployment -> the row that is sent to LiteLLM, and which rows a write can name. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..state.deployment import MARK, DesiredDeployment
from ..state.frozen import Frozen, freeze, thaw
from ..state.mark import mark_document


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
