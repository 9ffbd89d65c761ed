"""The operator log: for people, on stderr, as text or JSON lines, without secrets."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable
from typing import Any

from ..state.secret import Secret

_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\ud800-\udfff\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
"""Characters in names that could control a terminal. Line ends are kept: tracebacks have them."""
_MIN_SECRET = 4
"""Shorter secrets are not replaced: they would match parts of ordinary words."""


class Redactor(logging.Formatter):
    """Formats a record, with every known secret replaced by ``***``.

    No message should contain a secret in the first place; this is a second line of defence.
    """

    def __init__(self, *, as_json: bool) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")
        self._as_json = as_json
        self._secrets: tuple[str, ...] = ()

    def learn(self, secrets: Iterable[Secret]) -> None:
        """Replace these secrets too from now on."""
        known = {secret.reveal() for secret in secrets} | set(self._secrets)
        texts = [text for text in known if len(text) >= _MIN_SECRET]
        self._secrets = tuple(sorted(texts, key=len, reverse=True))

    def redact(self, text: str) -> str:
        """Return ``text`` with ``***`` in place of each secret."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line of text or JSON, or more lines if it has a traceback."""
        if not self._as_json:
            text = self.redact(super().format(record))
            return _CONTROL.sub(lambda found: ascii(found[0])[1:-1], text)
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.redact(record.getMessage()),
        }
        if record.exc_info:
            line["exception"] = self.redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=True)


def start_logging(*, debug: bool, as_json: bool) -> Redactor:
    """Send the engine's log to stderr; return the redactor, which must be given the secrets."""
    redactor = Redactor(as_json=as_json)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(redactor)
    logger = logging.getLogger("engine")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG if debug else logging.INFO)
    logger.propagate = False
    return redactor
