"""A desired deployment -> what of it is wanted of the row that is there. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from ..state.deployment import DesiredDeployment, ObservedDeployment
from ..state.frozen import freeze
from ..state.pointer import parts_of, pointer
from ..state.secret import holds_reference

_API_KEY: Final = "/litellm_params/api_key"


def wanted_of(wanted: DesiredDeployment, seen: ObservedDeployment) -> DesiredDeployment:
    """Return ``wanted`` with what its backend reported earlier, without a key that is not known."""
    return _without_unknown_key(_with_earlier_evidence(wanted, seen), seen)


def _with_earlier_evidence(
    wanted: DesiredDeployment, seen: ObservedDeployment
) -> DesiredDeployment:
    """Return ``wanted`` with the fields that its backend reported before and does not report now.

    A context window that is known only while a model is loaded would otherwise come and go. No
    backend reports secrets: a reference among such fields comes from an edited mark, and sending
    it would show the secret to every key holder.
    """
    mark = seen.mark
    if mark is None or not wanted.discovers:
        return wanted
    known = {*wanted.fields["model_info"], *wanted.decided}
    seen_info = seen.fields["model_info"]
    names = [parts_of(path)[1] for path in mark.evidence]
    earlier = {name: seen_info[name] for name in names if name in seen_info and name not in known}
    kept = {name: value for name, value in earlier.items() if not holds_reference(value)}
    if not kept:
        return wanted
    paths = [pointer(("model_info", name)) for name in kept]
    return replace(
        wanted,
        fields=freeze({**wanted.fields, "model_info": {**wanted.fields["model_info"], **kept}}),
        mark=replace(
            wanted.mark,
            fields=tuple(sorted({*wanted.mark.fields, *paths})),
            evidence=tuple(sorted({*wanted.mark.evidence, *paths})),
        ),
    )


def _without_unknown_key(wanted: DesiredDeployment, seen: ObservedDeployment) -> DesiredDeployment:
    """Return ``wanted`` without its ``api_key`` where that would destroy a key we do not have.

    That is so for a row that others made, if its backend has no key file. The fingerprint stays
    that of the whole, so a key file that is made later is a change.
    """
    if not wanted.missing_key or _API_KEY in seen.declared:
        return wanted
    params = {k: v for k, v in wanted.fields["litellm_params"].items() if k != "api_key"}
    opaque = {path: value for path, value in wanted.mark.opaque.items() if path != _API_KEY}
    fields = tuple(path for path in wanted.mark.fields if path != _API_KEY)
    return replace(
        wanted,
        fields=freeze({**wanted.fields, "litellm_params": params}),
        mark=replace(wanted.mark, fields=fields, opaque=freeze(opaque)),
    )


def preference(wanted: DesiredDeployment, seen: ObservedDeployment) -> tuple[bool, int, bool, str]:
    """Order candidates: ours, of these the latest revision, of these the one in line, then by id.

    A replica of LiteLLM that has not read its database again still lists the row that a later
    revision has replaced. If such a row were kept for being in line, the name would be lost.
    """
    in_line = seen.mark is not None and seen.mark.fingerprint == wanted.mark.fingerprint
    return seen.mark is None, -seen.revision, not in_line, seen.id
