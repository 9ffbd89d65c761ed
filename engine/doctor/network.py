"""Findings about the way to each server: its name, its port, its certificate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from ..config.model import Config
from ..report.news import format_count
from ..state.secret import Secret
from ..transport.background import Background
from ..transport.timing import Connection
from .finding import ERROR, NETWORK, NOTE, OK, WARNING, Finding
from .reach import NAME, PORT, TLS, Reach, reach

LITELLM: Final = "LiteLLM"
SOON: Final = 14 * 86400.0
"""Seconds before its end from which on a certificate is a warning."""
_PATIENCE: Final = 5.0
_DAY: Final = 86400.0
_WEBHOOK: Final = "notifications"
_WHY: Final = {
    _WEBHOOK: "nobody is told there of what is new",
    LITELLM: "no cycle can run: nothing is registered, changed or deleted",
    "": "its models are not registered; those that are registered stay, whether they work or not",
}
_FIXES: Final = {
    NAME: "check the host in `url`, and the name server of this machine (inside Kubernetes:"
    " SERVICE.NAMESPACE)",
    PORT: "start the server, or correct host and port in `url`; then look at firewalls in between",
    TLS: "name the file of its authority with `ca_file`, or renew the certificate; write http://"
    " if it has none",
}
_WHATS: Final = {
    NAME: "the name {host} does not resolve: {why}",
    PORT: "nothing answers at {host} port {port}: {why}",
    TLS: "TLS to {host} port {port} fails: {why}",
}
Way = tuple[str, Connection, Reach]
"""The name of a backend, or LITELLM; how it is connected to, and how far one got."""


def look_at_ways(config: Config) -> tuple[Way, ...]:
    """Return how far one gets on the way to each server, all at the same time.

    Nothing is sent to a webhook: any request to one might be taken for a message.
    """
    wanted = [(LITELLM, config.litellm.url, config.litellm.connection)] * bool(config.litellm.url)
    wanted += [(backend.name, backend.url, backend.connection) for backend in config.backends]
    wanted += [
        (f"{_WEBHOOK}[{index}]", _origin(webhook.url), Connection(_PATIENCE))
        for index, webhook in enumerate(config.notifications)
    ]
    started = [
        (name, connection, Background(partial(_reach, url, connection), f"reach-{name}"))
        for name, url, connection in wanted
    ]
    return tuple((name, connection, work.result()) for name, connection, work in started)


def _origin(url: Secret) -> str:
    """Return what of the URL of a webhook may be shown: the server, without path and query."""
    parts = urlsplit(url.reveal())
    return f"{parts.scheme}://{parts.netloc}"


def _reach(url: str, connection: Connection) -> Reach:
    return reach(url, connection, min(_PATIENCE, connection.timeout))


def check_ways(ways: Iterable[Way], now: float) -> Iterator[Finding]:
    """Yield a finding for each server, and more about its certificate; ``now`` is since 1970."""
    for name, connection, way in ways:
        group = name.partition("[")[0]
        why = _WHY.get(group, _WHY[""])
        if way.failed:
            what = _WHATS[way.failed].format(host=way.host, port=way.port, why=way.why)
            if way.proxy:
                what += f" (the proxy {way.proxy})"
            fix = _FIXES[way.failed]
            severity = WARNING if group == _WEBHOOK else ERROR
            yield Finding(severity, NETWORK, f"reach_{way.failed}", name, what, why, fix)
            continue
        through = f" through the proxy {way.proxy}" if way.proxy else ""
        yield Finding(OK, NETWORK, "reach", name, f"{way.url} can be reached{through}")
        yield from _certificate(name, connection, way, now)


def _certificate(name: str, connection: Connection, way: Reach, now: float) -> Iterator[Finding]:
    if way.url.startswith("https:") and not connection.verify:
        what = "its certificate is not checked (verify: false)"
        why = "whoever is in between can read the key"
        fix = "name its authority with `ca_file`, and remove `verify: false`"
        yield Finding(NOTE, NETWORK, "unverified", name, what, why, fix)
    if way.expires is None:
        return
    days = int((way.expires - now) // _DAY)
    what = f"its certificate is valid for {format_count(days, 'more day')}"
    if way.expires - now > SOON:
        yield Finding(OK, NETWORK, "certificate", name, what)
    else:
        why = "after that every request to it fails"
        yield Finding(WARNING, NETWORK, "certificate", name, what, why, "renew it")
