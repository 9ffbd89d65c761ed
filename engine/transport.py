"""HTTP: one exchange, bounded in time and size, ending in JSON or in one of our errors.

The only importer of requests. Bounds of hostile input that arrives over HTTP are named here.
"""

from __future__ import annotations

import json
import logging
import math
import re
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from . import __version__
from .deadline import Bounded
from .errors import Garbled, Rejected, TransportError, Unavailable
from .state import PLACEHOLDER_KEY, Secret

if TYPE_CHECKING:
    from .config import Connection

CONNECT_TIMEOUT: Final = 3.0
"""Seconds until a server that does not take the connection counts as unreachable."""
MAX_REDIRECTS: Final = 3
MAX_BACKEND_BODY: Final = 10 * 2**20
"""Bytes, decompressed, that a backend's answer may have (OpenRouter's list is about 1 MB)."""
MAX_PROXY_BODY: Final = 256 * 2**20
"""Bytes, decompressed, of LiteLLM's listing (7.5 KB a row: more than 30,000 rows)."""
MAX_EXCERPT: Final = 300
"""Characters of a foreign error text that we repeat."""
_KEY_PARTS: Final = re.compile(r"\bsk-[\w.*-]+|\b[0-9a-fA-F]{32,}\b")
"""What LiteLLM and OpenAI quote of a wrong key: its ends, and its hash."""
_EXAMINED: Final = 64 * 1024
_WORDS: Final = ("error", "detail", "message")
_CHUNK: Final = 16 * 1024
_RETRY_PAUSE: Final = 0.3

