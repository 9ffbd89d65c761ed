"""What a backend answers, in our own terms: the same shape for every kind of backend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .state import EMPTY, Frozen

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

    ``id`` is what the backend calls it, verbatim. ``info`` holds fields of LiteLLM's
    ``model_info`` for which the backend gave evidence; what is unknown is not in it.
    """

    id: str
    info: Frozen = EMPTY


@dataclass(frozen=True, slots=True)
class Listing:
    """The answer of one backend: an outcome, and the models if there are any.

    ``detail`` says in a sentence what went wrong, or what was left out of the list and why.
    """

    backend: str
    outcome: str
    models: tuple[Model, ...] = ()
    detail: str = ""
