"""The operator log: for people, on stderr, as text or as JSON lines, with no secret in it."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from ..text import Redactor, printable

_LINES = "\n\t"
"""Tracebacks have several lines."""
_MIN_SECRET = 4
"""Characters of a secret that is looked for."""


class LogFormatter(logging.Formatter):
    """Formats a record without the secrets of ``redactor``, and without what steers a terminal.

    Nothing is meant to put a secret into a message; this is the second line of defence.
    """

    def __init__(self, redactor: Redactor, *, as_json: bool) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")
        self._as_json = as_json
        self._redact = redactor.redact

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        if not self._as_json:
            return printable(self._redact(super().format(record)), kept=_LINES)
        line: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._redact(record.getMessage()),
        }
        if record.exc_info:
            line["exception"] = self._redact(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=True)


def start_logging(*, debug: bool, as_json: bool) -> Redactor:
    """Send our own log to stderr; return its redactor, which has to learn the secrets."""
    redactor = Redactor(shortest=_MIN_SECRET)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogFormatter(redactor, as_json=as_json))
    logger = logging.getLogger("engine")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG if debug else logging.INFO)
    logger.propagate = False
    return redactor
