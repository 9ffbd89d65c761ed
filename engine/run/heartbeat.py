"""The heartbeat: a file whose modification time tells a probe that the loop makes progress."""

from __future__ import annotations

import errno
import logging
import os
import stat
import time
from pathlib import Path
from typing import Final

from ..text import describe_os_error

_SAFELY: Final = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LINK: Final = "it is a symbolic link, which is not followed"
MAX_BACKOFF: Final = 300.0
"""The longest wait between cycles after failures, in seconds; a longer interval is kept."""
JITTER: Final = 0.1
"""By which part of itself a wait is longer or shorter, so that engines do not move in step."""
_LONGEST_STEP: Final = 270.0
"""Seconds that a cycle may take from its beginning to its first write, or between two of them."""
log = logging.getLogger(__name__)


def longest_silence(interval: float) -> float:
    """Return after how many seconds without a sign of life a loop counts as stuck.

    It gives one after each operation and cycle, and waits ``interval`` seconds between cycles,
    longer after failures. For intervals up to 5 minutes these are 600 s, the default of ``alive``.
    """
    return max(interval, MAX_BACKOFF) * (1 + JITTER) + _LONGEST_STEP


def write_heartbeat(path: Path) -> None:
    """Set the modification time of the file to now; a failure is logged, since the loop works.

    A symbolic link is not followed: in a folder that others can write to, it may lead anywhere.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | _SAFELY, 0o644)
        try:
            os.utime(handle)
        finally:
            os.close(handle)
    except OSError as error:
        why, remedy = _reason(error), "check that --heartbeat names a file that can be written"
        log.error("the heartbeat cannot be written to %s: %s; %s", path, why, remedy)


def heartbeat_age(path: Path) -> float:
    """Return the seconds since the last heartbeat.

    Raises:
        OSError: there is no such file, or it cannot be read.
    """
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise OSError(errno.ELOOP, _LINK, str(path))
    return time.time() - found.st_mtime


def _reason(error: OSError) -> str:
    return _LINK if error.errno == errno.ELOOP else describe_os_error(error)
