"""Mistakes that people make in a configuration, each with what to do. Pure but for file names."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from ..state.endpoint import canonical_endpoint
from ..validate import Violation, nearest
from .yaml.tree import Steps

LITELLM: Final = "litellm"
"""The file with the key of LiteLLM, so no backend can have this name."""
_KEYS: Final = ("api_key", "apikey", "key", "master_key", "token")
_BELOW: Final = ("/v1/chat/completions", "/chat/completions", "/v1/models", "/models", "/api/tags")
"""Paths that are requested below the address of a server."""
_LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


def explained(found: Violation, config: Mapping[str, Any], secrets: Path) -> Violation:
    """Return a violation of the schema, with the right place if it is about a key."""
    path = found.path
    if not path or path[-1] not in _KEYS:
        return found
    name: object = ""
    if path[:-1] == (LITELLM,):
        name = LITELLM
    elif len(path) == 3 and path[0] == "backends":
        backend = config["backends"][path[1]]
        name = backend.get("name") if isinstance(backend, Mapping) else ""
    if not isinstance(name, str) or not name:
        return found
    what = f"a key does not belong in the configuration; it goes into the file {secrets / name}"
    return replace(found, what=what)


def find_mistakes(config: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield what cannot work; ``config`` has parsed values, but may lack anything."""
    url = config.get(LITELLM, {}).get("url", "")
    if url.endswith("/v1"):
        what = "must be the address of LiteLLM itself, not of its API; remove /v1 from the end"
        yield Violation((LITELLM, "url"), what)


def find_suspects(config: Mapping[str, Any]) -> Iterator[Violation]:
    """Yield what works, but is probably unintended; ``config`` has parsed values, all valid."""
    for index, backend in enumerate(config["backends"]):
        yield from _doubled(backend, ("backends", index))
    yield from _same_machine(config["backends"])


def unused_keys(folder: Path, used: Collection[str], backends: Collection[str]) -> Iterator[str]:
    """Yield a sentence for each file in the folder of keys that nothing uses.

    Hidden files, such as those of Kubernetes, and the configuration itself are no keys.
    """
    try:
        names = sorted(path.name for path in folder.iterdir() if path.is_file())
    except OSError:
        return
    for name in names:
        if name in used or name.startswith(".") or name.endswith((".yaml", ".yml")):
            continue
        meant = nearest(name, backends)
        advice = f"did you mean {meant!r}?" if meant else "no backend has this name"
        yield f"the key file {folder / name} is not used; {advice}"


def files_named(value: Any) -> Iterator[str]:
    """Yield each FILE of a ``{secret: FILE}`` in a document."""
    if isinstance(value, Mapping):
        if isinstance(value.get("secret"), str):
            yield value["secret"]
        for item in value.values():
            yield from files_named(item)
    elif isinstance(value, list):
        for item in value:
            yield from files_named(item)


def _doubled(backend: Mapping[str, Any], path: Steps) -> Iterator[Violation]:
    url, below = backend["url"], backend["models_endpoint"]
    ending = next(filter(url.endswith, _BELOW), "")
    if url.endswith("/v1/v1"):
        yield Violation((*path, "url"), "ends in /v1 twice; one is probably enough")
    elif ending:
        what = f"ends in {ending}, which is added to it; remove that, unless the server has it so"
        yield Violation((*path, "url"), what)
    elif url.endswith("/v1") and below.startswith("/v1/"):
        what = f"is below `url`, so the list is asked for at /v1{below}; remove one /v1"
        yield Violation((*path, "models_endpoint"), what)


def _same_machine(backends: Collection[Mapping[str, Any]]) -> Iterator[Violation]:
    """Yield the backends on this machine that another one names differently, so as two servers."""
    first: dict[tuple[object, ...], tuple[int, str]] = {}
    for index, backend in enumerate(backends):
        endpoint = canonical_endpoint(backend["url"])
        parts = urlsplit(endpoint)
        if parts.hostname not in _LOOPBACK:
            continue
        place = (parts.scheme, parts.port, parts.path)
        before, known = first.setdefault(place, (index, endpoint))
        if known != endpoint:
            what = f"probably the same server as backends[{before}] ({known}), but written"
            what += " in another way: each model is registered twice; write both alike"
            yield Violation(("backends", index, "url"), what)
