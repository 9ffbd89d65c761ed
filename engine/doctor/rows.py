"""Findings about models: what the plan would do, and why it leaves some out. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Final

from ..plan.plan import ACTIONS, CREATE, Plan, Skip
from ..report.news import format_count
from ..state.deployment import DesiredState, ObservedState
from .finding import MODELS, NOTE, OK, WARNING, Finding, some_of

_MOST: Final = 5
"""Causes of one reason that are told each by itself; of more only how many there are."""
_TOLD_ELSEWHERE: Final = ("incomplete", "excluded", "stale")
"""Reasons of skips that are findings about a backend, or that only a saved plan has."""
_PLANNED: Final = {
    "create": ("not in LiteLLM yet", "users cannot ask for what is not registered"),
    "update": ("registered, but not as wanted", "they have old settings"),
    "replace": ("registered, but not as wanted", "they have old settings"),
    "unblock": ("to be brought back into service", "requests to them are refused until then"),
    "block": ("to be taken out of service", "requests to them are refused then"),
    "delete": ("registered, and not wanted any more", "users see them, and may get errors"),
}
_SKIPPED: Final = {
    "alias": (NOTE, "nobody manages it: it stays when the model goes", "nothing must be done"),
    "clash": (
        WARNING,
        "the model does not appear under this name",
        "rename one of the two (name_format, aliases), or choose another on_clash",
    ),
    "grace": (
        NOTE,
        "users get an error for it until its backend lists it again, or removal_grace is over",
        "nothing must be done; a shorter removal_grace deletes it sooner",
    ),
    "held": (
        NOTE,
        "the model is still registered although its backend does not list it",
        "wait, or look why the backend lists so few models",
    ),
    "key_unknown": (
        WARNING,
        "the row is not brought in step: replacing it would lose a key that only LiteLLM has",
        "put the key into the key file of the backend (an empty file: it needs none)",
    ),
    "limit": (
        WARNING,
        "the model does not appear, or its old row stays",
        "wait for the next cycle, or raise limits.max_models or limits.max_creates",
    ),
    "name_shared": (
        WARNING,
        "a request to this name, with its prompt, may go to the rows of others",
        "rename one of the two, or allow the name in joinable_names",
    ),
    "name_taken": (
        WARNING,
        "the model does not appear: it would get a share of the requests to the rows of others",
        "rename it (name_format, aliases), or write on_taken_name: suffix or joinable_names",
    ),
    "not_owned": (NOTE, "another engine, or a person, manages it", "nothing must be done"),
    "maintenance": (
        NOTE,
        "it is out of service, so users do not get it",
        "when the work is done, remove `maintenance: true`, or `modelprovisioner undrain BACKEND`",
    ),
    "paused": (WARNING, "it is blocked by hand, so it is not brought in step", "unblock it"),
    "policy": (NOTE, "`policy` forbids the change", "choose another policy"),
    "read_only": (
        NOTE,
        "the engine cannot change it; it stays as it is",
        "change it where it was made",
    ),
    "stray": (
        WARNING,
        "nobody manages it: users see it whether it works or not",
        "configure its endpoint again, or `modelprovisioner retire BACKEND`",
    ),
    "unmarked": (
        WARNING,
        "nobody manages it: users see it, and requests to it fail if its model is gone",
        "delete it in LiteLLM, or set ownership: exclusive if all rows of that server are ours",
    ),
    "released": (
        NOTE,
        "the loop leaves it alone, whatever becomes of its model",
        "nothing must be done; `modelprovisioner adopt` takes it back",
    ),
    "unreachable_id": (WARNING, "no request can change it", "delete it in LiteLLM's database"),
    "unreadable": (WARNING, "it is left alone, and its name counts as taken", "delete it"),
    "unsafe_upstream": (
        WARNING,
        "the model does not appear: the name on its backend would decide where requests go",
        "begin model_format with a provider, such as openai/{model}",
    ),
    "unsupported": (
        WARNING,
        "it stays in service although it is to be taken out",
        "update LiteLLM to 1.98 or newer",
    ),
}
"""By the reason of a skip: how bad it is, why it matters, what to do."""


def check_models(plan: Plan, desired: DesiredState, observed: ObservedState) -> Iterator[Finding]:
    """Yield what the plan would do, and what it leaves alone and why."""
    yield from _operations(plan, desired)
    groups: defaultdict[str, defaultdict[str, list[Skip]]]
    groups = defaultdict(lambda: defaultdict(list))
    for skip in plan.skips:
        if skip.reason not in _TOLD_ELSEWHERE:
            groups[skip.reason][skip.because].append(skip)
    for reason, causes in groups.items():
        severity, why, fix = _SKIPPED[reason]
        for because, skips in list(causes.items())[:_MOST]:
            yield Finding(severity, MODELS, reason, _names(skips), because, why, fix)
        if len(causes) > _MOST:
            rest = [skip for skips in list(causes.values())[_MOST:] for skip in skips]
            what = f"{format_count(len(rest), 'more row')} for a like reason; `plan -v` shows all"
            yield Finding(severity, MODELS, reason, _names(rest), what, why, fix)
    for row in observed.unreadable:
        severity, why, fix = _SKIPPED["unreadable"]
        yield Finding(severity, MODELS, "unreadable", "LiteLLM", f"has the row {row}", why, fix)
    paused = sorted(
        seen.key.name for seen in observed.deployments if seen.blocked and not seen.paused
    )
    if paused:
        what = "blocked by hand in LiteLLM"
        why = "requests to it are refused, unless another row has its name"
        yield Finding(NOTE, MODELS, "blocked", some_of(paused), what, why, "unblock it there")


def _operations(plan: Plan, desired: DesiredState) -> Iterator[Finding]:
    for action in ACTIONS:
        names = [operation.key.name for operation in plan.operations if operation.action == action]
        if names:
            state, why = _PLANNED[action]
            what = f"{format_count(len(names), 'model')} {'is' if len(names) == 1 else 'are'}"
            fix = "`modelprovisioner plan` shows it, `apply` or `run` does it"
            yield Finding(NOTE, MODELS, action, some_of(names), f"{what} {state}", why, fix)
    waiting = {operation.key for operation in plan.operations if operation.action == CREATE}
    in_step = len({wanted.key for wanted in desired.deployments} - waiting)
    if in_step:
        what = f"{format_count(in_step, 'model')} registered"
        yield Finding(OK, MODELS, "registered", "LiteLLM", f"has {what}")


def _names(skips: Collection[Skip]) -> str:
    return some_of(sorted({skip.key.name for skip in skips}))
