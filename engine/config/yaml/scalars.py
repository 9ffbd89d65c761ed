"""The value of a YAML scalar as Go's yaml.v2 reads it: old configurations keep their meaning.

Differs from PyYAML in ``y`` and ``n`` (booleans), ``0o17`` (15), ``1e3`` (1000) and in ``12:30``
and dates (strings). Pure.
"""

from __future__ import annotations

import math
import re
from typing import Final

from ...bounds import MAX_DIGITS

Scalar = str | int | float | bool | None
NULLS: Final = ("", "~", "null", "Null", "NULL")
_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(["y", "Y", "yes", "Yes", "YES", "on", "On", "ON"], True),
    **dict.fromkeys(["true", "True", "TRUE"], True),
    **dict.fromkeys(["n", "N", "no", "No", "NO", "off", "Off", "OFF"], False),
    **dict.fromkeys(["false", "False", "FALSE"], False),
    **dict.fromkeys(NULLS, None),
}
_NOT_JSON: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_INTEGER: Final = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<x>[0-9a-fA-F]+)|0[bB](?P<b>[01]+)|0[oO]?(?P<o>[0-7]+)|(?P<d>0|[1-9]\d*))",
    re.ASCII,
)
_BASES: Final = {"x": 16, "b": 2, "o": 8, "d": 10}
_FLOAT: Final = re.compile(r"[-+]?(\.\d+|\d+(\.\d*)?)([eE][-+]?\d+)?", re.ASCII)


def resolve(text: str) -> Scalar:
    """Return the value of a plain (unquoted) scalar.

    Raises:
        ValueError: it is infinite or not a number, which JSON cannot hold.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _NOT_JSON.fullmatch(text):
        raise ValueError("not a number that JSON can hold; quote it if it is a text")
    if text[0] == ".":
        return _float(text)
    if not (text[0] in "+-" or (text[0].isascii() and text[0].isdigit())):
        return text
    plain = text.replace("_", "")
    integer = _integer(plain)
    if integer is not None:
        return integer
    number = _float(plain)
    return text if isinstance(number, str) else number


def resolve_as(tag: str, text: str) -> Scalar:
    """Return the value of a scalar with the explicit tag ``str``, ``int``, ``float``... .

    Raises:
        ValueError: the tag does not fit the text.
    """
    if tag == "str":
        return text
    value = resolve(text)
    if tag == "float" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    expected = {"null": type(None), "bool": bool, "int": int, "float": float}[tag]
    if type(value) is not expected:
        raise ValueError(f"the tag !!{tag} does not fit its value")
    return value


def _integer(plain: str) -> int | None:
    """Return a whole number if it fits into 64 bits: signed if it has a sign, else unsigned."""
    match = _INTEGER.fullmatch(plain)
    if match is None or len(plain) > MAX_DIGITS:
        return None
    kind = str(match.lastgroup)
    value = int(match[kind], _BASES[kind])
    if match["sign"] == "-":
        return -value if value <= 1 << 63 else None
    return value if value < 1 << (63 if match["sign"] else 64) else None


def _float(plain: str) -> Scalar:
    """Return a decimal number, or the text itself if it is none or too large for a float."""
    if not _FLOAT.fullmatch(plain):
        return plain
    value = float(plain)
    return value if math.isfinite(value) else plain
