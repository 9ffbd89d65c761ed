"""Lists that come in pages, and the note on what is left out of a list."""

from __future__ import annotations

from typing import Any

import pytest

from engine.backends.paging import left_out_note, paged_entries
from engine.bounds import MAX_PAGES
from engine.errors import Garbled
from tests.adapters import ANY, server_over


def pages(*bodies: Any) -> tuple[Any, list[str]]:
    """Return the entries of a list at ``/v1/models`` whose pages go on after "m0", "m1", ..."""
    answers = {"GET /v1/models": bodies[0]}
    for number, body in enumerate(bodies[1:]):
        answers[f"GET /v1/models?after_id=m{number}"] = body
    server, sent = server_over(answers, ["GET /v1/models"])
    return paged_entries(server, "/v1/models"), sent


def page(number: int, **more: Any) -> dict[str, Any]:
    return {"data": [{"id": f"m{number}"}], "has_more": True, "last_id": f"m{number}", **more}


def test_the_pages_of_a_list_are_read_in_turn() -> None:
    entries, sent = pages(page(0), page(1), page(2, has_more=False))
    assert [name for name, _ in entries] == ["m0", "m1", "m2"]
    assert not entries.paged
    assert len(sent) == 3


def test_a_page_without_a_cursor_goes_on_after_its_last_entry() -> None:
    entries, _ = pages(page(0, last_id=None), page(1, has_more=False))
    assert [name for name, _ in entries] == ["m0", "m1"]


def test_what_cannot_be_used_on_any_page_is_counted() -> None:
    entries, _ = pages(page(0), {"data": [{}, {"id": "a*"}, {"id": "m1"}]})
    assert (entries.unread, entries.unusable, entries.paged) == (1, 1, False)


@pytest.mark.parametrize(
    "second",
    [
        page(0),
        {"status": 404},
        {"status": 200, "body": "<html>"},
        {"data": [], "has_more": True},
    ],
)
def test_a_list_whose_pages_break_off_is_partial(second: Any) -> None:
    entries, sent = pages(page(0), second)
    assert [name for name, _ in entries] == ["m0"]
    assert entries.paged
    assert len(sent) == 2


def test_pages_without_end_are_not_read_for_ever() -> None:
    server, sent = server_over({ANY: page(0)}, ["GET /v1/models"])
    counted = iter(range(10**6))

    def get(path: str) -> Any:
        server.get(path)
        return page(next(counted))

    endless = type(server)("http://box", "http://box", "", get, server.post, server.quote)
    entries = paged_entries(endless, "/v1/models")
    assert len(sent) == len(entries.members) == MAX_PAGES
    assert entries.paged


def test_a_cursor_is_quoted_and_added_to_the_query() -> None:
    answers = {
        "GET /v1/models?limit=1": {"data": [{"id": "a b/ü&x"}], "has_more": True},
        "GET /v1/models?limit=1&after_id=a%20b%2F%C3%BC%26x": {"data": [{"id": "c"}]},
    }
    server, _ = server_over(answers, ["GET /v1/models"])
    assert list(paged_entries(server, "/v1/models?limit=1").members) == ["a b/ü&x", "c"]


def test_no_list_in_pages_is_no_list() -> None:
    server, _ = server_over({ANY: {"error": "no"}}, ["GET /v1/models"])
    with pytest.raises(Garbled):
        paged_entries(server, "/v1/models")


def test_a_note_on_what_is_left_out_is_only_written_for_something() -> None:
    server, _ = server_over({}, [])
    assert left_out_note(server, [], "x") == ()
    assert left_out_note(server, ["a", "b"], "x") == ("left out, since x: a, b",)
