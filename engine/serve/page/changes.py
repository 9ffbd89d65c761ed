"""The last plans as HTML: what was done, field by field, and how it ended. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, Final

from ...report.field_changes import format_path
from ...report.news import format_count
from ...state.field_change import FieldChange
from ...text import format_value
from .markup import Html, joined, sentence, shown, tag
from .words import badge, code, relative, took

Json = dict[str, Any]
_KINDS: Final = {
    "applied": "in_sync",
    "already": "in_sync",
    "failed": "failed",
    "unknown": "held",
    "not_attempted": "skipped",
    "": "pending",
}
_OUTCOMES: Final = {
    "applied": "done",
    "already": "done already",
    "failed": "failed",
    "unknown": "outcome unknown",
    "not_attempted": "not attempted",
    "": "planned",
}
_SEVERAL: Final = 3
_SIGNS: Final = {"create": "+", "delete": "−"}  # noqa: RUF001 - a minus sign is what is meant


def plans_section(document: Json) -> Html:
    """Return the last cycles in which something happened, each folded."""
    heading = tag("h2", "Last changes", id="plans-heading")
    cards = [_card(plan, document["time"]) for plan in document["plans"]]
    if not cards:
        cards = [tag("p", "Nothing has changed since the start.", class_="empty")]
    stack = tag("div", *cards, class_="stack")
    return tag("section", heading, stack, id="plans", aria_labelledby="plans-heading")


def _card(plan: Json, now: str) -> Html:
    kind, label = _result(plan)
    summary = tag(
        "summary",
        tag("span", shown(plan["sentence"]), class_="who"),
        badge(kind, label),
        tag("span", relative(plan["begun"], now), class_="number"),
    )
    return tag(
        "details",
        summary,
        tag("div", *_body(plan)),
        id=f"plan-{plan['begun']}",
        class_="card",
        open=False,
    )


def _result(plan: Json) -> tuple[str, str]:
    if plan["error"]:
        return "failed", "failed"
    if not plan["planned"]:
        return ("kept", "noted") if plan["backends"] else ("skipped", "left alone")
    if plan["dry_run"]:
        return "pending", "dry run"
    total = sum(plan["planned"].values())
    done = sum(plan["outcomes"].get(word, 0) for word in ("applied", "already"))
    return ("in_sync", "done") if done == total else ("failed", f"{done} of {total} done")


def _body(plan: Json) -> Iterator[Html]:
    facts = [tag("span", took(plan["seconds"]))]
    if plan["digest"]:
        link = tag("a", code(plan["digest"][:8]), href=f"/api/plans?digest={plan['digest']}")
        facts.append(tag("span", "plan ", link))
    yield tag("p", *facts, class_="facts-line")
    if plan["error"]:
        yield tag("div", tag("p", shown(plan["error"], 3000)), class_="note")
    for backend in plan["backends"]:
        yield tag("div", *_backend(backend), class_="note")
    if plan["operations"]:
        yield tag("ol", *_operations(plan["operations"]), class_="operations")
    if plan["more"]:
        yield tag("p", f"{plan['more']} more operations of this plan are not kept.", class_="more")
    skipped = sum(plan["skips"].values())
    if skipped:
        counts = sorted(plan["skips"].items())
        reasons = ", ".join(f"{number} {reason}" for reason, number in counts)
        yield tag("p", f"Left alone: {reasons}.", class_="more")


def _backend(backend: Json) -> Iterator[Html]:
    detail = joined([": ", shown(backend["detail"])]) if backend["detail"] else None
    yield tag("p", tag("b", shown(backend["backend"])), " ", shown(backend["words"]), detail)
    if backend["remedy"]:
        yield tag("p", tag("b", "Remedy: "), sentence(backend["remedy"]))
    for text in backend["unmatched"]:
        yield tag("p", shown(text), " matches no model of it")


def _operations(operations: list[Json]) -> Iterator[Html]:
    """Yield operations; of several that differ only in the model, all names together."""
    for _, members in groupby(operations, _alike):
        group = list(members)
        if len(group) < _SEVERAL or group[0]["changes"]:
            yield from (_operation(each, shown(each["name"])) for each in group)
            continue
        names = joined([tag("li", shown(each["name"])) for each in group])
        yield _operation(group[0], format_count(len(group), "model"), tag("ul", names))


def _alike(operation: Json) -> tuple[str, ...]:
    return tuple(operation[name] for name in ("action", "reason", "because", "outcome", "detail"))


def _operation(operation: Json, name: Html | str, *more: Html) -> Html:
    action = operation["action"]
    sign = tag("span", _SIGNS.get(action, "~"), class_=f"sign {action}", aria_hidden="true")
    word = tag("span", f"{action} ", class_="action")
    outcome = badge(_KINDS[operation["outcome"]], _OUTCOMES[operation["outcome"]])
    named = tag("span", name, class_="name")
    parts = [tag("p", sign, word, named, outcome, class_="operation")]
    why = f"{operation['reason']}: {operation['because']}"
    parts.append(tag("p", sentence(why), class_="because"))
    if operation["detail"]:
        parts.append(tag("p", sentence(operation["detail"]), class_="because"))
    if operation["changes"]:
        parts.append(_diff(operation["changes"]))
    return tag("li", *parts, *more)


def _diff(changes: list[Json]) -> Html:
    head = tag("tr", *(tag("th", text, scope="col") for text in ("Field", "Before", "After")))
    rows = [
        tag(
            "tr",
            tag("th", code(shown(format_path(change))), scope="row"),
            tag("td", _value(change.before) if change.op != "add" else "not set", class_="before"),
            tag("td", _value(change.after) if change.op != "remove" else "removed", class_="after"),
        )
        for change in map(FieldChange.from_json, changes)
    ]
    return tag("table", tag("thead", head), tag("tbody", *rows), class_="diff")


def _value(value: Any) -> Html:
    return code(shown(format_value(value)))
