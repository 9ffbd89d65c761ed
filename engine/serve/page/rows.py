"""The models of a backend as HTML. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from typing import Any, Final

from ..status.deployments import IN_SYNC, STATES
from .filters import Filter
from .markup import Html, joined, sentence, shown, tag
from .words import badge, code, relative

Json = dict[str, Any]
MOST_ROWS: Final = 100
"""Models of a backend that are shown at first; a link shows more."""
MOST_OF_ONE: Final = 2_000
"""Models that are shown at most of a backend; the JSON has all."""
_SEVERAL: Final = 3
"""So many models with one reason have it above them, once."""
_FEW: Final = 12
"""So many models of a backend are not folded away."""


def is_small(rows: Sequence[Json]) -> bool:
    """Tell whether models are so few that they need no fold."""
    return len(rows) <= _FEW


def table(rows: Sequence[Json], now: str, chosen: Filter, told: Collection[str] = ()) -> Html:
    """Return models as a table: what needs attention first, of very many the first ones.

    Why several of them are in a state is said once. The states in ``told`` are explained already.
    """
    order = list(STATES)
    ordered = sorted(rows, key=lambda row: (order.index(row["state"]), row["because"]))
    most = MOST_OF_ONE if chosen.backend else MOST_ROWS
    head = tag("tr", tag("th", "Model", scope="col"), tag("th", "State", scope="col"))
    groups = groupby(ordered[:most], lambda row: (row["state"], row["label"], row["because"]))
    bodies = [_group(list(group), now, told) for _, group in groups]
    whole = tag("table", tag("thead", head), *bodies, class_="models")
    return joined([whole, _rest(ordered[most:], chosen)])


def _group(rows: list[Json], now: str, told: Collection[str]) -> Html:
    """Return models that are in one state for one reason."""
    because = "" if rows[0]["state"] in told else rows[0]["because"]
    if not because:
        return tag("tbody", *(_row(row, now) for row in rows))
    why = tag("p", sentence(f"{rows[0]['reason'] or 'blocked'}: {because}"))
    if len(rows) < _SEVERAL:
        after = tag("tr", tag("td", why, colspan="2"), class_="why")
        return tag("tbody", *(part for row in rows for part in (_row(row, now), after)))
    first = tag("tr", tag("th", why, colspan="2", scope="rowgroup"), class_="cause")
    return tag("tbody", first, *(_row(row, now) for row in rows))


def _row(row: Json, now: str) -> Html:
    name = [tag("span", shown(row["name"]), class_="name")]
    if row["upstream"] != row["name"]:
        name.append(tag("span", shown(row["upstream"]), class_="upstream"))
    state = [badge(row["state"], row["label"])]
    if row["until"]:
        state.append(tag("span", relative(row["until"], now), class_="until"))
    return tag("tr", tag("th", *name, scope="row"), tag("td", *state))


def _rest(rest: Sequence[Json], chosen: Filter) -> Html | None:
    """Return how many more there are, and where."""
    if not rest:
        return None
    number = f"{len(rest)} more"
    if chosen.backend:
        where = tag("a", "/api/status", href="/api/status")
        return tag("p", f"{number}; filter them, or see ", where, ".", class_="more")
    link = tag("a", "show them all", href=chosen.link(backend=rest[0]["backend"]))
    in_sync = all(row["state"] == IN_SYNC for row in rest)
    what = f"{number}, all in sync: " if in_sync else f"{number}: "
    return tag("p", what, link, class_="more")


def chips(counts: dict[str, int], chosen: Filter | None = None) -> Html:
    """Return how many models are in each state; with a filter, as links that choose one."""
    members = []
    for state, label in STATES.items():
        if not counts.get(state):
            continue
        inside = joined([tag("b", f"{counts[state]:,}"), f" {label}"])
        if chosen is None:
            members.append(tag("li", tag("span", inside, class_=f"badge {state}")))
            continue
        on = chosen.state == state
        link = chosen.link(state="" if on else state)
        current = "true" if on else None
        a = tag("a", inside, class_=f"badge {state}", href=link, aria_current=current)
        members.append(tag("li", a))
    return tag("ul", *members, class_="chips")


def bar(counts: dict[str, int]) -> Html | None:
    """Return the shares of the states as a picture; what it shows is in the chips as well."""
    total = sum(counts.values())
    if not total:
        return None
    at = 0.0
    pieces = []
    for state in reversed(STATES):
        width = counts.get(state, 0) / total * 1000
        if width:
            width = max(width, 6.0)
            place = {"x": f"{at:.1f}", "width": f"{width:.1f}", "y": "0", "height": "10"}
            pieces.append(tag("rect", class_=f"fill {state}", **place))
            at += width
    box = f"0 0 {at:.1f} 10"
    return tag(
        "svg",
        *pieces,
        class_="bar",
        viewBox=box,
        preserveAspectRatio="none",
        aria_hidden="true",
    )


def counted(rows: Iterable[Json]) -> dict[str, int]:
    """Return how many deployments are in each state."""
    counts = dict.fromkeys(STATES, 0)
    for row in rows:
        counts[row["state"]] += 1
    return counts


def endpoint(url: str) -> Html:
    """Return an address as text: nothing on the page leads elsewhere."""
    return code(shown(url))


def models(number: int) -> str:
    """Return ``1 model`` or ``2 models``."""
    return f"{number:,} model" if number == 1 else f"{number:,} models"
