"""The backends and their models as HTML. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...state.listing import NOT_ASKED, OK
from ..status.deployments import IN_SYNC, KEPT
from .filters import Filter
from .markup import Html, sentence, shown, tag
from .rows import bar, chips, counted, endpoint, is_small, models, table
from .words import badge, relative

Json = dict[str, Any]


def models_section(document: Json, chosen: Filter) -> Html:
    """Return all models, folded by backend."""
    rows = document["deployments"]
    visible = [row for row in rows if chosen.shows(row)] if chosen else rows
    groups: dict[str, list[Json]] = {}
    for row in visible:
        groups.setdefault(row["backend"], []).append(row)
    cards = list(_cards(document, groups, chosen))
    if not cards:
        cards = [tag("p", "No model matches.", class_="empty")] if rows else []
    counts = document["counts"]
    heading = tag("h2", "Models", id="models-heading")
    search = _search(chosen) if rows else None
    top: list[Html | None] = [tag("div", heading, search, class_="heading")]
    top += [bar(counts), chips(counts, chosen)] if rows else []
    top += [_as_of(document)] if rows else []
    top += [_shown(len(visible), len(rows))] if chosen else []
    return tag("section", *top, *cards, id="models", aria_labelledby="models-heading")


def _as_of(document: Json) -> Html | None:
    """Return of which cycle this is, where the last one could not see it."""
    cycle, seen = document["cycle"], document["as_of"]
    if not (cycle and seen and cycle["error"]):
        return None
    when = relative(seen, document["time"])
    return tag("p", "As the last good cycle saw it, ", when, ".", class_="filtered")


def _shown(number: int, total: int) -> Html:
    everything = tag("a", "show all", href="/#models")
    told = f"{number} of {models(total)} shown; "
    return tag("p", told, everything, class_="filtered", role="status")


def _search(chosen: Filter) -> Html:
    kept = {"state": chosen.state, "backend": chosen.backend}
    hidden = [
        tag("input", type="hidden", name=name, value=value) for name, value in kept.items() if value
    ]
    box = tag(
        "input",
        type="search",
        name="q",
        id="q",
        value=chosen.text,
        placeholder="Filter by name",
        aria_label="Filter models by name",
        autocomplete="off",
    )
    button = tag("button", "Filter", type="submit")
    return tag("form", *hidden, box, button, method="get", action="/", role="search")


def _cards(document: Json, groups: dict[str, list[Json]], chosen: Filter) -> Iterator[Html]:
    for number, backend in enumerate(document["backends"]):
        rows = groups.pop(backend["name"], [])
        if rows or not chosen:
            yield _card(number, backend, rows, document["time"], chosen)
    for name, rows in sorted(groups.items()):
        yield _strays(f"strays-{name}", rows, document["time"], chosen)


def _card(number: int, backend: Json, rows: list[Json], now: str, chosen: Filter) -> Html:
    is_well = backend["outcome"] == OK and backend["answered"]
    asked = backend["outcome"] != NOT_ASKED
    is_open = bool(chosen) or (not is_well and asked) or (is_small(rows) and bool(rows))
    title = tag("h3", shown(backend["name"]), class_="backend-name")
    kind = _kind(backend["name"], backend["type"])
    where = _state(backend, is_well=is_well)
    counts = {**counted(rows), IN_SYNC: 0}
    number_of = tag("span", models(len(rows)), class_="number")
    who = tag("span", title, kind, class_="who")
    summary = tag("summary", who, chips(counts), where, number_of)
    return tag(
        "details",
        summary,
        tag("div", _facts(backend, now), _problem(backend), *_table(rows, now, chosen)),
        id=f"backend-{number}",
        class_="card",
        open=is_open,
        data_open=is_open,
    )


def _kind(name: str, kind: str) -> Html | None:
    return None if name == kind else tag("span", kind, class_="kind")


def _state(backend: Json, *, is_well: bool) -> Html:
    if backend["maintenance"]:
        return badge("out_of_service", "in maintenance")
    if is_well:
        return badge("in_sync", "answers")
    kind = "pending" if backend["outcome"] in (NOT_ASKED, "not_ready") else "failed"
    return badge("held" if backend["outcome"] == "empty" else kind, backend["words"])


def _facts(backend: Json, now: str) -> Html:
    facts = [tag("span", endpoint(backend["endpoint"]))]
    if backend["answered"] or backend["models"]:
        listed = models(backend["models"]) + " listed"
        left_out = f", {backend['filtered']} filtered out" if backend["filtered"] else ""
        facts.append(tag("span", f"{listed}{left_out}"))
    if backend["last_good"]:
        facts.append(tag("span", "last good list ", relative(backend["last_good"], now)))
    else:
        facts.append(tag("span", "no good list yet"))
    return tag("p", *facts, class_="facts-line")


def _problem(backend: Json) -> Html | None:
    parts = []
    if backend["detail"]:
        parts.append(tag("p", sentence(backend["detail"])))
    if backend["remedy"]:
        parts.append(tag("p", tag("b", "Remedy: "), sentence(backend["remedy"])))
    parts += [tag("p", shown(text), "; correct it, or remove it") for text in backend["unmatched"]]
    return tag("div", *parts, class_="note") if parts else None


def _table(rows: list[Json], now: str, chosen: Filter) -> Iterator[Html]:
    if rows:
        yield table(rows, now, chosen, told=(KEPT,))
    else:
        yield tag("p", "No model of it is in LiteLLM.", class_="empty")


def _strays(row_id: str, rows: list[Json], now: str, chosen: Filter) -> Html:
    """Return rows of ours whose backend is not configured any more."""
    title = tag("h3", "On no configured backend", class_="backend-name")
    number = tag("span", models(len(rows)), class_="number")
    summary = tag("summary", tag("span", title, class_="who"), chips(counted(rows)), number)
    is_open = bool(chosen)
    body = tag("div", table(rows, now, chosen))

    return tag("details", summary, body, id=row_id, class_="card", open=is_open, data_open=is_open)
