"""What the environment says of how servers are reached: a proxy, and whom to trust."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

import requests

from ..state.endpoint import is_loopback
from ..state.secret import Secret
from .timing import Connection

_USER_INFO: Final = re.compile(r"(?:[^/]*//)?([^/]*)@")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy: its URL, which may hold a password, and the variable that it comes from."""

    url: str
    variable: str

    def __str__(self) -> str:
        """Return its address without a user name or password, and where it comes from."""
        try:
            parts = urlsplit(self.url if "://" in self.url else f"http://{self.url}")
            host, port = parts.hostname or "", parts.port
        except ValueError:
            return f"that {self.variable} names"
        shown = f"[{host}]" if ":" in host else host
        return f"{parts.scheme}://{shown}{f':{port}' if port else ''} from {self.variable}"

    def secrets(self) -> list[Secret]:
        """Return what no message may hold: its user name and password, as written and decoded."""
        found = _USER_INFO.match(self.url)
        if found is None:
            return []
        parts = {found[1], found[1].partition(":")[2]}
        return [Secret(text) for part in parts for text in {part, unquote(part)} if text]


def proxy_for(url: str) -> Proxy | None:
    """Return the proxy through which the environment wants ``url`` to be reached, if any.

    A proxy cannot reach our own loopback, so none is used for it, whatever NO_PROXY says.
    """
    if is_loopback(url):
        return None
    found = requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))
    if not found:
        return None
    scheme = urlsplit(url).scheme
    names = [f"{kind}_proxy" for kind in (scheme, "all")]
    variables = [form for name in names for form in (name, name.upper())]
    variable = next((name for name in variables if os.environ.get(name) == found), "the system")
    return Proxy(found, variable)


def trusted(connection: Connection) -> str | bool:
    """Return what TLS certificates are checked with: a file, True for the usual, or False."""
    if connection.ca_file or not connection.verify:
        return connection.ca_file or False
    named = (os.environ.get(name) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"))
    return next(filter(None, named), None) or True


def ca_bundle(connection: Connection) -> str | None:
    """Return the file or folder of the authorities that are trusted; None if nothing is checked."""
    known = trusted(connection)
    if known is True:
        return str(requests.utils.DEFAULT_CA_BUNDLE_PATH)
    return known or None
