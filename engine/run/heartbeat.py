"""The heartbeat: a file whose modification time tells a probe that the loop makes progress."""

from __future__ import annotations

import logging
import time
from pathlib import Path

log = logging.getLogger(__name__)


def write_heartbeat(path: Path) -> None:
    """Set the modification time of the file to now; a failure is logged, since the loop works."""
    try:
        path.touch()
    except OSError as error:
        log.error("the heartbeat cannot be written: %s", error)


def heartbeat_age(path: Path) -> float:
    """Return the seconds since the last heartbeat.

    Raises:
        OSError: there is no such file, or it cannot be read.
    """
    return time.time() - path.stat().st_mtime
