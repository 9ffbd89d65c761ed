"""What holds for every test."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _operator_log_as_it_was() -> Iterator[None]:
    """Undo what a command that ran in this process did to the log of the engine."""
    logger = logging.getLogger("engine")
    before = (list(logger.handlers), logger.level, logger.propagate)
    yield
    logger.handlers[:], logger.level, logger.propagate = before
