"""Findings about key files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fleet import Fleet

from .conftest import Examine


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"one\ntwo\n", "holds more than one line"),
        (b"sk-\xff\xfe", "is not UTF-8 text"),
        ("sk-schl\u00fcssel".encode(), "a character that no HTTP header may hold"),
        (b"x" * 70000, "is larger than 64 KiB"),
    ],
)
def test_a_key_file_that_cannot_be_used_is_an_error(
    fleet: Fleet, examine: Examine, content: bytes, words: str
) -> None:
    (fleet.folder / "box").write_bytes(content)
    examined = examine(fleet)
    found = examined.one("key", "error")
    assert (found["subject"], found["area"]) == ("box", "key files")
    assert words in found["what"]
    assert examined.one("list", "unchecked")["why"] == "it is not asked; see key files"


def test_a_link_to_nothing_and_a_folder_are_errors(fleet: Fleet, examine: Examine) -> None:
    (fleet.folder / "box").symlink_to("nowhere")
    assert "is a link to nothing" in examine(fleet).one("key", "error")["what"]
    (fleet.folder / "box").unlink()
    (fleet.folder / "box").mkdir()
    assert "is not a file" in examine(fleet).one("key", "error")["what"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_key_file_that_we_may_not_read_is_an_error(fleet: Fleet, examine: Examine) -> None:
    (fleet.folder / "box").write_text("sk-1")
    (fleet.folder / "box").chmod(0)
    assert "permission denied" in examine(fleet).one("key", "error")["what"]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (None, "has no key file, so it is asked without a key"),
        ("\n", "its key file is empty: it needs no key"),
        ("sk-1\r\n", "its key file can be used"),
    ],
)
def test_a_usable_key_is_ok(fleet: Fleet, examine: Examine, content: str | None, what: str) -> None:
    if content is not None:
        (fleet.folder / "box").write_text(content)
    examined = examine(fleet)
    (found,) = [f for f in examined.of("key", "ok") if f["area"] == "key files"]
    assert found["what"] == what


def test_a_key_file_that_nothing_uses_is_a_warning(fleet: Fleet, examine: Examine) -> None:
    (fleet.folder / "bax").write_text("sk-1")
    found = examine(fleet).one("unused", "warning")
    assert "bax is not used; did you mean 'box'?" in found["what"]


@pytest.fixture
def public(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Path]:
    """Return a function that sets the rights of LiteLLM's key file, where all may enter."""
    above = [fleet.folder, *fleet.folder.parents]
    closed = [path for path in above if not path.stat().st_mode & 0o001]
    if any(path != fleet.folder and path.stat().st_uid != os.geteuid() for path in closed):
        pytest.skip("a folder above the temporary ones is closed to all")
    for path in closed:
        path.chmod(path.stat().st_mode | 0o001)

    def change(mode: int) -> Path:
        path = fleet.folder / "litellm"
        path.chmod(mode)
        return path

    return change


def test_a_key_that_all_may_read_or_write_is_a_warning(
    fleet: Fleet, examine: Examine, public: Callable[[int], Path]
) -> None:
    path = public(0o646)
    examined = examine(fleet)
    found = examined.one("readable", "warning")
    assert found["subject"] == str(path)
    assert f"chmod o-r {path}" in found["fix"]
    assert examined.one("writable", "warning")["fix"] == f"chmod o-w {path}"
    assert "read what they are asked" in found["why"]
    assert examined.code == 4
    (fleet.folder / "box").write_text("sk-box-key-4")
    (fleet.folder / "box").chmod(0o644)
    public(0o640)
    assert "can use the backend" in examine(fleet).one("readable", "warning")["why"]
    (fleet.folder / "box").unlink()
    examined = examine(fleet)
    assert (examined.of("writable"), examined.code) == ([], 0)
    assert examined.one("readable", "ok")


def test_what_is_in_a_folder_that_only_we_may_enter_is_safe(fleet: Fleet, examine: Examine) -> None:
    (fleet.folder / "litellm").chmod(0o666)
    assert examine(fleet).bad() == []
