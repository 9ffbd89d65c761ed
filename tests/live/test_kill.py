"""kill -9 in the middle of an apply; one cycle later everything is as it should be."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

import pytest

from .chat_backends import ChatBackend
from .conftest import Servers, section
from .installation import Installation
from .real_proxy import RealProxy, ids, names, owner
from .tap import Moment, Trap

_CREATED, _CHANGED, _DELETED = 7, 6, 7
OPERATIONS: Final = _CREATED + _CHANGED + _DELETED
BUDGET: Final = 30.0
"""Seconds for each moment. On a slow proxy the engine is killed only at every second, third, ...
request, so that the test ends in this time."""


@dataclass(frozen=True)
class Scene:
    """A state of the backend and the configuration, 20 operations away from the other one."""

    models: list[str]
    rpm: int

    def set_up(self, backend: ChatBackend, installation: Installation) -> None:
        backend.models = list(self.models)
        installation.configure(
            section(backend, litellm_params_defaults={"rpm": self.rpm}),
            limits={"max_delete_fraction": 1},
        )


def scenes(unique: str) -> tuple[Scene, Scene]:
    """Return two scenes; by name, creates, changes and deletes take turns."""
    stay = [f"{number:02}-stay-{unique}" for number in range(_CHANGED)]
    odd = [f"{number:02}-odd-{unique}" for number in range(_CREATED)]
    even = [f"{number:02}-even-{unique}" for number in range(_DELETED)]
    return Scene(stay + odd, 10), Scene(stay + even, 20)


@pytest.mark.parametrize("moment", ["in_flight", "after"])
def test_one_cycle_completes_an_apply_that_was_killed_at_any_request(
    servers: Servers,
    installation: Installation,
    litellm: RealProxy,
    unique: str,
    moment: Moment,
) -> None:
    backend = servers.start("openai", [])
    here, there = scenes(unique)
    here.set_up(backend, installation)
    installation.converge()

    there.set_up(backend, installation)
    begun = time.monotonic()
    whole = installation.converge()
    took = time.monotonic() - begun
    assert len(whole.operations) == OPERATIONS
    here, there = there, here

    requests = len(whole.requests)
    step = 1 + int(requests * (took + 1) / BUDGET)
    places = range(1 if moment == "in_flight" else 1 + step // 2, requests + 1, step)
    for place in places:
        there.set_up(backend, installation)
        installation.tap.set_trap(Trap(place, moment))
        killed = installation.cycle()
        installation.tap.set_trap(None)
        assert killed.code == -9, f"request {place}: {killed}"

        completed = installation.cycle()
        where = f"killed {moment} request {place}, {killed.requests[-1]}: {completed}"
        assert completed.code == 0, where
        rows = litellm.rows_on(backend.url)
        assert names(rows) == sorted(there.models), where
        assert len(set(ids(rows))) == len(rows), where
        assert {row["litellm_params"]["rpm"] for row in rows} == {there.rpm}, where
        assert {owner(row) for row in rows} == {installation.owner}, where
        here, there = there, here
    print(f"killed {moment} of {len(places)} of {requests} requests")
    installation.assert_quiet()
