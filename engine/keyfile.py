"""Keys in files: one file per key, as Kubernetes mounts a Secret."""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 64 * 1024
_UNSENDABLE: Final = re.compile(r"[^\x20-\x7e]")


def read_key(path: Path) -> str:
    """Return the key in a file, trimmed; "" if the file holds none.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it cannot be a key's file; a sentence that does not hold the content.
    """
    try:
        content = _content(path)
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            raise ValueError(f"the key file {path} is a link to nothing") from None
        raise FileNotFoundError(str(path)) from None
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise ValueError(f"the key file {path} cannot be read: {reason}") from None
    try:
        key = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise ValueError(f"the key file {path} is not UTF-8 text") from None
    if "\n" in key or "\r" in key:
        raise ValueError(f"the key file {path} holds more than one line; it may hold one key only")
    if _UNSENDABLE.search(key):
        raise ValueError(f"the key file {path} holds a character that no HTTP header may hold")
    return key


def _content(path: Path) -> bytes:
    # A named pipe would keep us waiting for ever; /dev/zero would never end.
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError(f"the key file {path} is not a file")
    with path.open("rb") as file:
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ValueError(f"the key file {path} is larger than {MAX_BYTES >> 10} KiB")
    return content
