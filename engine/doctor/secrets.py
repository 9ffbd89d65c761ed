"""The folder of key files: what is in it, and the findings about it."""

from __future__ import annotations

import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..config.key_files import LITELLM_KEY, read_key, read_secret
from ..config.loader import Examined
from ..config.remedies import LITELLM, files_named
from ..errors import Problem
from ..state.secret import Secret
from ..text import describe_os_error
from .finding import ERROR, KEY_FILES, NOTE, OK, UNCHECKED, WARNING, Finding

_OTHERS_READ: Final = stat.S_IROTH
_OTHERS_WRITE: Final = stat.S_IWOTH
_OTHERS_ENTER: Final = stat.S_IXOTH

_SHORTEST: Final = 8
"""Characters of a key; a file with fewer is more likely a word."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    """One file in the folder of key files.

    ``key`` is "" if it cannot be used as one. ``readable`` and ``writable`` say whether every user
    of the machine may do so.
    """

    name: str
    key: Secret
    readable: bool
    writable: bool


@dataclass(frozen=True, slots=True)
class KeyFolder:
    """The folder, and why it cannot be listed ("" if it can)."""

    path: Path
    problem: str
    files: tuple[KeyFile, ...]

    def secrets(self) -> Iterator[Secret]:
        """Yield what may be a key, also those that nothing uses, so that none is ever shown."""
        yield from (file.key for file in self.files if len(file.key.reveal()) >= _SHORTEST)


def look_into(folder: Path, named: Collection[str]) -> KeyFolder:
    """Return what is in the folder; ``named`` are files that may hold any text, not only a key."""
    try:
        way = [folder, *folder.resolve().parents]
        open_to_all = all(place.stat().st_mode & _OTHERS_ENTER for place in way)
        paths = sorted(path for path in folder.iterdir() if _is_key_file(path))
    except OSError as error:
        return KeyFolder(folder, describe_os_error(error), ())
    files = (_look_at(path, named=path.name in named, open_to_all=open_to_all) for path in paths)
    return KeyFolder(folder, "", tuple(files))


def check_key_files(folder: KeyFolder, examined: Examined) -> Iterator[Finding]:
    """Yield the findings about all key files, those that are not there included."""
    if folder.problem:
        what = f"the folder of key files cannot be listed: {folder.problem}"
        why = "without the key of LiteLLM nothing can be done"
        fix = "name the folder with --secrets (by default /etc/secrets), and let this user read it"
        if not _has_litellms_key(folder, examined):
            yield Finding(ERROR, KEY_FILES, "folder", str(folder.path), what, why, fix)
            return
        yield Finding(NOTE, KEY_FILES, "folder", str(folder.path), f"{what}; it may be left out")
    yield from _litellm(folder, examined.problems)
    names = {file.name for file in folder.files}
    files = {file.name: file for file in folder.files}
    if examined.config is None:
        what = "which key files belong to which backend"
        why = "the configuration cannot be read"
        yield Finding(UNCHECKED, KEY_FILES, "used", str(folder.path), what, why)
    for backend in examined.config.backends if examined.config else ():
        if backend.key_problem:
            why = "without a key the backend is not asked, so its models are not registered"
            fix = "write the key, alone and on one line, into the file"
            yield Finding(ERROR, KEY_FILES, "key", backend.name, backend.key_problem, why, fix)
        elif backend.name not in names:
            what = "has no key file, so it is asked without a key"
            yield Finding(OK, KEY_FILES, "key", backend.name, what)
        elif not files[backend.name].key:
            what = "its key file is empty: it needs no key"
            yield Finding(OK, KEY_FILES, "key", backend.name, what)
        else:
            yield Finding(OK, KEY_FILES, "key", backend.name, "its key file can be used")
    for text in examined.config.unused_keys if examined.config else ():
        why = "a misspelt name leaves a backend without its key"
        fix = "give it the name of its backend, or remove it"
        yield Finding(WARNING, KEY_FILES, "unused", str(folder.path), text, why, fix)
    yield from _rights(folder)


def _has_litellms_key(folder: KeyFolder, examined: Examined) -> bool:
    return all(problem.where != str(folder.path / LITELLM) for problem in examined.problems)


def _litellm(folder: KeyFolder, problems: Collection[Problem]) -> Iterator[Finding]:
    """Yield what is to say about the key of LiteLLM, as the loader says it."""
    path = folder.path / LITELLM
    found = [problem for problem in problems if problem.where == str(path)]
    for problem in found:
        what, _, remedy = problem.what.rpartition("; ")
        why = "without the key of LiteLLM nothing can be registered"
        yield Finding(ERROR, KEY_FILES, "litellm_key", problem.where, what, why, remedy)
    if not found and any(file.name == LITELLM for file in folder.files):
        what = "the key of LiteLLM is there, on one line"
        yield Finding(OK, KEY_FILES, "litellm_key", str(path), what)
    elif not found:
        what = f"the key of LiteLLM is in ${LITELLM_KEY}"
        yield Finding(OK, KEY_FILES, "litellm_key", f"${LITELLM_KEY}", what)


def _rights(folder: KeyFolder) -> Iterator[Finding]:
    exposed = [file for file in folder.files if file.readable and file.key]
    for file in exposed:
        path = folder.path / file.name
        what = "every user of this machine can read it"
        why = "who has the key of LiteLLM can change all models, and read what they are asked"
        if file.name != LITELLM:
            why = "who has the key can use the backend"
        fix = f"chmod o-r {path} (in Kubernetes: defaultMode: 0440 of the secret's volume)"
        yield Finding(WARNING, KEY_FILES, "readable", str(path), what, why, fix)
    for file in folder.files:
        if file.writable:
            path = folder.path / file.name
            what = "every user of this machine can change it"
            why = "a changed key is sent to the server in the next cycle"
            yield Finding(WARNING, KEY_FILES, "writable", str(path), what, why, f"chmod o-w {path}")
    if folder.files and not exposed:
        what = "no key file can be read by every user of this machine"
        yield Finding(OK, KEY_FILES, "readable", str(folder.path), what)


def named_files(examined: Examined) -> frozenset[str]:
    """Return the names of the key files that parameters name."""
    return frozenset(files_named(examined.given))


def _is_key_file(path: Path) -> bool:
    """Tell whether a file may be a key: not hidden, and not the configuration."""
    hidden = path.name.startswith(".") or path.name.endswith((".yaml", ".yml"))
    return not hidden and (path.is_file() or path.is_symlink())


def _look_at(path: Path, *, named: bool, open_to_all: bool) -> KeyFile:
    read = read_secret if named else read_key
    key, mode = "", 0
    with suppress(OSError, ValueError):  # the loader says what is wrong with one that is used
        mode = path.stat().st_mode
        key = read(path)
    return KeyFile(
        path.name,
        Secret(key),
        readable=open_to_all and bool(mode & _OTHERS_READ),
        writable=open_to_all and bool(mode & _OTHERS_WRITE),
    )
