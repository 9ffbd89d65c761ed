"""A deployment -> the row that is sent to LiteLLM. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .mark import mark_document
from .state import MARK, Deployment, Frozen, freeze, thaw


def row_of(wanted: Deployment, row_id: str, *, revision: int, kept: Frozen | None = None) -> Frozen:
    """Return ``{"model_name", "litellm_params", "model_info"}`` of a deployment under an id.

    ``kept`` are fields, shaped like ``Deployment.fields``, that somebody else set on the row and
    that are to stay; our own fields go over them.
    """
    kept_fields: dict[str, Any] = thaw(kept) if kept else {}
    fields = thaw(wanted.fields)
    assert wanted.mark is not None
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
