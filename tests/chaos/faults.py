"""The faults between the engine and a server, and the dice that decide when they happen."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

NOT_DONE: Final = ("refuse", "hang", "status", "html", "redirect")
"""The server never sees the request: closed without an answer, silence, 429/500/502/503, a
sign-in page with 200, a redirect to another server, which must not get the key."""
DONE: Final = ("lost", "status_after", "html_after", "reset", "truncate", "drip", "twice", "late")
"""The server carries the request out. Then: no answer; an error; a sign-in page; a reset or an
orderly end in mid-body; a body that never ends; carried out twice, with the second
answer; or no answer, and carried out only after further requests."""
LISTING: Final = ("stale", "forgetful", "shuffled", "doubled")
"""A readable listing of LiteLLM that is not true: an earlier one, one without some rows (a
replica that has not loaded them yet), in another order, with rows repeated."""
STATUSES: Final = (429, 500, 502, 503)

AnyFault = {*NOT_DONE, *DONE, *LISTING}


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong with one request; ``status`` is that of an error answer."""

    kind: str
    status: int = 0

    def __str__(self) -> str:
        return f"{self.kind} {self.status}" if self.status else self.kind


@dataclass
class Dice:
    """Decides, reproducibly, what goes wrong with the requests of one connection.

    ``rate`` is the share of requests with a fault, ``weights`` how often each kind is chosen.
    Every decision follows from the seed and the number of requests before it.
    """

    seed: str
    rate: float = 0.0
    weights: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.weights.keys() <= AnyFault, self.weights.keys() - AnyFault
        self.random = random.Random(self.seed)

    def fault(self, method: str, path: str) -> Fault | None:
        """Decide for one request."""
        draw, kind_draw, status = (
            self.random.random(),
            self.random.random(),
            self.random.choice(STATUSES),
        )
        if draw >= self.rate:
            return None
        fitting = {kind: w for kind, w in self.weights.items() if _fits(kind, method, path)}
        total = sum(fitting.values())
        for kind, weight in sorted(fitting.items()):
            kind_draw -= weight / total
            if kind_draw < 0:
                return Fault(kind, status if kind.startswith("status") else 0)
        return None


def _fits(kind: str, method: str, path: str) -> bool:
    if kind in LISTING:
        return method == "GET" and is_whole_listing(path)
    return kind not in {"twice", "late"} or method != "GET"


def is_whole_listing(path: str) -> bool:
    """Tell whether a request asks LiteLLM for all of its rows."""
    place, _, query = path.partition("?")
    return place.endswith("/model/info") and "odel_id=" not in query and "modelId=" not in query
