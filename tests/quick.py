"""What keeps tests quick: hardly any pauses of the engine, and fewer drawn examples by default."""

from __future__ import annotations

from typing import Final

from hypothesis import settings

from engine.transport.timing import Timing

QUICK: Final = Timing(retry_pause=0.01, grace=0.3, streak=5, apply_pause=0.01)
"""Almost without pauses, and with fewer answers where there is no balancer."""


def examples(thorough: int) -> int:
    """Return how many examples Hypothesis draws: ``thorough`` in CI, by default fewer."""
    profile = settings.default
    assert profile is not None
    return max(3, thorough * profile.max_examples // 100)
