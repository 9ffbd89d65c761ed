"""LiteLLM's listing, with its quirks, as the observed state."""

from __future__ import annotations

from typing import Any

import pytest

from engine.litellm.observed import observed_state
from engine.state.deployment import NO_ADDRESS, TEAM_ROW, ObservedState
from engine.state.endpoint import Scope
from engine.state.frozen import thaw
from engine.state.mark import deployment_id
from engine.state.secret import NOT_OURS
from tests import builders as b

ONLY_BOX = Scope({b.BOX: b.BOX, f"{b.BOX}/api": b.BOX}, {"box": (b.BOX,)})
FILE_ROW = "it comes from LiteLLM's configuration file"
MARK: dict[str, Any] = {
    "owner": b.OWNER,
    "backend": "box",
    "revision": 2,
    "fields": ["/litellm_params/rpm"],
    "opaque": {"/litellm_params/extra_headers/Authorization": "f" * 32},
    "fingerprint": "a" * 32,
}


def row(**changes: Any) -> dict[str, Any]:
    """Return a listed row of our owner; a dict among ``changes`` is merged, a null removes."""
    base: dict[str, Any] = {
        "model_name": "m",
        "litellm_params": {"model": "openai/m", "api_base": b.BOX + "/v1"},
        "model_info": {"id": "one", "db_model": True, "modelprovisioner": MARK},
    }
    for name, value in changes.items():
        base[name] = merged(base[name], value) if isinstance(value, dict) else value
    return base


def merged(fields: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**fields, **changes}.items() if value is not None}


def state_of(*rows: dict[str, Any]) -> ObservedState:
    document = {
        "editing": {"version": "1.106.2", "in_place": True, "removes": False},
        "data": list(rows),
    }
    return observed_state(document, ONLY_BOX, b.OWNER)


def test_a_row_of_ours_is_read_with_its_mark() -> None:
    (seen,) = state_of(row()).deployments
    assert seen.key == b.Key(b.BOX, "m", "openai/m")
    assert seen.mark is not None
    assert (seen.mark.owner, seen.mark.revision, seen.read_only) == (b.OWNER, 2, "")
    assert "modelprovisioner" not in seen.fields["model_info"]


NO_URLS = [None, 5, "", "box", "ftp://box:8000", "http://[broken", f"{b.BOX}/v1?key=1"]


@pytest.mark.parametrize("api_base", NO_URLS)
@pytest.mark.parametrize("mark", [None, {**MARK, "owner": "someone"}])
def test_a_row_of_others_without_a_usable_address_is_on_no_endpoint(
    api_base: object, mark: object
) -> None:
    listed = row(litellm_params={"api_base": api_base}, model_info={"modelprovisioner": mark})
    state = state_of(listed)
    assert (state.deployments, state.strays) == ((), ())


@pytest.mark.parametrize("api_base", [*NO_URLS, b.OTHER_BOX])
def test_a_row_of_ours_is_known_by_its_id_wherever_it_points(api_base: object) -> None:
    key = b.Key(b.BOX, "m", "openai/m")
    row_id = deployment_id(b.OWNER, key, MARK["revision"])
    listed = row(litellm_params={"api_base": api_base}, model_info={"id": row_id})
    (seen,) = state_of(listed).deployments
    assert seen.key == key


def test_an_id_of_another_revision_shows_no_home() -> None:
    row_id = deployment_id(b.OWNER, b.Key(b.BOX, "m", "openai/m"), 3)
    state = state_of(row(litellm_params={"api_base": b.OTHER_BOX}, model_info={"id": row_id}))
    assert [stray.id for stray in state.strays] == [row_id]


@pytest.mark.parametrize("api_base", NO_URLS)
def test_a_row_of_ours_without_address_and_home_is_a_stray(api_base: object) -> None:
    (stray,) = state_of(row(litellm_params={"api_base": api_base})).strays
    assert stray.key.endpoint == NO_ADDRESS


def test_a_row_on_another_endpoint_is_not_read() -> None:
    other = row(litellm_params={"api_base": b.OTHER_BOX}, model_info={"modelprovisioner": None})
    state = state_of(other)
    assert (state.deployments, state.strays) == ((), ())


def test_a_row_of_ours_on_another_endpoint_is_a_stray() -> None:
    (stray,) = state_of(row(litellm_params={"api_base": b.OTHER_BOX})).strays
    assert stray.id == "one"


def test_only_marked_rows_count_at_an_address_that_a_kind_implies() -> None:
    below = {"api_base": f"{b.BOX}/api/v1"}
    (seen,) = state_of(row(litellm_params=below)).deployments
    assert seen.key.endpoint == b.BOX
    state = state_of(row(litellm_params=below, model_info={"modelprovisioner": None}))
    assert (state.deployments, state.strays) == ((), ())


def test_a_row_of_another_owner_on_another_endpoint_is_nothing_to_us() -> None:
    theirs = {**MARK, "owner": "someone"}
    other = row(litellm_params={"api_base": b.OTHER_BOX}, model_info={"modelprovisioner": theirs})
    assert state_of(other).strays == ()


