"""News as the documents that webhooks take. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from .item import Item

NOTIFICATION_VERSION: Final = 1
MOST_ITEMS: Final = 50
"""Pieces of news in one document."""
_MOST_LINES: Final = 20
"""Pieces of news in one text."""
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "@\u200b"})
"""What Slack and those like it read as a mention or a link: ``<!here>``, ``<@U1>``, ``@channel``.
After an @ there is a space without width, so that it mentions nobody."""


def json_message(items: Sequence[Item], owner: str, litellm: str, time: str) -> dict[str, Any]:
    """Return news as ``schemas/notification.schema.json`` has it; ``time`` is in ISO 8601."""
    shown = items[:MOST_ITEMS]
    return {
        "version": NOTIFICATION_VERSION,
        "time": time,
        "owner": owner,
        "litellm": litellm,
        "text": "\n".join(item.text for item in items[:_MOST_LINES]),
        "news": [item.to_json() for item in shown],
        "more": len(items) - len(shown),
    }


def slack_message(items: Sequence[Item], owner: str, litellm: str) -> dict[str, Any]:
    """Return news as webhooks of Slack, Mattermost and Rocket.Chat take it."""
    lines = [f"\u2022 {item.text}" for item in items[:_MOST_LINES]]
    if len(items) > _MOST_LINES:
        lines.append(f"\u2022 and {len(items) - _MOST_LINES} more")
    head = f"{owner} on {litellm}"
    return {"text": "\n".join([head, *lines]).translate(_ESCAPES)}
