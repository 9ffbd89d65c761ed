"""What foreign text may say in our messages: a printable line without secrets, not long. Pure.

A server may quote what it was sent, the key included, in any spelling.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

import requests
import urllib3

from ..bounds import MAX_EXAMINED, MAX_EXCERPT
from ..state.secret import PLACEHOLDER_KEY, Secret

_KEY_PARTS: Final = re.compile(r"\bsk-[\w.*-]+|\b[0-9a-fA-F]{32,}\b")
"""What LiteLLM and OpenAI quote of a wrong key: its ends, and its hash."""
_WORDS: Final = ("error", "detail", "message")

_CAUSES: Final = (
    (urllib3.exceptions.SSLError, "TLS: {text}; set ca_file for a private authority"),
    (requests.exceptions.SSLError, "TLS: {text}; set ca_file for a private authority"),
    (urllib3.exceptions.NewConnectionError, "{system}"),
    (urllib3.exceptions.ConnectTimeoutError, "no connection within {connect}"),
    (urllib3.exceptions.TimeoutError, "no answer within {answer}"),
    (requests.exceptions.Timeout, "no answer within {answer}"),
    (urllib3.exceptions.ProtocolError, "the answer broke off"),
    (Exception, "the connection failed ({text})"),
)
"""Why an exchange failed: the first class that fits counts, so subclasses come before theirs."""


def cause_of(error: Exception) -> Exception:
    """Return the error of urllib3 that an error of requests or urllib3 holds, else the error."""
    inner = error.args[0] if error.args else error
    reason = getattr(inner, "reason", inner)
    return reason if isinstance(reason, urllib3.exceptions.HTTPError) else error


def explanation(cause: Exception, text: str, *, connect: str, answer: str) -> str:
    """Return why an exchange failed.

    ``text`` is that of ``cause``, fit for a message; ``connect`` and ``answer`` are the times that
    a connection and an answer were waited for.
    """
    system = (getattr(cause.__cause__, "strerror", "") or "no connection").lower()
    template = next(template for kind, template in _CAUSES if isinstance(cause, kind))
    return template.format(text=text, system=system, connect=connect, answer=answer)


class Quoter:
    """Makes foreign text fit for a message."""

    def __init__(self) -> None:
        self._hidden: tuple[str, ...] = ()

    def hide(self, secrets: Iterable[Secret]) -> None:
        """Keep these out of error texts: a server may quote what it was sent."""
        raw = {secret.reveal() for secret in secrets} - {"", PLACEHOLDER_KEY}
        forms = raw | {json.dumps(t, ensure_ascii=e)[1:-1] for t in raw for e in (False, True)}
        self._hidden = tuple(sorted(forms.union(self._hidden), key=len, reverse=True))

    def excerpt(self, content: bytearray) -> str:
        """Return the error text of a body, "" if it is HTML."""
        text = content[:MAX_EXAMINED].decode(errors="replace")
        try:
            return self.said(json.loads(text))
        except (ValueError, RecursionError):
            cut = len(content) > MAX_EXAMINED  # perhaps in the middle of the key
            return "" if text.lstrip().startswith("<") else self.clean(text, cut=cut)

    def said(self, document: Any) -> str:
        """Return, fit for a message, what a document says: OpenAI's error, FastAPI's detail, ..."""
        while isinstance(document, dict) and any(map(document.get, _WORDS)):
            document = next(filter(None, map(document.get, _WORDS)))
        is_text = isinstance(document, str)
        return self.clean(document if is_text else json.dumps(document, ensure_ascii=False))

    def clean(self, text: str, *, cut: bool = False) -> str:
        """Return foreign text in one printable line of bounded length, without our key."""
        for secret in self._hidden:
            text = text.replace(secret, "***")
        if cut and self._hidden:
            text = text[: -len(self._hidden[0])]
        text = _KEY_PARTS.sub("***", text)
        text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
        return text if len(text) <= MAX_EXCERPT else text[:MAX_EXCERPT] + "..."
