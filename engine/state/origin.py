"""Which listed model a deployment, or a refusal, is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Origin:
    """The listed model that a deployment, or a refusal, is about.

    ``model`` is its id in the list of ``backend``, ``name`` the public name that the configuration
    gives it.
    """

    backend: str = ""
    model: str = ""
    name: str = ""


UNKNOWN: Final = Origin()
