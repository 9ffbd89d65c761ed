"""A listing is read alike, whatever is known of an earlier one."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import Garbled
from engine.litellm import known_rows
from engine.litellm.compact_rows import Rows
from engine.litellm.known_rows import KnownRows
from engine.transport import json_text
from engine.transport.json_stream import rows_of
from tests.pieces import Pieces

MANY: Final = 60
Listing = list[dict[str, Any]]


@pytest.fixture(autouse=True)
def _small_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_rows, "_RUN", 2000)
    monkeypatch.setattr(known_rows, "_SHORT", 500)


def row(number: int, value: object = 1) -> dict[str, Any]:
    """Return a row, of which some are long and some hold more than ASCII."""
    text = ("é😀" if number % 3 else "x") * (number % 7 * 20)
    info = {"id": f"id-{number}", "null": None, "text": text}
    return {
        "model_name": f"name-{number}" * 20,
        "litellm_params": {"rpm": value},
        "model_info": info,
    }


def body_of(rows: Listing, *, spaces: bool = False) -> bytes:
    separators = (", ", ": ") if spaces else (",", ":")
    document = {"data": rows, "total_pages": 1}
    return json.dumps(document, ensure_ascii=False, separators=separators).encode()


def read(body: bytes, size: int, before: KnownRows | None = None) -> tuple[list[Any], KnownRows]:
    keeper = Rows(before)
    document = rows_of(Pieces(body, size), keeper)
    return document["data"], keeper.finish()


rows = st.lists(st.tuples(st.integers(0, MANY), st.sampled_from([1, "é", "long" * 30])), max_size=9)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    gone=st.sets(st.integers(0, MANY - 1), max_size=5),
    changed=rows,
    turned=st.integers(0, MANY),
    spaces=st.booleans(),
    size=st.integers(1, 3000),
)
def test_a_listing_is_read_as_if_nothing_were_known(
    gone: set[int], changed: list[tuple[int, Any]], turned: int, spaces: bool, size: int
) -> None:
    first = [row(number) for number in range(MANY)]
    before, known = read(body_of(first, spaces=spaces), size)
    for after in (
        [row(number) for number in range(MANY) if number not in gone],
        [row(number, dict(changed).get(number, 1)) for number in range(MANY)],
        first[turned:] + first[:turned],
        first + [row(MANY + number, value) for number, value in changed],
        [*first[:turned], *first[turned : turned + 2], *first[turned:]],
        [],
        first,
    ):
        body = body_of(after, spaces=spaces)
        expected, anew = read(body, size)
        found, again = read(body, size, known)
        assert found == expected
        assert {kept.digest for kept in again} == {kept.digest for kept in anew}
        old = {json.dumps(kept): kept for kept in before}
        assert all(kept is old.get(json.dumps(kept), kept) for kept in found)
        before, known = found, again


@pytest.mark.parametrize("size", [7, 900, 100_000])
def test_rows_that_are_as_they_were_are_not_even_decoded(
    monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    body = body_of([row(number) for number in range(MANY)])
    before, known = read(body, size)
    more, decoded = json_text.Text._more, list[str]()

    def watched(text: json_text.Text) -> bool:
        found = more(text)
        decoded.append(text._window)
        return found

    monkeypatch.setattr(json_text, "_WINDOW", 16)
    monkeypatch.setattr(json_text.Text, "_more", watched)
    found, again = read(body, 500, known)
    assert again is known
    assert all(left is right for left, right in zip(found, before, strict=True))
    assert len("".join(decoded)) < len(body) / 4


def test_around_a_changed_row_little_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    first = [row(number) for number in range(MANY)]
    _, known = read(body_of(first), 500)
    first[MANY // 2]["model_info"]["text"] = "changed"
    find, looked = KnownRows.find, list[object]()

    def watched(known: KnownRows, text: json_text.Text) -> object:
        looked.append(find(known, text))
        return looked[-1]

    monkeypatch.setattr(KnownRows, "find", watched)
    _, known = read(body_of(first), 500, known)
    assert 0 < len(looked) < MANY / 3
    assert looked.count(None) == 1
    looked.clear()
    read(body_of(first), 500, known)
    assert len(looked) < 10, "only rows in runs that are short are looked for one by one"


@pytest.mark.parametrize("end", ["", ",", "]", "]}}", '],"data":[]}'])
def test_a_listing_that_ends_otherwise_is_refused_all_the_same(end: str) -> None:
    whole = body_of([row(number) for number in range(MANY)])
    _, known = read(whole, 500)
    cut = whole[: whole.rindex(b"]")] + end.encode()
    with pytest.raises((ValueError, Garbled), match=r"."):
        read(cut, 500, known)


def test_a_byte_order_mark_between_rows_is_no_json() -> None:
    whole = body_of([row(number) for number in range(MANY)])
    _, known = read(whole, 500)
    for place in range(len(whole)):
        if whole[place : place + 3] == b"},{":
            broken = whole[: place + 1] + b"\xef\xbb\xbf" + whole[place + 1 :]
            with pytest.raises(ValueError, match=r"."):
                read(broken, 500, known)
