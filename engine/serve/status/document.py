"""The status as a JSON document, which ``/api/status`` answers and the page is made of. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ... import __version__
from ...bounds import MAX_ID
from ...report.news import remedy, state_in_words, unmatched_in_words
from ...report.pace import Pace
from ...state.deployment import EXCLUSIVE
from ...state.endpoint import canonical_endpoint
from ...state.endpoint_status import EndpointStatus
from ...state.listing import NOT_ASKED, OTHER_SHARD
from ...text import shortened
from .deployments import STATES, Deployment, deployments_of
from .headline import headline
from .settings import settings_of
from .upcoming import upcoming

if TYPE_CHECKING:
    from ...config.model import Backend, Config
    from ..snapshot import Progress, Snapshot

STATUS_VERSION: Final = 1
Json = dict[str, Any]


def status_document(snapshot: Snapshot) -> Json:
    """Return the document, as ``schemas/status.schema.json`` has it; takes time with many rows.

    Texts of others are cut off after MAX_ID characters, so that one row cannot make it large.
    """
    found: list[Deployment] = []
    if snapshot.good is not None and snapshot.good.report is not None:
        found = deployments_of(snapshot.good.report, snapshot.good.begun)
    state, title, sentence = headline(snapshot, found)
    return {
        "version": STATUS_VERSION,
        "time": moment(snapshot.now),
        "program": _program(snapshot),
        "summary": {"state": state, "title": title, "sentence": sentence},
        "cycle": _cycle(snapshot),
        "as_of": moment(snapshot.good.begun) if snapshot.good else None,
        "progress": progress_of(snapshot.progress, snapshot.now),
        "next": [
            {"at": moment(event.at), "what": event.what} for event in upcoming(snapshot, found)
        ],
        "counts": _counts(found),
        "backends": list(_backends(snapshot, found)),
        "deployments": [_deployment(each) for each in found],
        "config": _config(snapshot),
    }


def moment(time: datetime) -> str:
    """Return a time as RFC 3339 has it, to the second: ``2026-11-28T18:08:42Z``."""
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")


def _program(snapshot: Snapshot) -> Json:
    report = snapshot.good.report if snapshot.good else None
    config = _known_config(snapshot)
    return {
        "version": __version__,
        "started": moment(snapshot.started),
        "uptime": max(0, round((snapshot.now - snapshot.started).total_seconds())),
        "dry_run": snapshot.last is not None and snapshot.last.dry_run,
        "owner": config.owner if config else "",
        "litellm": config.litellm.url if config else "",
        "litellm_version": report.basis.observed.editing.version if report and report.basis else "",
    }


def _cycle(snapshot: Snapshot) -> Json | None:
    last = snapshot.last
    if last is None:
        return None
    return {
        "begun": moment(last.begun),
        "seconds": round(last.seconds, 3),
        "ok": last.ok,
        "error": shortened(last.error, 10 * MAX_ID),
        "digest": last.report.plan.digest if last.report else "",
    }


def progress_of(progress: Progress | None, now: datetime) -> Json | None:
    """Return how far a plan is that is being carried out."""
    if progress is None or not progress.total:
        return None
    done = sum(progress.outcomes.values())
    pace = Pace(done, progress.total, (now - progress.planned).total_seconds())
    return {
        "done": done,
        "total": progress.total,
        "outcomes": dict(progress.outcomes),
        "left": None if pace.left is None else round(pace.left, 1),
        "sentence": pace.sentence(),
        "latest": [
            {
                "action": result.operation.action,
                "name": _short(result.operation.key.name),
                "outcome": result.outcome,
                "detail": _short(result.detail),
            }
            for result in progress.latest
        ],
    }


def _counts(deployments: Iterable[Deployment]) -> dict[str, int]:
    counts = Counter(each.state for each in deployments)
    return {state: counts[state] for state in STATES}


def _backends(snapshot: Snapshot, deployments: Sequence[Deployment]) -> Iterator[Json]:
    """Yield what is known of each backend, in the order of the configuration.

    What is known of those of other shards is not known here.
    """
    config = _known_config(snapshot)
    report = snapshot.good.report if snapshot.good else None
    statuses = {status.backend: status for status in report.desired.statuses} if report else {}
    groups: dict[str, list[Deployment]] = {}
    for each in deployments:
        groups.setdefault(each.backend, []).append(each)
    listings = report.basis.listings if report and report.basis else ()
    elsewhere = {listing.backend for listing in listings if listing.outcome == OTHER_SHARD}
    for backend in config.backends if config else ():
        if backend.name in elsewhere:
            continue
        url = canonical_endpoint(backend.url)
        unasked = EndpointStatus(backend.name, url, NOT_ASKED, answered=False)
        status = statuses.get(backend.name, unasked)
        good = snapshot.listed.get(backend.name)
        yield {
            **_backend(backend, status),
            "last_good": moment(good) if good else None,
            "counts": _counts(groups.get(backend.name, ())),
        }


def _backend(backend: Backend, status: EndpointStatus) -> Json:
    asked = status.outcome != NOT_ASKED
    return {
        "name": backend.name,
        "type": backend.kind,
        "endpoint": status.endpoint,
        "outcome": status.outcome,
        "answered": status.answered,
        "words": state_in_words(status) if asked else "has not been asked yet",
        "detail": _short(status.detail),
        "remedy": remedy(status) if asked else "",
        "models": status.models,
        "filtered": status.filtered,
        "unmatched": [unmatched_in_words(status, text) for text in status.unmatched],
        "maintenance": backend.maintenance,
        "exclusive": backend.ownership == EXCLUSIVE,
    }


def _deployment(each: Deployment) -> Json:
    return {
        "backend": each.backend,
        "endpoint": _short(each.key.endpoint),
        "name": _short(each.key.name),
        "upstream": _short(each.key.upstream),
        "id": _short(each.id),
        "state": each.state,
        "label": each.label,
        "reason": each.reason,
        "because": _short(each.because),
        "until": moment(each.until) if each.until else None,
    }


def _known_config(snapshot: Snapshot) -> Config | None:
    report = snapshot.good.report if snapshot.good else None
    return snapshot.config.config or (report.basis.config if report and report.basis else None)


def _config(snapshot: Snapshot) -> Json:
    known = snapshot.config
    config = _known_config(snapshot)
    return {
        "file": str(known.path) if known.path else "",
        "generation": known.generation,
        "since": moment(known.since) if known.since else None,
        "error": shortened(known.problem, 10 * MAX_ID),
        "notices": [*config.notices, *config.unused_keys] if config else [],
        "settings": settings_of(config) if config else {},
    }


def _short(text: str) -> str:
    return shortened(text, MAX_ID)
