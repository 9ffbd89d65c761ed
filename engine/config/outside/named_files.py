"""The files to which a configuration refers: keys, secrets of parameters, authorities."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ...bounds import MAX_DECLARED
from ...litellm.fields import BUILT_IN
from ...state.secret import PLACEHOLDER_KEY, Secret
from ...validate import Violation
from .. import secret_fields
from ..key_files import LITELLM_KEY, key_in, read_key, read_secret
from ..parsers import webhook_url
from ..remedies import LITELLM, files_named, unused_keys
from ..yaml.tree import Steps
from .swaps import file_in

_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A key, what is wrong with its file ("": nothing), and whether there is one.

    ``shadows``: another key in the environment is not used, since there is the file.
    """

    key: Secret
    problem: str = ""
    given: bool = True
    shadows: bool = False


@dataclass(frozen=True, slots=True)
class Files:
    """What the other files say to which a configuration refers; of a wrong one, few are read.

    ``named`` has the secrets by the names of their files, and ``unusable`` what is wrong with
    others. ``absent`` are the files of authorities that are not there, ``unused`` keys of nobody.
    """

    litellm: KeyFile
    backends: tuple[KeyFile, ...] = ()
    named: tuple[tuple[str, Secret], ...] = ()
    unusable: tuple[Violation, ...] = ()
    absent: tuple[Violation, ...] = ()
    unused: tuple[str, ...] = ()


def read_files(
    declared: Mapping[str, Any],
    parsed: Mapping[str, Any] | None,
    secrets_dir: Path,
    litellm_key: str = "",
) -> Files:
    """Return the files to which a configuration refers.

    ``parsed`` are its values; None if something is wrong with them: then few files are read.
    ``litellm_key`` is the key of LiteLLM in the environment, which counts without a key file.
    """
    named, unusable = read_named_files(declared, secrets_dir)
    litellm = _litellm_key(file_in(secrets_dir, LITELLM), litellm_key)
    if parsed is None:
        return Files(litellm, unusable=tuple(unusable))
    return Files(
        litellm,
        tuple(_backend_key(file_in(secrets_dir, given["name"])) for given in parsed["backends"]),
        tuple(named.items()),
        tuple(unusable),
        tuple(_absent_files(parsed)),
        _unused_keys(declared, secrets_dir),
    )


def read_named_files(
    config: Mapping[str, Any], secrets_dir: Path
) -> tuple[dict[str, Secret], list[Violation]]:
    """Return the contents of the key files that fields name, and what is wrong with them."""
    files: dict[str, Secret] = {}
    wrong = []
    for index, backend in enumerate(config.get("backends", ())):
        size = 0
        for path, name in _named_in(backend, ("backends", index)):
            try:
                files[str(name)] = secret = _named_file(secrets_dir, name)
            except ValueError as error:
                wrong.append(Violation(path, str(error)))
            else:
                size += len(secret.reveal())
        if size > MAX_DECLARED:
            what = f"name key files with {size} characters together, at most {MAX_DECLARED}"
            wrong.append(Violation(("backends", index), f"its parameters {what}; shorten them"))
    for path, name in _webhooks_in(config):
        try:
            files[str(name)] = secret = _named_file(secrets_dir, name)
            webhook_url(secret.reveal())
        except ValueError as error:
            wrong.append(Violation(path, str(error)))
    return files, wrong


def _webhooks_in(config: Mapping[str, Any]) -> Iterator[tuple[Steps, object]]:
    """Yield the path and value of each ``FILE`` of a ``{secret: FILE}`` for a webhook."""
    for index, entry in enumerate(config.get("notifications", ())):
        place = ("notifications", index, "webhook")
        yield from secret_fields.file_names(entry.get("webhook"), place)


def _named_file(secrets_dir: Path, name: object) -> Secret:
    """Return the content of a key file.

    Raises:
        ValueError: it cannot be used. The text does not repeat the name, which may be a secret.
    """
    if not isinstance(name, str) or not _FILE_NAME.fullmatch(name):
        raise ValueError(f"expected the name of a key file in {secrets_dir}")
    if name == LITELLM:
        raise ValueError("names the key of LiteLLM, which is sent to nobody else; use another file")
    try:
        text = read_secret(file_in(secrets_dir, name))
    except FileNotFoundError:
        raise ValueError(f"there is no key file of this name in {secrets_dir}; add it") from None
    if not text:
        raise ValueError(f"the key file {secrets_dir / name} is empty; put the secret into it")
    return Secret(text)


def _named_in(backend: Mapping[str, Any], path: Steps) -> Iterator[tuple[Steps, object]]:
    """Yield the path and value of each ``FILE`` of a ``{secret: FILE}`` in parameters."""
    for key in secret_fields.PARAMS:
        for name, value in backend.get(key, {}).items():
            if name not in BUILT_IN:
                yield from secret_fields.file_names(value, (*path, key, name))


def _litellm_key(path: Path, other: str) -> KeyFile:
    """Return the key in the file; where there is none, the ``other`` one, of the environment."""
    remedy = "put the key of a LiteLLM admin into it"
    try:
        key = read_key(path)
    except FileNotFoundError:
        if not other.strip():
            return KeyFile(Secret(""), f"there is no such file; {remedy}, or into ${LITELLM_KEY}")
        try:
            return KeyFile(Secret(key_in(other, f"${LITELLM_KEY}")))
        except ValueError as error:
            return KeyFile(Secret(""), f"there is no such file, and {error}; correct it")
    except ValueError as error:
        return KeyFile(Secret(""), f"{error}; {remedy}")
    return KeyFile(Secret(key), "" if key else f"empty; {remedy}", shadows=bool(other.strip()))


def _backend_key(path: Path) -> KeyFile:
    try:
        return KeyFile(Secret(read_key(path) or PLACEHOLDER_KEY))
    except FileNotFoundError:
        return KeyFile(Secret(PLACEHOLDER_KEY), given=False)
    except ValueError as error:
        return KeyFile(Secret(PLACEHOLDER_KEY), str(error))


def _absent_files(parsed: Mapping[str, Any]) -> list[Violation]:
    backends = [(("backends", i), backend) for i, backend in enumerate(parsed["backends"])]
    found = []
    for path, section in [(("litellm",), parsed["litellm"]), *backends]:
        ca_file = section["ca_file"]
        if ca_file and ("\0" in ca_file or not Path(ca_file).is_file()):
            what = "there is no such file; every request to this server will fail"
            found.append(Violation((*path, "ca_file"), what))
    return found


def _unused_keys(config: Mapping[str, Any], secrets_dir: Path) -> tuple[str, ...]:
    names = {backend["name"] for backend in config["backends"]}
    used = {LITELLM, *names, *files_named(config)}
    return tuple(unused_keys(secrets_dir, used, names))
