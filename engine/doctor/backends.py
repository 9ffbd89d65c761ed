"""Findings about what backends answer. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

from ..config.model import STATIC, Backend
from ..desired.naming import EXCLUDE, INCLUDE, offer_of
from ..report.news import format_count, remedy, state_in_words, unmatched_in_words
from ..state.endpoint_status import EndpointStatus
from ..state.listing import EMPTY_LIST, INVALID, NOT_READY, OK, UNAUTHORISED, Model
from ..transport.error_text import WEB_PAGE
from . import finding
from .asked import GUARDED, Asked
from .finding import BACKENDS, ERROR, NOTE, UNCHECKED, WARNING, Finding, some_of

_NOT_REGISTERED: Final = "its models are not registered; those that are registered stay as they are"
_LEFT_OUT: Final = "a model that is left out is not registered, and its row of ours is deleted"


def check_backends(
    asked: Iterable[Asked], statuses: Sequence[EndpointStatus], unreached: Collection[str]
) -> Iterator[Finding]:
    """Yield the findings about all backends; ``unreached`` are told of elsewhere already."""
    by_name = {status.backend: status for status in statuses}
    for each in asked:
        name = each.backend.name
        if name in unreached or each.backend.key_problem:
            where = "network" if name in unreached else "key files"
            why = f"it is not asked; see {where}"
            yield Finding(UNCHECKED, BACKENDS, "list", name, "which models it serves", why)
            continue
        status = by_name[name]
        if each.backend.kind == STATIC:
            yield from _static(each)
        elif status.is_ok:
            yield from _answers(each)
        else:
            yield _fails(each, status)
        yield from _kind(each)
        yield from _left_out(each, status)


def _static(each: Asked) -> Iterator[Finding]:
    backend = each.backend
    number = format_count(len(backend.models), "model")
    what = f"is not asked for its {number}, which the configuration names"
    yield Finding(finding.OK, BACKENDS, "list", backend.name, what)
    if each.bare:
        what = f"its API is below {backend.url}/v1, but `url` has no /v1"
        why = "LiteLLM appends /chat/completions to the `url` of a static backend as it is"
        yield Finding(ERROR, BACKENDS, "v1", backend.name, what, why, f"write {backend.url}/v1")


def _answers(each: Asked) -> Iterator[Finding]:
    backend, listing = each.backend, each.listing
    what = f"lists {format_count(len(listing.models), 'model')}"
    what += f" ({listing.detail})" if listing.detail else f", as type {backend.kind}"
    if each.refusal:
        refused = f"its list is open to all, but the key is refused: {each.refusal}"
        why = "its models are registered, and every chat with them fails"
        yield Finding(ERROR, BACKENDS, "wrong_key", backend.name, refused, why, _key_fix(backend))
    else:
        yield Finding(finding.OK, BACKENDS, "list", backend.name, what)
        if each.open_list and GUARDED.get(each.kind or backend.kind) is None:
            what = "whether its key is right"
            why = "it sends the same list without a key, and only a chat would show it"
            yield Finding(UNCHECKED, BACKENDS, "key", backend.name, what, why)


def _key_fix(backend: Backend) -> str:
    return f"put the key that it expects into the key file {backend.name!r}"


def _fails(each: Asked, status: EndpointStatus) -> Finding:
    """Return the finding about a list that is missing, empty or partial, as the log tells it."""
    cause = f": {status.detail}" if status.detail else ""
    what = f"{state_in_words(status)}{cause}"
    fix, check = remedy(status), status.outcome
    severity = WARNING if status.outcome in (OK, EMPTY_LIST, NOT_READY) else ERROR
    if WEB_PAGE in status.detail:
        check, fix = (
            "sign_in",
            ("name the server's own address, or let this machine through without a sign-in"),
        )
    elif each.kind and status.outcome == INVALID:
        check, fix = "type", f"write `type: {each.kind}`, or `type: auto`"
    elif status.outcome == UNAUTHORISED:
        missing = not each.backend.key_given
        check = "missing_key" if missing else "wrong_key"
    why = _NOT_REGISTERED
    if status.outcome == EMPTY_LIST:
        why = "an empty list is suspicious: registered models stay for limits.suspicion_period"
    elif status.outcome == OK:
        why = "what cannot be read is not registered, and nothing of this backend is deleted"
    return Finding(severity, BACKENDS, check, each.backend.name, what, why, fix)


def _kind(each: Asked) -> Iterator[Finding]:
    """Yield that a server whose list can be read is of another kind than configured."""
    backend, kind = each.backend, each.kind
    if each.listing.outcome != OK or kind in ("", "openai", backend.kind):
        return
    what = f"answers as {kind} does, but is configured as `type: {backend.kind}`"
    generic = backend.kind == "openai"
    why = (
        "what it tells of its models is not read in full"
        if generic
        else (f"its models are registered as those of {backend.kind}, and chats with them may fail")
    )
    fix = f"write `type: {kind}`, or `type: auto`"
    severity = NOTE if generic else WARNING
    yield Finding(severity, BACKENDS, "type", backend.name, what, why, fix)


def _left_out(each: Asked, status: EndpointStatus) -> Iterator[Finding]:
    """Yield which models the configuration leaves out, and what matches nothing."""
    backend = each.backend
    causes: defaultdict[str, list[str]] = defaultdict(list)
    for model in each.listing.models:
        if why := _why_left_out(backend, model):
            causes[why].append(model.id)
    every = status.models > 0 and status.filtered == status.models
    for cause, models in causes.items():
        share = _share(len(models), status.models)
        what = f"{share} left out, {cause}: {some_of(models)}"
        fix = "change the setting if you want them; `explain MODEL` says more of one"
        severity = WARNING if every else NOTE
        yield Finding(severity, BACKENDS, "filtered", backend.name, what, _LEFT_OUT, fix)
    for text in status.unmatched:
        if every and text.startswith(INCLUDE):
            continue  # it is the cause above
        what = unmatched_in_words(status, text)
        why = "an expression that matches nothing is mostly misspelt"
        fix = "correct it, or remove it"
        yield Finding(WARNING, BACKENDS, "unmatched", backend.name, what, why, fix)


def _share(number: int, models: int) -> str:
    if number == models:
        return "its only model is" if models == 1 else f"all of its {models} models are"
    return f"{number} of its {models} models {'is' if number == 1 else 'are'}"


def _why_left_out(backend: Backend, model: Model) -> str:
    """Return what leaves a model out, "" if nothing does."""
    offer = offer_of(backend, model)
    pattern = {INCLUDE: backend.include, EXCLUDE: backend.exclude}.get(offer.left_out_by)
    if pattern is None:
        return offer.unwanted
    verb = "does not match" if offer.left_out_by == INCLUDE else "matches"
    return f"since {offer.left_out_by} {pattern.text!r} {verb}"
