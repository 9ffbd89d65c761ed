"""The commands that plan and apply: what their options are."""

from __future__ import annotations

import argparse
from typing import Final

from ...kube.place import LEASE
from .command import Command
from .words import (
    address,
    backend_option,
    count,
    digest,
    duration,
    force_option,
    form_options,
    lease,
    path,
    shard_option,
    verbose_option,
    whole_seconds,
    yes_option,
)


def _plan_options(parser: argparse.ArgumentParser) -> None:
    form_options(parser)
    parser.add_argument(
        "--out",
        type=path,
        metavar="FILE",
        help="also write the plan as JSON; - is stdout, like --json",
    )
    verbose_option(parser)
    backend_option(parser)
    force_option(parser)
    shard_option(parser)


def _apply_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "plan",
        type=path,
        nargs="?",
        metavar="PLAN",
        help="a file that 'plan --out' wrote: carry out just that, and ask no backend; what does"
        " not fit LiteLLM's rows any more is refused",
    )
    parser.add_argument(
        "--expect",
        type=digest,
        metavar="DIGEST",
        help="apply only if the plan has this digest, of which 8 characters are enough",
    )
    yes_option(parser)
    verbose_option(parser)
    backend_option(parser)
    force_option(parser)
    shard_option(parser)


def _run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="one cycle, then exit")
    parser.add_argument(
        "--interval",
        type=duration,
        metavar="TIME",
        help="time between cycles: seconds, or 90s, 5m, 1h ($SLEEP_INTERVAL in seconds;"
        " default 60)",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="plan and log, but write nothing to LiteLLM"
    )
    force_option(parser)
    shard_option(parser)
    parser.add_argument(
        "--artifacts", type=path, metavar="DIR", help="write each new plan to DIR as JSON"
    )
    parser.add_argument(
        "--keep", type=count, default=100, metavar="N", help="plans to keep in DIR (default 100)"
    )
    parser.add_argument(
        "--heartbeat",
        type=path,
        metavar="FILE",
        help="file to touch after each operation and cycle",
    )
    _port_options(parser)
    _election_options(parser)


def _port_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--listen",
        type=address,
        metavar="[HOST:]PORT",
        help="show a status page, and answer /healthz, /readyz and /metrics, on this port, of this"
        " machine only; ':PORT' is that of all interfaces (default: no port)",
    )
    parser.add_argument(
        "--max-age",
        type=duration,
        metavar="TIME",
        help="when /healthz calls the loop stuck: so long after its last operation or cycle"
        " (default 10m; longer for an interval above 5m)",
    )
    parser.add_argument(
        "--sync-token",
        type=path,
        metavar="FILE",
        help="with --listen: 'POST /sync' with the token in this file begins a cycle at once"
        " ('Authorization: Bearer TOKEN')",
    )


def _election_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--leader-election",
        type=lease,
        nargs="?",
        const=("", ""),
        metavar="NAME",
        help="of several replicas in Kubernetes only one works, the holder of the Lease NAME (or"
        f" NAMESPACE/NAME; default {LEASE} in the pod's namespace); it also records Events there",
    )
    parser.add_argument(
        "--lease-duration",
        type=whole_seconds,
        default=15,
        metavar="TIME",
        help="how soon another replica takes over from one that is gone (default 15s)",
    )


PLAN: Final = Command(
    "plan",
    "show what would be done; writes nothing to LiteLLM",
    ("plan", "plan --backend gpu1 --json", "plan --markdown", "plan --out plan.json"),
    _plan_options,
)
APPLY: Final = Command(
    "apply",
    "bring LiteLLM in step once, or carry out a saved plan",
    ("apply", "apply --backend gpu1 --force gpu1", "apply plan.json"),
    _apply_options,
)
RUN: Final = Command(
    "run",
    "bring LiteLLM in step repeatedly",
    (
        "run --interval 5m --heartbeat /tmp/heartbeat",
        "run --listen :8080 --leader-election",
        "run --once --dry-run",
    ),
    _run_options,
)