log = logging.getLogger(__name__)
urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # verify: false is a choice


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Keep requests from reading the body of a redirect: it may have no end."""


class Client:
    """Talks JSON to one server, keeping its connection open between requests.

    ``base_url`` is a normal URL, paths are appended to it as they are. Every exchange must end
    within ``connection.timeout`` seconds. Not for use by two threads at once.
    """

    def __init__(
        self, base_url: str, key: Secret, connection: Connection, *, max_body: int
    ) -> None:
        self.base_url = base_url
        self._key = key
        self._timeout = connection.timeout
        self._verify = connection.ca_file or connection.verify
        self._max_body = max_body
        self._hidden: tuple[str, ...] = ()
        self.hide((key,))
        self._session = _Session()
        self._session.mount("http://", Bounded())
        self._session.mount("https://", Bounded())
        self._session.auth = self._authorized
        self._session.headers["User-Agent"] = f"modelprovisioner/{__version__}"
        self._session.headers["Accept"] = "application/json"

    def hide(self, secrets: Iterable[Secret]) -> None:
        """Keep these out of error texts: a server may quote what it was sent."""
        raw = {secret.reveal() for secret in secrets} - {"", PLACEHOLDER_KEY}
        spelled = raw | {json.dumps(t, ensure_ascii=e)[1:-1] for t in raw for e in (False, True)}
        self._hidden = tuple(sorted(spelled.union(self._hidden), key=len, reverse=True))

    def get(self, path: str, *, attempts: int = 2) -> Any:
        """GET a path and return its JSON, trying again where no usable answer came.

        Raises:
            Unavailable: refused, timed out, broken off, 429 or 5xx, each time.
            Rejected: another 4xx, or a redirect to another server.
            Garbled: a body that is no JSON, or too large.
        """
        for attempt in range(1, attempts):
            try:
                return self._exchange("GET", path, None)
            except Unavailable:
                time.sleep(_RETRY_PAUSE * attempt)
        return self._exchange("GET", path, None)

    def send(self, method: str, path: str, body: object) -> Any:
        """Send a write once and return the JSON of its answer.

        Raises:
            Unavailable: its fate is unknown, unless ``sent`` is false; the caller settles it.
            Rejected, Garbled: as :meth:`get`.
        """
        return self._exchange(method, path, body)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _authorized(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the key; its being asked for keeps requests from reading ~/.netrc in its place."""
        if self._key:
            request.headers["Authorization"] = f"Bearer {self._key.reveal()}"
        return request

    def _exchange(self, method: str, path: str, body: object) -> Any:
        deadline = time.monotonic() + self._timeout
        url = self.base_url + path
        subject = f"{method} {url}"
        try:
            for _ in range(MAX_REDIRECTS + 1):
                response = self._request(method, url, body, deadline)
                with response:
                    target = response.headers.get("Location") if response.is_redirect else None
                    if target is None:
                        return self._outcome(subject, response)
                url = self._same_origin(subject, url, target)
        except (OSError, urllib3.exceptions.HTTPError) as error:
            raise self._unavailable(subject, error) from None
        raise Rejected(f"{subject}: more than {MAX_REDIRECTS} redirects", status=310)

    def _request(self, method: str, url: str, body: object, deadline: float) -> requests.Response:
        remaining = max(0.05, deadline - time.monotonic())
        return self._session.request(
            method,
            url,
            data=None if body is None else json.dumps(body, allow_nan=False).encode(),
            headers=None if body is None else {"Content-Type": "application/json"},
            timeout=(min(CONNECT_TIMEOUT, remaining), remaining),
            allow_redirects=False,
            stream=True,
            verify=self._verify,  # else REQUESTS_CA_BUNDLE would count for more
        )

    def _outcome(self, subject: str, response: requests.Response) -> Any:
        status = response.status_code
        content = self._read(subject, response)
        log.debug("%s -> %d (%d bytes)", subject, status, len(content))
        if 200 <= status < 300:
            return self._parse(subject, content, response)
        message = f"{subject}: HTTP {status}: {self._excerpt(content)}".rstrip(": ")
        if status in (408, 429) or status >= 500:
            raise Unavailable(message, status=status)
        raise Rejected(message, status=status)

    def _read(self, subject: str, response: requests.Response) -> bytearray:
        content = bytearray()
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            content += chunk
            if len(content) > self._max_body:
                raise Garbled(f"{subject}: the answer has over {self._max_body} bytes")
        return content

    def _parse(self, subject: str, content: bytearray, response: requests.Response) -> Any:
        try:
            return json.loads(content, parse_constant=_number, parse_float=_number)
        except RecursionError:
            raise Garbled(f"{subject}: the answer is nested too deeply") from None
        except ValueError:
            kind = self._clean(response.headers.get("Content-Type", "no content type"))
            said = f"not JSON ({kind})" if content else "empty"
            raise Garbled(f"{subject}: the answer is {said}") from None

    def _same_origin(self, subject: str, url: str, target: str) -> str:
        try:
            new = urljoin(url, target)
            origin = urlsplit(new)[:2]
        except ValueError:
            raise Rejected(f"{subject} redirects to what is no URL", status=307) from None
        if origin != urlsplit(url)[:2]:
            raise Rejected(
                f"{subject} redirects to another server ({self._clean('://'.join(origin))}); not"
                " followed, since the key would go with it: configure that URL itself",
                status=307,
            )
        return new

    def _unavailable(self, subject: str, error: Exception) -> TransportError:
        cause = error.args[0] if error.args else error
        reason = getattr(cause, "reason", cause)
        match reason if isinstance(reason, urllib3.exceptions.HTTPError) else error:
            case urllib3.exceptions.DecodeError():
                return Garbled(f"{subject}: the answer's compression is broken")
            case urllib3.exceptions.SSLError() | requests.exceptions.SSLError():
                why = f"TLS: {self._clean(str(reason))}; set ca_file for a private authority"
            case urllib3.exceptions.NewConnectionError():
                why = (getattr(reason.__cause__, "strerror", "") or "no connection").lower()
            case urllib3.exceptions.ConnectTimeoutError():
                why = f"no connection within {min(CONNECT_TIMEOUT, self._timeout):g} s"
            case requests.Timeout() | urllib3.exceptions.TimeoutError():
                why = f"no answer within {self._timeout:g} s"
            case urllib3.exceptions.ProtocolError():
                why = "the answer broke off"
            case _:
                why = f"the connection failed ({self._clean(str(error))})"
        unsent = isinstance(reason, urllib3.exceptions.ConnectTimeoutError)
        return Unavailable(f"{subject}: {why}", sent=not unsent)

    def _excerpt(self, content: bytearray) -> str:
        """Return the error text of a body, "" if it is HTML."""
        text = content[:_EXAMINED].decode(errors="replace")
        try:
            return self.said(json.loads(text))
        except (ValueError, RecursionError):
            cut = len(content) > _EXAMINED  # perhaps in the middle of the key
            return "" if text.lstrip().startswith("<") else self._clean(text, cut=cut)

    def said(self, document: Any) -> str:
        """Return, fit for a message, what a document says: OpenAI's error, FastAPI's detail, ..."""
        while isinstance(document, dict) and any(map(document.get, _WORDS)):
            document = next(filter(None, map(document.get, _WORDS)))
        is_text = isinstance(document, str)
        return self._clean(document if is_text else json.dumps(document, ensure_ascii=False))

    def _clean(self, text: str, *, cut: bool = False) -> str:
        """Return foreign text in one printable line of bounded length, without our key."""
        for secret in self._hidden:
            text = text.replace(secret, "***")
        if cut and self._hidden:
            text = text[: -len(self._hidden[0])]
        text = _KEY_PARTS.sub("***", text)
        text = " ".join("".join(char if char.isprintable() else " " for char in text).split())
        return text if len(text) <= MAX_EXCERPT else text[:MAX_EXCERPT] + "..."


def _number(text: str) -> float:
    if math.isfinite(number := float(text)):
        return number
    raise ValueError(f"{text} is not JSON")
