"""Facts that real llama.cpp servers report, registered on a real LiteLLM.

LLAMACPP_TOOLS_URL is a server whose chat template has tools, LLAMACPP_EMBEDDING_URL was started
for embeddings, LLAMACPP_URLS are plain servers.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
import requests

from .conftest import Servers
from .installation import Installation
from .real_proxy import RealProxy

TOOL = {
    "type": "function",
    "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}},
}


def server_of(variable: str, servers: Servers) -> str:
    """Return the URL of a real server, whose rows are removed after the test."""
    url = os.environ.get(variable, "").split(",")[0].rstrip("/")
    if not url:
        pytest.skip(f"NOT TESTED WITH THIS REAL SERVER: set {variable}")
    assert not servers.litellm.rows_on(url), f"{url}: others have registered it; use your own"
    servers.sites.append(url)
    return url


def registered(
    installation: Installation, litellm: RealProxy, url: str, **fields: Any
) -> dict[str, Any]:
    """Register a server and return its one row; a second cycle must be quiet."""
    installation.configure({"name": "real", "url": url, **fields})
    assert [result[2] for result in installation.converge().results] == ["applied"]
    installation.assert_quiet()
    (row,) = litellm.rows_on(url)
    return row


@pytest.mark.parametrize("kind", ["llamacpp", "auto"])
def test_a_plain_llamacpp_is_registered_with_its_mode_and_window_and_without_tools(
    servers: Servers, installation: Installation, litellm: RealProxy, kind: str
) -> None:
    url = server_of("LLAMACPP_URLS", servers)
    props = requests.get(f"{url}/props", timeout=10).json()
    row = registered(installation, litellm, url, type=kind, use_slots=True)
    info = row["model_info"]
    assert info["mode"] == "chat"
    assert info["max_input_tokens"] == props["default_generation_settings"]["n_ctx"]
    assert info["supports_function_calling"] is False
    assert row["litellm_params"]["max_parallel_requests"] == props["total_slots"]
    assert litellm.chat(row["model_name"]).status_code == 200


def test_a_llamacpp_with_tools_is_registered_with_them_and_takes_them(
    servers: Servers, installation: Installation, litellm: RealProxy
) -> None:
    url = server_of("LLAMACPP_TOOLS_URL", servers)
    row = registered(installation, litellm, url, type="llamacpp")
    assert row["model_info"]["mode"] == "chat"
    assert row["model_info"]["supports_function_calling"] is True
    body = {
        "model": row["model_name"],
        "messages": [{"role": "user", "content": "hello"}],
        "tools": [TOOL],
        "max_tokens": 4,
    }
    answer = requests.post(
        f"{litellm.url}/v1/chat/completions",
        json=body,
        headers={"Authorization": f"Bearer {litellm.key}"},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["choices"]


def test_an_embedding_llamacpp_answers_embeddings_through_litellm(
    servers: Servers, installation: Installation, litellm: RealProxy
) -> None:
    url = server_of("LLAMACPP_EMBEDDING_URL", servers)
    overrides = [{"regex": ".", "capabilities": {"mode": "embedding"}}]
    row = registered(installation, litellm, url, type="llamacpp", overrides=overrides)
    assert row["model_info"]["mode"] == "embedding"
    answer = requests.post(
        f"{litellm.url}/v1/embeddings",
        json={"model": row["model_name"], "input": "hello"},
        headers={"Authorization": f"Bearer {litellm.key}"},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    assert len(answer.json()["data"][0]["embedding"]) > 1
