"""What several commands take from their arguments and their environment."""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from ..backends.scope import scope_of
from ..bounds import MAX_EXCERPT
from ..config.loader import Lines, load_with_lines
from ..config.model import Config
from ..errors import WrongUsage
from ..plan.plan import Plan
from ..plan.safety import ALL
from ..reconcile import Options, Report
from ..report.artifacts import plan_pieces
from ..report.columns import DEFAULT_SCREEN, Screen
from ..report.markdown import markdown_of
from ..report.progress import Progress
from ..report.terminal import Renderer
from ..text import Redactor, shortened
from ..validate import nearest

if TYPE_CHECKING:
    from ..desired.shards import Shard


def configuration(arguments: argparse.Namespace, redactor: Redactor) -> Config:
    """Return the configuration; give its secrets to the redactor and log its warnings."""
    return configuration_with_lines(arguments, redactor)[0]


def configuration_with_lines(
    arguments: argparse.Namespace, redactor: Redactor
) -> tuple[Config, Lines]:
    """Return the same, and where its values stand in the file."""
    config, lines = load_with_lines(arguments.config, arguments.secrets, os.environ)
    redactor.learn(config.secrets())
    for warning in config.notices:
        logging.getLogger(__name__).warning("%s", warning)
    return config, lines


def wants_colour(arguments: argparse.Namespace) -> bool:
    """Tell whether stdout gets colours: as asked, or where it is a terminal that shows them."""
    if arguments.color != "auto":
        return bool(arguments.color == "always")
    return (
        sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def screen() -> Screen:
    """Return how much text stdout shows at once."""
    size = shutil.get_terminal_size((DEFAULT_SCREEN.width, DEFAULT_SCREEN.height))
    return Screen(size.columns, size.lines, wraps=sys.stdout.isatty())


def renderer(arguments: argparse.Namespace) -> Renderer:
    """Return what turns a plan into text for stdout."""
    return Renderer(colour=wants_colour(arguments), screen=screen(), verbose=arguments.verbose)


def progress_on_stdout(arguments: argparse.Namespace, redactor: Redactor) -> Progress:
    """Return what shows one cycle on stdout, with a bar on a terminal that can move back."""
    can_move = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    return Progress(renderer(arguments), sys.stdout, redactor.redact, bar=can_move)


def print_plan(
    report: Report, arguments: argparse.Namespace, redactor: Redactor, *, as_json: bool
) -> None:
    """Print a plan as JSON, or as Markdown or text as the arguments say, without secrets."""
    plan, desired = report.plan, report.desired
    if as_json:
        sys.stdout.writelines(json_of(plan, redactor))
    elif arguments.markdown:
        print(redactor.redact(markdown_of(plan, desired, verbose=arguments.verbose)))
    else:
        print(redactor.redact(renderer(arguments).plan(plan, desired)))


def json_of(plan: Plan, redactor: Redactor) -> Iterator[str]:
    """Return the pieces of a plan as JSON text for people, without secrets."""
    return plan_pieces(plan, redactor.redact_json)


def options_of(arguments: argparse.Namespace, config: Config, *, dry_run: bool) -> Options:
    """Return what ``--force``, ``--backend`` and ``--shard`` ask of a cycle.

    Raises:
        WrongUsage: one names no backend, or one of another shard.
    """
    backends = backends_named("--backend", getattr(arguments, "backend", ()), config)
    if arguments.shard is not None:
        _tell_of_shard(arguments.shard, backends, config)
    return Options(
        dry_run=dry_run,
        force=backends_named("--force", arguments.force, config),
        backends=backends,
        shard=arguments.shard,
    )


def _tell_of_shard(shard: Shard, wanted: Collection[str], config: Config) -> None:
    """Log which backends are in a shard.

    Raises:
        WrongUsage: one that is wanted is not.
    """
    names = sorted(shard.backends(scope_of(config.backends)))
    for name in wanted:
        if name not in names:
            raise WrongUsage(f"--backend {name!r} is not in shard {shard}; give its own, or none")
    shown = shortened(", ".join(names) or "none", MAX_EXCERPT)
    total = len(config.backends)
    log = logging.getLogger(__name__)
    log.info("shard %s manages %d of %d backends: %s", shard, len(names), total, shown)


def backends_named(option: str, given: Collection[str], config: Config) -> frozenset[str]:
    """Return the names that an option has, once they are known to be names of backends.

    ``--force`` may also have ``all``.

    Raises:
        WrongUsage: one is not.
    """
    known = [backend.name for backend in config.backends]
    for name in given:
        if name not in known and (option, name) != ("--force", ALL):
            meant = nearest(name, known)
            hint = f"did you mean {meant!r}?" if meant else f"there are: {', '.join(known)}"
            raise WrongUsage(f"{option} {name!r} is not a backend of the configuration; {hint}")
    return frozenset(given)
