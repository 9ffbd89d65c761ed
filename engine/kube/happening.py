"""What Kubernetes is told of, and of which of its objects. Pure values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Happening:
    """Something worth an Event.

    ``reason`` and ``action`` are words such as ``ModelsDeleted`` and ``Delete``; ``note`` is a
    sentence for people; ``warning`` says that somebody should look.
    """

    reason: str
    action: str
    note: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """The object that Events are about."""

    api_version: str
    kind: str
    namespace: str
    name: str
    uid: str = ""
