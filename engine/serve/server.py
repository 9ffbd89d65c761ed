"""The HTTP server beside the loop: bounded, and unable to harm the loop."""

from __future__ import annotations

import logging
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl

from ..bounds import MAX_PARAMETERS, MAX_POSTED, MAX_VISIT, MAX_VISITORS
from ..errors import CannotListen
from ..state.frozen import EMPTY
from ..text import Redactor, describe_os_error, printable
from .answer import Answer, Post, Query, Route, Search, text
from .snapshot import Snapshot

log = logging.getLogger(__name__)
_POLL: Final = 0.5
_BUSY: Final = b"HTTP/1.0 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True, slots=True)
class Site:
    """What is served: all by path, the answers to GET from a snapshot that ``look`` takes."""

    gets: Mapping[str, Route]
    posts: Mapping[str, Post]
    look: Callable[[], Snapshot]
    redactor: Redactor
    searches: Mapping[str, Search] = field(default_factory=lambda: EMPTY)

    @property
    def shown(self) -> Collection[str]:
        """The paths that answer GET."""
        return {*self.gets, *self.searches}


@contextmanager
def serving(address: tuple[str, int], site: Site) -> Iterator[int]:
    """Serve a site, in threads of its own, as long as the context lasts; yield the port.

    ``address`` is a host, "" for all interfaces, and a port, 0 for any free one.

    Raises:
        CannotListen: the address cannot be used.
    """
    server = _listen(address, site)
    threading.Thread(target=server.serve_forever, args=(_POLL,), name="serve", daemon=True).start()
    port = int(server.server_address[1])
    log.info("listening on http://%s", _shown(address[0], port))
    try:
        yield port
    finally:
        server.shutdown()
        server.server_close()


def _listen(address: tuple[str, int], site: Site) -> _Server:
    """Return a server that listens; on all interfaces with IPv6 and IPv4, where there are both."""
    host, port = address
    if not host and socket.has_dualstack_ipv6():
        with suppress(OSError):
            return _Server(("::", port), site)
    try:
        return _Server(address, site)
    except OSError as error:
        why, remedy = describe_os_error(error), "choose another address with --listen"
        raise CannotListen(f"cannot listen on {_shown(host, port)}: {why}; {remedy}") from None


def _shown(host: str, port: int) -> str:
    return f"{f'[{host}]' if ':' in host else host or '*'}:{port}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], site: Site) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        self.site = site
        self._visits: dict[Any, float] = {}
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        """Bind, also to IPv4 if it is all of IPv6; without asking DNS what this host is called."""
        if self.address_family == socket.AF_INET6:
            dual = self.server_address[0] == "::"
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not dual)
        socketserver.TCPServer.server_bind(self)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a connection in a thread of its own, unless there are too many."""
        if len(self._visits) >= MAX_VISITORS:
            with suppress(OSError):
                request.sendall(_BUSY)
            super().shutdown_request(request)
            return
        self._visits[request] = time.monotonic()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """End a connection."""
        self._visits.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Break off what takes too long: a client that sends or reads slowly holds a thread."""
        now = time.monotonic()
        for connection, begun in dict(self._visits).items():
            if now - begun > MAX_VISIT:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore that a client went away; what an answer raises is caught before."""
        del request
        log.debug("a request from %s broke off: %s", client_address[0], sys.exc_info()[1])


class _Handler(BaseHTTPRequestHandler):
    """Answers one request with HTTP/1.0: the connection ends with the answer."""

    server: _Server
    server_version = "modelprovisioner"
    sys_version = ""
    timeout = MAX_VISIT
    error_message_format = "%(code)d %(message)s\n"
    error_content_type = "text/plain; charset=utf-8"

    def do_GET(self) -> None:
        """Answer GET, and HEAD without the body."""
        if self._read_body():
            self._send(self._get())

    do_HEAD = do_GET  # noqa: N815 - named by http.server

    def do_POST(self) -> None:
        """Answer POST; a body is read and ignored."""
        post = self.server.site.posts.get(self._path())
        if self._read_body():
            self._send(self._guarded(post) if post else self._refuse(self._allowed()))

    def do_PUT(self) -> None:
        """Refuse every other method."""
        if self._read_body():
            self._send(self._refuse(self._allowed()))

    do_PATCH = do_DELETE = do_OPTIONS = do_PUT  # noqa: N815 - named by http.server

    def _path(self) -> str:
        return self.path.partition("?")[0]

    def _get(self) -> Answer:
        site, path = self.server.site, self._path()
        if search := site.searches.get(path):
            return self._guarded(lambda _: search(site.look(), self._query()))
        if route := site.gets.get(path):
            return self._guarded(lambda _: route(site.look()))
        return self._refuse(self._allowed())

    def _query(self) -> Query:
        """Return the parameters; one that cannot be read, or too many of them, are as none."""
        try:
            return dict(parse_qsl(self.path.partition("?")[2], max_num_fields=MAX_PARAMETERS))
        except ValueError:
            return {}

    def _allowed(self) -> str:
        return "POST" if self._path() in self.server.site.posts else "GET, HEAD"

    def _refuse(self, allowed: str) -> Answer:
        site = self.server.site
        if self._path() not in {*site.shown, *site.posts}:
            return text(404, f"there is nothing here; there is {', '.join(sorted(site.shown))}")
        refusal = text(405, f"this path takes {allowed}")
        return Answer(405, refusal.content_type, refusal.body, {"Allow": allowed})

    def _guarded(self, answer: Post) -> Answer:
        try:
            return answer(self.headers.get("Authorization", ""))
        except Exception:
            log.exception("%s cannot be shown; this is a bug, please report it", self._path())
            return text(500, "this cannot be shown; the log of `run` says why")

    def _read_body(self) -> bool:
        """Read what a client sends, so that it reads the answer; refuse what is too long."""
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdecimal()) or "Transfer-Encoding" in self.headers:
            self._send(text(411, "send a Content-Length"))
        elif int(length[:9]) > MAX_POSTED:
            self._send(text(413, f"send no more than {MAX_POSTED} bytes"))
        else:
            self.rfile.read(int(length))
            return True
        return False

    def _send(self, answer: Answer) -> None:
        body = self._redacted(answer).encode(errors="backslashreplace")
        self.send_response(answer.status)
        headers = {"Content-Type": answer.content_type, "Content-Length": str(len(body))}
        for name, value in (headers | dict(answer.headers)).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _redacted(self, answer: Answer) -> str:
        redactor = self.server.site.redactor
        if answer.is_redacted:
            return answer.body
        if answer.content_type.startswith("application/json"):
            return redactor.redact_json(answer.body)
        return redactor.redact(answer.body)

    def end_headers(self) -> None:
        """Add the headers that every answer has, an error of the protocol too."""
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer that a request cannot be read, without repeating it."""
        del message, explain
        super().send_error(code)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by http.server
        """Log a request, only if that is asked."""
        log.debug("%s %s", self.address_string(), printable(format % args))
