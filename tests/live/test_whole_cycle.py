"""From an empty proxy to chats through it, with the configuration of the Go program."""

from __future__ import annotations

import pytest

from engine.state.deployment import MARK

from .conftest import Servers
from .installation import Installation
from .real_proxy import RealProxy, names

_GO_CONFIG = """\
# Every field of the Go program, with its special cases: vLLM's address without /v1, Ollama's bare
# root, an api_key among the parameters, scalars that YAML 1.1 reads differently.
litellm:
  url: {litellm}/
owner: {owner}

backends:
  - name: vllm-a100
    type: vllm
    url: {vllm}
    discovery: n
    filter_regex: (?i)^[[:alnum:]._-]+$
    overrides:
      - regex: ONE
        capabilities:
          supports_vision: on
          max_input_tokens: 32_768
      - regex: (?i)one
        capabilities:
          supports_vision: on
          supports_function_calling: true
    model_info_defaults: &local
      mode: chat
      input_cost_per_token: 0
      output_cost_per_token: 0.0
    litellm_params_defaults:
      rpm: 1e3
      timeout: 0o1130
    generic_params: &shared
      api_key: sk-from-the-parameters
      stream_timeout: 120
      tags: [local, on-premises]

  - name: ollama
    type: ollama
    url: {ollama}
    model_format: {ollama_format}
    model_info_defaults:
      <<: *local
      litellm_provider: ollama
    generic_params:
      <<: *shared
      stream_timeout: 300

  - name: 0815
    url: {openai}/v1//
    models_endpoint: /models
    model_format: openai/{{model}}
    discovery: n
"""


@pytest.mark.parametrize(
    ("ollama_format", "ollama_path"),
    [("ollama/{model}", "/api/generate"), ("ollama_chat/{model}", "/api/chat")],
)
def test_a_go_configuration_leads_to_chats_through_litellm_and_then_to_no_write(
    servers: Servers,
    installation: Installation,
    litellm: RealProxy,
    unique: str,
    ollama_format: str,
    ollama_path: str,
) -> None:
    vllm, openai = servers.llamacpp([f"live-llama-one-{unique}", f"live-llama-two-{unique}"])
    ollama = servers.start("ollama", [f"llama3.2:{unique}"])
    installation.config.write_text(
        _GO_CONFIG.format(
            litellm=installation.tap.url,
            owner=installation.owner,
            vllm=vllm,
            openai=openai,
            ollama=ollama.url,
            ollama_format=ollama_format,
        )
    )
    first = installation.converge()
    assert {result[::2] for result in first.results} == {("missing", "applied")}

    on_vllm, on_openai, on_ollama = (litellm.rows_on(u) for u in (vllm, openai, ollama.url))
    assert (len(on_vllm), len(on_openai), names(on_ollama)) == (1, 1, ollama.models)
    params, info = on_vllm[0]["litellm_params"], on_vllm[0]["model_info"]
    assert params["model"] == f"hosted_vllm/{on_vllm[0]['model_name']}"
    assert params["api_base"] == f"{vllm}/v1"
    assert {key: params[key] for key in ("rpm", "timeout", "stream_timeout", "tags")} == {
        "rpm": 1000,
        "timeout": 600,
        "stream_timeout": 120,
        "tags": ["local", "on-premises"],
    }
    assert (info["mode"], info["supports_vision"], info["supports_function_calling"]) == (
        "chat",
        True,
        True,
    )
    assert info[MARK]["backend"] == "vllm-a100"
    assert on_ollama[0]["litellm_params"]["api_base"] == ollama.url
    assert on_openai[0]["litellm_params"]["api_base"] == f"{openai}/v1"

    for row in (*on_vllm, *on_openai, *on_ollama):
        answer = litellm.chat(row["model_name"])
        assert answer.status_code == 200, answer.text
        assert answer.json()["choices"][0]["message"]["content"] is not None
        assert answer.headers["x-litellm-model-id"] == row["model_info"]["id"]
    assert [chat.path for chat in ollama.chats] == [ollama_path]

    installation.assert_quiet()
