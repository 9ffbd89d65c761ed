"""Everything that a cycle reads, asked at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from .backends.fetch import fetch_listings
from .config.model import Config
from .known import Known
from .litellm.api import Proxy
from .litellm.listing import fetch_rows
from .state.listing import Listing
from .state.secret import Secret
from .transport.background import Background
from .transport.client_pool import LISTING, Http

Answers = tuple[Proxy, tuple[Listing, ...], dict[str, Any]]
_ROWS: Final = "list-litellm"


def gather(
    config: Config,
    secrets: Mapping[str, Secret],
    http: Http,
    known: Known,
    stopping: Callable[[], bool],
) -> Answers:
    """Return LiteLLM, what each backend lists, and the valid observed document.

    Raises:
        TransportError: LiteLLM cannot be read.
        InvalidDocument: an answer does not match its schema.
    """
    failed = threading.Event()
    litellm = config.litellm
    client = http.client(litellm.url, litellm.key, litellm.connection, backend=LISTING)
    client.hide(secrets.values())
    backends = Background(
        lambda: fetch_listings(
            config.backends, http, lambda: failed.is_set() or stopping(), known.answers
        ),
        "list-backends",
    )
    rows = Background(lambda: fetch_rows(client, known.listing.rows, known.forget_results), _ROWS)
    try:
        proxy = Proxy.connect(http, litellm, secrets)
        listed = rows.result()
    except BaseException:
        failed.set()
        http.discard(client)
        backends.wait()
        raise
    listings = backends.result()
    known.check_listings(listings)
    return proxy, listings, known.document(listed, proxy.editing)
