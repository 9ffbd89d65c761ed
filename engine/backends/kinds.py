"""The kinds of backends that there are, each with its adapter.

``auto`` chooses among these; ``static`` is no server that could be asked.
"""

from __future__ import annotations

from types import ModuleType
from typing import Final

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

KINDS: Final[dict[str, ModuleType]] = {
    "openai": openai,
    "ollama": ollama,
    "llamacpp": llamacpp,
    "vllm": vllm,
    "sglang": sglang,
    "lmstudio": lmstudio,
    "tgi": tgi,
    "tei": tei,
    "infinity": infinity,
    "localai": localai,
    "xinference": xinference,
    "gpustack": gpustack,
    "tabbyapi": tabbyapi,
    "docker_model_runner": docker_model_runner,
    "lemonade": lemonade,
    "litellm_proxy": litellm_proxy,
    "openrouter": openrouter,
}
