"""Any OpenAI-compatible server: llama.cpp, TGI, LM Studio, SGLang, a gateway, ...

LiteLLM's ``openai/`` provider appends ``/chat/completions`` to ``api_base`` as it is, so the
address that answers the list decides the one to register.
"""

from __future__ import annotations

from ..errors import Garbled, Rejected
from .answer import Get, Ids, Site, read_ids

PROVIDER = "openai"


def ask(get: Get, site: Site) -> tuple[Ids, str]:
    """List the models; return them with the ``api_base`` that goes with the list.

    ``url/models`` first. Where that is no list and ``url`` has no ``/v1``, ``url/v1/models``: a
    bare root is what people write, and servers differ in whether they answer there.
    """
    if site.models_endpoint:
        return read_ids(get(site.prefix + site.models_endpoint)), site.url
    return ask_in_turn(get, site, ("", "/v1"))


def ask_in_turn(get: Get, site: Site, below: tuple[str, ...]) -> tuple[Ids, str]:
    """Try ``/models`` below the URL itself, or each of ``below`` if the URL has no ``/v1``.

    Raises:
        Garbled, Rejected: from the first place, when no place has a list.
    """
    first: Garbled | Rejected | None = None
    for suffix in ("",) if site.prefix else below:
        try:
            return read_ids(get(f"{site.prefix}{suffix}/models")), site.url + suffix
        except (Garbled, Rejected) as error:
            if isinstance(error, Rejected) and error.status in (401, 403):
                raise
            first = first or error
    assert first is not None
    raise first
