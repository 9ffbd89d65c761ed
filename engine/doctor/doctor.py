"""The whole examination, top to bottom. It reads, and goes on where something is broken."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ..backends.scope import scope_of
from ..config.loader import examine_config
from ..config.model import Config
from ..config.references import references_of, secret_values
from ..desired.clashes import without_clashes
from ..desired.deployments import desired_state
from ..desired.taken import without_taken
from ..litellm.observed import observed_state
from ..plan.planner import make_plan
from ..plan.safety import Suspicion, hold
from ..state.deployment import DesiredState
from ..state.secret import Place, Secret
from ..transport.background import Background
from ..transport.client_pool import Http
from .asked import Asked, ask_backends
from .backends import check_backends
from .config import check_configuration
from .finding import BACKENDS, LITELLM, MODELS, NETWORK, UNCHECKED, Diagnosis, Finding, diagnosis
from .litellm import Seen, check_litellm, look_at_litellm
from .network import LITELLM as PROXY
from .network import check_ways, look_at_ways
from .rows import check_models
from .secrets import check_key_files, look_into, named_files
from .sharing import check_addresses, check_sharing

_NO_CONFIG: Final = "the configuration cannot be read"
_NO_LITELLM: Final = "its address or its key is missing, or it cannot be reached"
_BROKEN: Final = "there is no plan while the configuration, or the key of LiteLLM, has an error"


@dataclass(frozen=True, slots=True)
class Installation:
    """Where the installation is: the file of the configuration, and the folder of key files.

    ``environment`` has the variables that the configuration may name.
    """

    config: Path
    secrets: Path
    environment: Mapping[str, str] = field(default_factory=dict)


def diagnose(
    where: Installation, http: Http, learn: Callable[[Iterable[Secret]], None]
) -> Diagnosis:
    """Return what is wrong with an installation; ``learn`` is given its secrets, to hide them.

    Nothing is written, and only GETs are sent, but for the harmless POSTs of adapters that have no
    other way to ask.
    """
    examined = examine_config(where.config, where.secrets, where.environment)
    folder = look_into(where.secrets, named_files(examined))
    learn(folder.secrets())
    findings = [*check_configuration(examined, where.config), *check_key_files(folder, examined)]
    if examined.config is None:
        return diagnosis([*findings, *_unchecked(_NO_CONFIG, NETWORK, BACKENDS, LITELLM, MODELS)])
    config = examined.config
    learn(config.secrets())
    references = references_of(config)
    ways = look_at_ways(config)
    findings += check_ways(ways, time.time())
    unreached = {name for name, _, way in ways if way.failed}
    litellm = Background(lambda: _litellm(config, references, unreached, http), "look-litellm")
    asked = ask_backends(config, http)
    seen = litellm.result()
    if seen is None:
        findings += _unchecked(_NO_LITELLM, LITELLM)
    else:
        findings += check_litellm(seen, time.time())
    desired = _desired(config, asked, references)
    findings += check_backends(asked, desired.statuses, unreached)
    if examined.problems:
        findings += _unchecked(_BROKEN, MODELS)
    else:
        findings += _models(config, asked, desired, seen)
    return diagnosis(findings)


def _litellm(
    config: Config, references: Mapping[Place, str], unreached: set[str], http: Http
) -> Seen | None:
    """Return what LiteLLM shows; None if it cannot be asked, for a reason told already."""
    if not (config.litellm.url and config.litellm.key) or PROXY in unreached:
        return None
    return look_at_litellm(config, secret_values(references), http)


def _desired(
    config: Config, asked: Iterable[Asked], references: Mapping[Place, str]
) -> DesiredState:
    listings = tuple(each.listing for each in asked)
    return desired_state(config, listings, scope_of(config.backends), references)


def _models(
    config: Config, asked: Iterable[Asked], desired: DesiredState, seen: Seen | None
) -> Iterator[Finding]:
    """Yield what a cycle would do with these answers, and what rows share."""
    if seen is None or seen.document is None:
        yield from _unchecked("LiteLLM's rows cannot be read", MODELS)
        return
    scope = scope_of(config.backends)
    observed = observed_state(seen.document, scope, config.owner)
    desired = without_taken(desired, observed, config.backends)
    desired = without_clashes(desired, observed, config.on_clash, config.endpoints())
    plan = make_plan(desired, observed)
    plan, _ = hold(plan, desired, observed, config.limits, Suspicion())
    yield from check_models(plan, desired, observed)
    yield from check_sharing(seen.document["data"], desired, observed, plan)
    yield from check_addresses(observed, [each.listing for each in asked], scope)


_UNSEEN: Final = {
    NETWORK: "the way to the servers",
    BACKENDS: "what the backends serve",
    LITELLM: "LiteLLM, our key and its settings",
    MODELS: "what is registered, and what is missing",
}


def _unchecked(why: str, *areas: str) -> Iterator[Finding]:
    for area in areas:
        yield Finding(UNCHECKED, area, "area", area, _UNSEEN[area], why)