@pytest.mark.parametrize("address", ["http://BOX:8000", "http://box:8000//v1/", "http://box:8000/"])
def test_an_address_is_the_same_in_any_form(address: str) -> None:
    assert len(state_of(row(litellm_params={"api_base": address})).deployments) == 1


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"model_info": {"db_model": False}}, FILE_ROW),
        ({"model_info": {"db_model": None}}, FILE_ROW),
        ({"model_info": {"team_id": "t1"}}, TEAM_ROW),
        ({"model_name": "any/*"}, "it is a wildcard"),
        ({"litellm_params": {"model": "openai/*"}}, "it is a wildcard"),
    ],
)
def test_rows_that_cannot_be_edited_say_why(changes: dict[str, Any], why: str) -> None:
    (seen,) = state_of(row(**changes)).deployments
    assert seen.read_only == why


def test_a_row_that_an_old_listing_repeats_under_an_alias_is_left_alone() -> None:
    (seen,) = state_of(row(), row(model_name="alias")).deployments
    assert seen.read_only == "LiteLLM lists it under several names"


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


def test_what_a_row_holds_is_kept_but_what_litellm_owns_is_not() -> None:
    listed = row(litellm_params={"rpm": 5}, model_info={"mode": "chat", "blocked": False})
    (seen,) = state_of(listed).deployments
    params = {"model": "openai/m", "api_base": b.BOX + "/v1", "rpm": 5}
    params |= {"extra_headers": {"Authorization": {"$secret": "f" * 32}}}
    assert thaw(seen.fields) == {"litellm_params": params, "model_info": {"mode": "chat"}}
    assert not seen.blocked


def test_a_state_knows_its_owner_how_rows_change_and_every_id_that_is_taken() -> None:
    elsewhere = row(litellm_params={"api_base": None}, model_info={"id": "two"})
    state = state_of(row(), elsewhere)
    assert state.owner == b.OWNER
    assert state.editing == b.IN_PLACE
    assert state.taken == {"one", "two"}


