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
INCLUDE: Final = "filter_regex"
EXCLUDE: Final = "exclude_regex"
RENAME: Final = "regex_rename"


@dataclass(frozen=True, slots=True)
class Offer:
    """What the configuration makes of one listed model.

    ``model`` has the provider and the address of its mode. ``ruled`` are the ``model_info`` fields
    that the configuration sets; null means that the field is not registered. ``names`` are the
    public names, ``upstream`` is its ``litellm_params.model``, ``predecessors`` are those that the
    Go program gave it. ``left_out_by`` is the option that excludes it ("" if none), ``unwanted``
    says why if that is no expression, ``unsafe`` why LiteLLM must not get it ("" if it may).

    The rest says which rules decided: ``override`` is the number of the override that matches it
    (None if none does), ``alias_of`` the key in ``aliases`` that gives it further names ("" if
    none), ``renamed_by`` are the numbers of the rules that changed its upstream.
    """

    model: Model
    ruled: Mapping[str, Any]
    names: tuple[str, ...]
    upstream: str
    predecessors: tuple[str, ...]
    left_out_by: str
    unwanted: str
    unsafe: str
    override: int | None = None
    alias_of: str = ""
    renamed_by: tuple[int, ...] = ()

    @property
    def filtered(self) -> bool:
        """Whether an expression leaves it out."""
        return self.left_out_by in (INCLUDE, EXCLUDE)


def offer_of(backend: Backend, listed: Model) -> Offer:
    """Return what the configuration makes of a model that ``backend`` lists."""
    override = _override(backend, listed)
    ruled = _ruled_info(backend, listed, override)
    model = _routed(listed, str(ruled.get("mode") or listed.info.get("mode")))
    plain = _upstream(backend, model.provider, model.id)
    upstream, renamed_by = _renamed(backend, plain)
    go_plain = _upstream(backend, _GO_PROVIDERS.get(backend.kind, "openai"), model.id)
    # The Go program leaves rows that it made before a rule was configured as they are.
    go_upstreams = (_renamed(backend, go_plain)[0].text, go_plain.text)
    option, why = unwanted(backend, model)
    if not (option or upstream.text):
        option, why = RENAME, _NO_UPSTREAM
    return Offer(
        model,
        ruled,
        public_names(backend, model),
        upstream.text or plain.text,
        tuple(dict.fromkeys(filter(None, go_upstreams))),
        filtered(backend, model) or option,
        why,
        unsafe(model.id, upstream if upstream.text else plain),
        override,
        _alias_of(backend, model.id),
        renamed_by,
    )


def public_names(backend: Backend, model: Model) -> tuple[str, ...]:
    """Return the names under which a model is offered: the formatted one, then its aliases."""
    values = {
        "backend": backend.name,
        "family": model.family or "unknown",
        "model": _stripped(backend, model.id),
    }
    formatted = _PLACEHOLDER.sub(lambda found: values[found[1]], backend.name_format)
    names = (formatted, *backend.aliases.get(_alias_of(backend, model.id), ()))
    return tuple(dict.fromkeys(_UNPRINTABLE.sub("_", name)[:MAX_NAME] for name in names))


def _stripped(backend: Backend, model_id: str) -> str:
    return model_id.removesuffix(f":{backend.strip_tag}") if backend.strip_tag else model_id


def _alias_of(backend: Backend, model_id: str) -> str:
    """Return the key in ``aliases`` of a model: its id, else that without the tag; "" if none."""
    keys = (model_id, _stripped(backend, model_id))
    return next((key for key in keys if key in backend.aliases), "")


def filtered(backend: Backend, model: Model) -> str:
    """Return which expression of the configuration leaves a model out, "" if none does."""
    if backend.include is not None and not backend.include.search(model.id):
        return INCLUDE
    excluded = backend.exclude is not None and backend.exclude.search(model.id)
    return EXCLUDE if excluded else ""


def unwanted(backend: Backend, model: Model) -> tuple[str, str]:
    """Return which option leaves out a model that passes the expressions, and why; "" if none."""
    wanted = backend.selection
    mode = str(model.info.get("mode", ""))
    option = why = ""
    if model.parent and not wanted.adapters:
        option, why = "include_adapters", f"it is an adapter of {model.parent}"
    elif model.remote and not wanted.remote:
        option, why = "include_remote", "it runs in a cloud, not here"
    elif model.state == "unloaded" and not wanted.unloaded:
        option, why = "include_unloaded", "it is not loaded"
    elif model.state == "failed" and not wanted.failed:
        option, why = "include_failed", "its backend could not load it"
    elif wanted.modes and mode not in wanted.modes:
        return "include_modes", f"its mode is {mode or 'not known'} (include_modes)"
    elif mode in wanted.not_modes:
        return "exclude_modes", f"its mode is {mode} (exclude_modes)"
    return option, f"{why} ({option}: false)" if option else ""


def _override(backend: Backend, model: Model) -> int | None:
    """Return the number of the first override that matches a model."""
    matching = (i for i, o in enumerate(backend.overrides) if o.pattern.search(model.id))
    return next(matching, None)


def _ruled_info(backend: Backend, model: Model, override: int | None) -> Mapping[str, Any]:
    capabilities = {} if override is None else backend.overrides[override].capabilities
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


def _renamed(backend: Backend, upstream: Traced) -> tuple[Traced, tuple[int, ...]]:
    """Return an upstream with all rules applied, and the numbers of those that changed it.

    It is "" if that would be empty or too long.
    """
    changed: list[int] = []
    for number, rule in enumerate(backend.renames):
        before = upstream
        try:
            upstream = rule.apply(upstream)
        except ValueError:
            return ours(""), (*changed, number)
        if upstream.text != before.text:
            changed.append(number)
    return upstream, tuple(changed)
