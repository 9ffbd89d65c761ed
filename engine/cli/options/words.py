"""The words that options accept, such as durations, and options that several commands have."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ...bounds import MAX_INTERVAL
from ...config.durations import seconds

if TYPE_CHECKING:
    from ...desired.shards import Shard

MAX_PORT: Final = 65535


def verbose_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--verbose``."""
    parser.add_argument(
        "-v", "--verbose", action="store_true", help="show each create and each skip by itself"
    )


def form_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--json`` and ``--markdown``, for commands that print a plan."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the plan as JSON")
    form.add_argument(
        "--markdown",
        action="store_true",
        help="print the plan as Markdown, for a pull request or a chat",
    )


def yes_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--yes``, for commands that may delete or replace rows."""
    parser.add_argument(
        "--yes",
        action="store_true",
        help="delete and replace without a question, which is asked only on a terminal",
    )


def backend_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--backend``, whose value is a list of names."""
    parser.add_argument(
        "--backend",
        action="append",
        default=[],
        metavar="NAME",
        help="change only what is on this backend; may be repeated (default: all)",
    )


def force_option(
    parser: argparse.ArgumentParser,
    what: str = "carry out deletions of this backend that a limit holds",
) -> None:
    """Add ``--force``, whose value is a list of names; ``what`` is its help."""
    parser.add_argument(
        "--force",
        action="append",
        type=forced,
        nargs="?",
        const="",
        default=[],
        metavar="BACKEND",
        help=f"{what}; may be repeated; 'all' for every backend",
    )


def shard_option(parser: argparse.ArgumentParser) -> None:
    """Add ``--shard``."""
    parser.add_argument(
        "--shard",
        type=shard,
        metavar="N/OF",
        help="ask and manage only one of several parts of the backends, such as 2/5; others manage"
        " the rest",
    )


def shard(text: str) -> Shard:
    """Return a part of the backends."""
    from ...desired.shards import MAX_SHARDS, Shard

    found = re.fullmatch(r"([1-9]\d{0,2})/([1-9]\d{0,2})", text, re.ASCII)
    if not found or int(found[1]) > int(found[2]):
        what = f"expected N/OF with numbers from 1 to {MAX_SHARDS}, such as 2/5, got {text!r}"
        raise argparse.ArgumentTypeError(what)
    return Shard(int(found[1]), int(found[2]))


def duration(text: str, least: float = 1.0) -> float:
    """Return seconds, at least ``least``."""
    try:
        length = seconds(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}, got {text!r}") from None
    if not least <= length <= MAX_INTERVAL:
        bounds = f"{least:g} to {MAX_INTERVAL:.0f}"
        raise argparse.ArgumentTypeError(f"expected {bounds} seconds, got {text}")
    return length


def pause(text: str) -> float:
    """Return seconds, which may be 0."""
    return duration(text, 0.0)


def whole_seconds(text: str) -> int:
    """Return whole seconds, at least 1."""
    length = duration(text)
    if length != int(length):
        raise argparse.ArgumentTypeError(f"expected whole seconds, got {text}")
    return int(length)


def lease(text: str) -> tuple[str, str]:
    """Return the namespace, "" for that of the pod, and the name of a Lease."""
    from ...kube.place import place_of  # brings sockets along, which no probe needs

    try:
        return place_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def path(text: str) -> Path:
    """Return a path; an empty text, as an unset variable leaves it, would be the working folder."""
    if not text:
        raise argparse.ArgumentTypeError("expected a path, got ''")
    return Path(text)


def address(text: str) -> tuple[str, int]:
    """Return host and port of ``PORT``, on this machine only, ``HOST:PORT``, or ``:PORT``.

    The last one is on all interfaces: its host is "".
    """
    host, colon, port = text.rpartition(":")
    if not re.fullmatch(r"\d{1,5}", port, re.ASCII) or int(port) > MAX_PORT:
        what = "expected PORT, :PORT or HOST:PORT, such as 8080 or 127.0.0.1:8080"
        raise argparse.ArgumentTypeError(f"{what}, got {text!r}")
    return (host.removeprefix("[").removesuffix("]") if colon else "127.0.0.1"), int(port)


def count(text: str) -> int:
    """Return a number from 1 to 999,999."""
    if not re.fullmatch(r"[1-9]\d{0,5}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"expected a number from 1 to 999999, got {text!r}")
    return int(text)


def digest(text: str) -> str:
    """Return the beginning of a digest."""
    if not re.fullmatch(r"[0-9a-f]{8,64}", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"expected 8 to 64 characters 0-9a-f, got {text!r}")
    return text


def forced(text: str) -> str:
    """Return the name of a backend, or ``all``."""
    if not text:
        what = "name the backend, such as --force gpu1; --force all is every backend"
        raise argparse.ArgumentTypeError(what)
    return text
