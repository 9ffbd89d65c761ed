"""One cycle, and a name -> its explanation. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from ..backends.model_list import is_usable
from ..backends.scope import scope_of
from ..bounds import MAX_ID
from ..desired.naming import offer_of
from ..plan.plan import Plan
from ..report.news import remedy, state_in_words
from ..state.deployment import Key
from ..state.endpoint_status import EndpointStatus
from ..state.listing import EMPTY_LIST, OK
from .entries import Entries
from .explanation import Explanation, LeftOut, Listed, Row, Unread
from .matching import called, names_of, nearest_names
from .names import Decisions, Offered
from .rows import Rows
from .rows import names_of as names_of_row
from .rules import Section, rules_of

if TYPE_CHECKING:
    from ..config.loader import Lines
    from ..reconcile import Basis, Report

MAX_MATCHES: Final = 20
"""Listed models, and rows, that are explained at once."""
MAX_PLANNED: Final = 50
"""Operations, and skips, that are shown with them."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """A cycle that has planned, what was heard meanwhile, and the lines of its configuration."""

    report: Report
    basis: Basis
    entries: Entries
    lines: Lines

    def offered(self) -> Iterator[Offered]:
        """Yield every listed model, as the configuration makes it."""
        config = self.basis.config
        scope = scope_of(config.backends)
        for backend, listing in zip(config.backends, self.basis.listings, strict=True):
            for model in listing.models:
                offer = offer_of(backend, model)
                yield Offered(backend.name, scope.endpoint_of(offer.model.api_base), offer)


def explain(asked: str, cycle: Cycle) -> Explanation:
    """Return all that is known of what has a name.

    ``asked`` is the id of a model in a list, a public name, an upstream, or the id of a row.
    """
    plan, desired = cycle.report.plan, cycle.report.desired
    observed = cycle.basis.observed
    rows = Rows(cycle.basis.document, observed, plan)
    every = list(cycle.offered())
    decisions = Decisions(desired, observed, plan)
    offered, found = _matching(asked, every, rows, decisions)
    explained = [rows.explained(row) for row in found[:MAX_MATCHES]]
    listed = [_listed(cycle, each, decisions) for each in offered[:MAX_MATCHES]]
    left_out = tuple(_left_out(asked, cycle, {each.backend for each in offered}))
    nothing = not (offered or found or left_out)
    names = {name.key.name for each in listed for name in each.names}
    names |= {row.name for row in explained}
    operations, skips = _planned(plan, listed, explained)
    return Explanation(
        asked=asked,
        config=cycle.lines.name,
        listed=tuple(listed),
        left_out=left_out,
        rows=tuple(explained),
        holders={name: observed.holders[name] for name in sorted(names & observed.holders.keys())},
        operations=operations,
        skips=skips,
        unread=tuple(Unread(s, remedy(s)) for s in plan.endpoints if not s.answered),
        nearest=nearest_names(asked, _known(every, rows)) if nothing else (),
        more=max(0, len(offered) - MAX_MATCHES) + max(0, len(found) - MAX_MATCHES),
    )


def _matching(
    asked: str, every: list[Offered], rows: Rows, decisions: Decisions
) -> tuple[list[Offered], list[Mapping[str, Any]]]:
    """Return the listed models and the rows that are meant, each with those in its place."""
    for exact in (True, False):
        offered = called(asked, every, names_of, exact=exact)
        found = called(asked, rows, names_of_row, exact=exact)
        final = [e for e in every if any(n.key.name == asked for n in decisions.names(e))]
        if offered or found or final:
            break
    offered += [each for each in final if each not in offered]
    keys = {rows.key(row) for row in found} - {None}
    offered += [e for e in every if e not in offered and not keys.isdisjoint(_keys(e, decisions))]
    wanted = {key for each in offered for key in _keys(each, decisions)}
    ids = {row["model_info"]["id"] for row in found}
    ids |= {row for each in offered for name in decisions.names(each) for row in name.rows}
    found = [r for r in rows if r["model_info"]["id"] in ids or rows.key(r) in wanted]
    return offered, found


def _keys(offered: Offered, decisions: Decisions) -> set[Key]:
    return {*offered.own_keys(), *(name.key for name in decisions.names(offered))}


def _listed(cycle: Cycle, offered: Offered, decisions: Decisions) -> Listed:
    config = cycle.basis.config
    number = [backend.name for backend in config.backends].index(offered.backend)
    backend = config.backends[number]
    (status,) = (s for s in cycle.report.desired.statuses if s.backend == offered.backend)
    model = offered.offer.model
    names = tuple(decisions.names(offered))
    return Listed(
        status,
        backend.kind,
        model.id,
        model.info,
        model.sources,
        cycle.entries.about(backend.name, model.id),
        rules_of(Section(number, backend, cycle.lines), offered.offer, names),
        names,
    )


def _left_out(asked: str, cycle: Cycle, listing: set[str]) -> Iterator[LeftOut]:
    """Yield the backends that send the id, though it is not in their lists as they are read."""
    statuses = {status.backend: status for status in cycle.report.desired.statuses}
    for backend in cycle.entries.backends(asked):
        if backend not in listing:
            because = _why_left_out(asked, statuses[backend])
            yield LeftOut(statuses[backend], asked, because, cycle.entries.about(backend, asked))


def _why_left_out(model_id: str, status: EndpointStatus) -> str:
    if status.outcome in (OK, EMPTY_LIST):
        if len(model_id) > MAX_ID:
            return f"its id has over {MAX_ID} characters"
        if not is_usable(model_id):
            return "its id holds NUL, * or a broken character, which LiteLLM cannot register"
        return status.detail or "it is not in the list of models"
    detail = f": {status.detail}" if status.detail else ""
    return f"{status.backend} {state_in_words(status)}{detail}"


def _planned(plan: Plan, listed: Iterable[Listed], rows: Iterable[Row]) -> Any:
    """Return the operations and skips on these rows and names."""
    keys = {name.key for each in listed for name in each.names}
    ids = {row.id for row in rows}
    operations = (o for o in plan.operations if o.key in keys or ids & {o.id, o.touched})
    skips = (s for s in plan.skips if s.key in keys or s.id in ids)
    return tuple(islice(operations, MAX_PLANNED)), tuple(islice(skips, MAX_PLANNED))


def _known(every: Iterable[Offered], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for offered in every:
        yield from names_of(offered)
    for row in rows:
        yield from names_of_row(row)
