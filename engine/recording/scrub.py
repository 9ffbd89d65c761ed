"""Answers of servers without what may be a secret in them. Pure.

What the engine reads of an answer stays, so that it leads to the same plan. Secrets of the
configuration are known; of others only the name of a field, or a text itself, tells that it is one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..litellm.fields import is_secret, is_secret_info, is_secret_text, shown_address
from ..state.deployment import MARK
from ..state.secret import SECRET

HIDDEN: Final = "sk-hidden"
"""Stands for a secret. It looks like one, not like a mask, so the engine treats it as a secret."""
_PARTS: Final = ("litellm_params", "model_info")
_MASKED: Final = re.compile(r".{0,4}\*+.{0,4}", re.DOTALL)
"""What LiteLLM shows of a secret: of a short one nearly all."""
_NO_SECRET: Final = ("", "None", "True", "False")
_REFERENCE: Final = re.compile(r"\((no key|not ours)\)|[0-9a-f]{8,64}")
_USER: Final = re.compile(r"(?<=://)[^/?#\s@]+@")
_KEY: Final = re.compile(r"\bsk-[\w-]{4,}|\b(?i:bearer|basic)\s+[\w.~+/=-]{8,}")
_ASSIGNED: Final = re.compile(r"(?P<name>--?[A-Za-z][\w.-]*[= ]|[A-Za-z_][\w.-]*=)(?P<value>\S+)")
_OPTION: Final = re.compile(r"--?[A-Za-z][\w.-]*")


@dataclass(frozen=True, slots=True)
class Scrub:
    """Takes secrets out. ``redact`` takes known ones out of a text.

    ``plan`` is the JSON text of the plan that the answers lead to: what it shows of a masked secret
    stays, all others are masked as a whole.
    """

    redact: Callable[[str], str]
    plan: str = ""

    def text(self, text: str) -> str:
        """Return a text without secrets, users in URLs, and arguments named like secrets.

        An argument is ``--api-key KEY``, ``--api-key=KEY``, ``API_KEY=KEY``, or one in a query.
        """
        return _ASSIGNED.sub(_assigned, _KEY.sub(HIDDEN, _USER.sub("***@", self.redact(text))))

    def document(self, value: Any, *, secret: bool = False) -> Any:
        """Return the JSON value of an answer without secrets.

        Text and numbers under a secret name are hidden, and so are texts that look like secrets.
        """
        if isinstance(value, Mapping):
            return {
                self.redact(name): self.document(item, secret=_hides(name, value))
                for name, item in value.items()
            }
        if isinstance(value, list):
            return _with_arguments(value, self.document, secret=secret)
        return self._leaf(value, secret=secret)

    def row(self, row: Any) -> Any:
        """Return what the engine reads of a row of LiteLLM, without null fields and secrets.

        What the engine takes for a secret of others, it takes for one afterwards as well.
        """
        if not isinstance(row, Mapping):
            return self.document(row)
        kept: dict[str, Any] = {}
        if "model_name" in row:
            kept["model_name"] = self.document(row["model_name"])
        for part in _PARTS:
            if isinstance(row.get(part), Mapping):
                kept[part] = self._fields(row[part], part)
            elif part in row:
                kept[part] = self.document(row[part])
        return kept

    def _fields(self, fields: Mapping[str, Any], part: str) -> dict[str, Any]:
        hides = is_secret if part == "litellm_params" else is_secret_info
        scrubbed: dict[str, Any] = {}
        for name, value in fields.items():
            if value is None:
                continue
            if name == "api_base" and isinstance(value, str):
                scrubbed[name] = self.redact(shown_address(value))
            elif name == MARK and part == "model_info" and isinstance(value, Mapping):
                scrubbed[name] = self._mark(value)
            else:
                scrubbed[self.redact(name)] = self._field(value, secret=hides(name))
        return scrubbed

    def _mark(self, mark: Mapping[str, Any]) -> dict[str, Any]:
        """Return a mark; its fingerprints stay, which are no secrets."""
        scrubbed: dict[str, Any] = {}
        for name, value in mark.items():
            if name == "opaque" and isinstance(value, Mapping):
                scrubbed[name] = {self.redact(path): _reference(it) for path, it in value.items()}
            elif name == "fingerprint":
                scrubbed[name] = _reference(value)
            else:
                scrubbed[self.redact(name)] = self.document(value, secret=is_secret(name))
        return scrubbed

    def _field(self, value: Any, *, secret: bool) -> Any:
        """Return a field of a row, or a member, as :mod:`engine.litellm.observed` reads it."""
        if isinstance(value, Mapping):
            if SECRET in value:
                return {SECRET: HIDDEN}
            return {
                self.redact(name): self._field(item, secret=is_secret(name))
                for name, item in value.items()
            }
        if isinstance(value, list):
            return _with_arguments(value, self._field, secret=secret)
        if secret and isinstance(value, str) and _MASKED.fullmatch(value):
            return value if json.dumps(value) in self.plan else "****"
        return self._leaf(value, secret=secret)

    def _leaf(self, value: Any, *, secret: bool) -> Any:
        if isinstance(value, str):
            if value in _NO_SECRET:
                return value
            return HIDDEN if secret or is_secret_text(value) else self.text(value)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return 0 if secret and number else value


def _with_arguments(values: list[Any], scrub: Callable[..., Any], *, secret: bool) -> list[Any]:
    """Return a list whose members are scrubbed; among arguments, a secret follows its name."""
    scrubbed, follows = [], False
    for value in values:
        scrubbed.append(scrub(value, secret=secret or follows))
        option = isinstance(value, str) and _OPTION.fullmatch(value)
        follows = bool(option) and is_secret(str(value).strip("-"))
    return scrubbed


def _assigned(found: re.Match[str]) -> str:
    name = found["name"]
    return f"{name}***" if is_secret(name.strip("-= ")) else found[0]


def _reference(value: Any) -> Any:
    return value if isinstance(value, str) and _REFERENCE.fullmatch(value) else HIDDEN


def _hides(name: str, members: Mapping[str, Any]) -> bool:
    """Tell whether the value of a member is a secret by its name; LM Studio's ``key`` is an id."""
    return is_secret(name) and not (name == "key" and "type" in members)
