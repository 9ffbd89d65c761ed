"""What a backend answers, in our own terms: the same shape for every kind of backend."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from .frozen import EMPTY, Frozen

OK: Final = "ok"
EMPTY_LIST: Final = "empty"
NOT_READY: Final = "not_ready"
UNAUTHORISED: Final = "unauthorised"
UNREACHABLE: Final = "unreachable"
INVALID: Final = "invalid"
OUTCOMES: Final = (OK, EMPTY_LIST, NOT_READY, UNAUTHORISED, INVALID, UNREACHABLE)
"""From the best to the worst. Only ``ok`` proves that a model which is not listed is absent."""


@dataclass(frozen=True, slots=True, order=True)
class Model:
    """One model that a backend serves.

    ``id`` is what the backend calls it, verbatim. ``provider`` and ``api_base`` are how LiteLLM
    is to reach it: its provider prefix, and the address to which it appends its paths; ``ways``
    has the same by mode ("" for any other), for when the configuration knows the mode better.
    ``info`` holds fields of LiteLLM's ``model_info`` for which the backend gave evidence; what is
    unknown is not in it; ``sources`` tells of each where it came from. ``parent`` is the base model
    of a LoRA adapter, ``state`` one of ``loaded``, ``unloaded``, ``failed`` or "", ``remote`` says
    that the model runs elsewhere, ``family`` what it descends from, ``slots`` how many requests the
    backend works on at once, ``trained`` the window that it was trained for (0: not told).
    """

    id: str
    provider: str
    api_base: str
    ways: Frozen = field(default_factory=lambda: EMPTY, compare=False)
    info: Frozen = field(default_factory=lambda: EMPTY, compare=False)
    sources: Frozen = field(default_factory=lambda: EMPTY, compare=False)
    parent: str = ""
    state: str = ""
    remote: bool = False
    family: str = ""
    slots: int = 0
    trained: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """The answer of one backend: an outcome, and the models if there are any.

    ``partial`` means that some of the list could not be read, so that a model which is not in
    ``models`` may be served all the same. ``detail`` says in a sentence what went wrong, or what
    was left out and why.
    """

    backend: str
    outcome: str
    models: tuple[Model, ...] = ()
    partial: bool = False
    detail: str = ""
