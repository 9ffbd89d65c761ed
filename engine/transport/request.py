"""What a client sends, and the session through which it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import requests

from .budget import Allowance
from .json_stream import Keeper


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: ``path`` is appended to the client's URL, ``body`` is sent as JSON.

    ``allowance`` is what its answer may cost. With a ``keeper`` the answer holds a list that may be
    long; see :meth:`Client.rows`.
    """

    method: str
    path: str
    body: object = None
    allowance: Allowance = field(default_factory=Allowance)
    keeper: Callable[[], Keeper] | None = None
    is_raw: bool = False


class Session(requests.Session):
    """The connections to one server."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return nothing: requests would read the whole body of a redirect, which may not end."""
