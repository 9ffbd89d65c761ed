"""A mark, written into ``model_info`` and read back from whatever is found there."""

from __future__ import annotations

from typing import Any

import pytest

from engine.bounds import MAX_DEPTH, MAX_MARKED
from engine.state.frozen import EMPTY, thaw
from engine.state.mark import Mark, mark_document, read_mark

DOCUMENT: dict[str, Any] = {
    "owner": "us",
    "backend": "box",
    "revision": 2,
    "fields": ["/litellm_params/rpm", "/model_info/mode"],
    "opaque": {"/litellm_params/api_key": "f" * 32},
    "evidence": ["/model_info/mode"],
    "fingerprint": "a" * 32,
}


def read(**changes: Any) -> Mark:
    mark = read_mark({**DOCUMENT, **changes})
    assert mark is not None
    return mark


def test_a_mark_is_read_as_it_was_written() -> None:
    assert mark_document(read()) == DOCUMENT


def test_a_mark_of_an_owner_alone_has_nothing_else() -> None:
    assert read_mark({"owner": "us"}) == Mark("us", "", 0, (), EMPTY, "")


@pytest.mark.parametrize(("revision", "read_as"), [(-1, 0), (True, 0), ("2", 0), (0, 0), (3, 3)])
def test_a_revision_is_a_count(revision: object, read_as: int) -> None:
    assert read(revision=revision).revision == read_as
    assert type(read(revision=revision).revision) is int


def test_only_paths_of_whole_fields_count_in_their_order() -> None:
    paths = ["/model_info/z", 5, "/litellm_params/a", "/litellm_params/a/b", "/model_info", None]
    mark = read(fields=paths, evidence="/model_info/z")
    assert mark.fields == ("/litellm_params/a", "/model_info/z")
    assert mark.evidence == ()


def test_only_fingerprints_of_parameters_count() -> None:
    sound: dict[object, object] = {
        "/litellm_params/extra_headers/X": "f" * 32,
        "/model_info/b": "(no key)",
    }
    opaque = {
        **sound,
        "/litellm_params/a": 5,
        "/model_name/b": "f" * 32,
        6: "f" * 32,
    }
    assert thaw(read(opaque=opaque).opaque) == sound


def test_a_mark_is_read_as_far_as_a_mark_of_ours_can_reach() -> None:
    names = [f"{number:05}" for number in range(MAX_MARKED + 1)]
    mark = read(
        fields=[f"/model_info/{name}" for name in names],
        opaque={f"/litellm_params/{name}": "f" * 32 for name in names},
    )
    assert (len(mark.fields), len(mark.opaque)) == (MAX_MARKED, MAX_MARKED)


def test_a_hidden_value_is_looked_for_as_deep_as_a_configuration_can_be() -> None:
    paths = ["/litellm_params" + "/x" * (MAX_DEPTH - 1 + deeper) for deeper in (0, 1)]
    assert list(read(opaque=dict.fromkeys(paths, "f" * 32)).opaque) == paths[:1]
