"""What tells our deployments from others: the mark in ``model_info``, and the id. Pure."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from ..bounds import MAX_DEPTH, MAX_MARKED
from .frozen import EMPTY, Frozen, freeze, thaw

if TYPE_CHECKING:
    from .deployment import Key

MAINTENANCE: Final = "maintenance"
DRAINED: Final = "drained"
LADDER: Final = "ladder"
"""Why we blocked a row: because the configuration says so, because the command ``drain`` did, or
because nothing wants it any more, so that it is deleted if that lasts."""
_FINGERPRINT: Final = 64
"""Hexadecimal digits of a sha256."""
_NAMESPACE: Final = uuid.UUID("9d3b52e4-7a54-5d0b-8a53-1c0f4a1a6a54")


@dataclass(frozen=True, slots=True)
class Mark:
    """The record that an engine keeps in the ``model_info`` of a deployment which it registered.

    ``fields`` are the paths that the engine set (``/litellm_params/rpm``), so that a field which
    is dropped from the configuration can be removed. ``evidence`` are those of them whose values a
    backend reported. ``opaque`` maps the paths of secrets, which LiteLLM does not return, to the
    references of the values that were sent. ``fingerprint`` is the sha256 of the whole deployment
    without the evidence, with references in place of secrets. ``adopted`` is the id of the unmarked
    row in whose place the deployment was made, "" if there was none: should that row still be
    there, it is to go. ``paused`` says why we blocked the row, "" if we did not: a block without it
    is somebody else's, and stays. ``paused_at`` is since when, if it is to be deleted later:
    ``2026-11-28T18:08:42Z``.
    """

    owner: str
    backend: str
    revision: int
    fields: tuple[str, ...]
    opaque: Frozen
    fingerprint: str
    evidence: tuple[str, ...] = ()
    adopted: str = ""
    paused: str = ""
    paused_at: str = ""

    @property
    def comparable(self) -> bool:
        """Whether its references can be compared with ours.

        Those of the first engines were keyed with LiteLLM's key; their fingerprints are shorter.
        """
        return len(self.fingerprint) == _FINGERPRINT


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
        **({"paused": mark.paused} if mark.paused else {}),
        **({"paused_at": mark.paused_at} if mark.paused_at else {}),
    }


def released_document(owner: str) -> dict[str, Any]:
    """Return what is written in place of a mark into a row that its owner lets go of.

    LiteLLM removes no field of ``model_info``, so what is left says that there was a mark.
    """
    return {"released": owner}


def releaser(value: object) -> str:
    """Return the owner that let go of a row, "" if nobody did."""
    return (
        "" if not isinstance(value, Mapping) or mark_owner(value) else _text(value.get("released"))
    )


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
        adopted=_text(value.get("adopted")),
        paused=_text(value.get("paused")),
        paused_at=_text(value.get("paused_at")),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


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
