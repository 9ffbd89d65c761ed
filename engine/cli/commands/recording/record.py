"""``record``: record what the servers answer in one cycle."""

from __future__ import annotations

import argparse
import os
import sys

from ....recording.record import record
from ....report.news import format_count
from ....report.summary import summary_of
from ....text import Redactor, printable
from ...context import configuration
from ...exit_codes import ERROR, OK

_UNFAITHFUL = (
    "the replay of {folder} differs from the cycle that was recorded: a server answered the same"
    " request in two ways, or what was taken out as a secret matters. Remedy: record again; if it"
    " stays so, the folder still shows what was answered"
)


def run(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Run a dry cycle, and say what was recorded."""
    config = configuration(arguments, redactor)
    folder = arguments.folder
    recorded = record(config, arguments.config, folder, arguments.timing, os.environ)
    servers = format_count(recorded.servers, "server")
    print(printable(f"{folder}: the answers of LiteLLM and of {servers}, without secrets"))
    if recorded.report is not None:
        print(redactor.redact(summary_of(recorded.report.plan)))
    print(printable(f"modelprovisioner replay {folder} shows the plan"))
    if not recorded.faithful:
        print(f"error: {printable(_UNFAITHFUL.format(folder=folder))}", file=sys.stderr)
        return ERROR
    if recorded.error:
        print(printable(f"error: {recorded.error}", kept="\n"), file=sys.stderr)
        return ERROR
    return OK
