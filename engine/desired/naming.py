"""What the configuration makes of a listed model: wanted or not, and under which names. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from ..bounds import MAX_NAME, MAX_RENAMED
from ..config.model import STATIC
from ..config.patterns import Traced, joined, ours, theirs
from ..litellm.fields import ENVIRONMENT
from ..state.listing import Model

if TYPE_CHECKING:
    from ..config.model import Backend


_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_GO_PROVIDERS: Final = {"vllm": "hosted_vllm", "ollama": "ollama"}
"""The provider prefixes of the Go program by backend type; for every other type ``openai``."""
_NO_UPSTREAM: Final = (
    f"its upstream would be empty, or longer than {MAX_RENAMED} characters (regex_rename)"
)


@dataclass(frozen=True, slots=True)
class Offer:
    """What the configuration makes of one listed model.

    ``model`` has the provider and the address of its mode. ``ruled`` are the ``model_info`` fields
    that the configuration sets; null means that the field is not registered. ``names`` are the
    public names, ``upstream`` is its ``litellm_params.model``, ``predecessors`` are those that the
    Go program gave it. ``filtered`` says whether an expression excludes it, ``unwanted`` which
    other option does ("" if none), ``unsafe`` why LiteLLM must not get it ("" if it may).
    """

    model: Model
    ruled: Mapping[str, Any]
    names: tuple[str, ...]
    upstream: str
    predecessors: tuple[str, ...]
    filtered: bool
    unwanted: str
    unsafe: str


def offer_of(backend: Backend, listed: Model) -> Offer:
    """Return what the configuration makes of a model that ``backend`` lists."""
    ruled = _ruled_info(backend, listed)
    model = _routed(listed, str(ruled.get("mode") or listed.info.get("mode")))
    plain = _upstream(backend, model.provider, model.id)
    upstream = _renamed(backend, plain)
    go_plain = _upstream(backend, _GO_PROVIDERS.get(backend.kind, "openai"), model.id)
    # The Go program leaves rows that it made before a rule was configured as they are.
    go_upstreams = (_renamed(backend, go_plain).text, go_plain.text)
    return Offer(
        model,
        ruled,
        public_names(backend, model),
        upstream.text or plain.text,
        tuple(dict.fromkeys(filter(None, go_upstreams))),
        filtered(backend, model),
        unwanted(backend, model) or ("" if upstream.text else _NO_UPSTREAM),
        unsafe(model.id, upstream if upstream.text else plain),
    )


def public_names(backend: Backend, model: Model) -> tuple[str, ...]:
    """Return the names under which a model is offered: the formatted one, then its aliases."""
    stripped = model.id.removesuffix(f":{backend.strip_tag}") if backend.strip_tag else model.id
    values = {"backend": backend.name, "family": model.family or "unknown", "model": stripped}
    formatted = _PLACEHOLDER.sub(lambda found: values[found[1]], backend.name_format)
    aliases = backend.aliases.get(model.id, backend.aliases.get(stripped, ()))
    names = (formatted, *aliases)
    return tuple(dict.fromkeys(_UNPRINTABLE.sub("_", name)[:MAX_NAME] for name in names))


def filtered(backend: Backend, model: Model) -> bool:
    """Tell whether an expression of the configuration leaves a model out."""
    if backend.include is not None and not backend.include.search(model.id):
        return True
    return backend.exclude is not None and backend.exclude.search(model.id)


def unwanted(backend: Backend, model: Model) -> str:
    """Return which option leaves out a model that passes the expressions, "" if none does."""
    wanted = backend.selection
    mode = str(model.info.get("mode", ""))
    why = ""
    if model.parent and not wanted.adapters:
        why = f"it is an adapter of {model.parent} (include_adapters: false)"
    elif model.remote and not wanted.remote:
        why = "it runs in a cloud, not here (include_remote: false)"
    elif model.state == "unloaded" and not wanted.unloaded:
        why = "it is not loaded (include_unloaded: false)"
    elif model.state == "failed" and not wanted.failed:
        why = "its backend could not load it (include_failed: false)"
    elif wanted.modes and mode not in wanted.modes:
        why = f"its mode is {mode or 'not known'} (include_modes)"
    elif mode in wanted.not_modes:
        why = f"its mode is {mode} (exclude_modes)"
    return why


def _ruled_info(backend: Backend, model: Model) -> Mapping[str, Any]:
    override = next((o for o in backend.overrides if o.pattern.search(model.id)), None)
    capabilities = override.capabilities if override else {}
    return {**backend.model_info, **backend.models.get(model.id, {}), **capabilities}


def _routed(model: Model, mode: str) -> Model:
    """Return a model with the provider and address of its mode."""
    usual = model.ways.get("", (model.provider, model.api_base))
    provider, api_base = model.ways.get(mode, usual)
    return replace(model, provider=provider, api_base=api_base)


def unsafe(model_id: str, upstream: Traced) -> str:
    """Return why an upstream may do what only the operator may decide, "" if it cannot.

    LiteLLM replaces any parameter that begins with ``os.environ/`` by a variable of its own
    environment, which it then lists and sends to the backend. What it does with a model depends on
    the provider in front, which a backend must not choose.
    """
    if model_id.startswith(ENVIRONMENT) or upstream.text.startswith(ENVIRONMENT):
        return f"LiteLLM would send a variable of its environment in place of {ENVIRONMENT}..."
    provider, slash, _ = upstream.text.partition("/")
    origin = upstream.origin[: len(provider + slash)] if slash else upstream.origin
    if "t" in origin or (slash and not provider):
        return (
            "its provider would come from the backend's list, not from the configuration;"
            " begin model_format with one, such as openai/{model}"
        )
    return ""


def _upstream(backend: Backend, provider: str, model_id: str) -> Traced:
    """Return the ``litellm_params.model`` of a model before ``regex_rename``."""
    template = backend.model_format or provider + "/{model}"
    model = ours(model_id) if backend.kind == STATIC else theirs(model_id)
    first, *others = (ours(text) for text in template.split("{model}"))
    return joined([first, *(piece for text in others for piece in (model, text))])


def _renamed(backend: Backend, upstream: Traced) -> Traced:
    """Return an upstream with all rules applied; "" if that is empty or too long."""
    try:
        for rule in backend.renames:
            upstream = rule.apply(upstream)
    except ValueError:
        return ours("")
    return upstream
