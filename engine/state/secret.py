"""Secrets: strings that do not show themselves, and the references that stand for them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

SECRET: Final = "$secret"  # noqa: S105 - the name of a field
"""The one key of a reference: ``{"$secret": "<fingerprint>"}``."""
NO_KEY: Final = "(no key)"
"""The reference of PLACEHOLDER_KEY, which is no secret."""
NOT_OURS: Final = "(not ours)"
"""The reference of a secret that somebody else wrote into a row, and that LiteLLM shows. It is not
hashed: there may be any number of them."""
PLACEHOLDER_KEY: Final = "BLANK"
"""The key of a backend without one: without any ``api_key``, LiteLLM may send the operator's own
OPENAI_API_KEY to a local server."""


class Secret:
    """A text, or number, that does not show itself: its repr and str hold no part of it."""

    __slots__ = ("_value",)

    def __init__(self, value: str | int | float) -> None:
        self._value = value

    @property
    def is_text(self) -> bool:
        """Whether it is a text."""
        return isinstance(self._value, str)

    def reveal(self) -> str:
        """Return the secret itself, as text."""
        return str(self._value)

    def reveal_json(self) -> str | int | float:
        """Return the secret itself, as it is sent in a row."""
        return self._value

    def fingerprint(self, salt: str) -> str:
        """Return 32 hex digits that change with the secret and with ``salt``.

        Every key holder of LiteLLM can read them, so each guess at the secret must be slow: this
        takes about 50 ms and 16 MiB (RFC 7914; n = 2**14, r = 8, p = 1).
        """
        typed = self.reveal() if self.is_text else f"\0{self._value}"  # 5 is not "5"
        value, salted = (text.encode(errors="surrogatepass") for text in (typed, salt))
        return hashlib.scrypt(value, salt=salted, n=2**14, r=8, p=1, dklen=16).hex()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret) or self.is_text != other.is_text:
            return False
        ours, theirs = (each.reveal().encode(errors="surrogatepass") for each in (self, other))
        return hmac.compare_digest(ours, theirs)

    def __hash__(self) -> int:
        return hash(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __repr__(self) -> str:
        return "Secret(***)"

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not to be written anywhere")


Place = tuple[str, str, Secret]
"""Where a secret is used: the canonical endpoint of its backend's URL, and the path of the field
(``/litellm_params/api_key``); and the secret."""


def is_reference(value: Any) -> bool:
    """Tell whether a JSON value stands for a secret."""
    return isinstance(value, Mapping) and SECRET in value


def holds_reference(value: Any) -> bool:
    """Tell whether a JSON value stands for a secret, or has a member at any depth that does."""
    if isinstance(value, Mapping):
        return SECRET in value or any(map(holds_reference, value.values()))
    return isinstance(value, list | tuple) and any(map(holds_reference, value))
