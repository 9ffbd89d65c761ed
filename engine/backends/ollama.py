"""Ollama: lists at ``/api/tags``, and LiteLLM's Ollama providers want the bare root."""

from __future__ import annotations

from .answer import Get, Ids, Site, read_ids

PROVIDER = "ollama"


def ask(get: Get, site: Site) -> tuple[Ids, str]:
    """List the models; return them with the root of the server as ``api_base``."""
    path = site.prefix + site.models_endpoint if site.models_endpoint else "/api/tags"
    return read_ids(get(path)), site.endpoint
