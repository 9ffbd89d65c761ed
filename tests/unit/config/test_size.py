"""A configuration whose rows LiteLLM could not store, or the engine not read back, is refused."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.backends.scope import scope_of
from engine.bounds import MAX_CONFIG_DEPTH, MAX_DECLARED, MAX_FIELDS, MAX_ID, MAX_MARKED, MAX_ROW
from engine.config.loader import load_config
from engine.config.model import Config
from engine.desired.deployments import desired_state
from engine.errors import ConfigError
from engine.fakes.litellm import LiteLLMSimulator
from engine.reconcile import Memory, Ports, reconcile_once
from engine.report.plan_log import PlanLog
from engine.state.listing import OK, Listing, Model
from engine.state.mark import mark_document, read_mark
from tests.quick import examples

MASTER = "sk-configsize"
NUL = "holds NUL (\\0), which LiteLLM's database cannot store; remove it"


class Folder:
    """Loads configurations with one static backend."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.url = "http://proxy"
        (path / "litellm").write_text(MASTER)

    def load(self, **fields: Any) -> Config:
        box = {"name": "box", "type": "static", "url": "http://box", "models": ["m"]}
        document = {"litellm": {"url": self.url}, "backends": [box | fields]}
        (self.path / "config.yaml").write_text(json.dumps(document, ensure_ascii=False), "utf-8")
        return load_config(self.path / "config.yaml", self.path)

    def refused(self, **fields: Any) -> list[str]:
        with pytest.raises(ConfigError) as error:
            self.load(**fields)
        return [str(problem).removeprefix("config.yaml:1: ") for problem in error.value.problems]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


# --- NUL ---


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"model_format": "openai/\0{model}"}, "model_format"),
        ({"models": ["a", "b\0"]}, "models[1]"),
        ({"models": [{"id": "a\0"}]}, "models[0].id"),
        ({"models": [{"id": "a", "note": ["\0"]}]}, "models[0].note[0]"),
        ({"model_info_defaults": {"a": {"b": [1, {"c": "x\0y"}]}}}, "model_info_defaults.a.b[1].c"),
        ({"litellm_params_defaults": {"note": "\0"}}, "litellm_params_defaults.note"),
        ({"litellm_params_defaults": {"my_token": "\0"}}, "litellm_params_defaults.my_token"),
        ({"generic_params": {"a\0b": 1}}, "generic_params['a\\x00b']"),
        ({"generic_params": {"a": {"\0": {}}}}, "generic_params.a['\\x00']"),
        (
            {"overrides": [{}, {"regex": "a", "capabilities": {"mode": "\0"}}]},
            "overrides[1].capabilities.mode",
        ),
        ({"regex_rename": [{"regex": "\0", "replace": "a\0"}]}, "regex_rename[0].replace"),
    ],
)
def test_nul_is_refused_where_it_would_be_sent(
    folder: Folder, fields: dict[str, Any], place: str
) -> None:
    assert folder.refused(**fields) == [f"backends[0].{place}: {NUL}"]


def test_all_nuls_are_told_at_once_beside_other_problems(folder: Folder) -> None:
    found = folder.refused(generic_params={"a": "\0", "b": ["\0"]}, timeout=-1)
    assert [problem.partition(":")[0] for problem in found] == [
        "backends[0].generic_params.a",
        "backends[0].generic_params.b[0]",
        "backends[0].timeout",
    ]


def test_an_expression_may_look_for_nul(folder: Folder) -> None:
    (backend,) = folder.load(filter_regex="\0", overrides=[{"regex": "\0"}]).backends
    assert backend.include is not None
    assert backend.include.search("a\0")


@pytest.mark.parametrize("text", ['"\\ud800"', '{"a": "\\udfff"}', '{"\\ud83d\\ude00": 1}'])
def test_half_a_character_is_refused(folder: Folder, text: str) -> None:
    (folder.path / "config.yaml").write_text(f'{{"litellm": {{"url": "http://p"}}, "x-a": {text}}}')
    with pytest.raises(ConfigError, match="not YAML"):
        load_config(folder.path / "config.yaml", folder.path)


# --- the size of a row ---


