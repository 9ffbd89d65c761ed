"""Which models are wanted, under which names, and what becomes of clashes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.config.loader import load_config
from engine.config.model import Backend, Selection
from engine.desired.clashes import without_clashes
from engine.desired.naming import filtered, offer_of, public_names, unwanted
from engine.state.deployment import Refusal
from engine.state.frozen import freeze
from engine.state.listing import Model
from tests import builders as b


def backend(tmp_path: Path, options: str = "") -> Backend:
    (tmp_path / "litellm").write_text("sk-1234")
    text = f"litellm: {{url: http://p}}\nbackends: [{{name: box, url: http://box, {options}}}]\n"
    (tmp_path / "config.yaml").write_text(text)
    return load_config(tmp_path / "config.yaml", tmp_path).backends[0]


def model(text: str = "m", **changes: Any) -> Model:
    return replace(Model(text, "openai", "http://box"), **changes)


DEFAULT = Selection(adapters=True, remote=False, unloaded=True, failed=True, modes=(), not_modes=())


def selecting(**changes: Any) -> Selection:
    return replace(DEFAULT, **changes)


@pytest.mark.parametrize(
    ("options", "listed", "names"),
    [
        ("", model("llama3:latest"), ("llama3:latest",)),
        ("strip_tag: latest", model("llama3:latest"), ("llama3",)),
        ("strip_tag: latest", model("llama3:8b"), ("llama3:8b",)),
        ("name_format: '{backend}/{model}'", model("a"), ("box/a",)),
        ("name_format: '{family}-{model}'", model("a", family="qwen3"), ("qwen3-a",)),
        ("name_format: '{family}-{model}'", model("a"), ("unknown-a",)),
        ("name_format: '{model}'", model("{backend}"), ("{backend}",)),
        ("aliases: {a: [x, y, x]}", model("a"), ("a", "x", "y")),
        ("aliases: {llama3: x}, strip_tag: latest", model("llama3:latest"), ("llama3", "x")),
        ("aliases: {b: x}", model("a"), ("a",)),
        ("aliases: {'a:latest': x, a: y}, strip_tag: latest", model("a:latest"), ("a", "x")),
        ("", model("a:"), ("a:",)),
        ("name_format: '{model}{model}'", model("\x85"), ("__",)),
    ],
)
def test_names_follow_the_configuration(
    tmp_path: Path, options: str, listed: Model, names: tuple[str, ...]
) -> None:
    assert public_names(backend(tmp_path, options), listed) == names


@pytest.mark.parametrize(
    ("selection", "listed", "wanted"),
    [
        (selecting(), model(parent="base"), True),
        (selecting(adapters=False), model(parent="base"), False),
        (selecting(), model(remote=True), False),
        (selecting(remote=True), model(remote=True), True),
        (selecting(unloaded=False), model(state="unloaded"), False),
        (selecting(unloaded=False), model(state="loaded"), True),
        (selecting(unloaded=False), model(state=""), True),
        (selecting(failed=False), model(state="failed"), False),
        (selecting(modes=("chat",)), model(info=freeze({"mode": "embedding"})), False),
        (selecting(modes=("chat",)), model(), False),
        (selecting(not_modes=("embedding",)), model(info=freeze({"mode": "embedding"})), False),
        (selecting(not_modes=("embedding",)), model(), True),
    ],
)
def test_models_are_selected_by_what_they_are(
    tmp_path: Path, selection: Selection, listed: Model, wanted: bool
) -> None:
    chosen = replace(backend(tmp_path), selection=selection)
    assert (unwanted(chosen, listed) == ("", "")) == wanted
    assert not filtered(chosen, listed)


ORDER = (b.OTHER_BOX, b.BOX)
BOTH = (b.endpoint(), b.endpoint(b.OTHER_BOX, backends=("other",)))
PAIR = (b.wanted("m"), b.wanted("m", endpoint=b.OTHER_BOX, backend="other"))


def names(state: b.DesiredState) -> list[tuple[str, str]]:
    return [(wanted.key.endpoint, wanted.key.name) for wanted in state.deployments]


def test_a_pool_is_the_default() -> None:
    state = b.desired(*PAIR, endpoints=BOTH)
    assert without_clashes(state, b.observed(), "pool", ORDER) is state


def test_a_suffix_names_all_but_the_first_in_the_file() -> None:
    state = without_clashes(b.desired(*PAIR, endpoints=BOTH), b.observed(), "suffix", ORDER)
    assert names(state) == [(b.BOX, "m@box"), (b.OTHER_BOX, "m")]


def test_an_error_refuses_all_but_the_first_and_says_so() -> None:
    state = without_clashes(b.desired(*PAIR, endpoints=BOTH), b.observed(), "error", ORDER)
    assert names(state) == [(b.OTHER_BOX, "m")]
    assert [(refusal.key.endpoint, refusal.reason) for refusal in state.refusals] == [
        (b.BOX, "clash")
    ]


@pytest.mark.parametrize("on_clash", ["suffix", "error"])
def test_an_outage_of_the_first_renames_nothing_on_the_others(on_clash: str) -> None:
    down = b.endpoint(b.OTHER_BOX, complete=False, outcome="unreachable")
    seen = b.observed(b.as_seen(PAIR[1]))
    alone = b.desired(PAIR[0], endpoints=(b.endpoint(), down))
    state = without_clashes(alone, seen, on_clash, ORDER)
    assert (b.BOX, "m") not in names(state)


def test_names_that_do_not_clash_stay_as_they_are() -> None:
    state = b.desired(b.wanted("a"), PAIR[1], endpoints=BOTH)
    assert names(without_clashes(state, b.observed(), "suffix", ORDER)) == [
        (b.BOX, "a"),
        (b.OTHER_BOX, "m"),
    ]


@pytest.mark.parametrize(
    ("selection", "listed", "why"),
    [
        (
            selecting(adapters=False),
            model(parent="base"),
            "it is an adapter of base (include_adapters: false)",
        ),
        (selecting(), model(remote=True), "it runs in a cloud, not here (include_remote: false)"),
        (
            selecting(unloaded=False),
            model(state="unloaded"),
            "it is not loaded (include_unloaded: false)",
        ),
        (
            selecting(failed=False),
            model(state="failed"),
            "its backend could not load it (include_failed: false)",
        ),
        (selecting(modes=("chat",)), model(), "its mode is not known (include_modes)"),
        (
            selecting(modes=("chat",)),
            model(info=freeze({"mode": "rerank"})),
            "its mode is rerank (include_modes)",
        ),
        (
            selecting(not_modes=("rerank",)),
            model(info=freeze({"mode": "rerank"})),
            "its mode is rerank (exclude_modes)",
        ),
        (selecting(), model(state="failed"), ""),
        (selecting(), model(state="unloaded"), ""),
        (selecting(failed=False, unloaded=False, adapters=False), model(), ""),
        (selecting(modes=("chat",)), model(info=freeze({"mode": "chat"})), ""),
    ],
)
def test_what_is_not_wanted_says_which_option_it_is(
    tmp_path: Path, selection: Selection, listed: Model, why: str
) -> None:
    option, found = unwanted(replace(backend(tmp_path), selection=selection), listed)
    assert found == why
    assert option in why
    assert bool(option) == bool(why)


def test_a_refusal_for_a_clash_names_who_has_the_name() -> None:
    state = without_clashes(b.desired(*PAIR, endpoints=BOTH), b.observed(), "error", ORDER)
    because = f"{b.OTHER_BOX} already offers a model under this name (on_clash: error)"
    assert [(refusal.key, refusal.because) for refusal in state.refusals] == [
        (PAIR[0].key, because)
    ]


def test_a_refusal_joins_those_that_were_there() -> None:
    before = Refusal(b.Key(b.OTHER_BOX, "z", "openai/z"), "excluded", "why")
    desired = replace(b.desired(*PAIR, endpoints=BOTH), refusals=(before,))
    state = without_clashes(desired, b.observed(), "error", ORDER)
    assert [refusal.reason for refusal in state.refusals] == ["clash", "excluded"]


@pytest.mark.parametrize(("complete", "ours"), [(True, True), (True, False), (False, False)])
def test_a_row_reserves_its_name_only_if_it_is_ours_and_its_backend_is_not_seen(
    complete: bool, ours: bool
) -> None:
    site = b.endpoint(b.OTHER_BOX, complete=complete)
    seen = b.as_seen(PAIR[1]) if ours else b.as_seen(PAIR[1], mark=None)
    alone = b.desired(PAIR[0], endpoints=(b.endpoint(), site))
    assert names(without_clashes(alone, b.observed(seen), "suffix", ORDER)) == [(b.BOX, "m")]


# Upstreams that would let a backend decide more than the name of a model.

ENVIRONMENT = "os.environ/LITELLM_MASTER_KEY"
KEEP_ID = "{regex: '^openai/', replace: ''}"


@pytest.mark.parametrize(
    ("options", "listed", "safe"),
    [
        ("", "m", True),
        ("", "azure/gpt", True),
        ("", ENVIRONMENT, False),
        ("model_format: 'hosted_vllm/{model}'", ENVIRONMENT, False),
        ("model_format: 'hosted_vllm/{model}'", "m", True),
        ("model_format: 'hosted_vllm/x/{model}/{model}'", "m", True),
        ("model_format: '{model}'", "azure/gpt", False),
        ("model_format: '{model}'", "gpt", False),
        ("model_format: 'x{model}/y'", "m", False),
        ("model_format: 'x{model}'", "/m", False),
        ("model_format: '/{model}'", "m", False),
        ("model_format: 'os.environ/{model}'", "HOME", False),
        ("model_format: os.environ/HOME", "m", False),
        ("model_format: openai/fixed", "m", True),
        ("model_format: fixed", "m", True),
        (f"regex_rename: [{KEEP_ID}]", "azure/gpt", False),
        (f"regex_rename: [{KEEP_ID}]", "openai/gpt", False),
        (f"regex_rename: [{KEEP_ID}, {{regex: ^, replace: vllm/}}]", "azure/gpt", True),
        ("regex_rename: [{regex: '^openai/(.*)', replace: 'vllm/$1'}]", "m", True),
        ("regex_rename: [{regex: '^openai/(.*)', replace: '$1/vllm'}]", "m", False),
        ("regex_rename: [{regex: openai, replace: hosted_vllm}]", "m", True),
        ("regex_rename: [{regex: 'openai/x', replace: os.environ}]", "x/HOME", False),
        ("regex_rename: [{regex: os.environ, replace: x}]", ENVIRONMENT, False),
        ("type: static, model_format: '{model}', models: [azure/gpt]", "azure/gpt", True),
        (f"type: static, model_format: '{{model}}', models: [{ENVIRONMENT}]", ENVIRONMENT, False),
    ],
)
def test_the_provider_is_the_configurations_and_the_environment_nobodys(
    tmp_path: Path, options: str, listed: str, safe: bool
) -> None:
    offer = offer_of(backend(tmp_path, options), model(listed))
    assert (offer.unsafe == "") == safe
