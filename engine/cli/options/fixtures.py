"""The commands that record a cycle and play it again: what their options are."""

from __future__ import annotations

import argparse
from typing import Final

from .command import Command
from .words import backend_option, force_option, form_options, path, shard_option, verbose_option


def _record_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        type=path,
        metavar="DIR",
        help="a new or empty folder, or one with a recording, which is replaced",
    )


def _replay_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder",
        type=path,
        metavar="DIR",
        help="what `record` wrote; its configuration is used unless --config is given",
    )
    form_options(parser)
    verbose_option(parser)
    backend_option(parser)
    force_option(parser)
    shard_option(parser)


RECORD: Final = Command(
    "record",
    "record what the servers answer in one cycle, without secrets; writes nothing to LiteLLM",
    ("record recording",),
    _record_options,
    "recording.record",
)
REPLAY: Final = Command(
    "replay",
    "show what would be done, from a recording alone; sends no request",
    ("replay recording", "replay recording --config changed.yaml"),
    _replay_options,
    "recording.replay",
)
