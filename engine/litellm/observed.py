"""LiteLLM's listing -> the observed state, restricted to the configured endpoints. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Mapping
from dataclasses import replace
from operator import attrgetter
from typing import Any, Final

from ..state.deployment import (
    MARK,
    NO_ADDRESS,
    TEAM_ROW,
    Editing,
    Key,
    ObservedDeployment,
    ObservedState,
)
from ..state.endpoint import Scope, address_of
from ..state.frozen import freeze
from ..state.mark import mark_owner, read_mark, releaser
from ..state.pointer import parts_of, put
from ..state.reuse import Reuse
from ..state.secret import NOT_OURS, SECRET, is_reference
from ..text import shortened
from .fields import BUILT_IN, SERVER_SET, is_secret, is_secret_info, is_secret_text, shown_address
from .home import home_of

_NO_SECRET: Final = ("", "None", "True", "False")
"""What LiteLLM before 1.95 shows of a null or a boolean under a name that it masks."""

_SHOWN: Final = 80
"""Characters of an id, and of an owner, in the description of a row."""
_STRAY: Final = "(none)"
"""The place of a row of ours that has no home."""
_SEVERAL: Final = 2


def observed_state(
    document: Mapping[str, Any], scope: Scope, owner: str, known: Reuse | None = None
) -> ObservedState:
    """Return the deployments in ``document`` that are on a configured endpoint.

    ``document`` is what :meth:`engine.litellm.api.Proxy.fetch_deployments` returns: rows without
    fields that are null. A row without an ``api_base``, or with one that is not a URL, is on no
    endpoint. Nor is an unmarked row at an address that is not configured itself but only implied
    by the kind of a backend. Rows of ours are on the endpoint where :func:`home_of` finds them at
    home; those without a home are returned as ``strays``. A row with ``unreadable`` is beyond a
    bound, and only its name, upstream, address and id are known. What is in ``known`` of a row is
    used again.
    """
    known = Reuse() if known is None else known
    rows = document["data"]
    ids = Counter([row["model_info"]["id"] for row in rows])
    seen: dict[str, ObservedDeployment] = {}
    strays: dict[str, ObservedDeployment] = {}
    others: list[Mapping[str, Any]] = []
    several = {row_id for row_id, times in ids.items() if times > 1}
    for row, placed in zip(rows, known.each(_placed, rows, scope, owner), strict=True):
        again = bool(several) and row["model_info"]["id"] in several
        place, deployment = _placed(row, scope, owner, _SEVERAL) if again else placed
        if deployment is not None:
            (strays if place == _STRAY else seen).setdefault(deployment.id, deployment)
        if deployment is None or not deployment.belongs_to(owner):
            others.append(row)
    return ObservedState(
        owner,
        in_order(seen.values()),
        strays=in_order(strays.values()),
        editing=Editing(**document["editing"]),
        taken=frozenset(ids),
        unreadable=_unreadable(others, seen),
        holders=_holders(others, seen, owner),
    )


def rows_with(ids: Container[str], document: Mapping[str, Any]) -> dict[str, ObservedDeployment]:
    """Return the rows in ``document`` that have one of some ids, by id, wherever they are.

    Of an id that is listed several times, the first row; it is read-only.
    """
    rows = [row for row in document["data"] if row["model_info"]["id"] in ids]
    times = Counter(row["model_info"]["id"] for row in rows)
    found: dict[str, ObservedDeployment] = {}
    for row in rows:
        row_id = row["model_info"]["id"]
        address = address_of(row["litellm_params"].get("api_base")) or NO_ADDRESS
        found.setdefault(row_id, _deployment(row, address, times[row_id]))
    return found


def _placed(
    row: Mapping[str, Any], scope: Scope, owner: str, times: int = 1
) -> tuple[str, ObservedDeployment | None]:
    """Return where a row belongs, and the row there; None if it is on no configured endpoint.

    ``times`` is how often its id is listed.
    """
    address = address_of(row["litellm_params"].get("api_base"))
    endpoint = scope.places.get(address, "")
    if not endpoint and MARK not in row["model_info"]:
        return "", None
    deployment = _deployment(row, endpoint or address or NO_ADDRESS, times)
    mark = deployment.mark
    if mark is not None and mark.owner == owner:
        home = home_of(deployment, endpoint, scope)
        key = deployment.key._replace(endpoint=home or deployment.key.endpoint)
        return home or _STRAY, replace(deployment, key=key)
    if endpoint and (endpoint == address or mark is not None or deployment.released):
        return endpoint, deployment
    return "", None


def _unreadable(rows: Iterable[Mapping[str, Any]], seen: Collection[str]) -> tuple[str, ...]:
    """Describe the rows beyond a bound that are not in ``seen``."""
    found = [row for row in rows if "unreadable" in row and row["model_info"]["id"] not in seen]
    return tuple(
        f"{row['model_name']!r} (id {row['model_info']['id']!r}): {row['unreadable']}"
        for row in found
    )


def in_order(deployments: Iterable[ObservedDeployment]) -> tuple[ObservedDeployment, ...]:
    """Return deployments by key, then id."""
    return tuple(sorted(deployments, key=attrgetter("key", "id")))


def _holders(
    rows: Iterable[Mapping[str, Any]], seen: Mapping[str, ObservedDeployment], owner: str
) -> dict[str, tuple[str, ...]]:
    """Return the public names of rows that can never be ours; ``seen`` are rows on our endpoints.

    So is each further name under which LiteLLM lists one of these. ``rows`` may leave out what is
    ours.
    """
    holders: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        info = row["model_info"]
        marked = mark_owner(info.get(MARK))
        known = seen.get(info["id"])
        again = known is not None and known.key.name != row["model_name"]
        team = bool(info.get("team_id"))
        theirs = again or known is None if marked is None else marked != owner
        if team or theirs:
            whose = _read_only(row, 2 if again else 1)
            if not whose and marked is not None:
                whose = f"it belongs to owner {shortened(marked, _SHOWN)!r}"
            holders[_public_name(row)].append(described(info["id"], whose))
    return {name: tuple(sorted(found)) for name, found in holders.items()}


def _public_name(row: Mapping[str, Any]) -> str:
    """Return the name under which a row is asked for; that of a team's row is the team's.

    The listing shows LiteLLM's internal name of such a row instead where
    ``use_team_public_model_name`` is false.
    """
    info = row["model_info"]
    public = info.get("team_public_model_name") if info.get("team_id") else ""
    return str(public or row["model_name"])


def described(row_id: str, whose: str) -> str:
    """Return a short text for people that names a row which is not ours."""
    return f"row {shortened(row_id, _SHOWN)!r} ({whose or 'it is not marked as ours'})"


def _deployment(row: Mapping[str, Any], endpoint: str, times: int) -> ObservedDeployment:
    params, info = row["litellm_params"], row["model_info"]
    mark = read_mark(info.get(MARK))
    own_info = {name: value for name, value in info.items() if name not in SERVER_SET}
    reported = mark.evidence if mark else ()
    fields = {
        "litellm_params": _hidden_in(params, is_secret, BUILT_IN if mark else ()),
        "model_info": _hidden_in(own_info, is_secret_info, _names_in("model_info", reported)),
    }
    if isinstance(api_base := params.get("api_base"), str):
        fields["litellm_params"]["api_base"] = shown_address(api_base)
    for path, fingerprint in mark.opaque.items() if mark else ():
        put(fields, path, {SECRET: fingerprint})
    return ObservedDeployment(
        Key(endpoint, row["model_name"], params["model"]),
        freeze(fields),
        info["id"],
        mark,
        read_only=_read_only(row, times),
        blocked=info.get("blocked") is True,
        unreadable="unreadable" in row,
        released="" if mark else releaser(info.get(MARK)),
    )


def _names_in(part: str, paths: Iterable[str]) -> frozenset[str]:
    return frozenset(name for where, name in map(parts_of, paths) if where == part)


def _hidden_in(
    fields: Mapping[str, Any], secret: Callable[[str], bool], reported: Container[str]
) -> dict[str, Any]:
    """Return a plain copy of fields with references in place of secrets.

    What a backend ``reported`` is hidden by its name alone: it may begin like a secret. All else
    that we sent looks like no secret, so a text that does was set by somebody else.
    """
    return {
        name: _without_secrets(value, secret=secret(name), ours=name in reported)
        for name, value in fields.items()
    }


def _without_secrets(value: Any, *, secret: bool, ours: bool) -> Any:
    """Return a plain copy of a listed value with references in place of what LiteLLM shows.

    It masks most secrets. What it shows of them, others than us wrote; ours have their references
    from the mark. A map that poses as a reference is treated as one of theirs.
    """
    if isinstance(value, Mapping):
        if is_reference(value):
            return {SECRET: NOT_OURS}
        return {
            name: _without_secrets(item, secret=is_secret(name), ours=ours)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_without_secrets(item, secret=secret, ours=ours) for item in value]
    if not secret:
        theirs = not ours and isinstance(value, str) and is_secret_text(value)
        return {SECRET: NOT_OURS} if theirs else value
    shown = isinstance(value, str) and "*" not in value and value not in _NO_SECRET
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return {SECRET: NOT_OURS} if shown or number else value


def _read_only(row: Mapping[str, Any], times: int) -> str:
    if "unreadable" in row:
        return str(row["unreadable"])
    if row["model_info"].get("db_model") is not True:
        return "it comes from LiteLLM's configuration file"
    if row["model_info"].get("team_id"):
        return TEAM_ROW
    if "*" in row["model_name"] or "*" in row["litellm_params"]["model"]:
        return "it is a wildcard"
    if times > 1:
        return "LiteLLM lists it under several names"
    return ""
