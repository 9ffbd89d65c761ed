"""The text of our messages about an exchange: why it failed, and what the server says. Pure.

A server may quote what it was sent, the key included, so its words are cleaned first.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

import requests
import urllib3

from ..bounds import MAX_EXAMINED, MAX_EXCERPT
from ..errors import Garbled
from ..text import Redactor, printable, shortened

_KEY_PARTS: Final = re.compile(r"\bsk-[\w.*-]+|\b[0-9a-fA-F]{32,}\b")
"""What LiteLLM and OpenAI quote of a wrong key: its ends, and its hash."""
_PLAIN_HTTP: Final = re.compile(r"WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE")
"""What OpenSSL makes of an answer that is not TLS; the second is the name since 3.2."""
_LAST_DOT: Final = re.compile(r"(?<=[^.])\.$")
"""The end of a sentence that goes on in our message."""
_WORDS: Final = ("error", "detail", "message")

_CAUSES: Final = (
    (urllib3.exceptions.SSLError, "TLS: {text}; set ca_file for a private authority"),
    (requests.exceptions.SSLError, "TLS: {text}; set ca_file for a private authority"),
    (
        urllib3.exceptions.ProxyError,
        "no connection through the proxy ({proxy}); {remedy}",
    ),
    (urllib3.exceptions.NewConnectionError, "{system}"),
    (urllib3.exceptions.ConnectTimeoutError, "no connection within {connect}"),
    (urllib3.exceptions.TimeoutError, "no answer within {answer}"),
    (requests.exceptions.Timeout, "no answer within {answer}"),
    (urllib3.exceptions.ProtocolError, "the answer broke off"),
    (Exception, "the connection failed ({text})"),
)
"""Why an exchange failed: the first class that fits counts, so subclasses come before theirs."""
WEB_PAGE: Final = "a web page, as a proxy in between or a sign-in page sends"


def cause_of(error: Exception) -> Exception:
    """Return the error of urllib3 that an error of requests or urllib3 holds, else the error."""
    inner = error.args[0] if error.args else error
    reason = getattr(inner, "reason", inner)
    return reason if isinstance(reason, urllib3.exceptions.HTTPError) else error


def origin_of(cause: Exception) -> Exception:
    """Return what went wrong between us and a proxy, else the cause itself."""
    inner = cause.original_error if isinstance(cause, urllib3.exceptions.ProxyError) else cause
    return inner if isinstance(inner, Exception) else cause


def explanation(cause: Exception, text: str, *, connect: str, answer: str) -> str:
    """Return why an exchange failed.

    ``text`` is that of the origin of ``cause``, fit for a message; ``connect`` and ``answer`` are
    the times that a connection and an answer were waited for.
    """
    if _PLAIN_HTTP.search(text):
        return "the server does not speak TLS; write http:// in its url"
    strerror = getattr(origin_of(cause).__cause__, "strerror", "")
    system = (strerror or "no connection").lower()
    template = next(template for kind, template in _CAUSES if isinstance(cause, kind))
    return template.format(
        text=text,
        system=system,
        proxy=system if strerror else text,
        remedy="if the server needs no proxy, add its host to no_proxy",
        connect=connect,
        answer=answer,
    )


def excerpt(content: bytearray, redactor: Redactor) -> str:
    """Return the error text of a body, fit for a message; of HTML only that it is a page."""
    text = content[:MAX_EXAMINED].decode(errors="replace")
    try:
        return quote(json.loads(text), redactor)
    except (ValueError, RecursionError):
        if text.lstrip().startswith("<"):
            return f"with {WEB_PAGE}"
    if len(content) > MAX_EXAMINED:  # the cut may be in the middle of a secret
        text = redactor.redact(text)
        text = text[: len(text) - redactor.longest]
    return clean(text, redactor)


def quote(document: Any, redactor: Redactor) -> str:
    """Return the message in a document (OpenAI's error, FastAPI's detail, ...), else all of it."""
    while isinstance(document, dict) and any(map(document.get, _WORDS)):
        document = next(filter(None, map(document.get, _WORDS)))
    is_text = isinstance(document, str)
    return clean(document if is_text else json.dumps(document, ensure_ascii=False), redactor)


def clean(text: str, redactor: Redactor) -> str:
    """Return foreign text in one printable line of bounded length, without secrets."""
    text = " ".join(_KEY_PARTS.sub("***", redactor.redact(text)).split())
    return shortened(printable(_LAST_DOT.sub("", text)), MAX_EXCERPT)


def unreadable(error: Exception, kind: str, size: int) -> str:
    """Return why an answer of a content type and a size cannot be read, from the reader's error."""
    if isinstance(error, Garbled):
        return str(error)
    page = f", but {WEB_PAGE}" if kind.startswith("text/html") else ""
    return f"the answer is not JSON ({kind}){page}" if size else "the answer is empty"
