"""A recorded cycle once more, from the listings to the plan, without any network."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Final

from ..config.model import Config
from ..errors import TransportError, Unplayable
from ..reconcile import Memory, Options, Ports, Report, reconcile_once
from ..report.plan_log import PlanLog
from ..transport.client_pool import Http
from ..transport.timing import DEFAULT_TIMING
from .folder import Recording
from .player import Player

log = logging.getLogger(__name__)
_AT_ONCE: Final = replace(DEFAULT_TIMING, retry_pause=0.0)
_UNKNOWN: Final = "the recording has no fingerprint of %s; the plan shows another one in its place"


def replay(recording: Recording, config: Config, options: Options) -> Report:
    """Return what a cycle with a configuration plans from the recorded answers.

    Raises:
        Unplayable: it asks a recorded server for what is not recorded.
        EngineError: as :func:`engine.reconcile.reconcile_once`; it may be what was recorded.
    """
    for field in recording.unknown_secrets(config):
        log.warning(_UNKNOWN, field)
    player = Player(recording.litellm, recording.backends)
    http = Http(_AT_ONCE, player)
    try:
        report = reconcile_once(
            config, Ports(PlanLog(None), http=http), Memory(), replace(options, dry_run=True)
        )
    except TransportError:
        _check(player, recording.folder)
        raise
    finally:
        http.close()
    _check(player, recording.folder)
    return report


def _check(player: Player, folder: Path) -> None:
    if player.missing:
        asked = ", ".join(sorted(set(player.missing)))
        raise Unplayable(
            f"the recording in {folder} has no answer to {asked}. Remedy: record again with the"
            " configuration that asks for it"
        )
