"""Which LiteLLM a test talks to."""

from __future__ import annotations

from typing import Final

import requests

SERIALISED: Final = (1, 98)
"""From this version on LiteLLM does not reload from its database while it writes to it."""


def version_of(url: str, session: requests.Session) -> str:
    """Return the version that a LiteLLM reports of itself, such as ``1.83.14``."""
    for path in ("/public/model_hub/info", "/health/readiness"):
        answer = session.get(url + path, timeout=30)
        if answer.ok and answer.json().get("litellm_version"):
            return str(answer.json()["litellm_version"])
    raise AssertionError(f"{url} does not report its version")
