"""One candidate against the fake API server: what it does, and what it says in the log."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from threading import Event

import pytest

from engine.fakes.server import Fault
from engine.kube.election import Terms
from engine.kube.elector import WallTimes
from engine.kube.leadership import Leadership, Wanted, taking_part
from tests.apiserver import LEASES, ApiServer

PATH = f"{LEASES}/modelprovisioner"
WANTED = Wanted("", "modelprovisioner", Terms(1))


@pytest.fixture
def api(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[ApiServer]:
    caplog.set_level(logging.INFO, "engine")
    with ApiServer() as running:
        monkeypatch.setenv("KUBECONFIG", str(running.kubeconfig(tmp_path)))
        monkeypatch.setenv("POD_NAME", "me")
        running.add_pod("me")
        yield running


@contextmanager
def candidate(wanted: Wanted = WANTED) -> Iterator[tuple[Leadership, Event]]:
    wake = Event()
    with taking_part(wanted, wake, Event(), str) as leadership:
        yield leadership, wake


def differs(api: ApiServer, before: str) -> bool:
    return bool(api.lease["renewTime"] != before)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_it_leads_renews_and_lets_go(api: ApiServer, caplog: pytest.LogCaptureFixture) -> None:
    with candidate() as (leadership, wake):
        assert wake.wait(30)
        assert leadership.term() == 1
        first = api.lease["renewTime"]
        until(lambda: api.lease["renewTime"] != first)
        assert api.holder.startswith("me_")
        assert api.lease["acquireTime"] == first
    assert api.holder == ""
    assert leadership.term() == 0
    assert len(caplog.messages) == 2
    assert "leading from now on, as me_" in caplog.messages[0]
    assert caplog.messages[1] == "lease models/modelprovisioner is released"


def test_it_stands_by_for_another_and_says_once_who_leads(
    api: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    spec = {"holderIdentity": "other\x1b[1m", "leaseDurationSeconds": 3600}
    api.put(PATH, {"spec": spec})
    with candidate() as (leadership, wake):
        until(lambda: len(api.requests) > 4)
        assert leadership.term() == 0
        assert not wake.is_set()
    assert caplog.messages == [
        "standing by for lease models/modelprovisioner: leader is other\\x1b[1m"
    ]
    assert {method for method, _ in api.requests} == {"GET"}
    assert api.lease == spec


def test_an_answer_that_was_lost_is_found_out(api: ApiServer) -> None:
    lost: list[str] = []

    def lose(method: str, _path: str, _body: bytes) -> Fault | None:
        if method == "GET" or len(lost) == 3:
            return None
        lost.append(method)
        return Fault("reset_after")

    api.fault = lose
    with candidate() as (leadership, _):
        until(lambda: leadership.term() and len(lost) == 3)
    holders = [holder.partition("_")[0] for holder, _ in api.holders]
    assert holders == ["me", ""]
    assert api.lease["leaseTransitions"] == 0


def test_a_lease_is_let_go_also_after_an_answer_that_was_lost(api: ApiServer) -> None:
    with candidate() as (leadership, _):
        until(leadership.term)
        api.fault = lambda method, *_: Fault("reset_after") if method == "PUT" else None
        until(leadership.doubt)
        api.fault = None
    assert api.holder == ""


def test_a_renewal_that_meets_another_write_is_tried_again(
    api: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    with candidate() as (leadership, wake):
        assert wake.wait(30)
        for number in range(3):
            labels = {"metadata": {"labels": {"number": str(number)}}}
            api.put(PATH, {**api.objects[PATH], **labels})
            before = api.lease["renewTime"]
            until(partial(differs, api, before))
        assert leadership.term() == 1
    assert api.objects[PATH]["metadata"]["labels"] == {"number": "2"}
    assert "leading no longer" not in caplog.text


def test_an_api_server_that_refuses_every_renewal_is_not_asked_without_a_pause(
    api: ApiServer,
) -> None:
    api.fault = lambda method, *_: None if method == "GET" else Fault("status", 409, "{}")
    with candidate():
        time.sleep(1.0)
    assert len(api.requests) < 60


def test_missing_rights_are_told_once_with_a_remedy(
    api: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    api.forbidden = {"create leases"}
    with candidate() as (leadership, _):
        until(lambda: len(api.requests) > 6)
        assert leadership.term() == 0
        assert "HTTP 403" in leadership.doubt()
        api.forbidden = set()
        until(leadership.term)
        assert leadership.doubt() == ""
    trouble = [message for message in caplog.messages if "HTTP 403" in message]
    assert len(trouble) == 1
    assert "a Role with get, create and update on leases" in trouble[0]
    assert "the API server of Kubernetes answers again" in caplog.messages


def test_a_lease_that_was_deleted_is_made_again(api: ApiServer) -> None:
    with candidate() as (leadership, wake):
        assert wake.wait(30)
        del api.objects[PATH]
        until(lambda: api.holder and leadership.term())
        assert leadership.term() == 2


def test_the_end_does_not_wait_long_for_an_api_server_that_is_silent(
    api: ApiServer, caplog: pytest.LogCaptureFixture
) -> None:
    with candidate() as (_, wake):
        assert wake.wait(30)
        api.fault = lambda *_: Fault("hang", seconds=60)
        until(lambda: api.requests[-1][0] == "PUT")
    assert api.holder.startswith("me_")


def test_after_an_error_the_lease_is_left_to_end_by_itself(api: ApiServer) -> None:
    def interrupted() -> None:
        with candidate() as (leadership, _):
            until(leadership.term)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert api.holder.startswith("me_")


def test_wall_times_differ_even_if_the_clock_stands_still_or_goes_back() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    times = [noon, noon, noon, noon - timedelta(hours=1), noon - timedelta(hours=1)]
    wall = WallTimes(iter(times).__next__)
    told = [wall.next() for _ in times]
    assert told[0] == "2026-01-01T12:00:00.000000+00:00"
    assert told[3] == "2026-01-01T11:00:00.000000+00:00"
    assert all(one != other for one, other in pairwise(told))
