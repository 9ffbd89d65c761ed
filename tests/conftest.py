"""What holds for every test."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest
from hypothesis import settings

# A busy machine is no error, so there is no deadline. CI asks for the profile `thorough`.
settings.register_profile("thorough", settings.default, deadline=None, max_examples=100)
settings.register_profile("usual", settings.default, deadline=None, max_examples=30)
settings.load_profile("usual")


def pytest_xdist_auto_num_workers() -> int:
    """Start more processes than there are cores: a third of the time, tests wait for servers."""
    return max(2, len(os.sched_getaffinity(0)) * 3 // 2)


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
