"""The kinds of backends that have an adapter, by their name in the configuration.

``auto`` chooses among these; ``static`` asks no server.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..server import Adapter
from . import (
    docker_model_runner,
    gpustack,
    infinity,
    lemonade,
    litellm_proxy,
    llamacpp,
    lmstudio,
    localai,
    ollama,
    openai,
    openrouter,
    sglang,
    tabbyapi,
    tei,
    tgi,
    vllm,
    xinference,
)

KINDS: Final[Mapping[str, Adapter]] = {
    "docker_model_runner": docker_model_runner,
    "gpustack": gpustack,
    "infinity": infinity,
    "lemonade": lemonade,
    "litellm_proxy": litellm_proxy,
    "llamacpp": llamacpp,
    "lmstudio": lmstudio,
    "localai": localai,
    "ollama": ollama,
    "openai": openai,
    "openrouter": openrouter,
    "sglang": sglang,
    "tabbyapi": tabbyapi,
    "tei": tei,
    "tgi": tgi,
    "vllm": vllm,
    "xinference": xinference,
}
