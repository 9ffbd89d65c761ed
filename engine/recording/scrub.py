"""Answers of servers without what may be a secret in them. Pure.

What the engine reads of an answer stays, so that it leads to the same plan. Secrets of the
configuration are known; of others only the name of a field, or a text itself, tells that it is one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..litellm.fields import (
    is_secret,
    is_secret_info,
    is_secret_text,
    shown_address,
)
from ..state.deployment import MARK
from ..state.secret import SECRET

HIDDEN: Final = "sk-***"
"""Stands for a secret. It looks like one, so the engine treats it as what it stands for."""
_PARTS: Final = ("litellm_params", "model_info")
_MASKED: Final = re.compile(r".{0,4}\*+.{0,4}", re.DOTALL)
"""What LiteLLM shows of a secret. It shows the same to every holder of a key, and so do plans."""
_NO_SECRET: Final = ("", "None", "True", "False")
_REFERENCE: Final = re.compile(r"\((no key|not ours)\)|[0-9a-f]{8,64}")
_USER: Final = re.compile(r"(?<=://)[^/?#\s@]+@")
_KEY: Final = re.compile(r"\b(sk-[\w-]{4,}|(?i:bearer|basic)\s+[\w.~+/=-]{8,})")
_ASSIGNED: Final = re.compile(r"(?P<name>--?[A-Za-z][\w.-]*[= ]|[A-Za-z_][\w.-]*=)(?P<value>\S+)")
_OPTION: Final = re.compile(r"--?[A-Za-z][\w.-]*")
Redact = Callable[[str], str]


def scrub_text(text: str, redact: Redact) -> str:
    """Return a text without known secrets, users in URLs, keys, and arguments named like secrets.

    An argument is ``--api-key KEY``, ``--api-key=KEY``, ``API_KEY=KEY``, or one in a query.
    """

    def assigned(found: re.Match[str]) -> str:
        name = found["name"]
        return f"{name}***" if is_secret(name.strip("-= ")) else found[0]

    return _ASSIGNED.sub(assigned, _KEY.sub(HIDDEN, _USER.sub("***@", redact(text))))


def scrub_document(value: Any, redact: Redact, *, secret: bool = False) -> Any:
    """Return the JSON value of an answer without secrets.

    Text and numbers under a secret name are hidden, and so are texts that look like secrets.
    """
    if isinstance(value, Mapping):
        return {
            redact(name): scrub_document(item, redact, secret=_hides(name, value))
            for name, item in value.items()
        }
    if isinstance(value, list):
        return _scrub_list(value, redact, secret=secret)
    if isinstance(value, str):
        if value in _NO_SECRET:
            return value
        return HIDDEN if secret or is_secret_text(value) else scrub_text(value, redact)
    return 0 if secret and _is_number(value) else value


def scrub_row(row: Any, redact: Redact) -> Any:
    """Return what the engine reads of a row of LiteLLM, without null fields and secrets.

    What the engine takes for a secret of others, it takes for one afterwards as well.
    """
    if not isinstance(row, Mapping):
        return scrub_document(row, redact)
    kept: dict[str, Any] = {}
    if "model_name" in row:
        kept["model_name"] = scrub_document(row["model_name"], redact)
    for part in _PARTS:
        if part in row:
            fields = row[part]
            kept[part] = (
                _scrub_fields(fields, part, redact)
                if isinstance(fields, Mapping)
                else scrub_document(fields, redact)
            )
    return kept


def _scrub_fields(fields: Mapping[str, Any], part: str, redact: Redact) -> dict[str, Any]:
    hides = is_secret if part == "litellm_params" else is_secret_info
    scrubbed: dict[str, Any] = {}
    for name, value in fields.items():
        if value is None:
            continue
        if name == "api_base" and isinstance(value, str):
            scrubbed[name] = redact(shown_address(value))
        elif name == MARK and part == "model_info" and isinstance(value, Mapping):
            scrubbed[name] = _scrub_mark(value, redact)
        else:
            scrubbed[redact(name)] = _scrub_field(value, redact, secret=hides(name))
    return scrubbed


def _scrub_mark(mark: Mapping[str, Any], redact: Redact) -> dict[str, Any]:
    """Return a mark; its fingerprints stay, which are no secrets."""
    scrubbed: dict[str, Any] = {}
    for name, value in mark.items():
        if name == "opaque" and isinstance(value, Mapping):
            scrubbed[name] = {redact(path): _reference(text) for path, text in value.items()}
        elif name == "fingerprint":
            scrubbed[name] = _reference(value)
        else:
            scrubbed[name] = scrub_document(value, redact, secret=is_secret(name))
    return scrubbed


def _reference(value: Any) -> Any:
    return value if isinstance(value, str) and _REFERENCE.fullmatch(value) else HIDDEN


def _scrub_field(value: Any, redact: Redact, *, secret: bool) -> Any:
    """Return a field of a row, or a member of one, as :mod:`engine.litellm.observed` reads it."""
    if isinstance(value, Mapping):
        if SECRET in value:
            return {SECRET: HIDDEN}
        return {
            redact(name): _scrub_field(item, redact, secret=is_secret(name))
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_scrub_field(item, redact, secret=secret) for item in value]
    if isinstance(value, str):
        if value in _NO_SECRET or (secret and _MASKED.fullmatch(value)):
            return value
        return HIDDEN if secret or is_secret_text(value) else scrub_text(value, redact)
    return 0 if secret and _is_number(value) else value


def _scrub_list(values: list[Any], redact: Redact, *, secret: bool) -> list[Any]:
    """Return a list without secrets; in a list of arguments, one may follow its name."""
    scrubbed, follows = [], False
    for value in values:
        scrubbed.append(scrub_document(value, redact, secret=secret or follows))
        option = isinstance(value, str) and _OPTION.fullmatch(value)
        follows = bool(option) and is_secret(str(value).strip("-"))
    return scrubbed


def _hides(name: str, members: Mapping[str, Any]) -> bool:
    """Tell whether the value of a member is a secret by its name; LM Studio's ``key`` is an id."""
    return is_secret(name) and not (name == "key" and "type" in members)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
