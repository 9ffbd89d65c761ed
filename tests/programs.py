"""Programs that tests run if they are installed."""

from __future__ import annotations

import os
import shutil

import pytest


def needed(name: str, why: str, switch: str) -> str:
    """Return the path of a program. Without it the test is skipped, with ``why``.

    It fails instead where the environment has ``switch``, as in CI.
    """
    found = shutil.which(name)
    if found is None:
        if os.environ.get(switch):
            pytest.fail(why)
        pytest.skip(why)
    return found
