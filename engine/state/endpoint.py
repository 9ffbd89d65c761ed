"""Addresses in one normal form, and the endpoint that each belongs to."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from ..errors import UnprovenPlan

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_USUAL_LENGTH: Final = 256
"""Characters of an address that is remembered; anybody may write a longer one into a row."""


def normal_url(url: str) -> str:
    """Return ``url`` in normal form: no trailing slash, no ``//`` in the path, host in lower case.

    The default port is left out. A query or fragment is refused, since LiteLLM appends paths to
    the URL; so is a user name or password, since ``api_base`` is shown to every key holder.

    Raises:
        ValueError: it is not a usable http(s) URL; the message says why.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:  # its text quotes the URL, which may hold a password
        raise ValueError("expected an http:// or https:// URL with a host and port") from None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("expected an http:// or https:// URL with a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL must not hold a user name or password; put the key in a secret")
    if parts.query or parts.fragment:
        raise ValueError("a URL must not hold a query (?) or a fragment (#)")
    if re.search(r"[\s\x00-\x1f\x7f]", parts.geturl()):
        raise ValueError("a URL must not hold white space or control characters")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    netloc = host if port in (None, _DEFAULT_PORTS[parts.scheme]) else f"{host}:{port}"
    path = re.sub(r"/{2,}", "/", parts.path).rstrip("/")
    return urlunsplit((parts.scheme, netloc, path, "", ""))


def is_loopback(url: str) -> bool:
    """Tell whether a normal URL leads to this machine itself."""
    host = (urlsplit(url).hostname or "").partition("%")[0]
    if host == "localhost" or host.endswith(".localhost") or re.fullmatch(r"127(\.\d+)+", host):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped.is_loopback or mapped.is_unspecified


def without_v1(url: str) -> str:
    """Return a normal URL without a trailing ``/v1``."""
    return url.removesuffix("/v1")


def canonical_endpoint(url: str) -> str:
    """Return the address of the server behind ``url``: the unit of scope.

    ``http://box:8000``, ``http://box:8000/`` and ``http://box:8000/v1`` are one endpoint, so a
    row that was registered with one of these forms is in scope of a configuration with another.

    Raises:
        ValueError: as :func:`normal_url`.
    """
    return _remembered(url) if len(url) <= _USUAL_LENGTH else without_v1(normal_url(url))


@lru_cache(maxsize=1024)
def _remembered(url: str) -> str:
    """Return the same; thousands of rows have the same few addresses."""
    return without_v1(normal_url(url))


@dataclass(frozen=True, slots=True)
class Scope:
    """Which addresses belong to which configured endpoint.

    ``places`` maps each canonical address to its endpoint: a configured one to itself, and the
    addresses below it where a server of the configured kind may have its API (GPUStack:
    ``/v1-openai``) to the configured one. ``reach`` maps each backend's name to the endpoints
    that its deployments may be on, its own first. Desired deployments and rows that are read back
    get their endpoint from here, both by their ``api_base``.
    """

    places: Mapping[str, str]
    reach: Mapping[str, tuple[str, ...]]

    def endpoint_of(self, api_base: str) -> str:
        """Return the configured endpoint of a deployment with this ``api_base``.

        Raises:
            UnprovenPlan: no configured backend has this address; a bug of ours. The next cycle
                would not find the row, and every cycle would create it again.
        """
        try:
            return self.places[address_of(api_base)]
        except KeyError:
            raise UnprovenPlan(
                f"a model would be registered at {api_base}, which belongs to no configured"
                " backend. This is a bug; please report it with the type of the backend"
            ) from None


def address_of(api_base: object) -> str:
    """Return the canonical address in an ``api_base``; "" for anything that is not a usable URL."""
    if not isinstance(api_base, str):
        return ""
    try:
        return canonical_endpoint(api_base)
    except ValueError:
        return ""
