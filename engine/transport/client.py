"""An HTTP exchange, bounded in time and size, that ends in JSON or in an error of ours.

Only this package imports requests and urllib3.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from .. import __version__
from ..bounds import MAX_REDIRECTS
from ..errors import Garbled, Rejected, TransportError, Unavailable
from ..state.secret import Secret
from ..text import Redactor
from .body import Answer, Reader
from .budget import Allowance
from .deadline import Bounded
from .environment import proxy_for, trusted
from .error_text import (
    cause_of,
    clean,
    explanation,
    origin_of,
    quote,
)
from .json_stream import Keeper
from .request import Ask, Session, Taped, Track, played
from .timing import Timing

if TYPE_CHECKING:
    from .timing import Connection


urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # verify: false is a choice


class Client:
    """Talks JSON to one server, keeping its connection open between requests.

    ``base_url`` is a normal URL, paths are appended to it as they are. Every exchange must end
    within ``connection.timeout`` seconds. What ``track`` recalls is not asked for. Not for use by
    two threads at once.
    """

    def __init__(
        self,
        base_url: str,
        key: Secret,
        connection: Connection,
        timing: Timing,
        track: Track | None = None,
    ) -> None:
        self.base_url, self.timing, self._track = base_url, timing, track
        self._key = key
        self._timeout = connection.timeout
        self._closed = False
        self.dated = ("", 0.0)
        self._redactor = Redactor()
        self._reader = Reader(self._redactor)
        self.hide([key])
        self._session = Session(trusted(connection))
        self._session.trust_env = False  # else ~/.netrc counts, and NO_PROXY alone spares loopback
        self._via = ""
        if proxy := proxy_for(base_url):
            self._session.proxies = {urlsplit(base_url).scheme: proxy.url}
            self._via = f" through the proxy {proxy}"
            self.hide(proxy.secrets())
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, Bounded())
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))  # keep none
        self._session.auth = self._authorize
        self._session.headers["User-Agent"] = f"modelprovisioner/{__version__}"
        self._session.headers["Accept"] = "application/json"

    def get(self, path: str, *, attempts: int = 2, allowance: Allowance | None = None) -> Any:
        """GET a path and return its JSON; try again where the server was not available.

        Raises:
            Unavailable: refused, timed out, broken off, 408, 429 or 5xx, in every attempt.
            Rejected: another 4xx, or a redirect to another server.
            Garbled: a body that is not JSON, or beyond a bound.
        """
        return self._repeat(Ask("GET", path, None, allowance or Allowance()), attempts)

    def ask(self, path: str, allowance: Allowance, *, post: object = None) -> Answer:
        """GET a path as :meth:`get` does, or POST once, and return the answer before it is read.

        Raises:
            Unavailable, Rejected, Garbled: as :meth:`get`.
        """
        method, attempts = ("GET", 2) if post is None else ("POST", 1)
        ask = Ask(method, path, post, allowance, is_raw=True)
        return self._repeat(ask, attempts)  # type: ignore[no-any-return]

    def rows(self, path: str, keeper: Callable[[], Keeper], *, attempts: int = 2) -> Any:
        """GET a map with a list ``data`` that may be long, and keep only a part of each member.

        ``keeper`` is called once in each attempt; what it returns decides about each member.

        Raises:
            Unavailable, Rejected, Garbled: as :meth:`get`.
        """
        return self._repeat(Ask("GET", path, keeper=keeper), attempts)

    def send(self, method: str, path: str, body: object) -> Any:
        """Send a write once and return the JSON of its answer.

        Raises:
            Unavailable: unless ``sent`` is false, it is not known whether the write was done; the
                caller has to find out.
            Rejected, Garbled: as :meth:`get`.
        """
        return self._exchange(Ask(method, path, body))

    def hide(self, secrets: Iterable[Secret]) -> None:
        """Keep these secrets out of messages, beside the client's own key."""
        self._redactor.learn(secrets)

    def quote(self, document: object) -> str:
        """Return the message in a document of the server, in one line and without secrets."""
        return quote(document, self._redactor)

    def reconnect(self) -> None:
        """Let the next request open a new connection."""
        self._session.close()

    def close(self) -> None:
        """Close the connections for good; a request that another thread is in is the last one."""
        self._closed = True
        self._session.close()

    def _clean(self, text: str) -> str:
        return clean(text, self._redactor)

    def _authorize(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the key, if there is one."""
        if self._key:
            request.headers["Authorization"] = f"Bearer {self._key.reveal()}"
        return request

    def _repeat(self, ask: Ask, attempts: int) -> Any:
        for attempt in range(1, attempts):
            try:
                return self._exchange(ask)
            except Unavailable:
                time.sleep(self.timing.retry_pause * attempt)
                if time.monotonic() >= ask.allowance.until:
                    raise
        return self._exchange(ask)

    def _exchange(self, ask: Ask) -> Any:
        before = ask.allowance.spent()
        try:
            return self._answer(ask)
        except BaseException:
            ask.allowance.restore(before)
            raise
        finally:
            if self._closed:  # it may have opened a connection just after the others were closed
                self._session.close()

    def _answer(self, ask: Ask) -> Any:
        """Return what an exchange comes to, from the track if it recalls it; else keep it there."""
        url, track = self.base_url + ask.path, self._track
        if track is None:
            return self._asked(ask, url, None)
        asked = track.asked(ask, url)
        if (recalled := track.tape.recall(asked)) is not None:
            subject = f"{ask.method} {url}{recalled.via}"
            return self._reader.outcome(subject, played(recalled), ask)
        taped = Taped(via=self._via)
        track.tape.begin(asked)
        try:
            return self._asked(ask, url, taped)
        except TransportError as error:
            taped.error = error
            raise
        finally:
            track.tape.keep(asked, taped)

    def _asked(self, ask: Ask, url: str, taped: Taped | None) -> Any:
        """Return what the server answers to a request."""
        subject = f"{ask.method} {url}{self._via}"
        start = time.monotonic()
        patience = min(self._timeout, ask.allowance.until - start)
        try:
            for _ in range(MAX_REDIRECTS + 1):
                response = self._request(ask, url, start + patience)
                self.dated = (response.headers.get("Date") or "", time.monotonic())
                with response:
                    target = response.headers.get("Location") if response.is_redirect else None
                    if target is None:
                        return self._reader.outcome(subject, response, ask, taped)
                url = self._same_origin(subject, url, target)
        except (OSError, urllib3.exceptions.HTTPError) as error:
            raise self._failure(subject, error, patience) from None
        raise Rejected(f"{subject}: more than {MAX_REDIRECTS} redirects", status=310)

    def _request(self, ask: Ask, url: str, deadline: float) -> requests.Response:
        remaining = deadline - time.monotonic()
        if remaining <= 0 or self._closed:
            raise requests.Timeout
        patience = (min(self.timing.connect, remaining), remaining)
        return self._session.ask(ask, url, patience)

    def _same_origin(self, subject: str, url: str, target: str) -> str:
        try:
            new = urljoin(url, target)
            origin = urlsplit(new)[:2]
        except ValueError:
            raise Rejected(f"{subject} redirects to an invalid URL", status=307) from None
        if origin != urlsplit(url)[:2]:
            what = f"redirects to another server ({self._clean('://'.join(origin))})"
            why = "not followed, since the key would go with it: configure that URL itself"
            raise Rejected(f"{subject} {what}; {why}", status=307)
        return new

    def _failure(self, subject: str, error: Exception, patience: float) -> TransportError:
        cause = cause_of(error)
        if isinstance(cause, urllib3.exceptions.DecodeError):
            return Garbled(f"{subject}: the answer's compression is broken")
        limit = f"{self._timeout:g} s"
        if patience < 0.9 * self._timeout:
            limit += ", in which all requests to this server have to be answered"
        connect = f"{min(self.timing.connect, patience):.2g} s"
        text = self._clean(str(origin_of(cause)))
        why = explanation(cause, text, connect=connect, answer=limit)
        unsent = isinstance(origin_of(cause), urllib3.exceptions.ConnectTimeoutError)
        return Unavailable(f"{subject}: {why}", sent=not unsent)
