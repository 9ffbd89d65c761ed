"""Keys in files: one file per key, as Kubernetes mounts a Secret."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Final

from ..bounds import MAX_KEY_FILE
from ..text import describe_os_error

LITELLM_KEY: Final = "MODELPROVISIONER_LITELLM_KEY"
"""The environment variable with the key of LiteLLM, where there is no key file for it."""
_UNSENDABLE: Final = re.compile(r"[^\x20-\x7e]")


def read_key(path: Path) -> str:
    """Return the key in a file, trimmed; "" if the file holds none.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it cannot be used as a key; a sentence that does not repeat the content.
    """
    return key_in(read_secret(path), f"the key file {path}")


def key_in(text: str, subject: str) -> str:
    """Return the key in a text, trimmed; ``subject`` is what has the text.

    Raises:
        ValueError: it cannot be used as a key; a sentence that does not repeat the text.
    """
    key = text.strip()
    if "\n" in key or "\r" in key:
        raise ValueError(f"{subject} holds more than one line; it may hold one key only")
    if _UNSENDABLE.search(key):
        raise ValueError(f"{subject} holds a character that no HTTP header may hold")
    return key


def read_secret(path: Path) -> str:
    """Return the text in a key file, trimmed; of one for a parameter it may have several lines.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it cannot be read as text; a sentence that does not hold the content.
    """
    try:
        content = read_bounded(path, MAX_KEY_FILE)
    except (FileNotFoundError, NotADirectoryError):
        if path.is_symlink():
            raise ValueError(f"the key file {path} is a link to nothing") from None
        raise FileNotFoundError(str(path)) from None
    except OSError as error:
        reason = describe_os_error(error)
        raise ValueError(f"the key file {path} cannot be read: {reason}") from None
    except ValueError:
        raise ValueError(f"the key file {path} is not a file") from None
    if len(content) > MAX_KEY_FILE:
        raise ValueError(f"the key file {path} is larger than {MAX_KEY_FILE >> 10} KiB")
    try:
        return content.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise ValueError(f"the key file {path} is not UTF-8 text") from None


def read_bounded(path: Path, limit: int) -> bytes:
    """Return the content of a file, but of a larger file only the first ``limit`` + 1 bytes.

    Only regular files are read: a named pipe could block for ever, and ``/dev/zero`` never ends.
    The check is made on the open file, which cannot be replaced between check and reading.

    Raises:
        OSError: it cannot be read.
        ValueError: it is a directory, a pipe or a device, or the path is not valid.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise ValueError("not a file")
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(limit + 1)
    finally:
        os.close(handle)
