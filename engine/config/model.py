"""The configuration as frozen values; :mod:`engine.config.loader` reads them from a file. Pure.

The defaults are in ``schemas/config.schema.json``, not here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from ..litellm.fields import is_price
from ..state.endpoint import canonical_endpoint, is_loopback
from ..state.frozen import Frozen
from ..state.pointer import leaves, pointer
from ..state.secret import PLACEHOLDER_KEY, Place, Secret
from ..transport.timing import Connection
from .patterns import NamePattern, Pattern, Replacement

STATIC: Final = "static"
AUTO: Final = "auto"
KINDS: Final = (
    "openai",
    AUTO,
    "docker_model_runner",
    "gpustack",
    "infinity",
    "lemonade",
    "litellm_proxy",
    "llamacpp",
    "lmstudio",
    "localai",
    "ollama",
    "openrouter",
    "sglang",
    STATIC,
    "tabbyapi",
    "tei",
    "tgi",
    "vllm",
    "xinference",
)
"""What ``type`` may be. Each kind has an adapter in :mod:`engine.backends.kinds`, except ``auto``,
which chooses one, and ``static``, which asks no server. The first one is what an unknown ``type``
means."""


@dataclass(frozen=True, slots=True)
class LiteLLM:
    """The proxy: its normal URL (see :mod:`engine.state.endpoint`) and the key of an admin.

    ``writers`` is how many operations may be sent to it at the same time.
    """

    url: str
    key: Secret
    connection: Connection
    writers: int = 1


@dataclass(frozen=True, slots=True)
class Limits:
    """When missing models are suspicious, and how many seconds this must last before deletion.

    ``max_models`` is how many rows a backend may have, ``max_creates`` how many a cycle creates.
    """

    max_delete_fraction: float
    min_deployments: int
    suspicion_period: float
    max_models: int
    max_creates: int


@dataclass(frozen=True, slots=True)
class Override:
    """``model_info`` fields for models that match; a null removes a default."""

    pattern: Pattern
    capabilities: Frozen


@dataclass(frozen=True, slots=True)
class Selection:
    """Which listed models are wanted, apart from the expressions.

    ``modes`` is empty for all modes. A model of unknown mode is wanted unless ``modes`` is given.
    """

    adapters: bool
    remote: bool
    unloaded: bool
    failed: bool
    modes: tuple[str, ...]
    not_modes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Backend:
    """One LLM server.

    ``key`` is BLANK without a key file; if the file cannot be used, ``key_problem`` says why.
    ``key_given`` is whether there is such a file: an empty one says that no key is needed.
    ``litellm_params`` and fields of ``model_info`` may hold Secrets at any depth. ``aliases`` maps
    model ids to more public names. ``models`` are those of a ``static`` backend: fields of
    ``model_info`` by id. ``on_taken_name`` and ``joinable_names`` are about public names that
    others have in LiteLLM. In ``maintenance`` its rows are blocked, and none is made or deleted.
    Rows that nothing wants are blocked for ``removal_grace`` seconds before they are deleted.
    """

    name: str
    kind: str
    url: str
    key: Secret
    key_problem: str
    key_given: bool
    connection: Connection
    models_endpoint: str
    model_format: str
    renames: tuple[Replacement, ...]
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
    models: Mapping[str, Frozen]
    on_taken_name: str
    joinable_names: tuple[NamePattern, ...]
    policy: str
    ownership: str
    on_unreachable: str
    removal_grace: float
    maintenance: bool

    def may_join(self, name: str) -> bool:
        """Tell whether its models may share a public name with rows of others."""
        return any(pattern.matches(name) for pattern in self.joinable_names)

    def secrets(self) -> Iterator[tuple[str, Secret]]:
        """Yield the key, and every secret parameter, with the path of its field in a row."""
        yield "/litellm_params/api_key", self.key
        yield from _secrets("litellm_params", self.litellm_params)
        overrides = (override.capabilities for override in self.overrides)
        for info in (self.model_info, *overrides, *self.models.values()):
            prices = {name for name in info if is_price(name)}
            yield from _secrets("litellm_params", {name: info[name] for name in prices})
            yield from _secrets("model_info", {n: info[n] for n in info.keys() - prices})


def _secrets(part: str, fields: Frozen) -> Iterator[tuple[str, Secret]]:
    for path, leaf in leaves(fields):
        if isinstance(leaf, Secret):
            yield pointer((part, *path)), leaf


@dataclass(frozen=True, slots=True)
class Webhook:
    """Who is told of news: ``url``, in which ``form``, and of which ``topics``."""

    url: Secret
    form: str
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that an operator configures; ``warnings`` are sentences for the log.

    ``unused_keys`` are sentences about key files that nothing uses. ``references`` are known
    without hashing: a recording has them in place of the secrets.
    """

    litellm: LiteLLM
    backends: tuple[Backend, ...]
    owner: str
    limits: Limits
    warnings: tuple[str, ...]
    on_clash: str
    unused_keys: tuple[str, ...] = ()
    references: Mapping[Place, str] = field(default_factory=dict)
    notifications: tuple[Webhook, ...] = ()

    @property
    def notices(self) -> tuple[str, ...]:
        """The warnings, and what is no mistake in the file but good to know."""
        url = self.litellm.url
        if is_loopback(url) or not url.startswith("http:"):
            return self.warnings
        plain = f"the key of LiteLLM's admin travels unencrypted to {url}"
        return (*self.warnings, f"{plain}; use https unless you trust the network in between")

    def endpoints(self, names: Collection[str] = ()) -> tuple[str, ...]:
        """Return the canonical addresses of the backends, in the order of the file.

        With ``names``, only those of the backends with these names.
        """
        chosen = (backend for backend in self.backends if not names or backend.name in names)
        return tuple(dict.fromkeys(canonical_endpoint(backend.url) for backend in chosen))

    def places(self) -> Iterator[Place]:
        """Yield every secret that is sent to LiteLLM, with where it is used."""
        for backend in self.backends:
            endpoint = canonical_endpoint(backend.url)
            for path, secret in backend.secrets():
                yield endpoint, path, secret

    def secrets(self) -> tuple[Secret, ...]:
        """Return every secret in here, each once, for redaction."""
        found = [self.litellm.key, *(secret for _, _, secret in self.places())]
        found += [webhook.url for webhook in self.notifications]
        known = (secret for secret in found if secret and secret != Secret(PLACEHOLDER_KEY))
        return tuple(dict.fromkeys(known))
