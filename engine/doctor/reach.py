"""How far one gets on the way to a server: name, port, certificate. Sends no request."""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from ..text import describe_os_error
from ..transport.background import Background
from ..transport.environment import ca_bundle, proxy_for

if TYPE_CHECKING:
    from ..transport.timing import Connection

NAME: Final = "name"
PORT: Final = "port"
TLS: Final = "tls"
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Reach:
    """How far one got.

    ``host`` and ``port`` are those that are connected to: of the server, or of the proxy in front,
    which ``proxy`` describes ("" for none). ``failed`` is the step that failed: NAME, PORT or TLS,
    "" if none did; ``why`` is its cause. ``expires`` is when the certificate ends, in seconds
    since 1970; None without a checked certificate.
    """

    url: str
    host: str
    port: int
    proxy: str = ""
    failed: str = ""
    why: str = ""
    expires: float | None = None


def reach(url: str, connection: Connection, seconds: float) -> Reach:
    """Return how far one gets on the way to a normal URL within about so many seconds."""
    until = time.monotonic() + seconds
    proxy = proxy_for(url)
    target = url if proxy is None else proxy.url if "://" in proxy.url else f"http://{proxy.url}"
    parts = urlsplit(target)
    host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 80)
    via = str(proxy) if proxy else ""
    failed, why, expires = _walk(host, port, connection if parts.scheme == "https" else None, until)
    if proxy is not None and failed == TLS:
        failed, why = "", ""  # only the client knows how it talks to a proxy
    return Reach(url, host, port, via, failed, why, expires)


def _walk(
    host: str, port: int, tls: Connection | None, until: float
) -> tuple[str, str, float | None]:
    """Return the step that failed and why, or "" and the end of the certificate."""
    lookup = Background(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), "resolve")
    if not lookup.wait(max(0.0, until - time.monotonic())):
        return NAME, "the name server does not answer in time", None
    try:
        lookup.result()
    except (OSError, UnicodeError) as error:
        why = describe_os_error(error) if isinstance(error, OSError) else "not a valid host name"
        return NAME, why, None
    try:
        with socket.create_connection((host, port), max(0.1, until - time.monotonic())) as opened:
            if tls is None:
                return "", "", None
            return _shake_hands(opened, host, tls)
    except TimeoutError:
        return PORT, "no connection in time", None
    except OSError as error:
        return PORT, describe_os_error(error), None


def _shake_hands(
    opened: socket.socket, host: str, connection: Connection
) -> tuple[str, str, float | None]:
    try:
        context = _context(connection)
    except (OSError, ValueError):
        return TLS, "the certificates in ca_file cannot be read", None
    try:
        with context.wrap_socket(opened, server_hostname=host) as secure:
            certificate = secure.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        return TLS, f"its certificate is not accepted: {error.verify_message}", None
    except ssl.SSLError as error:
        return TLS, f"it does not speak TLS as expected ({error.reason or 'no handshake'})", None
    except OSError as error:
        return (
            TLS,
            f"it ends the connection during the handshake ({describe_os_error(error)})",
            None,
        )
    end = certificate.get("notAfter")
    return "", "", ssl.cert_time_to_seconds(end) if isinstance(end, str) else None


def _context(connection: Connection) -> ssl.SSLContext:
    bundle = ca_bundle(connection)
    if bundle is None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if Path(bundle).is_dir():
        return ssl.create_default_context(capath=bundle)
    return ssl.create_default_context(cafile=bundle)
