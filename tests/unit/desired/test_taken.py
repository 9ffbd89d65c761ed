"""What becomes of models whose public name belongs to rows of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.config.loader import load_config
from engine.config.model import Backend
from engine.config.patterns import name_pattern
from engine.desired.clashes import without_clashes
from engine.desired.taken import without_taken
from engine.plan.plan import DELETE
from engine.plan.planner import make_plan, verify_plan
from engine.plan.simulate import simulate
from engine.state.deployment import TEAM_ROW, DesiredState, ObservedDeployment, ObservedState
from tests import builders as b
from tests.unit.plan.test_plan_properties import States, states

FILE_ROW = "it comes from LiteLLM's configuration file"
OWN_PAIR = b.endpoint(served=("m",)), b.endpoint(b.OTHER_BOX, backends=("other",))


@pytest.fixture(scope="module")
def backends(tmp_path_factory: pytest.TempPathFactory) -> tuple[Backend, ...]:
    folder = tmp_path_factory.mktemp("config")
    (folder / "litellm").write_text("sk-1234")
    (folder / "config.yaml").write_text(
        "{litellm: {url: 'http://p'}, backends: [{name: box, url: 'http://box:8000'},"
        " {name: other, url: 'http://other:8000'}]}"
    )
    return load_config(folder / "config.yaml", folder).backends


def ruled(
    backends: tuple[Backend, ...], on_taken_name: str = "skip", *joinable: str
) -> tuple[Backend, ...]:
    names = tuple(map(name_pattern, joinable))
    changes: dict[str, Any] = {"on_taken_name": on_taken_name, "joinable_names": names}
    return tuple(replace(backend, **changes) for backend in backends)


def held(*names: str, seen: ObservedState | None = None) -> ObservedState:
    """Return an observed state in which a row elsewhere has each of the names."""
    holders: Mapping[str, tuple[str, ...]] = {name: (f"row of {name}",) for name in names}
    return replace(seen or b.observed(), holders=holders)


def names(state: DesiredState) -> list[str]:
    return [wanted.key.name for wanted in state.deployments]


def refusals(state: DesiredState) -> list[tuple[str, str, str]]:
    return [(refusal.key.name, refusal.reason, refusal.id) for refusal in state.refusals]


def by_hand(name: str, upstream: str = "openai/else", **changes: Any) -> ObservedDeployment:
    return b.as_seen(b.wanted(name, upstream=upstream), row_id="hand", **{"mark": None, **changes})


def test_a_name_that_nobody_has_is_left_as_it_is(backends: tuple[Backend, ...]) -> None:
    state = b.desired(b.wanted("m"))
    assert without_taken(state, held("n", "m*x", "n/*", "*"), backends) is state


@pytest.mark.parametrize("name", ["m", "m*", "*m", "m*m", "mm"])
def test_a_wildcard_has_the_names_that_it_matches_if_it_begins_with_text(
    backends: tuple[Backend, ...], name: str
) -> None:
    state = without_taken(b.desired(b.wanted("m")), held(name), backends)
    assert refusals(state) == ([("m", "name_taken", "")] if name in ("m", "m*") else [])


@pytest.mark.parametrize(
    ("wildcard", "name", "matches"),
    [
        ("a/*", "a/b/c", True),
        ("a/*", "a/", True),
        ("a/*", "a", False),
        ("a/*-x", "a/b-x", True),
        ("a/*-x", "a/b-y", False),
        ("a/*/x", "a//x", True),
        ("a/*/x", "a/x", False),
        ("a/*-*-x", "a/1-2-x", True),
    ],
)
def test_a_wildcard_matches_by_its_beginning_and_its_end(
    backends: tuple[Backend, ...], wildcard: str, name: str, matches: bool
) -> None:
    state = without_taken(b.desired(b.wanted(name)), held(wildcard, "a/zz*"), backends)
    assert bool(state.refusals) == matches


def test_the_refusal_names_the_rows_that_have_the_name(backends: tuple[Backend, ...]) -> None:
    rows = tuple(f"row {number}" for number in range(4))
    seen = replace(b.observed(), holders={"m": rows[:1]})
    (alone,) = without_taken(b.desired(b.wanted("m")), seen, backends).refusals
    assert alone.because == "row 0 has this public name (on_taken_name: skip)"
    seen = replace(b.observed(), holders={"m": rows})
    (many,) = without_taken(b.desired(b.wanted("m")), seen, backends).refusals
    assert many.because.startswith("row 0 and row 1 and 2 more have this public name")


@pytest.mark.parametrize(
    ("joinable", "joined"),
    [
        (["gpt-4.1"], ["gpt-4.1"]),
        (["gpt-4"], []),
        (["^gpt-4"], ["gpt-4.1", "gpt-4x1"]),
        (["4x1$", "gpt-4.1"], ["gpt-4.1", "gpt-4x1"]),
    ],
)
def test_names_may_be_joined_by_name_or_by_expression(
    backends: tuple[Backend, ...], joinable: list[str], joined: list[str]
) -> None:
    state = b.desired(b.wanted("gpt-4.1"), b.wanted("gpt-4x1"))
    seen = held("gpt-4.1", "gpt-4x1")
    assert names(without_taken(state, seen, ruled(backends, "skip", *joinable))) == joined


def test_join_takes_part_in_every_name_without_a_notice(backends: tuple[Backend, ...]) -> None:
    state = b.desired(b.wanted("m"), b.wanted("n"))
    seen = held("m", "n", seen=b.observed(b.as_seen(b.wanted("n"))))
    assert without_taken(state, seen, ruled(backends, "join")) is state


def test_each_backend_has_its_own_rule(backends: tuple[Backend, ...]) -> None:
    first, second = ruled(backends, "skip")
    state = b.desired(
        b.wanted("m"), b.wanted("m", endpoint=b.OTHER_BOX, backend="other"), endpoints=OWN_PAIR
    )
    rules = (first, replace(second, on_taken_name="join"))
    (kept,) = without_taken(state, held("m"), rules).deployments
    assert kept.mark.backend == "other"


@pytest.mark.parametrize(
    ("taken", "expected"),
    [
        (["m"], "m@box"),
        (["m", "m@box"], "m@box-2"),
        (["m", "m@box", "m@box-2", "m@box-4"], "m@box-3"),
    ],
)
def test_a_suffixed_name_that_is_taken_gets_the_next_number(
    backends: tuple[Backend, ...], taken: list[str], expected: str
) -> None:
    state = b.desired(b.wanted("m"), b.wanted("x@box"))
    found = without_taken(state, held(*taken), ruled(backends, "suffix"))
    assert names(found) == [expected, "x@box"]
    assert not found.refusals


@pytest.mark.parametrize("wildcard", ["m*", "m@*", "m@b*2"])
def test_a_model_is_skipped_where_a_wildcard_has_the_suffixed_names_too(
    backends: tuple[Backend, ...], wildcard: str
) -> None:
    seen = held("m", "m@box", wildcard)
    found = without_taken(b.desired(b.wanted("m")), seen, ruled(backends, "suffix"))
    assert refusals(found) == [("m", "name_taken", "")]
    twins = b.wanted("m"), b.wanted("m", upstream="openai/m:1")
    found = without_clashes(b.desired(*twins), held("m@box", wildcard), "suffix", (b.BOX,))
    assert refusals(found) == [("m", "clash", "")]


def test_a_suffix_is_not_the_name_of_another_model(backends: tuple[Backend, ...]) -> None:
    state = b.desired(b.wanted("m"), b.wanted("m@box"))
    found = without_taken(state, held("m"), ruled(backends, "suffix"))
    assert names(found) == ["m@box", "m@box-2"]


def test_a_row_of_ours_under_a_suffix_keeps_it(backends: tuple[Backend, ...]) -> None:
    suffixed = b.wanted("m@box", upstream="openai/m")
    seen = held("m", "m@box", seen=b.observed(b.as_seen(suffixed)))
    found = without_taken(b.desired(b.wanted("m")), seen, ruled(backends, "suffix"))
    assert names(found) == ["m@box"]


@pytest.mark.parametrize("rule", ["skip", "suffix"])
@pytest.mark.parametrize("upstream", ["openai/m", "openai/before"])
def test_a_row_of_ours_that_shares_a_name_stays_with_a_notice(
    backends: tuple[Backend, ...], rule: str, upstream: str
) -> None:
    ours = b.as_seen(b.wanted("m", upstream=upstream), row_id="ours")
    state = b.desired(b.wanted("m"))
    found = without_taken(state, held("m", seen=b.observed(ours)), ruled(backends, rule))
    assert found.deployments == state.deployments
    assert refusals(found) == [("m", "name_shared", "ours")]


@pytest.mark.parametrize(
    ("ownership", "upstream", "kept"),
    [
        ("adopt", "openai/m", ["m"]),
        ("adopt", "ollama/m", ["m"]),
        ("adopt", "openai/else", []),
        ("exclusive", "openai/m", ["m"]),
        ("marked", "openai/m", []),
    ],
)
def test_a_row_that_is_to_be_adopted_counts_as_ours(
    backends: tuple[Backend, ...], ownership: str, upstream: str, kept: list[str]
) -> None:
    wanted = b.wanted("m", predecessors=("ollama/m",))
    state = b.desired(wanted, endpoints=(b.endpoint(ownership=ownership, served=("m",)),))
    seen = held("m", seen=b.observed(by_hand("m", upstream)))
    assert names(without_taken(state, seen, backends)) == kept


@pytest.mark.parametrize(
    ("row", "ownership", "taken"),
    [
        ({}, "adopt", True),
        ({}, "marked", True),
        ({}, "exclusive", False),
        ({"read_only": FILE_ROW}, "exclusive", True),
        ({"upstream": "openai/m"}, "adopt", False),
        ({"upstream": "openai/m", "read_only": FILE_ROW}, "adopt", False),
        ({"upstream": "openai/m"}, "marked", False),
        ({"read_only": TEAM_ROW}, "adopt", False),
    ],
)
def test_a_row_by_hand_on_the_same_server_has_its_name_unless_it_is_for_this_model(
    backends: tuple[Backend, ...], row: dict[str, Any], ownership: str, taken: bool
) -> None:
    """A row at our own key is adopted or reported by the planner; a team's is in ``holders``."""
    state = b.desired(b.wanted("m"), endpoints=(b.endpoint(ownership=ownership),))
    found = without_taken(state, b.observed(by_hand("m", **row)), backends)
    assert [reason for _, reason, _ in refusals(found)] == (["name_taken"] if taken else [])


