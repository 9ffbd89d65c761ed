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
log = logging.getLogger(__name__)


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
