"""Findings about LiteLLM: its version, its database, our key, its settings, its replicas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ..config.model import Config
from ..errors import InvalidDocument, TransportError
from ..litellm import inspection
from ..litellm.api import Proxy
from ..litellm.fields import release_of
from ..litellm.inspection import Inspection, Rights, Setting, inspect
from ..report.news import format_count
from ..state.secret import Secret
from ..transport.client_pool import Http
from ..validate import validate
from .finding import ERROR, LITELLM, NOTE, OK, UNCHECKED, WARNING, Finding

_SUBJECT: Final = "LiteLLM"
_PATIENCE: Final = 30.0
"""Seconds in which LiteLLM may tell of itself, after it has listed its rows."""
_SOON: Final = 14
"""Days before its end from which on a key is a warning."""
_NO_CYCLE: Final = "no cycle can run: nothing is registered, changed or deleted"
_OLDEST: Final = (1, 74)
"""The oldest version that the engine was measured with."""
_ONE_WRITER: Final = (
    "a changed row is replaced, not edited: a new row, seen served, then the old one goes"
)
_QUIRKS: Final = (
    (
        (1, 95),
        "other replicas list the last model for ever after it was deleted",
        "their users still see a model that is gone",
    ),
    (
        (1, 95),
        "has no way to pause a model",
        "a model can only be registered or deleted",
    ),
    (
        (1, 97),
        "answers 200 to a row that it stores but cannot serve",
        "the engine looks for each new row before it counts as done, which takes longer",
    ),
    (
        (1, 98),
        "loses rows if it is written to by several at once, and its models while it is edited",
        _ONE_WRITER,
    ),
    (
        (1, 109),
        "cannot take a parameter out of a row",
        "a row from which a parameter is to go is replaced",
    ),
)
"""What versions before these do: what, and what follows from it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What LiteLLM shows.

    ``problem`` says why there is no proxy that can be used, ``unlisted`` why there are no rows;
    each is "" if there are. ``document`` are the rows.
    """

    problem: str = ""
    version: str = ""
    unlisted: str = ""
    document: Mapping[str, Any] | None = None
    inspection: Inspection | None = None


def look_at_litellm(config: Config, secrets: Mapping[str, Secret], http: Http) -> Seen:
    """Read what LiteLLM shows; never raises."""
    try:
        proxy = Proxy.connect(http, config.litellm, secrets)
    except TransportError as error:
        return Seen(problem=str(error))
    version = proxy.editing.version
    try:
        document = proxy.fetch_deployments()
        validate(document, "observed")
    except (TransportError, InvalidDocument) as error:
        return Seen(version=version, unlisted=str(error))
    litellm = config.litellm
    client = http.client(litellm.url, litellm.key, litellm.connection)
    return Seen(version=version, document=document, inspection=inspect(client, _PATIENCE))


def check_litellm(seen: Seen, now: float) -> Iterator[Finding]:
    """Yield the findings about a LiteLLM that was asked; ``now`` is in seconds since 1970."""
    if seen.problem:
        what, _, fix = seen.problem.partition(" Remedy: ")
        fix = fix or "look at LiteLLM's log"
        yield Finding(ERROR, LITELLM, "unavailable", _SUBJECT, what.rstrip("."), _NO_CYCLE, fix)
        return
    yield Finding(OK, LITELLM, "database", _SUBJECT, "answers, and has its database")
    yield from _version(seen.version)
    if seen.unlisted:
        what, _, fix = seen.unlisted.partition(" Remedy: ")
        check = "wrong_key" if "HTTP 401" in what else "listing"
        fix = fix or "look at LiteLLM's log"
        yield Finding(ERROR, LITELLM, check, _SUBJECT, what.rstrip("."), _NO_CYCLE, fix)
    if seen.inspection is not None:
        yield from _rights(seen.inspection.rights, now)
        yield from _saving(seen.inspection, seen.document or {"data": []})
        yield from _settings(seen.inspection.settings)
        yield from _replicas(seen.inspection)


def _version(version: str) -> Iterator[Finding]:
    number = release_of(version)
    if number is None:
        what = "does not tell its version"
        fix = "let the engine read /public/model_hub/info"
        yield Finding(WARNING, LITELLM, "version", _SUBJECT, what, _ONE_WRITER, fix)
        return
    known = [quirk for quirk in _QUIRKS if number < quirk[0]]
    if number < _OLDEST:
        what = f"is version {version}, older than any that the engine was tried with"
        why = "writes may do something else than expected"
        yield Finding(WARNING, LITELLM, "version", _SUBJECT, what, why, "use 1.98 or later")
    elif not known:
        what = f"is version {version}: rows are edited in place, and nothing is known against it"
        yield Finding(OK, LITELLM, "version", _SUBJECT, what)
    else:
        what = f"is version {version}, which the engine knows"
        yield Finding(OK, LITELLM, "version", _SUBJECT, what)
    for (major, minor), what, why in known:
        fix = f"nothing must be done; this is so before {major}.{minor} only"
        yield Finding(NOTE, LITELLM, "quirk", _SUBJECT, f"{version} {what}", why, fix)


def _rights(rights: Rights, now: float) -> Iterator[Finding]:
    fix = "put the key of a proxy admin into the key file 'litellm'"
    if rights.role == inspection.ADMIN:
        what = "our key is the master key" if rights.is_master else "our key is that of an admin"
        yield Finding(OK, LITELLM, "rights", _SUBJECT, what)
    elif rights.role == inspection.UNKNOWN:
        yield Finding(UNCHECKED, LITELLM, "rights", _SUBJECT, "what our key may do", rights.why)
    else:
        what = f"our key may read models, but not write them (role {rights.shown})"
        why = "every create, change and delete is refused"
        yield Finding(ERROR, LITELLM, "rights", _SUBJECT, what, why, fix)
    if rights.expires:
        yield _expiry(rights.expires, now)


def _expiry(expires: str, now: float) -> Finding:
    try:
        end = datetime.fromisoformat(expires)
    except ValueError:
        return Finding(UNCHECKED, LITELLM, "expiry", _SUBJECT, "when our key ends", "not a date")
    end = end if end.tzinfo else end.replace(tzinfo=UTC)
    days = int((end.timestamp() - now) // 86400)
    what = f"our key ends in {format_count(days, 'day')}"
    why = "after that no cycle can run"
    severity = WARNING if days < _SOON else NOTE
    return Finding(
        severity, LITELLM, "expiry", _SUBJECT, what, why, "renew it, or make one without end"
    )


def _saving(found: Inspection, document: Mapping[str, Any]) -> Iterator[Finding]:
    stored = any(row["model_info"].get("db_model") is True for row in document["data"])
    if found.saves is False:
        what = "does not store models in its database"
        why = "every create is refused"
        fix = "set STORE_MODEL_IN_DB=True in LiteLLM's environment and restart it"
        yield Finding(ERROR, LITELLM, "store", _SUBJECT, what, why, fix)
    elif found.saves or stored:
        yield Finding(OK, LITELLM, "store", _SUBJECT, "stores models in its database")
    else:
        what = "whether it stores models in its database (STORE_MODEL_IN_DB)"
        why = "it does not tell, and has no model from there yet; the first `apply` will show it"
        yield Finding(UNCHECKED, LITELLM, "store", _SUBJECT, what, why)


def _settings(settings: Mapping[str, Setting]) -> Iterator[Finding]:
    for name, setting in settings.items():
        if not setting.known and name not in (inspection.STORE, inspection.RELOAD):
            what = f"LiteLLM's setting {name}"
            yield Finding(UNCHECKED, LITELLM, name, _SUBJECT, what, setting.why)
    healthy = settings[inspection.HEALTHY_ONLY]
    if healthy.value is True:
        what = "hides models from its lists while it finds them unhealthy (model_list_healthy_only)"
        why = (
            "a model that is registered may not appear for users; the engine reads /v2/model/info,"
            " which hides none, so it does not register it twice"
        )
        fix = "remove the setting, or look why LiteLLM's health checks of the model fail"
        yield Finding(WARNING, LITELLM, inspection.HEALTHY_ONLY, _SUBJECT, what, why, fix)
    elif healthy.known:
        what = "hides no unhealthy models from its lists"
        yield Finding(OK, LITELLM, inspection.HEALTHY_ONLY, _SUBJECT, what)
    checks = settings[inspection.HEALTH_CHECKS]
    if checks.value is True:
        what = "sends a chat to every model at intervals (background_health_checks)"
        why = "on a backend that loads models on demand this loads one after the other"
        fix = (
            "remove the setting, or exclude models with `disable_background_health_check: true` in"
            " model_info_defaults"
        )
        yield Finding(WARNING, LITELLM, inspection.HEALTH_CHECKS, _SUBJECT, what, why, fix)
    elif checks.known:
        what = "sends no chats to models by itself"
        yield Finding(OK, LITELLM, inspection.HEALTH_CHECKS, _SUBJECT, what)
    yield from _objects(settings[inspection.DB_OBJECTS])


def _objects(objects: Setting) -> Iterator[Finding]:
    check = inspection.DB_OBJECTS
    if isinstance(objects.value, list) and "models" not in objects.value:
        what = "does not load models from its database (supported_db_objects lacks models)"
        why = "what is registered is stored, and never served"
        yield Finding(ERROR, LITELLM, check, _SUBJECT, what, why, "add models to that list")
    elif isinstance(objects.value, list):
        kinds = ", ".join(sorted(map(str, objects.value)))
        what = f"loads only these from its database at each write: {kinds}"
        yield Finding(OK, LITELLM, check, _SUBJECT, what)
    elif objects.known:
        what = "loads everything from its database again at each write"
        why = "each create and change takes up to twice as long"
        fix = (
            "where it keeps no guardrails, prompts, MCP servers and vector stores there, write"
            " `supported_db_objects: [models]` into general_settings"
        )
        yield Finding(NOTE, LITELLM, check, _SUBJECT, what, why, fix)


def _replicas(found: Inspection) -> Iterator[Finding]:
    interval = found.settings[inspection.RELOAD].value
    every = f" (every {interval} s)" if isinstance(interval, int) else ""
    if len(set(found.counts)) > 1:
        counts = " and ".join(map(str, sorted(set(found.counts))))
        what = f"lists {counts} rows by turns: its replicas disagree"
        why = f"a replica sees what others wrote when it reads its database again{every}"
        fix = "look again after that; if it stays, a replica does not read its database: restart it"
        yield Finding(WARNING, LITELLM, "replicas", _SUBJECT, what, why, fix)
    elif found.counts:
        looks = format_count(len(found.counts), "connection")
        what = f"lists the same number of rows over {looks}"
        yield Finding(OK, LITELLM, "replicas", _SUBJECT, what)
    else:
        why = "this version does not tell how many rows it lists"
        what = "whether its replicas agree"
        yield Finding(UNCHECKED, LITELLM, "replicas", _SUBJECT, what, why)
