"""Which rows a request can name by their id."""

from __future__ import annotations

import pytest

from engine.litellm.row import is_deletable, is_patchable


@pytest.mark.parametrize(
    ("row_id", "patchable"),
    [("a", True), ("a b?#%2e", True), ("...", True), ("", False), (".", False), ("..", False),
     ("a/b", False), ("/", False)],
)  # fmt: skip
def test_a_patch_can_name_an_id_that_is_one_segment_of_a_path(
    row_id: str, *, patchable: bool
) -> None:
    assert is_patchable(row_id) is patchable
    assert is_deletable(row_id) is (row_id != "")
