"""Whether LiteLLM serves a row that it has stored, as far as asking its replicas can show."""

from __future__ import annotations

import time

from .api import Proxy


def wait_until_served(row_id: str, proxy: Proxy) -> bool:
    """Ask repeatedly whether a row is served; return whether it was.

    LiteLLM before 1.97 answers 200 to a create that it cannot serve. Behind a load balancer,
    another replica may answer that has not loaded the row yet: only if all of many answers say so,
    no replica serves it.
    """
    for attempt in range(proxy.timing.streak):
        if proxy.is_live(row_id, reconnect=attempt > 0):
            return True
        if 0 < attempt < proxy.timing.live_attempts:
            time.sleep(proxy.timing.apply_pause)
    return False


def is_served_by_all(row_id: str, proxy: Proxy) -> bool:
    """Tell whether all replicas behind a load balancer serve a row, as far as asking can show.

    The replica that deletes another row of the same name stops serving that at once, but serves
    this one only after its next reload: with an early delete, the name would not be served at all.
    LiteLLM does not say which replica answers. So one that does not serve the row is not waited
    for: the more often one asks while there is such a replica, the likelier it is passed over. The
    delete goes over the connection of the last answer, so to the same replica where the balancer
    chooses by connection.
    """
    return all(proxy.is_live(row_id, reconnect=True) for _ in range(proxy.timing.streak))
