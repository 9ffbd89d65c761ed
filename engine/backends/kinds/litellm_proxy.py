"""A LiteLLM proxy as a backend: modes and limits in its list, capabilities in its model groups.

A wildcard route (``ollama/*``) lists names from LiteLLM's own tables, whether or not these models
exist behind it. With ``return_wildcard_routes`` the list also has the wildcards, which shows the
names that match one.
"""

from __future__ import annotations

from typing import Any, Final

from ..model_list import id_of
from ..paging import FoundList, find_list, left_out_note
from ..record import Record, part
from ..server import ROOT, V1, Found, Route, Server

ALLOWED: Final = ("GET /v1/models", "GET /models", "GET /model_group/info")
PLACES: Final = ("/v1", "")
ROUTES: Final = {
    "": Route("litellm_proxy", V1),
    "completion": Route("openai", V1),
    "rerank": Route("litellm_proxy", ROOT),
}
"""``litellm_proxy/`` adds ``/v1`` for rerank only, and sends completions to chat."""
_LIST: Final = "GET /v1/models"
_GROUPS: Final = "GET /model_group/info"
_LIMITS: Final = ("max_input_tokens", "max_output_tokens")
_FLAGS: Final = ("function_calling", "parallel_function_calling", "vision", "reasoning")


def ask(server: Server) -> Found:
    """List the models except those that only a wildcard lists; add the fields of their groups."""
    found_list = find_list(server, PLACES, "return_wildcard_routes=true")
    wildcards = _wildcards(found_list)
    groups = _groups(server)
    records, skipped = [], []
    for name, entry in found_list.entries:
        if name.startswith(wildcards):
            skipped.append(name)
        else:
            records.append(_record(name, entry, groups.get(name)))
    routes = server.quote(", ".join(f"{prefix}*" for prefix in wildcards))
    why = f"wildcard routes ({routes}) list them whether or not they exist"
    notes = left_out_note(server, skipped, why)
    return found_list.entries.found(records, found_list.listed, *notes)


def _wildcards(found_list: FoundList) -> tuple[str, ...]:
    """Return the prefixes of the wildcards, and no longer count these as unusable ids.

    A bare ``*`` is left out: it matches every name.
    """
    document = found_list.document
    members = part(document, "data") if isinstance(document, dict) else document
    names = [id_of(member) for member in members] if isinstance(members, list) else []
    routes = [name for name in names if name.endswith("*") and "\x00" not in name]
    found_list.entries.unusable = max(0, found_list.entries.unusable - len(routes))
    prefixes = {name[:-1] for name in routes if "*" not in name[:-1]}
    return tuple(sorted(prefix for prefix in prefixes if prefix))


def _groups(server: Server) -> dict[str, Any]:
    """Return the model groups by name; none if the key may not read them."""
    groups = part(server.optional("/model_group/info"), "data")
    named = groups if isinstance(groups, list) else []
    return {name: group for group in named if isinstance(name := part(group, "model_group"), str)}


def _record(name: str, entry: dict[str, Any], group: Any) -> Record:
    """Read an entry and its group; a group has false for a capability that nobody declared."""
    record = Record(name)
    for document, source in ((entry, _LIST), (group, _GROUPS)):
        mode = part(document, "mode")
        record.mode(mode if isinstance(mode, str) else None, f"{source}: mode")
        for key in _LIMITS:
            record.tokens(key, _whole(part(document, key)), f"{source}: {key}")
    for flag in _FLAGS:
        can = part(group, f"supports_{flag}") is True
        record.flag(flag, can or None, f"{_GROUPS}: supports_{flag}")
    return record


def _whole(value: Any) -> Any:
    """Return a limit as a whole number; groups have floats such as 1024.0."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
