"""What an operator decides, as frozen values. Read by :mod:`engine.config`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .configparts import secrets_in
from .endpoint import canonical_endpoint
from .patterns import Pattern
from .state import PLACEHOLDER_KEY, Frozen, Secret


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach a server: ``timeout`` in seconds, ``ca_file`` a path or None."""

    timeout: float = 10.0
    verify: bool = True
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class LiteLLM:
    """The proxy: its normal URL and the key of an admin."""

    url: str
    key: Secret
    connection: Connection


@dataclass(frozen=True, slots=True)
class Limits:
    """When absences are suspicious, and for how many seconds they must last to be believed."""

    max_delete_fraction: float = 0.3
    min_deployments: int = 10
    suspicion_period: float = 900.0


@dataclass(frozen=True, slots=True)
class Override:
    """``model_info`` fields for models that match; a null takes away what a default sets."""

    pattern: Pattern
    capabilities: Frozen


@dataclass(frozen=True, slots=True)
class Selection:
    """Which of the listed models are wanted, beside the expressions.

    ``modes`` is empty for all; a model of unknown mode passes unless ``modes`` is given.
    """

    adapters: bool = True
    remote: bool = False
    unloaded: bool = True
    failed: bool = True
    modes: tuple[str, ...] = ()
    not_modes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Backend:
    """One LLM server.

    ``key`` is BLANK without a key file; where the file is unusable, ``key_problem`` says why.
    ``litellm_params`` may hold Secrets at any depth. ``aliases`` maps model ids to more names.
    ``models`` are those of a server without a list, each an id and fields of ``model_info``.
    """

    name: str
    kind: str
    url: str
    key: Secret
    key_problem: str
    connection: Connection
    models_endpoint: str
    model_format: str
    discovery: bool | str
    include: Pattern | None
    exclude: Pattern | None
    overrides: tuple[Override, ...]
    model_info: Frozen
    litellm_params: Frozen
    name_format: str
    aliases: Mapping[str, tuple[str, ...]]
    strip_tag: str
    use_slots: bool
    selection: Selection
    models: tuple[tuple[str, Frozen], ...]
    policy: str
    ownership: str
    on_unreachable: str


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that an operator decides; ``warnings`` are sentences for the log."""

    litellm: LiteLLM
    backends: tuple[Backend, ...]
    owner: str
    limits: Limits
    warnings: tuple[str, ...]
    on_clash: str = "pool"

    def endpoints(self) -> tuple[str, ...]:
        """Return the canonical addresses of the backends, in the order of the file."""
        return tuple(dict.fromkeys(canonical_endpoint(backend.url) for backend in self.backends))

    def secrets(self) -> tuple[Secret, ...]:
        """Return every secret in here, each once, for redaction."""
        found = [self.litellm.key]
        for backend in self.backends:
            found += [backend.key] if backend.key != Secret(PLACEHOLDER_KEY) else []
            found += secrets_in(backend.litellm_params)
            found += secrets_in(backend.model_info)
        return tuple(dict.fromkeys(secret for secret in found if secret))
