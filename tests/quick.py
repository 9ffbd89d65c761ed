"""The timing that tests give to the engine: as many attempts as usual, almost without pauses."""

from __future__ import annotations

from typing import Final

from engine.transport.timing import Timing

QUICK: Final = Timing(retry_pause=0.01, grace=0.3, apply_pause=0.01)
