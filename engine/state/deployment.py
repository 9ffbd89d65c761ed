"""Deployments and states: the values that the stages compare and pass on.

A secret inside a document is a *reference*, ``{"$secret": "<fingerprint>"}``: two documents with
the same secret in the same place are equal, a rotated one shows as a change, and nobody who reads a
plan, a log or LiteLLM's listing learns the secret itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from .endpoint_status import EndpointStatus
from .frozen import EMPTY, Frozen
from .mark import Mark
from .origin import UNKNOWN, Origin

MARK: Final = "modelprovisioner"
"""The key in ``model_info`` under which a deployment carries our mark."""
SYNC: Final = "sync"
"""The policy that allows every change."""
ADOPT: Final = "adopt"
MARKED: Final = "marked"
EXCLUSIVE: Final = "exclusive"
"""Whose rows on the server of a backend the engine takes for its own."""
JOIN: Final = "join"
"""``on_taken_name``: a public name of others is shared with them."""
NO_ADDRESS: Final = "(no usable URL)"
"""The endpoint of a row of ours whose ``api_base`` somebody took away or made unusable."""
TEAM_ROW: Final = "it belongs to a team"
"""Why a row is read-only that only the members of a team can use."""


class Key(NamedTuple):
    """What identifies a deployment; a tuple, since every stage sorts and looks up by it.

    ``endpoint`` is the canonical address of the server (see :mod:`engine.state.endpoint`), ``name``
    the public model name, ``upstream`` the ``litellm_params.model``.
    """

    endpoint: str
    name: str
    upstream: str


@dataclass(frozen=True, slots=True)
class DesiredDeployment:
    """A row that LiteLLM should have.

    ``fields`` is ``{"litellm_params": {...}, "model_info": {...}}`` without the mark.
    ``predecessors`` are the upstreams under which the Go program would have registered the same
    model. If ``discovers``, a field that the backend reported once stays registered while the
    backend does not report it, except for the ``decided`` names, which the configuration sets.
    ``is_alias`` says that ``aliases`` in the configuration gives this public name.
    ``missing_key`` is the name of the key file of its backend if there is none: its ``api_key`` is
    then a placeholder, and no reason to change that of a row which has one already. ``origin`` says
    which listed model it is, ``renamed`` why its name is another one than there, "" if it is not.
    """

    key: Key
    fields: Frozen
    mark: Mark
    predecessors: tuple[str, ...] = ()
    discovers: bool = False
    decided: tuple[str, ...] = ()
    is_alias: bool = False
    missing_key: str = ""
    origin: Origin = UNKNOWN
    renamed: str = ""

    def row_keys(self) -> Iterator[Key]:
        """Yield its key, and those under which the Go program would have registered the model."""
        yield self.key
        for upstream in self.predecessors:
            yield Key(self.key.endpoint, self.key.name, upstream)


@dataclass(frozen=True, slots=True)
class ObservedDeployment:
    """A row that LiteLLM lists.

    ``fields`` has the shape of ``DesiredDeployment.fields``. ``mark`` is None for a row that no
    engine registered. ``read_only`` says why the row cannot be edited ("" if it can), ``blocked``
    whether somebody paused it. An ``unreadable`` row is beyond a bound: it is read-only, and its
    ``fields`` and mark are not known. ``released`` is the owner that let go of it, "" if nobody
    did: it is without a mark, and no engine takes it for its own by itself.
    """

    key: Key
    fields: Frozen
    id: str
    mark: Mark | None = None
    read_only: str = ""
    blocked: bool = False
    unreadable: bool = False
    released: str = ""

    @property
    def revision(self) -> int:
        """The revision in its mark; 0 without one."""
        return self.mark.revision if self.mark else 0

    @property
    def paused(self) -> str:
        """Why we blocked it; "" if it is not blocked, or somebody else blocked it."""
        return self.mark.paused if self.mark and self.blocked else ""

    @property
    def declared(self) -> tuple[str, ...]:
        """The paths of the fields that its mark lists as set by an engine; none without one."""
        return self.mark.fields if self.mark else ()

    def belongs_to(self, owner: str) -> bool:
        """Tell whether it bears the mark of an owner, and can be edited."""
        return not self.read_only and self.mark is not None and self.mark.owner == owner


Named = DesiredDeployment | ObservedDeployment
"""What has a public name."""


@dataclass(frozen=True, slots=True, order=True)
class Refusal:
    """A listed model that is not wanted, or not wanted as it is.

    ``key`` is the one that it would have, ``reason`` one word, ``because`` a sentence for people.
    ``id`` is that of a row of ours which stays nevertheless, "" if there is none. ``origin`` says
    which model it is; two models may be refused in the same way.
    """

    key: Key
    reason: str
    because: str
    id: str = ""
    origin: Origin = field(default=UNKNOWN, compare=False)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What is known of one configured endpoint in this cycle.

    ``outcome`` is the worst outcome among the listings of its backends. ``complete`` says whether
    a model that is not listed counts as absent. ``served`` are the ids of all listed models and
    the other ids that their entries give, ``matching`` says which more ids its server takes (see
    :class:`engine.state.listing.Listing`). ``renamed`` are the upstreams (without provider) that
    differ from the id of their model, ``excluded`` the (name, upstream) pairs of listed models
    that the configuration filters out. ``maintenance`` are those of its backends that the
    configuration takes out of service. ``removal_grace`` is for how many seconds a row that
    nothing wants is blocked before it is deleted; 0 for deletes at once.
    """

    url: str
    backends: tuple[str, ...]
    outcome: str
    detail: str
    complete: bool
    policy: str = SYNC
    ownership: str = ADOPT
    served: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()
    excluded: tuple[tuple[str, str], ...] = ()
    matching: str = ""
    maintenance: tuple[str, ...] = ()
    removal_grace: float = 0.0


