"""What a backend answers, in the same shape for every kind of backend."""

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

CASELESS: Final = "caseless"
ANY_ID: Final = "any"
MATCHINGS: Final = ("", CASELESS, ANY_ID)
"""Which ids a server takes for a model that it lists: those in its list; "caseless": the same in
any case, and the list has each in lower case too; "any": whatever it is asked for, since it serves
one model and does not look."""


NOT_ASKED: Final = "not_asked"
"""In place of an outcome, for a backend that is retired."""
OTHER_SHARD: Final = "other_shard"
"""In place of an outcome, for a backend that another engine asks. It proves nothing, and is in no
plan, document or log."""


@dataclass(frozen=True, slots=True, order=True)
class Model:
    """One model that a backend serves.

    ``id`` is its name on the backend, verbatim. ``provider`` (LiteLLM's prefix) and ``api_base``
    (to which LiteLLM appends its paths) say how LiteLLM reaches it. ``ways`` has both for each mode
    ("" for any other), because the configuration may set the mode. ``info`` holds the fields of
    LiteLLM's ``model_info`` that the backend reports, ``sources`` where each of them was found.
    ``parent`` is the base model of a LoRA adapter. ``state`` is one of ``loaded``, ``unloaded``,
    ``failed`` or "". ``remote`` says that the model runs elsewhere. ``family`` is what the model
    was derived from, ``slots`` how many requests the backend processes at once (0: unknown).
    ``aliases`` are other ids under which the backend serves it.
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
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """The answer of one backend: an outcome, and the models if there are any.

    ``partial`` means that some of the list could not be read, so a model that is not in ``models``
    may be served nevertheless. ``detail`` says in a sentence what went wrong, or what was left out
    and why. ``matching`` is a word of ``MATCHINGS``.
    """

    backend: str
    outcome: str
    models: tuple[Model, ...] = ()
    partial: bool = False
    detail: str = ""
    matching: str = ""
