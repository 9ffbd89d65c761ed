"""What is reported of a backend: how much it lists, and how much the configuration leaves out."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.backends.scope import scope_of
from engine.bounds import MAX_SEARCHES, MAX_UNMATCHED
from engine.config.loader import load_config
from engine.config.references import references_of
from engine.desired.deployments import desired_state
from engine.state.endpoint_status import EndpointStatus
from engine.state.listing import Listing, Model

URL = "http://box:8000"


def status(folder: Path, options: str, listing: Listing) -> EndpointStatus:
    (folder / "litellm").write_text("sk-status-master")
    (folder / "config.yaml").write_text(
        f"litellm: {{url: 'http://litellm:4000'}}\n"
        f"backends: [{{name: box, url: '{URL}/v1', {options}}}]\n"
    )
    config = load_config(folder / "config.yaml", folder)
    references = references_of(config)
    (found,) = desired_state(config, [listing], scope_of(config.backends), references).statuses
    return found


def listing(*ids: str, outcome: str = "ok", **changes: object) -> Listing:
    models = tuple(Model(model_id, "openai", f"{URL}/v1") for model_id in ids)
    return Listing("box", outcome, models, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "filtered"),
    [("", 0), ("filter_regex: ^a", 1), ("exclude_regex: '^a'", 2), ("include_modes: [chat]", 3)],
)
def test_models_that_the_configuration_leaves_out_are_counted(
    tmp_path: Path, options: str, filtered: int
) -> None:
    found = status(tmp_path, options, listing("a1", "a2", "b"))
    assert (found.backend, found.endpoint) == ("box", URL)
    assert (found.models, found.filtered, found.unmatched) == (3, filtered, ())


def test_expressions_that_match_no_listed_model_are_named(tmp_path: Path) -> None:
    options = (
        "filter_regex: ^x, exclude_regex: y$, overrides: ["
        "{regex: ^a, capabilities: {mode: chat}}, {regex: z, capabilities: {mode: chat}}]"
    )
    found = status(tmp_path, options, listing("a"))
    assert found.unmatched == ("filter_regex: ^x", "exclude_regex: y$", "overrides[1].regex: z")


@pytest.mark.parametrize(
    ("answer", "answered"),
    [
        (listing(outcome="empty"), True),
        (listing(outcome="unreachable", detail="refused"), False),
        (listing("a", partial=True), False),
    ],
)
def test_without_a_whole_list_nothing_is_known(
    tmp_path: Path, answer: Listing, answered: bool
) -> None:
    found = status(tmp_path, "filter_regex: '', on_unreachable: remove", answer)
    assert (found.outcome, found.answered) == (answer.outcome, answered)
    assert found.detail == answer.detail


def test_an_empty_list_leaves_no_expression_unmatched(tmp_path: Path) -> None:
    assert status(tmp_path, "filter_regex: ^x", listing(outcome="empty")).unmatched == ()


@pytest.mark.slow
def test_of_very_many_expressions_and_models_only_some_are_searched(tmp_path: Path) -> None:
    ids = [f"m{number}" for number in range(MAX_SEARCHES // 2)]
    options = "filter_regex: m, exclude_regex: x, overrides: [{regex: y}]"
    assert status(tmp_path, options, listing(*ids)).unmatched == ("exclude_regex: x",)


def test_of_many_expressions_that_match_nothing_some_are_named(tmp_path: Path) -> None:
    overrides = ", ".join(f"{{regex: y{number}}}" for number in range(MAX_UNMATCHED + 5))
    found = status(tmp_path, f"overrides: [{overrides}]", listing("a"))
    assert len(found.unmatched) == MAX_UNMATCHED
