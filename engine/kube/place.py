"""Which Lease, and under which name a candidate holds it."""

from __future__ import annotations

import os
import re
import secrets
import socket
from typing import Final

LEASE: Final = "modelprovisioner"
"""The name of the Lease where none is given."""
_NAMESPACE: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)
_NAME: Final = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9.]*[a-z0-9])?", re.ASCII)
_MOST_HOST: Final = 200


def place_of(text: str) -> tuple[str, str]:
    """Return the namespace, "" where none is given, and the name of a Lease.

    Raises:
        ValueError: Kubernetes has no such names.
    """
    namespace, slash, name = text.rpartition("/")
    if not _NAME.fullmatch(name) or (slash and not _NAMESPACE.fullmatch(namespace)):
        what = "expected NAME or NAMESPACE/NAME of lower-case letters, digits and '-'"
        raise ValueError(f"{what}, got {text!r}")
    return namespace, name


def usual_name(number: int = 1, of: int = 1) -> str:
    """Return the name of the Lease where none is given: each shard has a leader of its own."""
    return LEASE if of == 1 else f"{LEASE}-{number}-of-{of}"


def pod() -> tuple[str, str]:
    """Return the namespace and the name of this pod, as its manifest tells them; "" if not."""
    return os.environ.get("POD_NAMESPACE", ""), os.environ.get("POD_NAME", "")


def identity() -> str:
    """Return a name for this process that no other has, also not after a restart of its pod."""
    host = pod()[1] or socket.gethostname() or "modelprovisioner"
    return f"{host[:_MOST_HOST]}_{secrets.token_hex(4)}"
