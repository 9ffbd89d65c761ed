"""What a server answered, as a page and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Garbled, Rejected, TransportError, Unavailable
from engine.recording.pages import host_of, names_of, page_of, taped_of
from engine.transport.request import Asked, Taped

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**59), 2**60) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["status", "failed", "body", "data"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(JSON, st.sampled_from([200, 404, 503]))
def test_a_document_comes_back(value: Any, status: int) -> None:
    page = page_of(Taped(status, "application/json", bytearray(json.dumps(value).encode())))
    again = taped_of(json.loads(json.dumps(page)))
    assert (again.status, json.loads(again.content)) == (status, value)


@pytest.mark.parametrize("body", [b"", b"<html>hi</html>", b'"text"', b'{"a": 1, "a": 2}', b"{"])
def test_what_is_no_plain_json_comes_back_as_it_was(body: bytes) -> None:
    again = taped_of(page_of(Taped(200, "text/html", bytearray(body))))
    assert (again.status, again.kind, bytes(again.content)) == (200, "text/html", body)


def test_what_is_no_text_is_no_json_either() -> None:
    again = taped_of(page_of(Taped(200, "application/json", bytearray(b'{"a": "\xff"}'))))
    with pytest.raises(ValueError, match="escape"):
        json.loads(again.content)


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("GET http://a: connection refused", sent=False),
        Unavailable("GET http://a: no answer", status=503),
        Rejected("GET http://a redirects to another server", status=307),
        Garbled("GET http://a: the answer's compression is broken"),
    ],
)
def test_a_failure_comes_back(error: TransportError) -> None:
    again = taped_of(page_of(Taped(200 if isinstance(error, Garbled) else 0, error=error))).error
    assert type(again) is type(error)
    assert str(again) == str(error)
    for name in ("status", "sent"):
        assert getattr(again, name, None) == getattr(error, name, None)


def test_the_error_of_an_answer_with_a_body_follows_from_the_body() -> None:
    taped = Taped(
        401, "application/json", bytearray(b'{"error": "no"}'), error=Rejected("", status=401)
    )
    assert page_of(taped) == {"status": 401, "body": {"error": "no"}}


def test_a_page_of_a_stranger_with_an_unknown_failure_is_refused() -> None:
    with pytest.raises(ValueError, match="expected an error"):
        taped_of({"failed": {"error": "Exit"}})


def test_the_most_exact_name_comes_first() -> None:
    get = Asked("gpu", "GET", "http://box:8000/v1/models?limit=2", b"")
    assert names_of(get) == ("/v1/models?limit=2 as gpu", "/v1/models?limit=2")
    post = names_of(Asked("gpu", "POST", "http://box:8000/api/show", b'{"model": "a"}'))
    assert post[:2] == ('POST /api/show {"model": "a"} as gpu', 'POST /api/show {"model": "a"}')
    assert post[-1] == "/api/show"
    long = names_of(Asked("", "POST", "http://box/x", b'{"a": "' + b"x" * 400 + b'"}'))
    assert long[1].startswith("POST /x sha256:")


def test_a_host_names_a_file_without_folders() -> None:
    assert host_of("http://box:8000/v1") == "box_8000"
    assert host_of("https://box/v1") == "https_box"
    assert host_of("http://[::1]:8000") == "[__1]_8000"
    assert "/" not in host_of("http://a%2F..%2Fb:1/v1")
