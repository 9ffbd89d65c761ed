"""Several engines, each with a part of the backends, do what one does, and none harms another."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backends.scope import scope_of
from engine.config.loader import load_config
from engine.config.model import Config
from engine.config.references import references_of
from engine.desired.clashes import without_clashes
from engine.desired.deployments import desired_state
from engine.desired.shards import Shard, only_part, own_strays, part_of, with_others
from engine.desired.taken import without_taken
from engine.litellm.listed import listed_row
from engine.litellm.observed import observed_state
from engine.litellm.row import row_of
from engine.plan.plan import CREATE, Plan
from engine.plan.planner import make_plan, verify_plan
from engine.plan.safety import Suspicion, hold
from engine.plan.simulate import simulate
from engine.state.deployment import MARK, ObservedDeployment, ObservedState
from engine.state.frozen import canonical_json, thaw
from engine.state.listing import OK, UNREACHABLE, Listing, Model
from engine.state.mark import deployment_id
from tests import builders as b
from tests.quick import examples

HOSTS = ("http://h1", "http://h2", "http://h3", "http://h4")
ALL = Shard(1, 1)
MOST_ROUNDS = 8


@dataclass(frozen=True)
class World:
    """A configuration, what its backends list, and what LiteLLM has."""

    config: Config
    listings: tuple[Listing, ...]
    observed: ObservedState


def model(host: str, name: str) -> Model:
    return Model(name, "openai", f"{host}/v1")


def config_of(hosts: Sequence[str], top: str) -> Config:
    backends = "".join(f"  - {{name: b{n}, url: {host}}}\n" for n, host in enumerate(hosts))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "litellm").write_text("sk-1")
        (folder / "config.yaml").write_text(
            f"litellm: {{url: http://l}}\nowner: {b.OWNER}\n{top}backends:\n{backends}"
        )
        return load_config(folder / "config.yaml", folder)


def plan_of(world: World, observed: ObservedState, shard: Shard) -> Plan:
    """Return what one engine plans; as a cycle does it, but for the requests."""
    config = world.config
    scope = scope_of(config.backends)
    names = {backend.name for backend in part_of(config, scope, shard).backends}
    heard = [listing for listing in world.listings if listing.backend in names]
    listings = with_others(config.backends, heard)
    desired = desired_state(config, listings, scope, references_of(config))
    seen = own_strays(observed, scope, shard)
    desired = without_taken(desired, seen, config.backends)
    desired = without_clashes(desired, seen, config.on_clash, config.endpoints())
    desired, own = only_part(desired, seen, scope, shard)
    plan = make_plan(desired, own)
    verify_plan(plan, desired, own, scope)
    plan, _ = hold(plan, desired, own, config.limits, Suspicion(force=frozenset(["all"])))
    assert {status.backend for status in plan.endpoints} == names
    places = {endpoint for name in names for endpoint in scope.reach[name]}
    astray = {stray.id for stray in own.strays}
    assert {skip.key.endpoint for skip in plan.skips if skip.id not in astray} <= places
    _check_touched(plan, observed, names, places)
    return plan


def _check_touched(plan: Plan, observed: ObservedState, names: set[str], places: set[str]) -> None:
    """No row is touched whose home is the endpoint of another shard."""
    homes: dict[str, bool] = {seen.id: seen.key.endpoint in places for seen in observed.deployments}
    for stray in observed.strays:
        homes[stray.id] = stray.mark is not None and stray.mark.backend in names
    for operation in plan.operations:
        assert operation.key.endpoint in places
        if operation.action == CREATE:
            assert operation.key.name not in observed.holders
        for touched in filter(None, (operation.id, operation.touched, operation.replaces)):
            assert homes.get(touched, True)


def settled(world: World, rounds: Sequence[Sequence[Shard]]) -> ObservedState:
    """Return what LiteLLM has once no engine has anything to do; they take turns as given."""
    observed = world.observed
    scope = scope_of(world.config.backends)
    for number in range(MOST_ROUNDS):
        quiet = True
        for shard in rounds[number % len(rounds)]:
            plan = plan_of(world, observed, shard)
            quiet = quiet and not plan.operations
            observed = simulate(plan, observed, scope)
        if quiet:
            return observed
    raise AssertionError("the engines do not come to rest")


def rows_in(observed: ObservedState) -> Counter[tuple[Any, ...]]:
    return Counter(map(_shown, (*observed.deployments, *observed.strays)))


def _shown(seen: ObservedDeployment) -> tuple[Any, ...]:
    mark = (seen.mark.owner, seen.mark.backend, seen.mark.fingerprint) if seen.mark else ()
    return seen.key, seen.id, canonical_json(thaw(seen.fields)), seen.blocked, mark


@st.composite
def worlds(draw: st.DrawFn, *, clashes: bool) -> World:
    hosts = draw(st.lists(st.sampled_from(HOSTS), min_size=1, max_size=5))
    on_clash = draw(st.sampled_from(["pool", "suffix", "error"]))
    top = f"on_clash: {on_clash}\n"
    top += f"ownership: {draw(st.sampled_from(['adopt', 'marked', 'exclusive']))}\n"
    top += f"on_unreachable: {draw(st.sampled_from(['keep', 'remove']))}\n"
    config = config_of(hosts, top)

    def name_on(host: str) -> str:
        letter = draw(st.sampled_from("abc"))
        return letter if clashes else f"{host[-1]}{letter}"

    listings = []
    for backend in config.backends:
        host = backend.url
        names = {name_on(host) for _ in range(draw(st.integers(0, 3)))}
        down = draw(st.integers(0, 4)) == 0
        models = tuple(sorted(model(host, name) for name in names))
        listings.append(
            Listing(backend.name, UNREACHABLE) if down else Listing(backend.name, OK, models)
        )
    rows = [draw(row_on(config, name_on, moved=clashes)) for _ in range(draw(st.integers(0, 6)))]
    unique = {row["model_info"]["id"]: row for row in rows}
    document = {"editing": asdict(b.REMOVING), "data": list(unique.values())}
    observed = observed_state(document, scope_of(config.backends), b.OWNER)
    return World(config, tuple(listings), observed)


@st.composite
def row_on(draw: st.DrawFn, config: Config, name_on: Any, *, moved: bool) -> dict[str, Any]:
    """Return a row: ours, drifted, moved by hand, adopted, of another owner or without a mark."""
    backend = draw(st.sampled_from(config.backends))
    name = name_on(backend.url)
    wanted = b.wanted(name, endpoint=backend.url, backend=backend.name)
    adopted = moved and draw(st.booleans())
    row_id = f"adopted-{name}-{backend.name}" if adopted else deployment_id(b.OWNER, wanted.key, 0)
    row = listed_row(row_of(wanted, row_id, revision=0), b.REMOVING)
    kind = draw(st.sampled_from(["ours", "ours", "drifted", "moved", "theirs", "bare", "gone"]))
    if kind == "drifted":
        row["litellm_params"]["rpm"] = 7
    elif kind == "moved":
        row["litellm_params"]["api_base"] = draw(st.sampled_from([*HOSTS, "http://elsewhere"]))
    elif kind == "theirs":
        row["model_info"][MARK] = {**row["model_info"][MARK], "owner": "someone"}
        row["model_info"]["id"] = f"theirs-{name}-{backend.name}"
    elif kind == "bare":
        del row["model_info"][MARK]
        row["model_info"]["id"] = f"bare-{name}-{backend.name}"
    elif kind == "gone" and moved:
        row["model_info"][MARK] = {**row["model_info"][MARK], "backend": "removed"}
        row["litellm_params"]["api_base"] = "http://elsewhere"
    return row


def rounds_of(of: int) -> st.SearchStrategy[list[list[Shard]]]:
    every = [Shard(number, of) for number in range(1, of + 1)]
    return st.lists(st.permutations(every), min_size=1, max_size=4)


COUNTS = st.integers(1, 5).flatmap(rounds_of)


@given(worlds(clashes=False), COUNTS)
@settings(max_examples=examples(150), deadline=None)
def test_all_shards_together_come_to_what_one_engine_comes_to(
    world: World, rounds: list[list[Shard]]
) -> None:
    assert rows_in(settled(world, rounds)) == rows_in(settled(world, [[ALL]]))


@given(worlds(clashes=True), COUNTS)
@settings(max_examples=examples(150), deadline=None)
def test_whatever_names_clash_no_shard_touches_what_is_anothers_and_all_come_to_rest(
    world: World, rounds: list[list[Shard]]
) -> None:
    settled(world, rounds)


@given(worlds(clashes=False), COUNTS, COUNTS)
@settings(max_examples=examples(100), deadline=None)
def test_another_number_of_shards_changes_no_row(
    world: World, before: list[list[Shard]], after: list[list[Shard]]
) -> None:
    rest = settled(world, before)
    again = replace(world, observed=rest)
    assert settled(again, after) is not None
    assert rows_in(settled(again, after)) == rows_in(rest)
    for shard in (shard for turn in after for shard in turn):
        assert plan_of(again, rest, shard).operations == ()


@given(worlds(clashes=False), COUNTS, COUNTS)
@settings(max_examples=examples(100), deadline=None)
def test_engines_that_count_their_shards_differently_for_a_while_lose_and_double_nothing(
    world: World, before: list[list[Shard]], after: list[list[Shard]]
) -> None:
    mixed = [[*old, *new] for old, new in zip(before, after, strict=False)]
    assert rows_in(settled(world, mixed)) == rows_in(settled(world, [[ALL]]))
