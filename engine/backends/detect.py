"""Kind ``auto``: recognises a server by a few cheap GETs; its adapter does the rest.

Most servers name themselves in ``owned_by`` of their list. Others have a path that no other server
has. ``/api/tags`` is not such a path: SGLang, LocalAI, KoboldCpp, Docker Model Runner and older
versions of llama.cpp imitate Ollama there. A server that is not recognised is read as an
OpenAI-compatible one. If a kind is configured, this module is not used.
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
"""The requests that recognise a server, and those of all adapters."""
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
"""Servers that name themselves and have no adapter."""


@dataclass(frozen=True, slots=True)
class Guess:
    """The kind of a server, and the sign by which it was recognised."""

    kind: str
    sign: str


@dataclass(slots=True)
class _Memory:
    """The answers of one server; each GET is sent once."""

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
        """Return the answer at a path; None if the server does not have it.

        An error that may soon pass does not count as "does not have it": a wrong guess changes how
        all models of the server are registered.

        Raises:
            Unavailable: the server is overloaded, starting or gone.
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
    """Return the recognised kind, and what its adapter found; a note names kind and sign.

    Raises:
        Garbled, Rejected, Unavailable: as :meth:`engine.backends.server.Adapter.ask`.
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
    return Guess("openai", "no sign of another kind of server")


def _list(server: Server, memory: _Memory) -> tuple[str, Entries | None]:
    """Return the first list that has entries, else the first list, with its path."""
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
        return Guess("openrouter", "its list has pricing.prompt and architecture")
    return None


def _vllm(first: dict[str, Any], memory: _Memory) -> Guess | None:
    """Recognise vLLM; a gateway copies ``owned_by`` of the vLLM behind it, but has no version."""
    if first.get("owned_by") != "vllm":
        return None
    if isinstance(part(memory.look("/version"), "version"), str):
        return Guess("vllm", 'owned_by is "vllm", and GET /version has a version')
    return Guess("openai", 'owned_by is "vllm", but GET /version does not answer as vLLM does')


def _litellm(first: dict[str, Any], memory: _Memory) -> Guess | None:
    if first.get("owned_by", "openai") != "openai":
        return None
    groups = part(memory.look("/model_group/info"), "data")
    if isinstance(groups, list) and all(part(group, "model_group") for group in groups):
        return Guess("litellm_proxy", "GET /model_group/info lists its model groups")
    if first and isinstance(part(memory.look("/health/readiness"), "db"), str):
        return Guess("litellm_proxy", "GET /health/readiness has the state of its database")
    return None


def _localai(first: dict[str, Any], memory: _Memory) -> Guess | None:
    if "owned_by" in first:
        return None
    members = part(memory.look("/v1/models/capabilities"), "data")
    if isinstance(members, list) and all(
        isinstance(member, dict) and "capabilities" in member for member in members
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
        member = members[0] if isinstance(members, list) and members else None
        if isinstance(member, dict) and keys <= set(member):
            return Guess("lmstudio", f"GET {path} lists {', '.join(sorted(keys))}")
    return None


def _info(first: dict[str, Any], memory: _Memory) -> Guess | None:
    del first
    info = memory.look("/info")
    if not isinstance(part(info, "model_id"), str):
        return None
    if part(info, "model_type"):
        return Guess("tei", "GET /info has model_id and model_type")
    if part(info, "max_total_tokens") is not None:
        return Guess("tgi", "GET /info has model_id and max_total_tokens")
    return None


def _docker(first: dict[str, Any], memory: _Memory) -> Guess | None:
    """Recognise Docker Model Runner without models; with models ``owned_by`` names it."""
    if not first and isinstance(part(memory.look("/engines/v1/models"), "data"), list):
        return Guess("docker_model_runner", "GET /engines/v1/models has a list")
    return None


def _ollama(first: dict[str, Any], memory: _Memory) -> Guess | None:
    """Recognise Ollama by several signs together: other servers imitate each of them."""
    members = part(memory.look("/api/tags"), "models")
    if not isinstance(members, list) or part(first, "max_model_len") is not None:
        return None
    genuine = all(
        isinstance(part(member, "digest"), str)
        and isinstance(part(member, "details"), dict)
        and part(member, "name") != "koboldcpp"
        for member in members
    )
    if genuine and isinstance(part(memory.look("/api/version"), "version"), str):
        return Guess("ollama", "GET /api/tags lists digests, and GET /api/version has a version")
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
"""In this order, since LocalAI also answers as Ollama does."""
