"""The operation that corrects a row: what is sent, what is kept, and how it is explained."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.plan.plan import REPLACE, Operation, Skip
from engine.plan.update import adjust
from engine.state.deployment import DesiredDeployment, ObservedDeployment
from engine.state.frozen import thaw
from engine.state.mark import deployment_id
from engine.state.secret import NOT_OURS
from tests import builders as b

BEFORE, AFTER = b.wanted("a", params={"rpm": 5}), b.wanted("a", params={"rpm": 6})


def correction(
    wanted: DesiredDeployment,
    seen: ObservedDeployment,
    editing: b.Editing = b.IN_PLACE,
    *taken: str,
) -> Operation:
    outcome = adjust(wanted, seen, editing, taken)
    assert isinstance(outcome, Operation)
    return outcome


def with_info(seen: ObservedDeployment, **info: Any) -> ObservedDeployment:
    """Return a row into whose ``model_info`` somebody wrote."""
    fields = thaw(seen.fields)
    fields["model_info"].update(info)
    return replace(seen, fields=b.freeze(fields))


@pytest.mark.parametrize("revision", [0, 2])
def test_an_update_keeps_the_id_and_the_revision(revision: int) -> None:
    operation = correction(AFTER, b.as_seen(BEFORE, row_id="old", revision=revision))
    info = operation.row["model_info"]
    assert (operation.action, operation.id, info["id"]) == ("update", "old", "old")
    assert (operation.replaces, info["modelprovisioner"]["revision"]) == ("", revision)


def test_an_adopted_row_starts_at_revision_0() -> None:
    operation = correction(AFTER, b.as_seen(BEFORE, mark=None))
    assert operation.row["model_info"]["modelprovisioner"]["revision"] == 0
    assert operation.because == "registered without a mark for what box serves"


def test_a_replacement_has_the_revision_of_its_id() -> None:
    operation = correction(AFTER, b.as_seen(BEFORE, revision=2), b.REPLACING)
    info = operation.row["model_info"]
    assert operation.id == info["id"] == deployment_id(b.OWNER, AFTER.key, 3)
    assert info["modelprovisioner"]["revision"] == 3


def test_a_replacement_of_an_unmarked_row_has_revision_1() -> None:
    operation = correction(AFTER, b.as_seen(BEFORE, mark=None), b.REPLACING)
    assert operation.id == deployment_id(b.OWNER, AFTER.key, 1)


def test_a_replacement_passes_over_ids_that_are_taken() -> None:
    taken = deployment_id(b.OWNER, AFTER.key, 1)
    operation = correction(AFTER, b.as_seen(BEFORE), b.REPLACING, taken)
    assert operation.id == deployment_id(b.OWNER, AFTER.key, 2)
    assert operation.row["model_info"]["modelprovisioner"]["revision"] == 2


@pytest.mark.parametrize("row_id", ["team/one", "/", ".", ".."])
def test_a_row_whose_id_no_path_can_hold_is_replaced(row_id: str) -> None:
    operation = correction(AFTER, b.as_seen(BEFORE, row_id=row_id))
    assert (operation.action, operation.replaces) == ("replace", row_id)


@pytest.mark.parametrize("row_id", ["...", ".a", "%2F", "\\", " ", "?"])
def test_a_row_with_another_odd_id_is_updated(row_id: str) -> None:
    assert correction(AFTER, b.as_seen(BEFORE, row_id=row_id)).action == "update"


def test_a_paused_row_that_could_only_be_replaced_is_skipped() -> None:
    seen = b.as_seen(BEFORE, row_id="old", blocked=True)
    because = "paused by hand; it is brought in line once it is unblocked"
    assert adjust(AFTER, seen, b.REPLACING, ()) == Skip(
        REPLACE, AFTER.key, "old", "paused", because
    )


def test_a_switch_that_we_no_longer_want_is_not_sent_along() -> None:
    before = b.wanted("a", params={"use_in_pass_through": True})
    operation = correction(b.wanted("a"), b.as_seen(before), b.REMOVING)
    assert operation.action == "update"
    assert "use_in_pass_through" not in operation.row["litellm_params"]


def test_a_replacement_carries_over_all_but_the_defaults_of_litellm() -> None:
    seen = b.edited(
        b.as_seen(BEFORE),
        use_litellm_proxy=False,
        use_in_pass_through=True,
        drop_params=False,
        limits={"day": 5},
    )
    params = correction(AFTER, seen, b.REPLACING).row["litellm_params"]
    assert "use_litellm_proxy" not in params
    assert (params["use_in_pass_through"], params["drop_params"]) == (True, False)
    assert params["limits"] == {"day": 5}


def test_a_list_in_which_nothing_is_hidden_is_carried_over() -> None:
    value = [1, {"tokens": ["a"]}]
    operation = correction(AFTER, b.edited(b.as_seen(BEFORE), extra=value), b.REPLACING)
    assert thaw(operation.row["litellm_params"]["extra"]) == value
    assert operation.because == "rpm"


def test_what_litellm_injects_does_not_hide_what_comes_after_it() -> None:
    seen = with_info(b.as_seen(BEFORE), supports_vision=True, access_groups=["beta"])
    info = correction(AFTER, seen, b.REPLACING).row["model_info"]
    assert "supports_vision" not in info
    assert info["access_groups"] == ("beta",)


@pytest.mark.parametrize(
    "value",
    [
        {"$secret": "f" * 32},
        {"inner": {"$secret": "f" * 32}},
        {"plain": 1, "pin_secret": "ab****yz"},
        {"deep": {"pin_secret": "ab****yz"}},
        {"deep": [1, {"deeper": [[{"pin_secret": "ab****yz"}]]}]},
        {"pin_secrets": 1, "secret": ["ab****yz"]},
        [1, {"inner": {"$secret": "f" * 32}}],
    ],
)
def test_a_value_that_is_hidden_anywhere_is_not_carried_over(value: Any) -> None:
    operation = correction(AFTER, b.edited(b.as_seen(BEFORE), extra=value), b.REPLACING)
    assert "extra" not in operation.row["litellm_params"]
    assert operation.because == "rpm; set by hand and not readable, so not carried over: extra"


def test_everything_that_is_not_carried_over_is_named_in_order() -> None:
    seen = b.edited(b.as_seen(BEFORE), z_token="ab**yz", a_token="ab**yz")
    assert correction(AFTER, seen, b.REPLACING).because.endswith(": a_token, z_token")


def test_a_change_of_nothing_but_the_mark_says_so() -> None:
    operation = correction(b.wanted("a", backend="renamed"), b.as_seen(b.wanted("a")))
    assert (operation.changes, operation.reason) == ((), "changed")
    assert operation.because == "only its mark is renewed"


@pytest.mark.parametrize(
    ("number", "because"),
    [
        (1, "p0"),
        (2, "p0, p1"),
        (6, "p0, p1, p2, p3, p4, p5"),
        (7, "p0, p1, p2, p3, p4, p5 and 1 more"),
        (9, "p0, p1, p2, p3, p4, p5 and 3 more"),
    ],
)
def test_six_changed_fields_are_named_and_the_others_counted(number: int, because: str) -> None:
    params = {f"p{index}": 1 for index in range(number)}
    assert correction(b.wanted("a", params=params), b.as_seen(b.wanted("a"))).because == because


def test_a_changed_field_inside_another_is_named_with_its_path() -> None:
    before = b.wanted("a", params={"extra": {"x": {"y": 1}}})
    after = b.wanted("a", params={"extra": {"x": {"y": 2}}})
    assert correction(after, b.as_seen(before)).because == "extra/x/y"


def test_an_edited_parameter_is_drift_although_a_field_of_its_name_was_reported() -> None:
    wanted = b.wanted("a", params={"size": 5}, reported={"size": 7})
    operation = correction(wanted, b.edited(b.as_seen(wanted), size=6))
    assert (operation.reason, operation.because) == ("drifted", "edited by hand: size")


def test_an_edited_field_that_no_backend_reported_is_drift() -> None:
    wanted = b.wanted("a", info={"mode": "chat"}, reported={"size": 7})
    operation = correction(wanted, with_info(b.as_seen(wanted), mode="rerank"))
    assert operation.reason == "drifted"


def test_fields_that_were_taken_away_from_both_parts_come_back() -> None:
    wanted = b.wanted("a", params={"rpm": 5}, info={"mode": "chat"})
    fields = thaw(b.as_seen(wanted).fields)
    del fields["litellm_params"]["rpm"], fields["model_info"]["mode"]
    operation = correction(wanted, replace(b.as_seen(wanted), fields=b.freeze(fields)))
    assert [(change.op, change.path) for change in operation.changes] == [
        ("add", "/litellm_params/rpm"),
        ("add", "/model_info/mode"),
    ]


def test_what_was_reported_before_stays_declared_so_that_it_can_be_removed_later() -> None:
    before = b.wanted("a", params={"rpm": 5}, reported={"size": 7})
    operation = correction(b.wanted("a", params={"rpm": 6}, reported={}), b.as_seen(before))
    mark = operation.row["model_info"]["modelprovisioner"]
    assert "/model_info/size" in mark["fields"]
    assert mark["evidence"] == ("/model_info/size",)


# Parameters that LiteLLM hides, or does not list at all.

REFERENCE = {"$secret": "f" * 32}
ACCOUNT = {"type": "service_account", "names": ["a"], "private_key": REFERENCE}


def as_listed(wanted: DesiredDeployment, **params: Any) -> ObservedDeployment:
    """Return the row of ``wanted`` as a listing has it: these parameters are other, or left out."""
    return b.edited(b.as_seen(wanted), **params)


@pytest.mark.parametrize("value", [12345, True, [], [1], {}, {"a": [None]}])
def test_a_parameter_that_is_never_listed_is_as_it_was_sent(value: Any) -> None:
    wanted = b.wanted("a", params={"client_secret": value})
    assert adjust(wanted, as_listed(wanted, client_secret=None), b.IN_PLACE, ()) is None


def test_of_a_parameter_that_is_never_listed_the_mark_knows_the_secrets() -> None:
    wanted = b.wanted("a", params={"vertex_credentials": ACCOUNT})
    known = {"private_key": REFERENCE}
    assert adjust(wanted, as_listed(wanted, vertex_credentials=known), b.IN_PLACE, ()) is None
    for other in ({"private_key": {"$secret": "e" * 32}}, {"other": REFERENCE}, None, "text"):
        operation = correction(wanted, as_listed(wanted, vertex_credentials=other))
        assert operation.reason == "drifted"
        assert operation.because.startswith("edited by hand: vertex_credentials")


def test_in_a_list_that_is_never_listed_a_secret_is_known_by_its_index() -> None:
    wanted = b.wanted("a", params={"client_secret": ["x", REFERENCE]})
    listed = as_listed(wanted, client_secret={"1": REFERENCE})
    assert adjust(wanted, listed, b.IN_PLACE, ()) is None


def test_an_old_release_lists_such_a_parameter_and_shows_its_change() -> None:
    wanted = b.wanted("a", params={"client_secret": 12345})
    assert adjust(wanted, as_listed(wanted), b.REPLACING, ()) is None
    operation = correction(wanted, as_listed(wanted, client_secret=54321), b.REPLACING)
    assert operation.because == "edited by hand: client_secret"


@pytest.mark.parametrize("editing", [b.IN_PLACE, b.REMOVING, b.REPLACING])
def test_a_parameter_that_is_never_listed_is_removed_once_it_is_not_wanted(
    editing: b.Editing,
) -> None:
    before = b.wanted("a", params={"client_secret": 12345})
    operation = correction(b.wanted("a"), as_listed(before, client_secret=None), editing)
    assert [(c.op, c.path) for c in operation.changes] == [
        ("remove", "/litellm_params/client_secret")
    ]
    assert "client_secret" not in operation.row["litellm_params"]


def test_a_field_of_model_info_with_such_a_name_is_listed() -> None:
    wanted = b.wanted("a", info={"client_secret": 12345, "access_groups": ["a"]})
    assert adjust(wanted, b.as_seen(wanted), b.IN_PLACE, ()) is None
    for info in ({"access_groups": ["*"]}, {"access_groups": "*"}, {"client_secret": 1}):
        assert correction(wanted, with_info(b.as_seen(wanted), **info)).reason == "drifted"
    fields = thaw(b.as_seen(wanted).fields)
    del fields["model_info"]["client_secret"]
    assert correction(wanted, replace(b.as_seen(wanted), fields=b.freeze(fields))).changes


@pytest.mark.parametrize(
    ("before", "after", "because"),
    [
        ({"my_token": 5}, {"my_token": 6}, "my_token"),
        ({"z": [{"my_token": 5}]}, {"z": [{"my_token": None}]}, "z"),
        ({"my_token": [5, 6], "a": 1}, {"my_token": [5, 7], "a": 1}, "my_token"),
        (
            {"client_secret": 5, "auth": True},
            {"client_secret": 6, "auth": 1},
            "auth, client_secret",
        ),
    ],
)
def test_a_changed_value_that_is_hidden_is_sent_and_named(
    before: dict[str, Any], after: dict[str, Any], because: str
) -> None:
    listed: dict[str, Any] = {
        "my_token": "*",
        "z": [{"my_token": "*"}],
        "client_secret": None,
        "auth": "****",
    }
    if isinstance(before.get("my_token"), list):
        listed["my_token"] = ["*", "*"]
    seen = as_listed(
        b.wanted("a", params=before), **{k: listed.get(k, v) for k, v in before.items()}
    )
    operation = correction(b.wanted("a", params=after), seen)
    assert (operation.reason, operation.changes) == ("changed", ())
    assert operation.because == f"its mark is renewed, and what LiteLLM does not show: {because}"
    assert thaw(operation.row["litellm_params"]).items() >= after.items()


def test_secrets_are_not_named_as_what_is_not_shown() -> None:
    params = {"my_token": REFERENCE, "z": {"my_token": REFERENCE}, "client_secret": [REFERENCE]}
    operation = correction(
        b.wanted("a", params=params, backend="new"), b.as_seen(b.wanted("a", params=params))
    )
    assert operation.because == "only its mark is renewed"


OLD_MARK: dict[str, Any] = {
    "fingerprint": "0" * 32,
    "opaque": b.freeze({"/litellm_params/api_key": "1" * 32}),
}


@pytest.mark.parametrize(
    ("wanted", "also"), [(BEFORE, ""), (AFTER, "; also changed: rpm")], ids=["alone", "with rpm"]
)
def test_the_mark_of_an_engine_that_compared_secrets_otherwise_is_renewed_in_place(
    wanted: DesiredDeployment, also: str
) -> None:
    seen = b.as_seen(BEFORE)
    assert seen.mark is not None
    fields = thaw(seen.fields)
    fields["litellm_params"]["api_key"] = {"$secret": "1" * 32}
    old = replace(seen, mark=replace(seen.mark, **OLD_MARK), fields=b.freeze(fields))
    operation = correction(wanted, old)
    assert (operation.action, operation.reason, operation.id) == ("update", "changed", seen.id)
    expected = "its mark is renewed: this engine compares secrets in another way"
    assert operation.because == expected + also


def test_a_replacement_names_the_secrets_of_others_that_it_cannot_carry_over() -> None:
    theirs = {"$secret": NOT_OURS}
    seen = with_info(b.as_seen(BEFORE), note={"apiKey": theirs}, team="x")
    operation = correction(AFTER, seen, b.REPLACING)
    assert operation.because == "rpm; set by hand and not readable, so not carried over: note"
    assert operation.row["model_info"]["team"] == "x"
    assert "note" not in operation.row["model_info"]
