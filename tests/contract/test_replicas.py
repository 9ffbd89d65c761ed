"""Two replicas on one database: what one did, the other learns when it reloads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from engine.demo.simulator import Database, LiteLLMSimulator

from . import behaviours as does
from .conftest import REAL, REPLICAS, SIMULATED, Proxy, client, of_replica

PATIENCE = 60.0
"""Seconds in which a real replica has reloaded (30 by default, some versions 10)."""


@dataclass
class Pair:
    """Two clients; ``reload`` lets the second replica see what the first did."""

    one: Proxy
    two: Proxy
    reload: Callable[[], None]

    def wait_until(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE
        self.reload()
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.3)


@pytest.fixture(scope="module", params=[*SIMULATED, REAL] if len(REPLICAS) > 1 else SIMULATED)
def replicas(request: pytest.FixtureRequest) -> Iterator[Pair]:
    if request.param == REAL:
        one, two = (of_replica(url) for url in REPLICAS[:2])
        with one.session, two.session:
            yield Pair(one, two, lambda: None)
        return
    database = Database()
    with (
        LiteLLMSimulator(request.param, database=database) as first,
        LiteLLMSimulator(request.param, database=database) as second,
        client(first) as one,
        client(second) as two,
    ):
        one.new()  # an old release keeps the last row of another replica
        second.reload()
        one.made.clear()
        yield Pair(one, two, second.reload)


@pytest.fixture
def pair(replicas: Pair) -> Iterator[Pair]:
    yield replicas
    replicas.one.clean()
    replicas.two.clean()


def test_another_replica_lists_a_new_row_after_its_reload(pair: Pair) -> None:
    model_id = pair.one.new()
    pair.wait_until(lambda: model_id in pair.two.listed())


def test_another_replica_finds_a_new_row_by_its_id_at_once(pair: Pair) -> None:
    model_id = pair.one.new()
    if does.has_pages(pair.two.version):
        found = pair.two.listing(f"?modelId={model_id}")["data"]
        assert [row["model_info"]["id"] for row in found] == [model_id]


def test_an_id_is_taken_on_every_replica(pair: Pair) -> None:
    model_id = pair.one.new({"rpm": 5})
    _, answer = pair.two.request_new({"rpm": 6}, model_id=model_id)
    assert answer.status_code == 500
    assert pair.one.row(model_id)["litellm_params"]["rpm"] == 5


def test_a_row_can_be_deleted_through_a_replica_that_does_not_know_it(pair: Pair) -> None:
    model_id = pair.one.new()
    assert pair.two.delete(model_id).status_code == 200
    _, again = pair.one.request_new(model_id=model_id)
    assert again.status_code == 200


def test_an_empty_patch_makes_a_replica_serve_what_another_one_stored(pair: Pair) -> None:
    model_id = pair.one.new()
    assert pair.two.patch(model_id, {}).status_code == 200
    if does.loads_by_patch(pair.two.version):
        answer = pair.two.call("GET", f"/v1/model/info?litellm_model_id={model_id}")
        assert answer.status_code == 200


def test_of_two_creates_of_an_id_at_once_one_is_done(pair: Pair) -> None:
    model_id = pair.one.new()
    assert pair.one.delete(model_id).status_code == 200
    with ThreadPoolExecutor(2) as threads:
        proxies = (pair.one, pair.two)
        asked = [threads.submit(proxy.request_new, model_id=model_id) for proxy in proxies]
        statuses = sorted(one.result()[1].status_code for one in asked)
    assert statuses == [200, 500]
