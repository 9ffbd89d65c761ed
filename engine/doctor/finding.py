"""What the doctor found: one value for each thing that was looked at. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from ..bounds import MAX_EXCERPT
from ..text import first_of, shortened

ERROR: Final = "error"
WARNING: Final = "warning"
NOTE: Final = "note"
OK: Final = "ok"
UNCHECKED: Final = "unchecked"
SEVERITIES: Final = (ERROR, WARNING, NOTE, UNCHECKED, OK)
"""From the worst to the best. An error keeps models from appearing or working, a warning may do
so; a note is only good to know. ``unchecked`` is what could not be looked at."""
CONFIGURATION: Final = "configuration"
KEY_FILES: Final = "key files"
NETWORK: Final = "network"
BACKENDS: Final = "backends"
LITELLM: Final = "LiteLLM"
MODELS: Final = "models"
AREAS: Final = (CONFIGURATION, KEY_FILES, NETWORK, BACKENDS, LITELLM, MODELS)
"""In the order in which they are looked at and shown."""
_NAMED: Final = 8
"""Names that a finding shows."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    ``check`` is a word for programs, the same for every finding of this sort. ``subject`` is what
    it is about: a file, a backend, a server, a model. ``what`` is a sentence; ``why`` says why it
    matters, or why it was not checked, ``fix`` what to do. These two are "" where there is nothing
    to say.
    """

    severity: str
    area: str
    check: str
    subject: str
    what: str
    why: str = ""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings, by area; in each area the worst first."""

    findings: tuple[Finding, ...]

    @property
    def summary(self) -> dict[str, int]:
        """How many findings there are of each severity."""
        counts = Counter(finding.severity for finding in self.findings)
        return {severity: counts[severity] for severity in SEVERITIES}

    def to_json(self) -> dict[str, Any]:
        """Return the diagnosis as its schema has it."""
        findings = [asdict(finding) for finding in self.findings]
        return {"version": 1, "summary": self.summary, "findings": findings}


def diagnosis(findings: Iterable[Finding]) -> Diagnosis:
    """Return findings in their order: by area, the worst first, else as they were found."""

    def place(finding: Finding) -> tuple[int, int]:
        return AREAS.index(finding.area), SEVERITIES.index(finding.severity)

    return Diagnosis(tuple(sorted(findings, key=place)))


def some_of(names: Collection[str]) -> str:
    """Return names in a row, of many only the first ones and how many more there are."""
    return first_of([shortened(name, MAX_EXCERPT) for name in names], _NAMED)
