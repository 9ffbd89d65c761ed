"""Findings about rows that get in each other's way: shared names, upstreams, wildcards. Pure.

LiteLLM keeps limits by ``litellm_params.model``: the last row that has one decides for all rows
with the same upstream. It shares requests among the rows of a public name by ``weight``, ``rpm`` or
``tpm``; a row without the one that others have gets none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from ..desired.holders import Holders
from ..plan.plan import Plan
from ..state.deployment import DesiredState, ObservedState
from ..state.endpoint import Scope, address_of
from ..state.listing import Listing
from .finding import MODELS, NOTE, WARNING, Finding, some_of

_LIMITS: Final = ("max_tokens", "max_input_tokens", "max_output_tokens", "rpm", "tpm", "mode")
_SHARES: Final = ("weight", "rpm", "tpm")
_BARE: Final = ("ollama", "ollama_chat")
"""Providers whose paths are below the root of the server, not below /v1."""
_MOST: Final = 10
Row = Mapping[str, Any]


def check_sharing(
    rows: Iterable[Row], desired: DesiredState, observed: ObservedState, plan: Plan
) -> Iterator[Finding]:
    """Yield what rows share that they should not; ``rows`` are all that LiteLLM lists."""
    known = [row for row in rows if "unreadable" not in row]
    here = {seen.key for seen in observed.deployments}
    planned = [
        {"model_name": wanted.key.name, **wanted.fields}
        for wanted in desired.deployments
        if wanted.key not in here
    ]
    yield from list(_limits([*known, *planned]))[:_MOST]
    yield from list(_weights([*known, *planned]))[:_MOST]
    yield from _joined(desired, observed, plan)
    yield from _wildcards(known)


def _limits(rows: Iterable[Row]) -> Iterator[Finding]:
    """Yield the upstreams whose rows have different limits."""
    by_upstream: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_upstream[str(row["litellm_params"].get("model"))].append(row)
    for upstream, group in by_upstream.items():
        for name in _LIMITS:
            values = {_limit(row, name) for row in group} - {None}
            if len(values) > 1:
                shown = " and ".join(sorted(map(str, values)))
                names = some_of(sorted({row["model_name"] for row in group}))
                what = f"{len(group)} rows have the upstream {upstream}, with {name} {shown}"
                why = "LiteLLM keeps such limits by upstream: the row that it reads last decides"
                fix = "give all of them the same value, or different upstreams (model_format)"
                yield Finding(WARNING, MODELS, "shared_limits", names, what, why, fix)


def _limit(row: Row, name: str) -> Any:
    value = row["model_info"].get(name)
    value = row["litellm_params"].get(name) if value is None else value
    return value if isinstance(value, int | float | str) else None


def _weights(rows: Iterable[Row]) -> Iterator[Finding]:
    """Yield the public names of which some rows have a weight and others do not."""
    by_name: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_name[row["model_name"]].append(row)
    for public, group in by_name.items():
        for name in _SHARES:
            having = [row for row in group if row["litellm_params"].get(name) is not None]
            if not having:
                continue
            if len(having) < len(group):
                what = f"{len(having)} of its {len(group)} rows have {name}"
                why = "LiteLLM sends no request to rows without it while others have it"
                fix = f"set {name} for all rows of this name (litellm_params_defaults), or none"
                yield Finding(WARNING, MODELS, "shared_weight", public, what, why, fix)
            break


def _joined(desired: DesiredState, observed: ObservedState, plan: Plan) -> Iterator[Finding]:
    """Yield the names that the configuration lets us share with rows of others."""
    holders = Holders(desired, observed)
    told = {skip.key for skip in plan.skips}
    found = {
        wanted.key.name: others
        for wanted in desired.deployments
        if wanted.key not in told and (others := holders.others(wanted.key))
    }
    for name, others in list(found.items())[:_MOST]:
        what = f"{others} this public name as well, and the configuration joins them"
        why = "requests, with their prompts, go to any of these rows"
        fix = "nothing must be done if that is meant (on_taken_name: join, joinable_names)"
        yield Finding(NOTE, MODELS, "joined", name, what, why, fix)


def _wildcards(rows: Iterable[Row]) -> Iterator[Finding]:
    names = sorted({row["model_name"] for row in rows if "*" in row["model_name"]})
    if not names:
        return
    what = "wildcards of LiteLLM's own"
    why = (
        "a name that they match is answered by them, also if it is misspelt; ours keep away from it"
    )
    if "*" in names:
        why = "the name * answers every request to a model that is not registered, or not any more"
    fix = "remove a wildcard to a server that is configured here: its models are registered by name"
    yield Finding(NOTE, MODELS, "wildcard", some_of(names), what, why, fix)


def check_addresses(
    observed: ObservedState, listings: Iterable[Listing], scope: Scope
) -> Iterator[Finding]:
    """Yield rows of others whose address does not fit their provider, such as one without /v1."""
    bases: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for listing in listings:
        for model in listing.models:
            for provider, base in model.ways.values():
                endpoint = scope.places.get(address_of(base), "")
                bases[endpoint, provider].add(base)
    for seen in observed.deployments:
        if seen.mark is not None and seen.mark.owner == observed.owner:
            continue
        provider = seen.key.upstream.partition("/")[0]
        base = str(seen.fields["litellm_params"].get("api_base", "")).rstrip("/")
        good = bases[seen.key.endpoint, provider]
        doubled = provider in _BARE and base.endswith("/v1")
        if doubled or (good and base not in good):
            right = min(good) if good else base.removesuffix("/v1")
            what = f"its api_base is {base}, and {provider}/ needs {right} there"
            why = "LiteLLM appends its paths to it as it is, so requests get 404"
            fix = f"change it to {right} in LiteLLM"
            yield Finding(WARNING, MODELS, "v1", seen.key.name, what, why, fix)
