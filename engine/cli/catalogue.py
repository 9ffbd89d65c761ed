"""All commands, in the order of the help."""

from __future__ import annotations

from typing import Final

from .options.command import Command
from .options.cycle import APPLY, PLAN, RUN
from .options.fixtures import RECORD, REPLAY
from .options.look import ALIVE, COMPLETION, DEMO, DOCTOR, EXPLAIN, NOTIFY, SCHEMA, VALIDATE
from .options.rows import ADOPT, DRAIN, RELEASE, RETIRE, UNDO, UNDRAIN

COMMANDS: Final[tuple[Command, ...]] = (
    VALIDATE,
    PLAN,
    APPLY,
    RUN,
    DOCTOR,
    EXPLAIN,
    RETIRE,
    DRAIN,
    UNDRAIN,
    ADOPT,
    RELEASE,
    UNDO,
    RECORD,
    REPLAY,
    NOTIFY,
    DEMO,
    ALIVE,
    SCHEMA,
    COMPLETION,
)
