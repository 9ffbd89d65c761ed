"""Which of several engines manages which backends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.backends.scope import scope_of
from engine.config.loader import load_config
from engine.config.model import Config
from engine.desired.holders import Holders
from engine.desired.shards import Shard, own_strays, part_of, with_others
from engine.state.endpoint import Scope
from engine.state.listing import OK, OTHER_SHARD, Listing
from tests import builders as b


def load(folder: Path, *backends: str) -> Config:
    lines = "".join(f"  - {{{backend}}}\n" for backend in backends)
    (folder / "litellm").write_text("sk-1")
    (folder / "config.yaml").write_text(f"litellm: {{url: http://l}}\nbackends:\n{lines}")
    return load_config(folder / "config.yaml", folder)


def scope(**reach: str) -> Scope:
    return Scope({}, {name: tuple(places.split()) for name, places in reach.items()})


def shards(of: int) -> list[Shard]:
    return [Shard(number, of) for number in range(1, of + 1)]


def test_the_part_of_a_name_is_the_same_for_ever() -> None:
    names = ["gpu1", "gpu2", "gpu3", "ollama", "vllm-a100", "b\u00fcro"]
    numbers = [next(s.number for s in shards(5) if s.has(name)) for name in names]
    assert numbers == [2, 2, 3, 1, 3, 3]


@given(
    st.dictionaries(
        st.text("abcxyz123", min_size=1, max_size=4),
        st.lists(st.sampled_from("pqrstuvw"), min_size=1, max_size=3).map(tuple),
        max_size=8,
    ),
    st.integers(1, 7),
)
def test_each_backend_is_in_one_part_and_no_endpoint_in_two(
    reach: dict[str, tuple[str, ...]], of: int
) -> None:
    parts = [shard.backends(Scope({}, reach)) for shard in shards(of)]
    assert sorted(name for part in parts for name in part) == sorted(reach)
    for part in parts:
        others = reach.keys() - part
        places = {place for name in part for place in reach[name]}
        assert not any(place in places for name in others for place in reach[name])


def test_backends_that_share_an_endpoint_are_where_the_first_name_is() -> None:
    alone = {name: next(s for s in shards(97) if s.has(name)) for name in "abcd"}
    assert len(set(alone.values())) == 4
    chain = scope(d="1", c="1 2", b="2 3", a="3")
    for shard in shards(97):
        assert shard.backends(chain) == (set("abcd") if shard == alone["a"] else set())


def test_addresses_that_a_kind_implies_count_as_shared(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "name: z, type: gpustack, url: 'http://box'",
        "name: a, url: 'http://box/v1-openai'",
        "name: other, url: 'http://other'",
    )
    known = scope_of(config.backends)
    parts = [shard.backends(known) for shard in shards(5)]
    assert {"a", "z"} in [part & {"a", "z"} for part in parts]
    assert sum(bool(part & {"a", "z"}) for part in parts) == 1


def test_the_others_are_not_asked_and_have_a_listing_that_proves_nothing(tmp_path: Path) -> None:
    config = load(tmp_path, *(f"name: b{n}, url: 'http://b{n}'" for n in range(8)))
    known = scope_of(config.backends)
    asked = [part_of(config, known, shard) for shard in shards(3)]
    assert sorted(b.name for part in asked for b in part.backends) == [f"b{n}" for n in range(8)]
    assert part_of(config, known, None) is config
    listings = [Listing(backend.name, OK) for backend in asked[0].backends]
    whole = with_others(config.backends, listings)
    assert [listing.backend for listing in whole] == [f"b{n}" for n in range(8)]
    mine = {backend.name for backend in asked[0].backends}
    assert {b.outcome for b in whole if b.backend not in mine} == {OTHER_SHARD}
    assert [b for b in whole if b.backend in mine] == listings


@pytest.mark.parametrize(("number", "of", "text"), [(2, 5, "2/5"), (1, 1, "1/1")])
def test_a_part_is_shown_as_it_is_given(number: int, of: int, text: str) -> None:
    assert str(Shard(number, of)) == text


def test_a_stray_of_another_part_is_no_row_of_ours_under_its_name() -> None:
    """Else the model would be registered under a name that others have."""
    wanted = b.wanted("m")
    moved = replace(b.as_seen(wanted), id="adopted")
    assert moved.mark is not None
    stray = replace(moved, mark=replace(moved.mark, backend="other"))
    holders = {"m": ("row 'x' (a cloud's)",)}
    observed = replace(b.observed(strays=(stray,)), holders=holders)
    mine = next(s for of in range(2, 9) for s in shards(of) if s.has("box") and not s.has("other"))
    assert Holders(b.desired(wanted), observed).own_row(wanted) == "adopted"
    kept = own_strays(observed, b.SCOPE, mine)
    assert Holders(b.desired(wanted), kept).own_row(wanted) == ""
    (other,) = (shard for shard in shards(mine.of) if shard.has("other"))
    assert own_strays(observed, b.SCOPE, other) == own_strays(observed, b.SCOPE, None) == observed
