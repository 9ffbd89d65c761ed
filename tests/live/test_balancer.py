"""Replicas behind a balancer that changes the replica at every request.

The longer they take to reload (30 s by default), the more cycles come before it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..chaos.faultproxy import Balance, FaultProxy
from .conftest import Install, Servers, section
from .installation import Installation
from .real_proxy import RELOAD, RealProxy, names, wait_until

BALANCES: list[Balance] = ["request", "random"]


@pytest.fixture
def balancer(replicas: list[RealProxy]) -> Iterator[FaultProxy]:
    if len(replicas) < 2:
        pytest.skip("one replica: set LITELLM_URLS to test with several")
    proxy = FaultProxy("live")
    proxy.upstreams = [replica.url for replica in replicas]
    yield proxy
    proxy.close()


class Watch:
    """Looks at every replica after every write, and records each name that one serves no longer."""

    def __init__(self, replicas: list[RealProxy], server: str) -> None:
        self._replicas = replicas
        self._server = server
        self._served: list[set[str]] = [set() for _ in replicas]
        self.lost: list[str] = []

    def look(self) -> None:
        for replica, before in zip(self._replicas, self._served, strict=True):
            now = set(names(replica.rows_on(self._server)))
            self.lost += sorted(before - now)
            before.update(now)


@pytest.mark.parametrize("balance", BALANCES)
def test_no_name_is_missing_at_a_replica_while_rows_are_replaced_and_cleaned_up(
    servers: Servers,
    install: Install,
    replicas: list[RealProxy],
    balancer: FaultProxy,
    balance: Balance,
    unique: str,
) -> None:
    models = [f"{letter}-{unique}" for letter in "abc"]
    backend = servers.start("openai", models)
    engine = install()
    engine.tap.upstream = ("127.0.0.1", balancer.port)
    balancer.balance = balance

    def configure(note: str) -> None:
        engine.configure(section(backend, model_info_defaults={"note": note} if note else {}))

    def everywhere(notes: set[str | None]) -> bool:
        rows = [replica.rows_on(backend.url) for replica in replicas]
        return all(names(r) == models for r in rows) and notes == {
            row["model_info"].get("note") for r in rows for row in r
        }

    configure("a")
    engine.cycle()
    wait_until(lambda: everywhere({"a"}), RELOAD, "a replica lags behind")
    watch = Watch(replicas, backend.url)
    watch.look()
    balancer.on_write = watch.look
    for note in ("", "b", ""):
        configure(note)
        for _ in range(4):  # without waiting, unlike engine.cycle(), for replicas to reload
            engine.start("run", "--once").communicate(timeout=180)
        assert watch.lost == []
        wait_until(lambda: _is_clean(engine, replicas, backend.url), 3 * RELOAD, "duplicates stay")
        wait_until(lambda n=note: everywhere({n or None}), RELOAD, "not converged")
    assert watch.lost == []
    engine.assert_quiet()


def _is_clean(engine: Installation, replicas: list[RealProxy], server: str) -> bool:
    """Run a cycle; tell whether no replica lists a name twice."""
    engine.cycle()
    found = [names(replica.rows_on(server)) for replica in replicas]
    return all(len(listed) == len(set(listed)) for listed in found)