def sized(size: int, character: str = "x", name: str = "note") -> dict[str, str]:
    return {name: character * size}


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"litellm_params_defaults": sized(MAX_DECLARED)}, "litellm_params_defaults.note"),
        ({"generic_params": {"rpm": 1, "a": sized(MAX_DECLARED)}}, "generic_params.a"),
        ({"generic_params": {"a": [{}] * (MAX_DECLARED // 3)}}, "generic_params.a"),
        ({"model_info_defaults": sized(MAX_DECLARED // 6, "\x01")}, "model_info_defaults.note"),
        ({"model_info_defaults": sized(MAX_DECLARED // 12, "🙂")}, "model_info_defaults.note"),
        ({"models": ["a", {"id": "b", **sized(MAX_DECLARED)}]}, "models[1].note"),
        (
            {"overrides": [{"capabilities": sized(9)}, {"capabilities": sized(MAX_DECLARED)}]},
            "overrides[1].capabilities.note",
        ),
        ({"model_format": "openai/{model}" + "x" * MAX_DECLARED}, "model_format"),
        ({"url": "http://box/" + "x" * MAX_DECLARED}, "url"),
        (
            {
                "generic_params": sized(MAX_DECLARED // 4),
                "litellm_params_defaults": sized(MAX_DECLARED // 4, name="b"),
                "model_info_defaults": sized(MAX_DECLARED // 4 + 99),
                "models": [{"id": "m", **sized(MAX_DECLARED // 8)}],
                "overrides": [{"capabilities": sized(MAX_DECLARED // 8)}],
            },
            "model_info_defaults.note",
        ),
        (
            {"generic_params": {"k" * 1000: {"my_token": ["secret"] * (MAX_DECLARED // 1000)}}},
            f"generic_params['{'k' * 60}...']",
        ),
    ],
)
def test_a_row_that_would_be_too_large_is_refused(
    folder: Folder, fields: dict[str, Any], place: str
) -> None:
    (problem,) = folder.refused(**fields)
    assert problem.startswith(f"backends[0].{place}: too large: a model would be registered with ")
    assert problem.endswith(f" characters of JSON, at most {MAX_DECLARED}; shorten it")


def test_each_part_of_a_row_counts_once(folder: Folder) -> None:
    """The later of the two sections of parameters takes precedence; the largest variant counts."""
    large = MAX_DECLARED // 3
    folder.load(
        generic_params=sized(large, name="prompt"),
        litellm_params_defaults=sized(large, name="prompt"),
        models=[{"id": "m", **sized(large)}, {"id": "n", **sized(large)}],
        overrides=[{"capabilities": sized(large // 2)}] * 5,
    )


def test_the_largest_row_is_registered_and_read_back(tmp_path: Path) -> None:
    """The widest characters in each field, and the longest ids and names that are allowed."""
    with ExitStack() as stack:
        folder = Folder(tmp_path)
        proxy = stack.enter_context(LiteLLMSimulator(master_key=MASTER))
        folder.url = proxy.url
        ports, memory = Ports(PlanLog(None)), Memory()
        stack.callback(ports.http.close)
        wide = "\x01" * ((MAX_DECLARED - 600) // 24)
        config = folder.load(
            litellm_params_defaults={"a": wide, "my_token": wide, "rpm": 5},
            model_info_defaults={"b": wide},
            models=["🙂" * MAX_ID],
            overrides=[{"capabilities": {"c": wide}}],
        )
        assert reconcile_once(config, ports, memory).converged
        assert not reconcile_once(config, ports, memory).plan.operations
        listed = proxy.answer("GET", "/v2/model/info", f"Bearer {MASTER}", b"")
        assert MAX_DECLARED / 2 < len(json.dumps(json.loads(listed.body))) < MAX_ROW / 2


@pytest.mark.parametrize("name", ["litellm_params_defaults", "model_info_defaults"])
def test_the_deepest_row_is_registered_and_read_back(tmp_path: Path, name: str) -> None:
    with ExitStack() as stack:
        folder = Folder(tmp_path)
        folder.url = stack.enter_context(LiteLLMSimulator(master_key=MASTER)).url
        ports, memory = Ports(PlanLog(None)), Memory()
        stack.callback(ports.http.close)
        deep: Any = {"my_token": "secret"}
        for _ in range(MAX_CONFIG_DEPTH - 6):
            deep = {"a": deep}
        config = folder.load(**{name: {"deep": deep}})
        assert reconcile_once(config, ports, memory).converged
        assert not reconcile_once(config, ports, memory).plan.operations


@pytest.mark.parametrize("model", ["m" * (MAX_ID + 1), {"id": "é" * (MAX_ID + 1)}])
def test_the_id_of_a_static_model_has_a_length(folder: Folder, model: Any) -> None:
    folder.load(models=["é" * MAX_ID])
    expected = f"too long: an id has at most {MAX_ID} characters; leave this model out"
    assert folder.refused(models=[model]) == [f"backends[0].models[0]: {expected}"]


# --- the number of fields, and the mark ---


def numbered(count: int, prefix: str = "f") -> dict[str, int]:
    return {f"{prefix}{number}": number for number in range(count)}


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"litellm_params_defaults": numbered(MAX_FIELDS + 1)}, "litellm_params_defaults"),
        (
            {
                "generic_params": numbered(MAX_FIELDS // 2),
                "model_info_defaults": numbered(MAX_FIELDS // 2 + 1),
            },
            "model_info_defaults",
        ),
        ({"models": ["a", {"id": "b", **numbered(MAX_FIELDS)}]}, "models[1]"),
        (
            {
                "overrides": [
                    {"capabilities": numbered(1)},
                    {"capabilities": numbered(MAX_FIELDS + 1)},
                ]
            },
            "overrides[1].capabilities",
        ),
    ],
)
def test_more_fields_than_a_mark_may_name_are_refused(
    folder: Folder, fields: dict[str, Any], place: str
) -> None:
    expected = f"too many: a model would have {MAX_FIELDS + 1} fields, at most {MAX_FIELDS}"
    remedy = "leave some out, or put them into one map"
    assert folder.refused(**fields) == [f"backends[0].{place}: {expected}; {remedy}"]


def test_more_secrets_than_a_mark_may_name_are_refused(folder: Folder) -> None:
    most = {"key": ["s"] * MAX_FIELDS}
    folder.load(litellm_params_defaults=most)
    more = {**most, "rpm": 1, "auth": {"token": "s"}}
    expected = f"too many: a model would have {MAX_FIELDS + 1} secrets, at most {MAX_FIELDS}"
    assert folder.refused(litellm_params_defaults=more) == [
        f"backends[0].litellm_params_defaults.key: {expected}; leave some out"
    ]


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Zl", "Zp"]), max_size=5)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | NAMES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(NAMES | st.sampled_from(["my_token", "~/", "", "0"]), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = st.dictionaries(
    NAMES | st.sampled_from(["my_token", "a/b~c", "", "0"]), VALUES, max_size=6
)


@settings(
    max_examples=examples(40),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(params=FIELDS, info=FIELDS)
@example(params=numbered(MAX_FIELDS // 2), info=numbered(MAX_FIELDS // 2))
@example(params={"key": ["s"] * MAX_FIELDS}, info={})
def test_every_mark_that_a_configuration_can_make_is_read_back_whole(
    folder: Folder, params: dict[str, Any], info: dict[str, Any]
) -> None:
    config = folder.load(litellm_params_defaults=params, model_info_defaults=info)
    evidence = {f"supports_{number}": True for number in range(MAX_MARKED - MAX_FIELDS - 10)}
    model = Model("m", "openai", "http://box", info=evidence)
    references = dict.fromkeys(config.places(), "0" * 32)  # hashing 900 secrets takes a minute
    listing = Listing("box", OK, (model,))
    (wanted,) = desired_state(config, [listing], scope_of(config.backends), references).deployments
    assert read_mark(json.loads(json.dumps(mark_document(wanted.mark)))) == wanted.mark
    declared = {name for name, value in params.items() if value is not None}
    assert {f"/litellm_params/{name}" for name in declared if name.isalnum()} <= set(
        wanted.mark.fields
    )
