"""LiteLLM's listing, with its quirks, as the observed state."""

from __future__ import annotations

from typing import Any

import pytest

from engine.observed import observed_state
from engine.state import TEAM_ROW, State, thaw

from . import builders as b

MARK = {
    "owner": b.OWNER,
    "backend": "box",
    "revision": 2,
    "fields": ["/litellm_params/rpm"],
    "opaque": {"/litellm_params/extra_headers/Authorization": "f" * 32},
    "fingerprint": "a" * 32,
}


def row(**changes: Any) -> dict[str, Any]:
    """Return a listed row of our owner; a dict among ``changes`` is merged."""
    base: dict[str, Any] = {
        "model_name": "m",
        "litellm_params": {"model": "openai/m", "api_base": b.BOX + "/v1"},
        "model_info": {"id": "one", "db_model": True, "modelprovisioner": MARK},
    }
    for name, value in changes.items():
        base[name] = {**base[name], **value} if isinstance(value, dict) else value
    return base


def state_of(*rows: dict[str, Any]) -> State:
    document = {
        "editing": {"version": "1.106.2", "in_place": True, "removes": False},
        "data": list(rows),
    }
    return observed_state(document, {b.BOX}, b.OWNER)


def test_a_row_of_ours_is_read_with_its_mark() -> None:
    (seen,) = state_of(row()).deployments
    assert seen.key == b.Key(b.BOX, "m", "openai/m")
    assert seen.mark is not None
    assert (seen.mark.owner, seen.mark.revision, seen.read_only) == (b.OWNER, 2, "")
    assert "modelprovisioner" not in seen.fields["model_info"]


@pytest.mark.parametrize("api_base", [None, 5, "", "box", "ftp://box:8000", "http://[broken"])
def test_a_row_without_a_usable_address_is_on_no_endpoint(api_base: object) -> None:
    assert state_of(row(litellm_params={"api_base": api_base})).deployments == ()


def test_a_row_on_another_endpoint_is_not_read() -> None:
    other = row(litellm_params={"api_base": b.OTHER_BOX}, model_info={"modelprovisioner": None})
    state = state_of(other)
    assert (state.deployments, state.strays) == ((), ())


def test_a_row_of_ours_on_another_endpoint_is_a_stray() -> None:
    (stray,) = state_of(row(litellm_params={"api_base": b.OTHER_BOX})).strays
    assert stray.id == "one"


def test_a_row_of_another_owner_on_another_endpoint_is_nothing_to_us() -> None:
    theirs = {**MARK, "owner": "someone"}
    other = row(litellm_params={"api_base": b.OTHER_BOX}, model_info={"modelprovisioner": theirs})
    assert state_of(other).strays == ()


@pytest.mark.parametrize(
    "spelling", ["http://BOX:8000", "http://box:8000//v1/", "http://box:8000/"]
)
def test_the_spelling_of_an_address_does_not_matter(spelling: str) -> None:
    assert len(state_of(row(litellm_params={"api_base": spelling})).deployments) == 1


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"model_info": {"db_model": False}}, "configuration file"),
        ({"model_info": {"db_model": None}}, "configuration file"),
        ({"model_info": {"team_id": "t1"}}, TEAM_ROW),
        ({"model_name": "any/*"}, "wildcard"),
        ({"litellm_params": {"model": "openai/*"}}, "wildcard"),
    ],
)
def test_rows_that_cannot_be_edited_say_why(changes: dict[str, Any], why: str) -> None:
    (seen,) = state_of(row(**changes)).deployments
    assert why in seen.read_only


def test_a_row_that_an_old_listing_repeats_under_an_alias_is_left_alone() -> None:
    (seen,) = state_of(row(), row(model_name="alias")).deployments
    assert "several names" in seen.read_only


def test_what_the_listing_masks_is_read_from_the_mark() -> None:
    masked = row(litellm_params={"extra_headers": {"Authorization": "Bear****5678", "X-A": "1"}})
    (seen,) = state_of(masked).deployments
    assert thaw(seen.fields["litellm_params"]["extra_headers"]) == {
        "Authorization": {"$secret": "f" * 32},
        "X-A": "1",
    }
    assert masked["litellm_params"]["extra_headers"]["Authorization"] == "Bear****5678"


@pytest.mark.parametrize(
    "mark",
    [
        {**MARK, "revision": "x"},
        {**MARK, "revision": True},
        {**MARK, "fields": None},
        {**MARK, "opaque": [1]},
        {"owner": b.OWNER},
    ],
)
def test_a_broken_mark_of_ours_is_still_ours(mark: dict[str, Any]) -> None:
    (seen,) = state_of(row(model_info={"modelprovisioner": mark})).deployments
    assert seen.mark is not None
    assert seen.mark.owner == b.OWNER


@pytest.mark.parametrize("mark", [None, "text", {}, {"owner": 5}, []])
def test_what_names_no_owner_is_no_mark(mark: object) -> None:
    (seen,) = state_of(row(model_info={"modelprovisioner": mark})).deployments
    assert seen.mark is None


def test_a_paused_row_is_known_as_such() -> None:
    (seen,) = state_of(row(model_info={"blocked": True})).deployments
    assert seen.blocked
