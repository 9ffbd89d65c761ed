"""The operator log: for people, on stderr, as text or JSON lines, without secrets."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

from ..text import Redactor, printable

_LINES = "\n\t"
"""Line ends are kept: tracebacks have them."""
_MIN_SECRET = 4
"""Shorter secrets are not replaced: they would match parts of ordinary words."""


class LogFormatter(logging.Formatter):
    """Formats a record without the secrets of ``redactor``, and without what steers a terminal.

    No message should contain a secret in the first place; this is a second line of defence.
    """

    def __init__(self, redactor: Redactor, *, as_json: bool) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%Y-%m-%d %H:%M:%S")
        self._as_json = as_json
        self._redact = redactor.redact

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as one line of text or JSON, or more lines if it has a traceback."""
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
    """Send the engine's log to stderr; return the redactor, which must be given the secrets."""
    redactor = Redactor(shortest=_MIN_SECRET)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogFormatter(redactor, as_json=as_json))
    logger = logging.getLogger("engine")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG if debug else logging.INFO)
    logger.propagate = False
    return redactor
