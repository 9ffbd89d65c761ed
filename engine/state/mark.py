"""What tells our deployments from others: the mark in ``model_info``, and the id. Pure."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping
from itertools import islice
from typing import Any, Final

from ..bounds import MAX_DEPTH, MAX_MARKED
from .deployment import Key, Mark
from .frozen import EMPTY, freeze, thaw

_NAMESPACE: Final = uuid.UUID("9d3b52e4-7a54-5d0b-8a53-1c0f4a1a6a54")


def mark_document(mark: Mark) -> dict[str, Any]:
    """Return a mark as it is written into ``model_info``."""
    return {
        "owner": mark.owner,
        "backend": mark.backend,
        "revision": mark.revision,
        "fields": list(mark.fields),
        "opaque": thaw(mark.opaque),
        "evidence": list(mark.evidence),
        "fingerprint": mark.fingerprint,
        **({"adopted": mark.adopted} if mark.adopted else {}),
    }


def mark_owner(value: object) -> str | None:
    """Return the owner that a mark names, None if it is no mark."""
    owner = value.get("owner") if isinstance(value, Mapping) else None
    return owner if isinstance(owner, str) else None


def read_mark(value: object) -> Mark | None:
    """Read a mark; a broken one counts as a mark if it names its owner. None if it is not one."""
    owner = mark_owner(value)
    if owner is None or not isinstance(value, Mapping):
        return None
    revision = value.get("revision")
    return Mark(
        owner=owner,
        backend=str(value.get("backend", "")),
        revision=max(revision, 0) if type(revision) is int else 0,
        fields=_paths(value.get("fields")),
        opaque=_opaque(value.get("opaque")),
        fingerprint=str(value.get("fingerprint", "")),
        evidence=_paths(value.get("evidence")),
        adopted=adopted if isinstance(adopted := value.get("adopted"), str) else "",
    )


def _paths(value: object) -> tuple[str, ...]:
    """Return the paths of whole fields in a list from a mark."""
    members = value[:MAX_MARKED] if isinstance(value, list | tuple) else ()
    return tuple(sorted(path for path in members if isinstance(path, str) and path.count("/") == 2))


def _opaque(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        return EMPTY
    return freeze(  # type: ignore[no-any-return]
        {
            path: fingerprint
            for path, fingerprint in islice(value.items(), MAX_MARKED)
            if isinstance(fingerprint, str)
            and str(path).startswith(("/litellm_params/", "/model_info/"))
            and str(path).count("/") <= MAX_DEPTH
        }
    )


def deployment_id(owner: str, key: Key, revision: int) -> str:
    """Return the id of a deployment, which is the same in every engine with the same owner.

    LiteLLM uses it as primary key, so a create that is sent twice, or by two engines, finds the
    row that exists already.
    """
    parts = [owner, key.endpoint, key.name, key.upstream, revision]
    return str(uuid.uuid5(_NAMESPACE, json.dumps(parts)))


def free_id(owner: str, key: Key, revision: int, taken: Collection[str]) -> tuple[str, int]:
    """Return the first id from ``revision`` on that is not taken, and its revision.

    An id of ours can be in use for something else: somebody renamed our row, or gave it to a team.
    """
    while (candidate := deployment_id(owner, key, revision)) in taken:
        revision += 1
    return candidate, revision