@pytest.mark.parametrize(
    ("complete", "offered", "taken"), [(True, False, True), (True, True, False), (False, False, 1)]
)
def test_a_row_on_the_server_of_another_backend_is_left_to_on_clash_if_that_offers_its_model(
    backends: tuple[Backend, ...], complete: bool, offered: bool, taken: bool
) -> None:
    """While that server is down, nobody knows: else an outage would let others in for good."""
    there = b.wanted("m", endpoint=b.OTHER_BOX, backend="other")
    sites = (b.endpoint(), b.endpoint(b.OTHER_BOX, backends=("other",), complete=complete))
    state = b.desired(b.wanted("m"), *([there] if offered else []), endpoints=sites)
    seen = b.observed(b.as_seen(there, row_id="hand", mark=None))
    found = without_taken(state, seen, backends)
    assert bool(found.refusals) == bool(taken)


@pytest.mark.parametrize(
    ("site", "taken"),
    [
        ({"served": ("qwen",)}, True),
        ({"served": ("qwen",), "excluded": (("m", "openai/qwen"),)}, False),
        ({"served": ("else",)}, False),
        ({"served": ("else",), "policy": "upsert-only"}, True),
        ({"served": ("else",), "complete": False}, True),
    ],
)
def test_a_row_that_stays_on_an_exclusive_server_has_its_name(
    backends: tuple[Backend, ...], site: dict[str, Any], taken: bool
) -> None:
    """An alias of a model that is served stays there; what is deleted has no name any more."""
    row = b.wanted("m", endpoint=b.OTHER_BOX, upstream="openai/qwen")
    seen = b.observed(b.as_seen(row, row_id="hand", mark=None))
    other = b.endpoint(b.OTHER_BOX, ownership="exclusive", **site)
    state = b.desired(b.wanted("m"), endpoints=(b.endpoint(served=("m",)), other))
    assert bool(without_taken(state, seen, backends).refusals) == taken


