"""The file that shows a probe that the loop makes progress."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from engine.run.heartbeat import heartbeat_age, write_heartbeat


def test_each_heartbeat_resets_the_age(tmp_path: Path) -> None:
    path = tmp_path / "heartbeat"
    write_heartbeat(path)
    hour_ago = time.time() - 3600
    os.utime(path, (hour_ago, hour_ago))
    assert heartbeat_age(path) >= 3600
    write_heartbeat(path)
    assert heartbeat_age(path) < 3600


def test_a_heartbeat_that_cannot_be_written_is_logged_and_raises_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_heartbeat(tmp_path / "missing" / "heartbeat")
    (message,) = caplog.messages
    assert message == (
        f"the heartbeat cannot be written to {tmp_path}/missing/heartbeat: no such file or"
        " directory; check that --heartbeat names a file that can be written"
    )


def test_without_a_heartbeat_there_is_no_age(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        heartbeat_age(tmp_path / "heartbeat")


@pytest.mark.parametrize("exists", [True, False])
def test_a_link_is_not_followed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, exists: bool
) -> None:
    target, link = tmp_path / "target", tmp_path / "heartbeat"
    link.symlink_to("target")
    if exists:
        target.touch()
        os.utime(target, (0, 0))
    write_heartbeat(link)
    assert "the heartbeat cannot be written" in caplog.text
    assert target.exists() == exists
    assert not exists or target.stat().st_mtime == 0
    with pytest.raises(OSError, match="symbolic link"):
        heartbeat_age(link)


def test_a_heartbeat_keeps_what_a_file_holds(tmp_path: Path) -> None:
    (tmp_path / "heartbeat").write_text("kept")
    write_heartbeat(tmp_path / "heartbeat")
    assert (tmp_path / "heartbeat").read_text() == "kept"
