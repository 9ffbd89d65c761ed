"""What `apply` shows while it works."""

from __future__ import annotations

import io

import pytest

from engine.apply.result import Result
from engine.plan.planner import make_plan
from engine.report.progress import Progress
from engine.report.terminal import Renderer
from tests import builders as b


def shown(count: int, *, bar: bool, outcome: str = "applied", verbose: bool = False) -> str:
    stream = io.StringIO()
    state = b.desired(*(b.wanted(f"m{number:02}") for number in range(count)))
    plan = make_plan(state, b.observed())
    progress = Progress(Renderer(colour=False, verbose=verbose), stream, str, bar=bar)
    progress.plan(plan, state)
    at = len(stream.getvalue())
    results = [Result(operation, "applied") for operation in plan.operations]
    results[-1] = Result(plan.operations[-1], outcome)
    for result in results:
        progress.result(result)
    progress.end(plan, tuple(results), {}, 2.0)
    return stream.getvalue()[at:]


@pytest.mark.parametrize("verbose", [False, True])
def test_in_a_pipe_each_result_is_a_line(verbose: bool) -> None:
    text = shown(20, bar=False, verbose=verbose)
    assert "\r" not in text
    assert text.count(": applied\n") == 20


def test_on_a_terminal_many_results_are_a_bar() -> None:
    text = shown(20, bar=True)
    assert text.count("\r\x1b[K[") == 19
    assert "10/20" in text
    assert ": applied" not in text
    assert text.endswith("\r\x1b[K20 of 20 done in 2.0 s.\n")


def test_beside_a_bar_what_is_not_done_is_a_line() -> None:
    text = shown(20, bar=True, outcome="failed")
    assert "\r\x1b[K[20/20] create m19: failed\n" in text


def test_few_results_and_verbose_ones_are_lines_on_a_terminal_too() -> None:
    assert shown(3, bar=True).count(": applied\n") == 3
    assert shown(20, bar=True, verbose=True).count(": applied\n") == 20
