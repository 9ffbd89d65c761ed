"""``POST /sync``: who may begin a cycle, and what else is answered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import ConfigError
from tests.fleet import Fleet, running_fleet
from tests.served import Loop, Reply, running_loop

TOKEN = "token-of-the-webhook"


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(tmp_path, "a") as running:
        yield running


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "sync-token"
    path.write_text(f"{TOKEN}\n")
    return path


def post(loop: Loop, authorization: str) -> Reply:
    return loop.ask("/sync", "POST", headers={"Authorization": authorization}, body=b"{}")


def test_the_bearer_of_the_token_begins_a_cycle(fleet: Fleet, token: Path) -> None:
    with running_loop(fleet, token=token) as loop:
        loop.wait_until(lambda seen: seen.last is not None)
        fleet.box.models.append("b")
        for number, scheme in enumerate(("Bearer", "bearer"), 2):
            reply = post(loop, f"{scheme} {TOKEN}")
            assert (reply.status, reply.text) == (
                202,
                "a cycle begins now, or right after the one in progress\n",
            )
            loop.wait_until(lambda seen, n=number: seen.counts.cycles == {"ok": n})  # type: ignore[misc]
        assert fleet.names() == ["a", "b"]


def test_a_replica_that_stands_by_says_that_it_begins_no_cycle(fleet: Fleet, token: Path) -> None:
    with running_loop(fleet, token=token) as loop:
        loop.wait_until(lambda seen: seen.last is not None)
        loop.schedule.term = lambda: 0
        reply = post(loop, f"Bearer {TOKEN}")
        assert reply.status == 503
        assert "stands by; try again" in reply.text
        assert post(loop, "Bearer x").status == 401


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer x", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer é"],
)
def test_nobody_else_does(fleet: Fleet, token: Path, authorization: str) -> None:
    with running_loop(fleet, token=token) as loop:
        loop.wait_until(lambda seen: seen.last is not None)
        reply = post(loop, authorization)
        assert not loop.schedule.wake.is_set()
    assert reply.status == 401
    assert reply.headers["www-authenticate"] == "Bearer"
    assert TOKEN not in reply.text


def test_a_new_token_counts_at_once(
    fleet: Fleet, token: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with running_loop(fleet, token=token) as loop:
        token.write_text("another-token-of-the-webhook")
        old, new = post(loop, f"Bearer {TOKEN}"), post(loop, "Bearer another-token-of-the-webhook")
        token.unlink()
        gone = post(loop, f"Bearer {TOKEN}")
        token.write_text("")
        empty = post(loop, "Bearer ")
    assert [old.status, new.status, gone.status, empty.status] == [401, 202, 503, 503]
    assert "sync-token: there is no such file" in caplog.text


def test_without_a_token_there_is_a_remedy(fleet: Fleet) -> None:
    with running_loop(fleet) as loop:
        reply = post(loop, f"Bearer {TOKEN}")
        assert loop.ask("/sync").status == 405
    assert (reply.status, "--sync-token FILE" in reply.text) == (404, True)


@pytest.mark.parametrize("content", [None, "", "short", "two\nlines-of-a-token"])
def test_a_loop_does_not_begin_with_a_token_that_cannot_be_used(
    fleet: Fleet, tmp_path: Path, content: str | None
) -> None:
    path = tmp_path / "sync-token"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match="sync-token"), running_loop(fleet, token=path):
        pass
