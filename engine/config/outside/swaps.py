"""Folders that Kubernetes mounts, and swaps as a whole when their ConfigMap or Secret changes.

Such a folder has a link ``..data`` to the folder with the files, and a link for each of these,
which leads through ``..data``. The kubelet makes a new folder, renames a new link over ``..data``,
deletes the old folder, and only then corrects the links of files that are new or gone.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final, TypeVar

from ...errors import ConfigError, Problem

DATA: Final = "..data"
"""The link that is swapped; its target has another name each time."""
_ATTEMPTS: Final = 5
T = TypeVar("T")


def read_unswapped(folders: Collection[Path], read: Callable[[], T]) -> T:
    """Return what ``read`` returns of files in these folders, none of it from before a swap.

    What was read while a folder was swapped may be half old and half new, so it is read again.

    Raises:
        ConfigError: ``read`` raised it, or a folder is swapped all the time.
    """
    for _ in range(_ATTEMPTS):
        before = [_target(folder) for folder in folders]
        try:
            value = read()
        except ConfigError:
            if before == [_target(folder) for folder in folders]:
                raise
            continue
        if before == [_target(folder) for folder in folders]:
            return value
    what = "exchanged again and again while it is read; let its files rest for a moment"
    raise ConfigError([Problem(str(next(iter(folders))), what)])


def file_in(folder: Path, name: str) -> Path:
    """Return the path of a file in a folder; not by a link that the kubelet has yet to correct."""
    path = folder / name
    if _target(folder):
        try:
            path.stat()
        except OSError:
            return folder / DATA / name
    return path


def _target(folder: Path) -> str:
    """Return where ``..data`` leads; "" if the folder is no such mount."""
    try:
        return str((folder / DATA).readlink())
    except OSError:
        return ""
