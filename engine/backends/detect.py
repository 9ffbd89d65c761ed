"""Kind ``auto``: recognise what answers by a few cheap GETs, and leave the rest to its adapter.

Most servers name themselves in ``owned_by`` of their list. Some of the rest are known by a path
that only they have. ``/api/tags`` is no such path: SGLang, LocalAI, KoboldCpp, Docker Model Runner
and older versions of llama.cpp imitate Ollama there. What nothing gives away is read as any
OpenAI-compatible server. A kind that is configured is never guessed at.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

from ..errors import Garbled, Rejected, TransportError, Unavailable
from .kinds import KINDS
from .model_list import Entries, read_entries
from .record import part, texts
from .server import Found, Server

_PROBES: Final = (
    "GET /version",
    "GET /v1/models/capabilities",
    "GET /model_group/info",
    "GET /health/readiness",
    "GET /api/v1/models",
    "GET /api/v0/models",
    "GET /info",
    "GET /api/tags",
    "GET /api/version",
)
ALLOWED: Final = tuple(
    dict.fromkeys(
        (*_PROBES, *(request for adapter in KINDS.values() for request in adapter.ALLOWED))
    )
)
"""Its own, and those of whatever it recognises."""
_LISTS: Final = (
    "/v1/models",
    "/models",
    "/engines/v1/models",
    "/api/v1/models",
    "/v1-openai/models",
)
_OWNERS: Final = {
    "llamacpp": "llamacpp",
    "llama-swap": "llamacpp",
    "sglang": "sglang",
    "infinity": "infinity",
    "tabbyAPI": "tabbyapi",
    "gpustack": "gpustack",
    "xinference": "xinference",
    "lemonade": "lemonade",
    "docker": "docker_model_runner",
}
_OTHER_OWNERS: Final = ("koboldcpp", "lmdeploy", "llamafile", "omlx", "Triton Inference Server")
"""Servers that say who they are and have no adapter of their own."""


@dataclass(frozen=True, slots=True)
class Guess:
    """What a server was taken for, and the sign that gave it away."""

    kind: str
    sign: str


@dataclass(slots=True)
class _Memory:
    """GETs of one server, each sent once."""

    server: Server
    answers: dict[str, Any] = field(default_factory=dict)

    def get(self, path: str) -> Any:
        if path not in self.answers:
            try:
                self.answers[path] = self.server.get(path)
            except TransportError as error:
                self.answers[path] = error
        if isinstance(self.answers[path], TransportError):
            raise self.answers[path]
        return self.answers[path]

    def look(self, path: str) -> Any:
        """Return the answer at a path that the server may well not have; None without one.

        An answer that may be another one soon is not taken for a no: a wrong guess changes how
        all models of the server are registered.

        Raises:
            Unavailable: it is overloaded, starting or gone.
        """
        try:
            return self.get(path)
        except (Garbled, Rejected):
            return None
        except Unavailable as error:
            if error.status in (500, 501):
                return None
            raise


def ask_as(server: Server) -> tuple[str, Found]:
    """Return the kind that was recognised, for its routes, and what its adapter found; a note says.

    Raises:
        Garbled, Rejected, Unavailable: as the adapter.
    """
    memory = _Memory(server)
    server = replace(server, get=memory.get)
    guess = _guess(server, memory)
    found = KINDS[guess.kind].ask(server)
    note = f"recognised as {guess.kind}: {guess.sign}"
    return guess.kind, replace(found, notes=(note, *found.notes))


def recognised(server: Server) -> str:
    """Return the kind of a server that is configured as another one; "" if nothing tells it."""
    memory = _Memory(server)
    with suppress(TransportError):
        _, entries = _list(server, memory)
        return _guess(server, memory).kind if entries and entries.members else ""
    return ""


def _guess(server: Server, memory: _Memory) -> Guess:
    path, entries = _list(server, memory)
    first = next(iter(entries.members.values()), {}) if entries else {}
    owner = first.get("owned_by")
    if isinstance(owner, str) and owner in _OWNERS:
        return Guess(_OWNERS[owner], f'owned_by is "{owner}" in GET {path}')
    if isinstance(owner, str) and owner in _OTHER_OWNERS:
        return Guess("openai", f'owned_by is "{owner}" in GET {path}, which has no kind of its own')
    for sign in _SIGNS:
        guess = sign(first, memory)
        if guess:
            return guess
    return Guess("openai", "nothing tells it from any OpenAI-compatible server")


def _list(server: Server, memory: _Memory) -> tuple[str, Entries | None]:
    """Return the first list that has entries, else the first list, else none."""
    endpoint = server.models_endpoint
    paths = (server.prefix + endpoint,) if endpoint else _LISTS
    empty: tuple[str, Entries | None] = ("", None)
    for path in paths:
        try:
            entries = read_entries(memory.get(path), server.quote)
        except Garbled:
            continue
        except Rejected as error:
            if error.status in (401, 403):
                raise
            continue
        if entries.members:
            return path, entries
        empty = empty if empty[1] else (path, entries)
    return empty


def _openrouter(first: dict[str, Any], memory: _Memory) -> Guess | None:
    del memory
    price = part(first, "pricing", "prompt")
    if isinstance(price, str) and texts(part(first, "architecture", "input_modalities")):
        return Guess("openrouter", "its list tells pricing.prompt and architecture")
    return None


def _vllm(first: dict[str, Any], memory: _Memory) -> Guess | None:
    """Gateways copy ``owned_by`` of what is behind them: only the server itself has a version."""
    if first.get("owned_by") != "vllm":
        return None
    if isinstance(part(memory.look("/version"), "version"), str):
        return Guess("vllm", 'owned_by is "vllm", and GET /version tells a version')
    return Guess("openai", 'owned_by is "vllm", but GET /version does not answer as vLLM does')


def _litellm(first: dict[str, Any], memory: _Memory) -> Guess | None:
    if first.get("owned_by", "openai") != "openai":
        return None
    groups = part(memory.look("/model_group/info"), "data")
    if isinstance(groups, list) and all(part(one, "model_group") for one in groups):
        return Guess("litellm_proxy", "GET /model_group/info lists its model groups")
    if first and isinstance(part(memory.look("/health/readiness"), "db"), str):
        return Guess("litellm_proxy", "GET /health/readiness tells the state of its database")
    return None


def _localai(first: dict[str, Any], memory: _Memory) -> Guess | None:
    if "owned_by" in first:
        return None
    members = part(memory.look("/v1/models/capabilities"), "data")
    if isinstance(members, list) and all(
        isinstance(one, dict) and "capabilities" in one for one in members
    ):
        return Guess("localai", "GET /v1/models/capabilities lists capabilities")
    return None


def _lmstudio(first: dict[str, Any], memory: _Memory) -> Guess | None:
    del first
    for path, name, keys in (
        ("/api/v1/models", "models", {"key", "type", "loaded_instances"}),
        ("/api/v0/models", "data", {"id", "type", "state"}),
    ):
        members = part(memory.look(path), name)
        one = members[0] if isinstance(members, list) and members else None
        if isinstance(one, dict) and keys <= set(one):
            return Guess("lmstudio", f"GET {path} lists {', '.join(sorted(keys))}")
    return None


def _info(first: dict[str, Any], memory: _Memory) -> Guess | None:
    del first
    info = memory.look("/info")
    if not isinstance(part(info, "model_id"), str):
        return None
    if part(info, "model_type"):
        return Guess("tei", "GET /info tells model_id and model_type")
    if part(info, "max_total_tokens") is not None:
        return Guess("tgi", "GET /info tells model_id and max_total_tokens")
    return None


def _docker(first: dict[str, Any], memory: _Memory) -> Guess | None:
    """Recognise it while it has no models; each of them would name it."""
    if not first and isinstance(part(memory.look("/engines/v1/models"), "data"), list):
        return Guess("docker_model_runner", "GET /engines/v1/models has a list")
    return None


def _ollama(first: dict[str, Any], memory: _Memory) -> Guess | None:
    """Recognise Ollama by several signs at once: each alone is imitated."""
    members = part(memory.look("/api/tags"), "models")
    if not isinstance(members, list) or part(first, "max_model_len") is not None:
        return None
    genuine = all(
        isinstance(part(one, "digest"), str)
        and isinstance(part(one, "details"), dict)
        and part(one, "name") != "koboldcpp"
        for one in members
    )
    if genuine and isinstance(part(memory.look("/api/version"), "version"), str):
        return Guess("ollama", "GET /api/tags lists digests, and GET /api/version tells a version")
    return None


_SIGNS: Final[tuple[Callable[[dict[str, Any], _Memory], Guess | None], ...]] = (
    _openrouter,
    _vllm,
    _localai,
    _litellm,
    _docker,
    _ollama,
    _lmstudio,
    _info,
)
"""In this order: LocalAI answers as Ollama does as well, so it is looked for before."""