@pytest.mark.parametrize(("place", "taken"), [(b.OTHER_BOX, True), (b.BOX, False)])
@pytest.mark.parametrize("complete", [True, False])
def test_a_wildcard_to_another_configured_server_has_the_names_that_it_matches(
    backends: tuple[Backend, ...], place: str, taken: bool, complete: bool
) -> None:
    """LiteLLM sends a name that a row has to that row, no more to the wildcard."""
    row = b.wanted("my/*", endpoint=place, upstream="openai/*")
    seen = b.observed(b.as_seen(row, row_id="hand", mark=None, read_only="it is a wildcard"))
    sites = (b.endpoint(served=("my/x",)), b.endpoint(b.OTHER_BOX, complete=complete))
    state = b.desired(b.wanted("my/x"), endpoints=sites)
    assert bool(without_taken(state, seen, backends).refusals) == taken


@pytest.mark.parametrize(
    ("stray", "stays"),
    [
        ({"endpoint": "http://10.0.0.7:8000"}, True),
        ({"endpoint": "http://10.0.0.7:8000", "backend": "gone"}, False),
        ({"endpoint": "http://10.0.0.7:8000", "upstream": "openai/else"}, False),
        ({"endpoint": b.BOX, "backend": "other"}, True),
    ],
)
def test_a_row_of_ours_that_shares_a_name_stays_when_its_server_is_written_otherwise(
    backends: tuple[Backend, ...], stray: dict[str, Any], stays: bool
) -> None:
    row = b.as_seen(b.wanted("m", **stray))
    observed = held("m", seen=b.observed(strays=(row,)))
    found = without_taken(b.desired(b.wanted("m")), observed, backends)
    expected = ("m", "name_shared", row.id) if stays else ("m", "name_taken", "")
    assert refusals(found) == [expected]
    operations = make_plan(found, observed).operations
    assert [op.touched for op in operations] == ([row.id] if stays else [])


