"""Reads a Secret as the clients of Kubernetes send it: in protobuf, in an envelope."""

from __future__ import annotations

import base64
from typing import Any, Final

_MAGIC: Final = b"k8s\x00"


def secret(body: bytes) -> dict[str, Any]:
    """Return the Secret in a body, with what a test can need of its metadata.

    Raises AssertionError for anything else than a Secret in protobuf.
    """
    assert body.startswith(_MAGIC), body[:20]
    envelope = _fields(body.removeprefix(_MAGIC))
    kind = _fields(envelope[1][0])
    assert kind[2] == [b"Secret"], kind
    found = _fields(envelope[2][0])
    meta = _fields(found[1][0])
    metadata: dict[str, Any] = {"name": meta[1][0].decode()}
    for number, name in ((11, "labels"), (12, "annotations")):
        if number in meta:
            metadata[name] = {key: value.decode() for key, value in _map(meta[number]).items()}
    data = {key: base64.b64encode(value).decode() for key, value in _map(found.get(2, [])).items()}
    one = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
    return {**one, "type": found[3][0].decode()} if 3 in found else one


def _map(entries: list[bytes]) -> dict[str, bytes]:
    pairs = (_fields(entry) for entry in entries)
    return {pair[1][0].decode(): pair.get(2, [b""])[0] for pair in pairs}


def _fields(message: bytes) -> dict[int, list[bytes]]:
    """Return the values of each field with a length; numbers are left out."""
    found: dict[int, list[bytes]] = {}
    at = 0
    while at < len(message):
        key, at = _number(message, at)
        if key & 7 == 0:
            _, at = _number(message, at)
        else:
            assert key & 7 == 2, f"wire type {key & 7}"
            length, at = _number(message, at)
            found.setdefault(key >> 3, []).append(message[at : at + length])
            at += length
    return found


def _number(message: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at a place, and where it ends."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
