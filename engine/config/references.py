"""The references that stand for the secrets of a configuration.

Each is the slow hash of one secret, so it is made once per process, several at a time.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from ..state.frozen import canonical_json
from ..state.secret import NO_KEY, PLACEHOLDER_KEY, Place, Secret
from .model import Config

_THREADS: Final = min(4, os.cpu_count() or 1)
"""Each takes 16 MiB while it hashes."""
_MAX_KNOWN: Final = 10_000
"""References that are kept; rotated keys would otherwise stay in memory for ever."""
_known: dict[tuple[str, Place], str] = {}


def references_of(config: Config) -> dict[Place, str]:
    """Return the reference of each secret that is sent to LiteLLM, by where it is used.

    A reference depends on the secret, the owner, the endpoint of the backend and the field.
    Engines with the same configuration have the same ones, whatever their LiteLLM key is, and a
    key that two backends share has two. The first call for a secret takes about 50 ms of a core.
    Those that the configuration knows already are not hashed.
    """
    if len(_known) > _MAX_KNOWN:
        _known.clear()
    places = dict.fromkeys(config.places())
    secret = [place for place in places if place[2] != Secret(PLACEHOLDER_KEY)]
    hashed = {place: config.references[place] for place in secret if place in config.references}
    secret = [place for place in secret if place not in hashed]
    missing = [place for place in secret if (config.owner, place) not in _known]
    if missing:
        _learn(config.owner, missing)
    hashed |= {place: _known[config.owner, place] for place in secret}
    return {place: hashed.get(place, NO_KEY) for place in places}


def secret_values(references: Mapping[Place, str]) -> dict[str, Secret]:
    """Return the secrets that references stand for, for the place that sends them."""
    return {reference: secret for (_, _, secret), reference in references.items()}


def _learn(owner: str, places: list[Place]) -> None:
    with ThreadPoolExecutor(_THREADS) as pool:
        hashed = list(pool.map(lambda place: _hash(owner, place), places))
    _known.update(((owner, place), text) for place, text in zip(places, hashed, strict=True))


def _hash(owner: str, place: Place) -> str:
    endpoint, path, secret = place
    return secret.fingerprint(canonical_json([owner, endpoint, path]))
