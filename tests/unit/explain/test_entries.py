"""What is kept of the answers of backends: the parts about a model, bounded and without secrets."""

from __future__ import annotations

import json

from engine.bounds import MAX_VALUES
from engine.explain.entries import MAX_ENTRIES, MAX_ENTRY, Entries
from engine.explain.explanation import Entry
from engine.transport.request import Asked, Taped


def heard(*answers: tuple[str, object]) -> Entries:
    entries = Entries()
    for request, document in answers:
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        method, path, *body = request.split(" ", 2)
        asked = Asked("box", method, f"http://box:1{path}", "".join(body).encode())
        entries.keep(asked, Taped(200, content=bytearray(content)))
    return entries


def test_the_answer_to_a_question_about_a_model_is_kept_as_a_whole() -> None:
    answer = {"details": {"family": "llama"}}
    entries = heard(('POST /api/show {"model": "m"}', answer))
    assert entries.about("box", "m") == (Entry("POST /api/show", answer),)
    assert list(entries.backends("m")) == ["box"]
    assert entries.about("box", "other") == entries.about("other", "m") == ()


def test_entries_are_found_in_every_shape_of_a_list() -> None:
    for document in (
        {"data": [{"id": "m", "n": 1}, {"id": "x"}]},
        {"models": [{"key": "m", "n": 1}]},
        [{"name": "m", "n": 1}],
        {"model_id": "m", "n": 1},
        {"result": {"groups": [{"model_name": "m", "n": 1}]}},
    ):
        (entry,) = heard(("GET /list", document)).about("box", "m")
        assert entry.value["n"] == 1
    assert heard(("GET /list", ["m", "x"])).about("box", "m") == (Entry("GET /list", "m"),)
    assert list(heard(("GET /list", {"data": {"note": "m"}})).backends("m")) == []


def test_what_the_engine_would_not_read_is_not_kept() -> None:
    whole = b'{"data": [{"id": "m"}]}'
    assert list(heard(("GET /list", whole)).backends("m")) == ["box"]
    deep = b"[" * 5_000 + b'{"id": "m"}' + b"]" * 5_000
    many = b'[{"id": "m"}' + b",{}" * MAX_VALUES + b"]"
    for broken in (whole[:-2], b"\xff", deep, many):
        assert list(heard(("GET /list", broken)).backends("m")) == []
    refused = Entries()
    refused.keep(
        Asked("box", "GET", "http://box:1/list", b""), Taped(500, content=bytearray(whole))
    )
    refused.keep(Asked("", "GET", "http://box:1/list", b""), Taped(200, content=bytearray(whole)))
    assert list(refused.backends("m")) == []


def test_an_entry_that_comes_again_is_kept_once_and_many_are_bounded() -> None:
    same = ("GET /list", {"data": [{"id": "m"}]})
    assert len(heard(same, same).about("box", "m")) == 1
    many = [("GET /list", {"data": [{"id": "m", "n": n}]}) for n in range(100)]
    assert len(heard(*many).about("box", "m")) == MAX_ENTRIES


def test_all_that_is_kept_of_a_backend_is_bounded() -> None:
    many = [{"id": f"m{n}", "text": "x" * MAX_ENTRY} for n in range(5_000)]
    entries = heard(("GET /list", {"data": many}))
    kept = [entries.about("box", f"m{n}") for n in range(5_000)]
    assert 100 < sum(map(len, kept)) < 2_000
    assert all(entry.cut and len(entry.value) == MAX_ENTRY for (entry,) in filter(None, kept))


def test_secrets_are_hidden_by_name_by_shape_and_behind_a_flag() -> None:
    entry = {
        "key": "m",
        "api_key": "hide-1",
        "nested": [{"password": 12345678}, {"tokens": {"hf_token": "hide-2"}}],
        "url": "https://user:hide-3@host/v1",
        "status": {"args": ["--api-key", "hide-4", "-c", "4096"], "cmd": "run --token=hide-5 -v"},
        "max_tokens": 4096,
        "empty_key": "",
    }
    (kept,) = heard(("GET /list", {"models": [entry]})).about("box", "m")
    text = json.dumps(kept.value)
    assert "hide" not in text
    assert "12345678" not in text
    assert kept.value["key"] == "m"
    assert kept.value["max_tokens"] == 4096
    assert kept.value["empty_key"] == ""
    assert kept.value["status"] == {
        "args": ["--api-key", "***", "-c", "4096"],
        "cmd": "run --token=*** -v",
    }
