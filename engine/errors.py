"""Every error that the engine raises, in one tree.

::

    EngineError
    +-- ConfigError        the configuration or a key file is wrong: correct the file
    +-- WrongUsage         the command line does not fit the configuration
    +-- InvalidDocument    a document breaks its schema: every problem, with its path
    +-- Unrecorded         the plan, or its log, cannot be written, so nothing more is done
    +-- UnusablePlan       a file holds no plan that may be applied here: make the plan again
    +-- StalePlan          the plan made now is not the expected one: look at it again
    +-- Declined           the operator was asked, and did not say yes: nothing was written
    +-- CannotListen       the address of --listen cannot be used: nothing was begun
    +-- Unplayable         a recording cannot be read, or lacks what the replay asks for
    +-- UnprovenPlan       the plan does not lead to the desired state: a bug of ours
    +-- Fenced             another engine may write in our place: nothing more is sent
    +-- TransportError     an HTTP exchange failed
        +-- Unavailable    no usable answer: try again later
        |   +-- NoDatabase     LiteLLM answers, but has lost its database
        +-- Rejected       the server understood and refused (4xx)
        +-- Garbled        an answer arrived, but not the JSON that was expected
            +-- OutOfBounds    a value in it is too large or nested too deeply

A message names its subject, says what happened and what to do. It never holds a secret.
"""

from __future__ import annotations

from dataclasses import dataclass

from .bounds import MAX_PROBLEMS


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong in a document.

    ``where`` is a path into it (``backends[2].url``) or ``file:line: path``; ``what`` says what
    is wrong and what was expected.
    """

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


def _listed(problems: tuple[Problem, ...]) -> list[str]:
    lines = [str(problem) for problem in problems[:MAX_PROBLEMS]]
    return [*lines, "... and more; correct these first"] if len(problems) > MAX_PROBLEMS else lines


class EngineError(Exception):
    """The root: everything that the engine raises on purpose."""


class ConfigError(EngineError):
    """The configuration cannot be used; ``problems`` holds everything that is wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(_listed(self.problems)))


class WrongUsage(EngineError):
    """The command line names something that the configuration does not have."""


class InvalidDocument(EngineError):
    """A document breaks its schema; ``problems`` are sorted, each with its path."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        self.name = name
        self.problems = tuple(sorted(problems))
        listed = "\n".join(f"  {line}" for line in _listed(self.problems))
        super().__init__(f"the {name} document is not valid:\n{listed}")


class Unrecorded(EngineError):
    """A plan, or the plan log, cannot be written. Nothing more is done: nothing would record it."""


class UnusablePlan(EngineError):
    """A file is no plan, was changed, or is a plan of another version or for something else."""


class StalePlan(EngineError):
    """A plan is not the one that was reviewed. Nothing of it is applied."""


class Declined(EngineError):
    """The operator was asked whether to carry a plan out, and did not say yes."""


class CannotListen(EngineError):
    """No server can be started on the address of ``--listen``."""


class Unplayable(EngineError):
    """A recording cannot be read, or does not have what the replay of a cycle asks for."""


class UnprovenPlan(EngineError):
    """A plan that, simulated, does not lead to the desired state. Nothing of it is applied."""


class Fenced(EngineError):
    """A write was not sent: another engine may be the one that writes by now."""


class TransportError(EngineError):
    """An HTTP exchange did not end in a usable answer."""


class Unavailable(TransportError):
    """Nothing usable came back (refused, timed out, broken off, 5xx): try again later.

    ``sent`` says whether the request may have reached the server: a write that was not sent has
    certainly not been done. ``status`` is the HTTP status, 0 for none.
    """

    def __init__(self, message: str, *, status: int = 0, sent: bool = True) -> None:
        self.status = status
        self.sent = sent
        super().__init__(message)


class NoDatabase(Unavailable):
    """LiteLLM cannot reach its database: no other write would succeed either."""


class Rejected(TransportError):
    """The server answered and said no; ``status`` is its HTTP status."""

    def __init__(self, message: str, *, status: int) -> None:
        self.status = status
        super().__init__(message)


class Garbled(TransportError):
    """A successful status with a body that is not the expected JSON (a login page, half a body)."""


class OutOfBounds(Garbled):
    """A value in an answer is larger, or nested more deeply, than one may be."""
