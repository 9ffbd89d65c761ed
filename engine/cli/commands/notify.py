"""``notify``: send a test to each webhook of the configuration."""

from __future__ import annotations

import argparse
import sys

from ...errors import WrongUsage
from ...notify.notifier import test_message
from ...notify.post import Receiver
from ...text import Redactor, printable
from ..context import configuration
from ..exit_codes import ERROR, OK


def run(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Print for each webhook whether it took the test; of its URL only the host is shown.

    Raises:
        WrongUsage: the configuration names none.
    """
    config = configuration(arguments, redactor)
    if not config.notifications:
        what = "the configuration has no `notifications`"
        raise WrongUsage(f"{what}; add a list of {{webhook: {{secret: FILE}}}} to it")
    failed = False
    for index, webhook in enumerate(config.notifications):
        receiver = Receiver(webhook.url, arguments.timing)
        failure = receiver.post(test_message(webhook, config, redactor.redact))
        receiver.close()
        subject = f"notifications[{index}]: {receiver.host}"
        if failure is not None:
            failed = True
            print(printable(f"error: {subject}: {failure.why}"), file=sys.stderr)
        else:
            print(printable(f"{subject} took a test, format {webhook.form}"))
    return ERROR if failed else OK
