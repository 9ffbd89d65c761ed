"""From a cycle that has ended to messages on their way."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from ..config.model import Config, Webhook
from ..report.cycle_log import utc_now
from ..run.ended import Ended
from ..run.loop import ConfigState
from .item import TEST, Item
from .message import json_message, slack_message
from .news import Cycle, News
from .sender import Sender

log = logging.getLogger(__name__)
Redact = Callable[[str], str]


class Notifier:
    """Watches a loop and tells the webhooks of its configuration what is new.

    ``state`` returns which configuration is in force, and why the file cannot be used if it cannot.
    ``stopping`` tells whether the loop was asked to stop, so that its last answers count for
    nothing.
    """

    def __init__(
        self,
        state: Callable[[], ConfigState],
        sender: Sender,
        redact: Redact,
        stopping: Callable[[], bool],
    ) -> None:
        self._state, self._sender, self._redact = state, sender, redact
        self._stopping = stopping
        self._news = News()

    def watch(self, ended: Ended) -> None:
        """Tell what is new after a cycle; returns at once, and raises nothing."""
        try:
            self._tell(ended)
        except Exception:
            log.exception("notifications failed; this is a bug, please report it")

    def _tell(self, ended: Ended) -> None:
        state = self._state()
        config = state.config
        if config is None or not config.notifications:
            self._news = News()
            return
        self._sender.keep({webhook.url for webhook in config.notifications})
        report = ended.report
        cycle = Cycle(
            report.plan if report else None,
            report.results if report else (),
            ended.error,
            state.problem,
            sees=not self._stopping(),
        )
        items = [item.without_secrets(self._redact) for item in self._news.of(cycle)]
        for webhook in config.notifications:
            wanted = [item for item in items if item.topic in webhook.topics]
            if wanted:
                self._sender.send(webhook.url, message_for(webhook, wanted, config, self._redact))


def message_for(
    webhook: Webhook, items: Sequence[Item], config: Config, redact: Redact
) -> dict[str, Any]:
    """Return what is sent to a webhook; ``items`` have no secrets."""
    litellm = redact(config.litellm.url)
    if webhook.form == "slack":
        return slack_message(items, config.owner, litellm)
    time = utc_now().isoformat(timespec="seconds")
    return json_message(items, config.owner, litellm, time)


def test_message(webhook: Webhook, config: Config, redact: Redact) -> dict[str, Any]:
    """Return a message by which somebody sees that a webhook works."""
    told = " and ".join(webhook.topics)
    item = Item(TEST, "test", f"this is a test; here you will be told of {told}")
    return message_for(webhook, [item], config, redact)
