"""Every backend: what it answers, what it is, and the findings about that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from ..backends import detect
from ..backends.fetch import client_of, fetch_listings, server_of
from ..backends.server import Server
from ..backends.transcript import Asker
from ..config.model import AUTO, STATIC, Backend, Config
from ..desired.naming import filtered, unwanted
from ..errors import Rejected, TransportError
from ..report.news import format_count, remedy, state_in_words, unmatched_in_words
from ..state.endpoint_status import EndpointStatus
from ..state.listing import EMPTY_LIST, INVALID, NOT_READY, OK, UNAUTHORISED, Listing, Model
from ..state.secret import PLACEHOLDER_KEY, Secret
from ..transport.background import Background
from ..transport.budget import Allowance
from ..transport.client_pool import Http
from ..transport.error_text import WEB_PAGE
from . import finding
from .finding import BACKENDS, ERROR, NOTE, UNCHECKED, WARNING, Finding, some_of

_GUARDED: Final = {"llamacpp": "/props"}
"""By kind, what needs the key although the list does not."""
_WITH_V1: Final = ("/v1", "/v2", "/v3", "/openai")
"""Endings of an address to which LiteLLM can append its paths."""
_NOT_REGISTERED: Final = "its models are not registered; those that are registered stay as they are"
_LEFT_OUT: Final = "a model that is left out is not registered, and its row of ours is deleted"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a backend answers.

    ``kind`` is what it is recognised as, "" if that was not asked or nothing tells it. ``refusal``
    is the answer to a request that needs the key, where that is refused although the list is not.
    ``open_list`` says that it has a key, and sends the same list without one. ``bare`` says that
    its API is below ``/v1``, which its ``url`` lacks and LiteLLM does not add.
    """

    backend: Backend
    listing: Listing
    kind: str = ""
    refusal: str = ""
    open_list: bool = False
    bare: bool = False


def ask_backends(config: Config, http: Http) -> tuple[Asked, ...]:
    """Ask all backends at the same time, each within its timeout, then what they are."""
    listings = fetch_listings(config.backends, http)
    pairs = list(zip(config.backends, listings, strict=True))
    unproven = _open_lists(pairs, http)
    works = [
        Background(partial(_look_closer, backend, listing, http), f"look-{backend.name}")
        for backend, listing in pairs
    ]
    asked = []
    for work, (backend, listing) in zip(works, pairs, strict=True):
        ended = work.wait(2 * backend.connection.timeout + http.timing.grace)
        found = work.result() if ended else Asked(backend, listing)
        asked.append(replace(found, open_list=backend.name in unproven))
    return tuple(asked)


def _open_lists(pairs: Iterable[tuple[Backend, Listing]], http: Http) -> frozenset[str]:
    """Return the backends with a key that list as many models without one: it proves no key."""
    keyless = {
        backend.name: (replace(backend, key=Secret(PLACEHOLDER_KEY)), listing)
        for backend, listing in pairs
        if listing.outcome == OK
        and backend.kind != STATIC
        and backend.key.reveal() != PLACEHOLDER_KEY
    }
    if not keyless:
        return frozenset()
    other = Http(http.timing)
    lists = fetch_listings(tuple(backend for backend, _ in keyless.values()), other)
    other.close()
    return frozenset(
        each.backend
        for each in lists
        if each.outcome == OK and len(each.models) == len(keyless[each.backend][1].models)
    )


def _look_closer(backend: Backend, listing: Listing, http: Http) -> Asked:
    """Return a backend with what a few more GETs tell; none is sent where nothing answered."""
    asked = Asked(backend, listing)
    static = backend.kind == STATIC
    if backend.key_problem or (listing.outcome not in (OK, EMPTY_LIST, INVALID) and not static):
        return asked
    client = client_of(backend, http)
    with Allowance(http.pool, backend.connection.timeout) as allowance:
        asker = Asker(client, allowance)
        server = server_of(backend, client, detect.ALLOWED, asker)
        if static:
            return replace(asked, bare=_lacks_v1(backend, server))
        kind = "" if backend.kind == AUTO else detect.recognised(server)
        if listing.outcome != OK:
            return replace(asked, kind=kind)
        return replace(asked, kind=kind, refusal=_refusal(backend, kind, server))


def _refusal(backend: Backend, kind: str, server: Server) -> str:
    path = _GUARDED.get(kind or backend.kind, _GUARDED["llamacpp"] if backend.kind == AUTO else "")
    if not path:
        return ""
    try:
        server.get(path)
    except Rejected as error:
        return str(error) if error.status in (401, 403) else ""
    except TransportError:
        return ""
    return ""


def _lacks_v1(backend: Backend, server: Server) -> bool:
    """Tell whether the models of a ``static`` backend are below ``/v1``, and its ``url`` is not."""
    if backend.url.endswith(_WITH_V1):
        return False
    found = [isinstance(server.optional(path), dict | list) for path in ("/models", "/v1/models")]
    return found == [False, True]


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
        if each.open_list and _GUARDED.get(each.kind or backend.kind) is None:
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
        if every and text.startswith("filter_regex"):
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
    if not filtered(backend, model):
        return unwanted(backend, model)
    if backend.include is not None and not backend.include.search(model.id):
        return f"since filter_regex {backend.include.text!r} does not match"
    return f"since exclude_regex {backend.exclude.text if backend.exclude else ''!r} matches"
