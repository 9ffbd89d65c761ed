"""What holds for every test."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("unhurried", settings.default, deadline=None)
settings.load_profile("unhurried")  # a busy machine is no error


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Run one test after the other where there is a real LiteLLM, which all of them share."""
    if os.environ.get("LITELLM_URL"):
        config.option.numprocesses = 0


@pytest.fixture(autouse=True)
def _operator_log_as_it_was() -> Iterator[None]:
    """Undo what a command that ran in this process did to the log of the engine."""
    logger = logging.getLogger("engine")
    before = (list(logger.handlers), logger.level, logger.propagate)
    yield
    logger.handlers[:], logger.level, logger.propagate = before
