"""What the last cycle worked out, so that the next one works only on what has changed.

All of it follows from the configuration and from what LiteLLM and the backends answered. A result
is used again only for the same objects, and these are the same only while the same bytes come:
rows and answers are known by their digests. No clock has a part in it; holds and suspicion are
judged in each cycle.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from .backends.scope import scope_of
from .backends.transcript import Transcript
from .config.model import Config
from .config.references import references_of
from .errors import InvalidDocument
from .litellm.listing import KnownListing, Listed
from .state.deployment import DesiredState, Editing
from .state.documents import desired_document, listing_document
from .state.endpoint import Scope
from .state.frozen import interchangeable
from .state.listing import Listing
from .state.reuse import Last, Reuse, Settled
from .state.secret import Place
from .validate import validate

T = TypeVar("T")
_PART: Final = 500
"""Deployments that are made a document at once: 10,000 would take 14 MiB."""


class Known:
    """Belongs to the loop; as large as one cycle, since each use replaces what was there.

    ``listing`` and ``answers`` are what LiteLLM and the backends sent; ``rows``, ``sites`` and
    ``settled`` have what was made of each row and of each backend, and what needs no operation.
    """

    def __init__(self) -> None:
        self._config: Config | None = None
        self._references: Mapping[Place, str] = {}
        self._scope = scope_of(())
        self._forget_all()

    def _forget_all(self) -> None:
        self.listing = KnownListing()
        self.answers: dict[str, Transcript] = {}
        self._editing: Editing | None = None
        self._valid: dict[str, Any] = {"data": []}
        self._valid_listings = Reuse()
        self.forget_results()

    def forget_results(self) -> None:
        """Forget what was made of the answers, which takes more memory than the answers."""
        self._last = Last()
        self.rows, self.sites, self.settled = Reuse(), Reuse(), Settled()

    def take(self, config: Config) -> tuple[Config, Mapping[Place, str], Scope]:
        """Return a configuration, the references of its secrets, and the scope of its backends.

        If it equals the last one, the last one is returned; else everything is forgotten.
        """
        last = self._config
        if last is None or not (config is last or interchangeable(last, config)):
            last = self._config = config
            self._references = references_of(config)
            self._scope = scope_of(config.backends)
            self._forget_all()
        return last, self._references, self._scope

    def of(self, stage: Callable[..., T], *arguments: Any) -> T:
        """Return the result of a stage; it is not called again for the same objects."""
        return self._last.of(stage, *arguments)

    def document(self, listed: Listed, editing: Editing) -> dict[str, Any]:
        """Return the valid observed document; all results are forgotten if ``editing`` is new.

        Raises:
            InvalidDocument: it does not match its schema.
        """
        if editing != self._editing:
            self.forget_results()
        self._editing = editing
        document = self.listing.renew(listed, editing)
        if document is not self._valid:
            _check_observed(document, {id(row) for row in self._valid["data"]})
        self._valid = document
        return document

    def check_listings(self, listings: Sequence[Listing]) -> None:
        """Return if the listings of the backends match their schema.

        Raises:
            InvalidDocument: one does not.
        """
        self._valid_listings.each(_check_listing, listings)

    def check_desired(self, desired: DesiredState) -> None:
        """Return if the desired state matches its schema.

        Raises:
            InvalidDocument: it does not.
        """
        self._last.of(_check_desired, desired)


def _check_listing(listing: Listing) -> None:
    validate(listing_document(listing), "listing")


def _check_desired(desired: DesiredState) -> None:
    """Validate part after part, and all of it if that is not valid, for the paths."""
    every = desired.deployments
    try:
        for at in range(0, max(1, len(every)), _PART):
            part = replace(desired, deployments=every[at : at + _PART])
            validate(desired_document(part), "desired")
    except InvalidDocument:
        validate(desired_document(desired), "desired")


def _check_observed(document: Mapping[str, Any], valid: Collection[int]) -> None:
    """Validate what is new in a document, and all of it if that is not valid, for the paths.

    ``valid`` are the identities of rows that are valid.
    """
    new = [row for row in document["data"] if id(row) not in valid]
    try:
        validate({**document, "data": new}, "observed")
    except InvalidDocument:
        validate(document, "observed")
