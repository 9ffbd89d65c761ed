"""The figures of a campaign as a table."""

from __future__ import annotations

from collections import Counter

from .campaign import Score

_HEAD = ("scenario", "seeds", "cycles", "faults", "kills", "samples", "rows compared", "violations")


def table(scores: list[Score]) -> str:
    """Return the figures as Markdown, with a line of sums."""
    total = Score("**all**")
    for score in scores:
        total.add(score)
    lines = [_line(_HEAD), "| --- |" + " ---: |" * (len(_HEAD) - 1)]
    lines += [_line(_cells(score)) for score in [*scores, total]]
    return "\n".join(lines)


def kinds(scores: list[Score]) -> str:
    """Return how often each kind of fault was met, as one line."""
    met = sum((score.faults for score in scores), Counter[str]())
    return ", ".join(f"{kind} {count:,}" for kind, count in met.most_common())


def _cells(score: Score) -> tuple[str, ...]:
    figures = (
        score.seeds,
        score.cycles,
        sum(score.faults.values()),
        score.kills,
        score.samples,
        score.compared,
        len(score.violations),
    )
    return (score.scenario, *(f"{figure:,}" for figure in figures))


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
