"""vLLM: lists below ``/v1``, and LiteLLM's ``hosted_vllm/`` wants ``/v1`` in ``api_base``.

A configured URL without ``/v1`` is completed; a gateway that serves vLLM without ``/v1`` is
recognised by where its list is.
"""

from __future__ import annotations

from .answer import Get, Ids, Site, read_ids
from .openai import ask_in_turn

PROVIDER = "hosted_vllm"


def ask(get: Get, site: Site) -> tuple[Ids, str]:
    """List the models; return them with the ``api_base`` that goes with the list."""
    if site.models_endpoint:
        base = site.url if site.models_endpoint.startswith("/models") else f"{site.endpoint}/v1"
        return read_ids(get(site.prefix + site.models_endpoint)), base
    return ask_in_turn(get, site, ("/v1", ""))
