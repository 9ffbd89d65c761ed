"""The key files that parameters of backends name with ``{secret: FILE}``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ..bounds import MAX_DECLARED
from ..litellm.fields import BUILT_IN
from ..state.secret import Secret
from ..validate import Violation
from . import secret_fields
from .key_files import read_secret
from .remedies import LITELLM
from .yaml.tree import Steps

_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", re.ASCII)


def read_named_files(
    config: Mapping[str, Any], secrets_dir: Path
) -> tuple[dict[str, Secret], list[Violation]]:
    """Return the contents of the key files that parameters name, and what is wrong with them."""
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
    return files, wrong


def _named_file(secrets_dir: Path, name: object) -> Secret:
    """Return the content of a key file.

    Raises:
        ValueError: it cannot be used. The text does not repeat the name, which may be a secret.
    """
    if not isinstance(name, str) or not _FILE_NAME.fullmatch(name):
        raise ValueError(f"expected the name of a key file in {secrets_dir}")
    if name == LITELLM:
        raise ValueError("names the key of LiteLLM, which is sent to no backend; use another file")
    try:
        text = read_secret(secrets_dir / name)
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
