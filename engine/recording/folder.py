"""The folder of a recording: what is in it, and how it is read and written.

``fixtures/README.md`` describes its files. It may come from a stranger: no link in it is followed.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ..bounds import MAX_CONFIG, MAX_RECORDING
from ..config.model import Config
from ..errors import Unplayable, Unrecorded, WrongUsage
from ..report.artifacts import write_atomically
from ..state.frozen import EMPTY
from ..state.secret import Place, Secret
from ..text import describe_os_error
from ..validate import validate
from .pages import Pages
from .recorder import LITELLM_FILE
from .stand_ins import PREFIX, is_file_name, load_with_stand_ins

RECORDING: Final = "recording.json"
"""The file by which a folder is known to be a recording."""
CONFIG: Final = "config.yaml"
SECRETS: Final = "secrets.json"
PLAN: Final = "plan.json"
BACKENDS: Final = "backends"
RECORDING_VERSION: Final = 1
_REMEDY: Final = "record it again with `modelprovisioner record`"


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording as it was read.

    ``about`` is ``recording.json``, ``keys`` what stands for the content of each key file,
    ``litellm`` and ``backends`` are the pages of each server.
    """

    folder: Path
    about: Mapping[str, Any]
    keys: Mapping[str, str]
    litellm: Pages
    backends: Mapping[str, Pages]

    @property
    def references(self) -> dict[Place, str]:
        """The references of its secrets, by where they are used."""
        return {
            (entry["endpoint"], entry["path"], Secret(entry["stand_in"])): entry["reference"]
            for entry in self.about["references"]
        }

    def config(self, other: Path | None = None, environment: Mapping[str, str] = EMPTY) -> Config:
        """Return the recorded configuration, or another one, with stand-ins in place of keys.

        ``environment`` has the variables that the other one may name: a recorded one, which may
        come from a stranger, learns none.

        Raises:
            ConfigError: it cannot be used.
        """
        path = other or self.folder / CONFIG
        known = environment if other else EMPTY
        config = load_with_stand_ins(path, self.keys, self.about["key_problems"], known)
        return replace(config, references=self.references)

    def unknown_secrets(self, config: Config) -> list[str]:
        """Return the fields whose secret is recorded for no such field, so that it is unknown."""
        known = self.references
        return [
            f"{path} on {endpoint}"
            for endpoint, path, secret in config.places()
            if (endpoint, path, secret) not in known and secret.reveal().startswith(PREFIX)
        ]


def read_recording(folder: Path) -> Recording:
    """Return the recording in a folder.

    Raises:
        Unplayable: there is none, or it cannot be read.
        InvalidDocument: ``recording.json`` does not match its schema.
    """
    if not _exists(folder / RECORDING):
        raise Unplayable(f"{folder} is not a recording: it has no {RECORDING}; {_REMEDY}")
    reader = _Reader(MAX_RECORDING)
    about = reader.document(folder / RECORDING)
    validate(about, "recording")
    reader.check(folder / CONFIG, MAX_CONFIG)
    keys = reader.document(folder / SECRETS) if _exists(folder / SECRETS) else {}
    if not all(is_file_name(file) and isinstance(text, str) for file, text in keys.items()):
        raise Unplayable(f"{folder / SECRETS} does not map names of files to texts; {_REMEDY}")
    litellm = folder / f"{LITELLM_FILE}.json"
    backends = folder / BACKENDS
    _refuse_link(backends)
    return Recording(
        folder,
        about,
        keys,
        reader.document(litellm) if _exists(litellm) else {},
        {path.stem: reader.document(path) for path in sorted(backends.glob("*.json"))},
    )


class _Reader:
    """Reads the files of one recording, all of them within ``left`` bytes."""

    def __init__(self, left: int) -> None:
        self._left = left

    def document(self, path: Path) -> dict[str, Any]:
        """Return the map in a JSON file."""
        try:
            value = json.loads(self._text(path))
        except (ValueError, RecursionError):
            raise Unplayable(f"{path} is not JSON; {_REMEDY}") from None
        if not isinstance(value, dict):
            raise Unplayable(f"{path} does not hold a map; {_REMEDY}")
        return value

    def check(self, path: Path, limit: int) -> None:
        """Return if a file is no link, and not larger than ``limit``."""
        if len(self._text(path)) > limit:
            raise Unplayable(f"{path} is larger than {limit >> 10} KiB; {_REMEDY}")

    def _text(self, path: Path) -> bytes:
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(handle, "rb") as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise Unplayable(f"{path} is not a file; {_REMEDY}")
                content = file.read(self._left + 1)
        except OSError as error:
            why = "a link" if path.is_symlink() else describe_os_error(error)
            raise Unplayable(f"{path} cannot be read: {why}; {_REMEDY}") from None
        self._left -= len(content)
        if self._left < 0:
            raise Unplayable(f"{path.parent} has over {MAX_RECORDING >> 20} MiB; {_REMEDY}")
        return content


def check_folder(folder: Path) -> None:
    """Return if a recording may be written into a folder: a new, an empty or a recorded one.

    Raises:
        WrongUsage: it may not.
    """
    remedy = "name a new folder, or one with a recording that may be replaced"
    if folder.exists() and not folder.is_dir():
        raise WrongUsage(f"{folder} is not a folder; {remedy}")
    if folder.is_dir() and any(folder.iterdir()) and not _exists(folder / RECORDING):
        raise WrongUsage(f"{folder} is not empty, and not a recording; {remedy}")
    _refuse_link(folder / BACKENDS)


def write_recording(folder: Path, files: Mapping[str, str]) -> None:
    """Write the files of a recording, by their path below the folder; an earlier one is replaced.

    Raises:
        WrongUsage: as :func:`check_folder`.
        Unrecorded: the folder cannot be written.
    """
    check_folder(folder)
    with _writing(folder):
        (folder / BACKENDS).mkdir(parents=True, exist_ok=True)
        for old in (*folder.glob("*"), *(folder / BACKENDS).glob("*.json")):
            name = old.relative_to(folder).as_posix()
            if name not in files and (old.parent.name == BACKENDS or name in (PLAN, SECRETS)):
                old.unlink()
        for name, text in files.items():
            write_atomically(folder / name, [text])


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = describe_os_error(error)
        raise Unrecorded(
            f"the recording cannot be written to {folder}: {why}. Remedy: name another folder"
        ) from None


def _exists(path: Path) -> bool:
    return path.is_file() or path.is_symlink()


def _refuse_link(path: Path) -> None:
    if path.is_symlink():
        raise WrongUsage(f"{path} is a link, which is not followed; remove it")
