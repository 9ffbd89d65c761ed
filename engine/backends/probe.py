"""``discovery: probe``: ask loaded models what their servers do not tell. Off unless configured.

A probe is a chat with a few tokens, so it is sent only to models that are loaded already, only for
what is unknown, and only a few in each cycle. What it finds is registered as evidence, and is not
asked again. A timeout or an error of the server finds nothing; a later cycle asks again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from operator import is_
from typing import TYPE_CHECKING, Any, Final

from ..desired.naming import offer_of
from ..errors import Rejected, TransportError
from ..state.deployment import ObservedState
from ..state.endpoint import Scope
from ..state.frozen import freeze
from ..state.listing import OK, Listing, Model
from ..transport.client_pool import Http
from .fetch import client_of
from .record import LOADED, part

if TYPE_CHECKING:
    from ..config.model import Backend


BUDGET: Final = 6
"""Requests that probes may send in one cycle, over all backends."""
_CHAT: Final = "/v1/chat/completions"
_IMAGE: Final = (  # 32 x 32 red points
    "data:image/png;base64,"
    "iVBORw0KGgoAAAANSUhEUgAAACAAAAAgCAIAAAD8GO2jAAAAJ0lEQVR42u3NsQkAAAjAsP7/"
    "tF7hIASyp6lTCQQCgUAgEAgEgi/BAjLD/C5w/SM9AAAAAElFTkSuQmCC"
)
_IMAGE_TOKENS: Final = 8
"""A server that reads an image counts at least this many more tokens than without it."""
_TOOL: Final = {
    "type": "function",
    "function": {
        "name": "report",
        "description": "Report that you are ready.",
        "parameters": {"type": "object", "properties": {}},
    },
}
log = logging.getLogger(__name__)
_Field = tuple[str, str, str]
"""Endpoint, upstream, name of a field of ``model_info``."""
Ask = Callable[[dict[str, Any]], Any]
"""Send a chat request, return the JSON of its answer; raises TransportError."""


@dataclass(slots=True)
class _Cycle:
    """What the probes of one cycle share: ``known`` fields are not asked for again."""

    http: Http
    scope: Scope
    known: set[_Field]
    left: int = BUDGET


def probe_models(
    backends: tuple[Backend, ...],
    listings: tuple[Listing, ...],
    observed: ObservedState,
    scope: Scope,
    http: Http,
) -> tuple[Listing, ...]:
    """Return the listings with what probes found; unchanged where none is configured or due.

    ``listings`` has one Listing per backend, in their order; ``scope`` is that of the backends.

    Raises:
        UnprovenPlan: a model is at an address that is not in scope; a bug of ours.
    """
    if all(backend.discovery != "probe" for backend in backends):
        return listings
    cycle = _Cycle(http, scope, set(_known(observed)))
    return tuple(
        _probe_backend(backend, listing, cycle)
        if backend.discovery == "probe" and listing.outcome == OK
        else listing
        for backend, listing in zip(backends, listings, strict=True)
    )


def _known(observed: ObservedState) -> Iterator[_Field]:
    """Yield the fields that are registered as evidence."""
    for seen in observed.deployments:
        for path in seen.mark.evidence if seen.mark else ():
            name = path.removeprefix("/model_info/")
            yield seen.key.endpoint, seen.key.upstream, name


def _probe_backend(backend: Backend, listing: Listing, cycle: _Cycle) -> Listing:
    client = client_of(backend, cycle.http)

    def ask(body: dict[str, Any]) -> Any:
        cycle.left -= 1
        return client.send("POST", _CHAT, body)

    models = []
    for model in listing.models:
        answers = {}
        for name in _unknown(backend, model, cycle):
            probe, cost = _PROBES[name]
            if cycle.left >= cost:
                answers[name] = _answer(probe, ask, model)
        found = {name: value for name, value in answers.items() if value is not None}
        models.append(_with(model, found))
    same = all(map(is_, models, listing.models))
    return listing if same else replace(listing, models=tuple(models))


def _unknown(backend: Backend, model: Model, cycle: _Cycle) -> list[str]:
    """Return the fields to ask a model for; none if it must not be asked."""
    offer = offer_of(backend, model)
    if not _may_chat(model) or offer.left_out_by:
        return []
    endpoint = cycle.scope.endpoint_of(offer.model.api_base)
    return [
        name
        for name in _PROBES
        if name not in model.info and (endpoint, offer.upstream, name) not in cycle.known
    ]


def _may_chat(model: Model) -> bool:
    return model.state == LOADED and not model.remote and model.info.get("mode") == "chat"


def _with(model: Model, found: dict[str, bool]) -> Model:
    if not found:
        return model
    sources = dict.fromkeys(found, f"probe: POST {_CHAT}")
    return replace(
        model,
        info=freeze({**model.info, **found}),
        sources=freeze({**model.sources, **sources}),
    )


def _answer(probe: Callable[[Ask, str], bool | None], ask: Ask, model: Model) -> bool | None:
    try:
        answer = probe(ask, model.id)
    except Rejected as error:
        # The server understood and refuses: "auto tool choice requires ...", "not multimodal".
        answer = False if error.status in (400, 422, 501) else None
    except TransportError as error:
        log.info("a probe of %r found nothing: %s", model.id, error)
        answer = None
    return answer


def _tools(ask: Ask, model_id: str) -> bool | None:
    """Require a tool call; return whether the answer has one, None if it is not an answer."""
    body = _body(model_id, "Call the tool.") | {"tools": [_TOOL], "tool_choice": "required"}
    message = part(_first_choice(ask(body)), "message")
    if not isinstance(message, dict):
        return None
    calls = message.get("tool_calls")
    return isinstance(calls, list) and bool(calls)


def _vision(ask: Ask, model_id: str) -> bool | None:
    """Send the same text with and without an image; return whether the image costs tokens."""
    text = "What is this?"
    content = [
        {"type": "text", "text": text},
        {"type": "image_url", "image_url": {"url": _IMAGE}},
    ]
    with_image = _prompt_tokens(ask(_body(model_id, content)))
    without = _prompt_tokens(ask(_body(model_id, text)))
    if with_image is None or without is None:
        return None
    return with_image - without >= _IMAGE_TOKENS


_PROBES: Final[dict[str, tuple[Callable[[Ask, str], bool | None], int]]] = {
    "supports_function_calling": (_tools, 1),
    "supports_vision": (_vision, 2),
}
"""By field: the probe, and how many requests it sends."""


def _body(model_id: str, content: object) -> dict[str, Any]:
    return {
        "model": model_id,
        "messages": [{"role": "user", "content": content}],
        "max_tokens": 32,
        "temperature": 0,
        "stream": False,
    }


def _first_choice(answer: Any) -> Any:
    choices = part(answer, "choices")
    return choices[0] if isinstance(choices, list) and choices else None


def _prompt_tokens(answer: Any) -> int | None:
    count = part(answer, "usage", "prompt_tokens")
    return count if isinstance(count, int) and not isinstance(count, bool) else None