def test_two_models_of_one_backend_are_no_pool() -> None:
    pair = b.wanted("m"), b.wanted("m", upstream="openai/m:latest")
    found = without_clashes(b.desired(*pair), b.observed(), "pool", (b.BOX,))
    assert [wanted.key.upstream for wanted in found.deployments] == ["openai/m"]
    (refusal,) = found.refusals
    assert (refusal.reason, refusal.key.upstream) == ("clash", "openai/m:latest")
    assert "openai/m under this name" in refusal.because


def test_a_name_that_aliases_give_goes_before_that_of_a_listed_model() -> None:
    alias = replace(b.wanted("best", upstream="openai/a"), is_alias=True)
    other = replace(b.wanted("best", upstream="openai/b"), is_alias=True)
    listed = b.wanted("best")
    found = without_clashes(b.desired(alias, other, listed), b.observed(), "pool", (b.BOX,))
    assert [wanted.key.upstream for wanted in found.deployments] == ["openai/a", "openai/b"]
    alone = b.desired(alias, other)
    assert without_clashes(alone, b.observed(), "pool", (b.BOX,)) is alone


def test_a_row_of_ours_without_an_id_does_not_hide_the_one_beside_it(
    backends: tuple[Backend, ...],
) -> None:
    wanted = b.wanted("m")
    seen = b.observed(replace(b.as_seen(wanted), id=""), b.as_seen(wanted, row_id="ours"))
    found = without_taken(b.desired(wanted), held("m", seen=seen), backends)
    assert refusals(found) == [("m", "name_shared", "ours")]
    assert names(found) == ["m"]


def test_a_suffix_for_a_clash_gets_the_next_number_too() -> None:
    trio = [b.wanted("m", upstream=f"openai/m{text}") for text in ("", ":1", ":2")]
    found = without_clashes(b.desired(*trio), held("m@box"), "suffix", (b.BOX,))
    assert names(found) == ["m", "m@box-2", "m@box-3"]


@given(
    states(),
    st.lists(st.sampled_from(["a", "b", "c", "a@box", "x/*"]), max_size=3),
    st.sampled_from(["skip", "suffix", "join"]),
)
def test_the_decision_is_the_same_once_the_plan_is_carried_out(
    backends: tuple[Backend, ...], pair: States, taken: list[str], rule: str
) -> None:
    listed, observed = pair
    observed = held(*taken, seen=observed)
    desired = without_taken(listed, observed, ruled(backends, rule))
    plan = make_plan(desired, observed)
    verify_plan(plan, desired, observed, b.SCOPE)
    unmarked = {seen.id for seen in observed.deployments if seen.mark is None}
    assume(not any(op.action == DELETE and op.id in unmarked for op in plan.operations))
    after = simulate(plan, observed, b.SCOPE)
    again = without_taken(listed, after, ruled(backends, rule))
    assert names(again) == names(desired)
    assert not make_plan(again, after).operations
