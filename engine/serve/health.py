"""Whether the loop is alive, and ready: for probes. Pure."""

from __future__ import annotations

from .answer import Answer, text
from .snapshot import Snapshot


def healthz(snapshot: Snapshot) -> Answer:
    """Answer 200 while the loop gives signs of life, else 503; the body says why."""
    age, limit = snapshot.silence, snapshot.max_silence
    told = f"last sign of life {age:.0f} s ago"
    if age <= limit:
        return text(200, told)
    return text(503, f"stuck: {told}, more than {limit:.0f} s; look at the log of `run`")


def readyz(snapshot: Snapshot) -> Answer:
    """Answer 200 once a cycle has read LiteLLM and made its plan, else 503 with the reason.

    One that stands by is ready as well: it can take over, and a rollout waits for it.
    """
    if snapshot.standby:
        return text(
            503, f"not ready: standing by, and it is not known who leads: {snapshot.standby}"
        )
    if snapshot.standby is not None:
        return text(200, "ready: standing by, another one leads")
    if snapshot.good is not None:
        return text(200, "ready: a cycle has ended")
    error = snapshot.last.error if snapshot.last else ""
    return text(503, f"not ready: {error or 'the first cycle has not ended'}")