def test_rows_are_in_the_order_of_key_and_id_however_they_are_listed() -> None:
    rows = [
        row(model_name=name, model_info={"id": row_id}, litellm_params={"api_base": url})
        for url in (b.OTHER_BOX, b.BOX)
        for name, row_id in (("b", "3"), ("a", "2"), ("a", "1"))
    ]
    for number, listed in enumerate(rows):
        listed["model_info"]["id"] += str(number // 3)
    state = state_of(*rows)
    assert [seen.id for seen in state.deployments] == ["11", "21", "31"]
    assert [seen.id for seen in state.strays] == ["10", "20", "30"]


def test_a_row_without_a_usable_address_hides_none_that_follow() -> None:
    nowhere = row(litellm_params={"api_base": None}, model_info={"id": "zero"})
    state = state_of(nowhere, row())
    assert [seen.id for seen in state.deployments] == ["one"]
    assert [seen.id for seen in state.strays] == ["zero"]


def test_a_stray_says_where_it_is_and_that_it_could_be_edited() -> None:
    (stray,) = state_of(row(litellm_params={"api_base": b.OTHER_BOX})).strays
    assert stray.key == b.Key(b.OTHER_BOX, "m", "openai/m")
    assert stray.read_only == ""


def test_an_unmarked_row_has_no_mark_and_all_its_fields() -> None:
    (seen,) = state_of(row(model_info={"modelprovisioner": None})).deployments
    assert seen.mark is None
    assert thaw(seen.fields["litellm_params"]) == {
        "model": "openai/m",
        "api_base": b.BOX + "/v1",
    }


# The public names of rows that can never be ours.

CLOUD = {"litellm_params": {"api_base": None}, "model_info": {"modelprovisioner": None}}
OTHERS = {**MARK, "owner": "second"}
TEAM = {"team_id": "t", "team_public_model_name": "public"}


@pytest.mark.parametrize(
    ("changes", "holders"),
    [
        ({}, {}),
        (CLOUD, {"m": ("row 'one' (it is not marked as ours)",)}),
        (
            {**CLOUD, "model_info": {"modelprovisioner": None, "db_model": False}},
            {"m": (f"row 'one' ({FILE_ROW})",)},
        ),
        ({**CLOUD, "model_name": "a/*"}, {"a/*": ("row 'one' (it is a wildcard)",)}),
        ({"model_info": {"modelprovisioner": None}}, {}),
        (
            {
                "litellm_params": {"api_base": b.BOX + "/api"},
                "model_info": {"modelprovisioner": None},
            },
            {"m": ("row 'one' (it is not marked as ours)",)},
        ),
        (
            {"model_info": {"modelprovisioner": OTHERS}},
            {"m": ("row 'one' (it belongs to owner 'second')",)},
        ),
        ({"litellm_params": {"api_base": b.OTHER_BOX}}, {}),
        ({"litellm_params": {"api_base": None}}, {}),
        ({"model_info": TEAM}, {"public": (f"row 'one' ({TEAM_ROW})",)}),
        ({"model_info": {"team_id": "t"}}, {"m": (f"row 'one' ({TEAM_ROW})",)}),
    ],
)
def test_a_row_of_others_has_its_public_name(
    changes: dict[str, Any], holders: dict[str, tuple[str, ...]]
) -> None:
    assert state_of(row(**changes)).holders == holders


def test_an_owner_without_end_is_cut_off_in_the_description_of_its_row() -> None:
    theirs = row(model_info={"modelprovisioner": {**MARK, "owner": "o" * 100_000}})
    ((text,),) = state_of(theirs).holders.values()
    assert len(text) < 200


def test_a_name_under_which_a_row_of_others_is_listed_again_is_theirs_too() -> None:
    """LiteLLM lists a row once more under each name in ``model_group_alias``."""
    unmarked = row(model_info={"modelprovisioner": None})
    holders = state_of(unmarked, {**unmarked, "model_name": "alias"}).holders
    assert holders == {"alias": ("row 'one' (LiteLLM lists it under several names)",)}
    assert state_of(row(), {**row(), "model_name": "alias"}).holders == {}


def test_rows_that_share_a_name_are_all_described() -> None:
    rows = [row(**{**CLOUD, "model_info": {"modelprovisioner": None, "id": i}}) for i in "ba"]
    (described,) = state_of(*rows).holders.values()
    assert [text[:7] for text in described] == ["row 'a'", "row 'b'"]


def test_what_litellm_shows_of_the_secrets_of_others_is_a_reference() -> None:
    theirs = {"$secret": NOT_OURS}
    shown = {
        "extra_body": {"apiKey": "hunter2", "pins": [{"my_token": 12345678}, "x"], "n": 5},
        "note": {"$secret": "hunter2"},
        "api_keys": ["hunter2"],
        "live_token": "ab****yz",
        "use_auth": "True",
    }
    info = {"my_token": "hunter2", "access_groups": ["a"], "key": "openai/m", "mode": "chat"}
    (seen,) = state_of(
        row(litellm_params=shown, model_info={"modelprovisioner": None, **info})
    ).deployments
    params = thaw(seen.fields["litellm_params"])
    assert {name: params[name] for name in shown} == {
        "extra_body": {"apiKey": theirs, "pins": [{"my_token": theirs}, "x"], "n": 5},
        "note": theirs,
        "api_keys": [theirs],
        "live_token": "ab****yz",
        "use_auth": "True",
    }
    assert thaw(seen.fields["model_info"]) == {**info, "my_token": theirs}


@pytest.mark.parametrize(
    ("api_base", "shown"),
    [
        ("http://user:hunter2@box:8000/v1", "http://***@box:8000/v1"),
        ("http://user:hun/ter2@box:8000", "http://***@box:8000"),
        ("http://box:8000/v1?key=hunter2", "http://box:8000/v1?***"),
        ("http://user:hunter2@box/?a=b@c#hunter2", "http://***@box/?***"),
        ("user:hunter2@box", "***@box"),
        ("http://box:8000/v1#hunter2", "http://box:8000/v1?***"),
        ("not a URL", "not a URL"),
    ],
)
def test_an_address_that_somebody_edited_is_shown_without_its_secrets(
    api_base: str, shown: str
) -> None:
    row_id = deployment_id(b.OWNER, b.Key(b.BOX, "m", "openai/m"), 2)
    listed = row(litellm_params={"api_base": api_base}, model_info={"id": row_id})
    (seen,) = state_of(listed).deployments
    assert seen.fields["litellm_params"]["api_base"] == shown


def test_texts_of_others_that_look_like_secrets_are_references_whatever_their_names_are() -> None:
    theirs = {"$secret": NOT_OURS}
    shown = {
        "note": "sk-hunter2",
        "extra_body": {"a": ["Bearer hunter2", "x"]},
        "proxy": "http://user:hunter2@proxy:3128",
        "hook": "https://hook/?a=b&access_token=hunter2",
        "docs": "https://docs/?page=2",
        "mail": "me@example.org",
    }
    kept = {"docs": shown["docs"], "mail": shown["mail"]}
    references = {"note": theirs, "proxy": theirs, "hook": theirs}
    (seen,) = state_of(row(litellm_params=shown, model_info=shown)).deployments
    for part in ("litellm_params", "model_info"):
        fields = thaw(seen.fields[part])
        expected = {**kept, **references, "extra_body": {"a": [theirs, "x"]}}
        assert {name: fields[name] for name in shown} == expected


def test_a_secret_of_ours_is_the_reference_in_the_mark_whatever_is_listed() -> None:
    mark = {
        **MARK,
        "opaque": {"/model_info/my_token": "f" * 32, "/litellm_params/apikey": "e" * 32},
    }
    listed = row(
        litellm_params={"apikey": "hunter2"},
        model_info={"my_token": "hunter2", "modelprovisioner": mark},
    )
    (seen,) = state_of(listed).deployments
    assert seen.fields["model_info"]["my_token"] == {"$secret": "f" * 32}
    assert seen.fields["litellm_params"]["apikey"] == {"$secret": "e" * 32}
