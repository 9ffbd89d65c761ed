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
PLACEHOLDER_KEY: Final = "BLANK"
"""The key of a backend without one: without any ``api_key``, LiteLLM may send the operator's own
OPENAI_API_KEY to a local server."""


class Secret:
    """A string that does not show itself: its repr, str and JSON form hold no part of it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself, for the one place that sends it."""
        return self._value

    def fingerprint(self, salt: str) -> str:
        """Return 32 hex digits that change with the secret and with ``salt``.

        Every key holder of LiteLLM can read them, so each guess at the secret must be slow: this
        takes about 50 ms and 16 MiB (RFC 7914; n = 2**14, r = 8, p = 1).
        """
        value, salted = (text.encode(errors="surrogatepass") for text in (self._value, salt))
        return hashlib.scrypt(value, salt=salted, n=2**14, r=8, p=1, dklen=16).hex()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(
            self._value.encode(), other._value.encode()
        )

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