@dataclass(frozen=True, slots=True)
class Editing:
    """How this LiteLLM changes a row; depends on its version (see :mod:`engine.litellm.api`).

    ``in_place`` is true where a PATCH does exactly what it says, ``removes`` where it can also
    take a parameter away. Otherwise a changed row is replaced by a new one. ``reports_unserved``
    is true where a create of a row that LiteLLM stores but cannot serve is answered with an error.
    """

    version: str = ""
    in_place: bool = False
    removes: bool = False
    reports_unserved: bool = False

    @property
    def pauses(self) -> bool:
        """Whether one PATCH blocks a row and writes why into its mark.

        LiteLLM has blocked rows from 1.95 on, but before 1.98 a PATCH and a block both take all
        other models out of the router for a moment.
        """
        return self.in_place

    @property
    def concurrent(self) -> bool:
        """Whether rows may be written at once: it reloads them one by one since 1.98, too."""
        return self.in_place


@dataclass(frozen=True, slots=True)
class DesiredState:
    """What should be registered, with what is known of the configured endpoints.

    ``refusals`` are the listed models that are not desired. ``statuses`` are what each backend
    answered, in the order of the configuration. ``litellm`` is the URL of the LiteLLM.
    """

    owner: str
    deployments: tuple[DesiredDeployment, ...]
    endpoints: tuple[Endpoint, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    statuses: tuple[EndpointStatus, ...] = ()
    litellm: str = ""


@dataclass(frozen=True, slots=True)
class ObservedState:
    """What LiteLLM lists on the configured endpoints.

    Several deployments with one key are legal (LiteLLM balances load between them). ``strays``
    are those with our mark for which no endpoint is known as their home, ``taken`` the ids of all
    rows of LiteLLM. ``unreadable`` describes the rows beyond a bound that are on no configured
    endpoint. ``holders`` maps each public name (or wildcard) of rows that can never be ours to
    descriptions of them: of teams, of other owners, or unmarked and not in ``deployments``.
    ``overdue`` are the ids of rows that were blocked for as long as ``removal_grace`` says.
    """

    owner: str
    deployments: tuple[ObservedDeployment, ...]
    strays: tuple[ObservedDeployment, ...] = ()
    editing: Editing = Editing()
    taken: frozenset[str] = frozenset()
    unreadable: tuple[str, ...] = ()
    holders: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: EMPTY)
    overdue: frozenset[str] = frozenset()


def without_provider(upstream: str) -> str:
    """Return the name in an upstream behind LiteLLM's provider: ``openai/a/b`` is ``a/b``."""
    return upstream.partition("/")[2] or upstream
