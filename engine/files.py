"""Files that somebody else may have put there: read only if they are files, and only so far."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def read_bounded(path: Path, limit: int) -> bytes:
    """Return what a file holds; of one that is larger than ``limit`` bytes, one byte more.

    A named pipe would keep us waiting for ever, and ``/dev/zero`` would never end. What is looked
    at is the open file, which nobody can put another in place of.

    Raises:
        OSError: it cannot be read.
        ValueError: it is a directory, a pipe, a device, or no path at all.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError("not a file")
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(limit + 1)
    finally:
        os.close(handle)
