"""Answers from a recording, in place of the network."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import Unavailable
from ..transport.request import Asked, Taped
from .pages import Pages, host_of, names_of, taped_of


class Player:
    """A tape that never asks the network. See :class:`Tape`.

    ``backends`` has the pages of each server by :func:`host_of` its address. ``missing`` are the
    requests to recorded servers that have no page, ``strangers`` the servers that are not recorded.
    """

    def __init__(self, litellm: Pages, backends: Mapping[str, Pages]) -> None:
        self._litellm = litellm
        self._backends = backends
        self.missing: list[str] = []
        self.strangers: list[str] = []

    def recall(self, asked: Asked) -> Taped | None:
        """Return the recorded answer.

        Raises:
            TransportError: the recorded error; Unavailable also where there is no page.
        """
        request = f"{asked.method} {asked.url}"
        pages = self._backends.get(host_of(asked.url)) if asked.backend else self._litellm
        if pages is None:
            self.strangers.append(asked.backend)
            what = "not recorded: the recording has no answers of this server"
            raise Unavailable(f"{request}: {what}; record again to see its models", sent=False)
        page = find_page(pages, asked)
        if page is None:
            self.missing.append(request)
            raise Unavailable(f"{request}: this request is not recorded", sent=False)
        taped = taped_of(page[0])
        if taped.error is not None:
            raise taped.error
        return taped

    def begin(self, asked: Asked) -> None:
        """Do nothing; everything is recalled."""

    def keep(self, asked: Asked, taped: Taped) -> None:
        """Do nothing; everything is recalled."""


def find_page(pages: Pages, asked: Asked) -> tuple[object] | None:
    """Return the page for a request, in a tuple since it may be null; None if there is none."""
    for name in names_of(asked):
        if name in pages:
            return (pages[name],)
    return None
