from __future__ import annotations

import json
import os
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import validate
from engine.config import model
from engine.config.loader import load_config
from engine.config.model import Config, Limits, Selection
from engine.errors import ConfigError
from engine.state.deployment import MARK
from engine.state.frozen import EMPTY, thaw
from engine.state.secret import PLACEHOLDER_KEY, Secret
from engine.transport.timing import Connection

FIXTURES = Path(__file__).parents[3] / "fixtures" / "config"
KEY = "sk-admin-hunter2"
KEY_REMEDY = "put the key of a LiteLLM admin into it, or into $MODELPROVISIONER_LITELLM_KEY"
EMPTY_LIST = "the list is empty; no model will be registered"


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    directory = tmp_path / "secrets"
    directory.mkdir()
    (directory / "litellm").write_text(KEY)
    return directory


class Reader:
    """Loads configurations from text, with the keys of one directory."""

    def __init__(self, secrets: Path) -> None:
        self.secrets = secrets

    def load(self, text: str) -> Config:
        path = self.secrets.parent / "config.yaml"
        path.write_text(text, encoding="utf-8")
        return load_config(path, self.secrets)

    def backend(self, *lines: str, top: str = "") -> model.Backend:
        (backend,) = self.load(with_backend(*lines, top=top)).backends
        return backend

    def refused(self, text: str) -> list[str]:
        with pytest.raises(ConfigError) as error:
            self.load(text)
        assert "hunter2" not in "".join(traceback.format_exception(error.value))
        return [str(problem) for problem in error.value.problems]


def with_backend(*lines: str, top: str = "") -> str:
    """Return a configuration with one backend, whose own lines begin with line 6."""
    fields = "\n".join(f"    {line}" for line in lines)
    return f"litellm: {{url: http://proxy}}\n{top}\nbackends:\n  - name: box\n    url: http://box\n{fields}\n"


@pytest.fixture
def reader(secrets: Path) -> Reader:
    return Reader(secrets)


# What a file may say.


def test_the_smallest_file_has_all_defaults(reader: Reader) -> None:
    loaded = reader.load("litellm: {url: http://proxy:4000/}\n")
    assert loaded.litellm.url == "http://proxy:4000"
    assert loaded.litellm.key == Secret(KEY)
    assert loaded.litellm.connection == Connection(60.0, verify=True, ca_file=None)
    assert (loaded.backends, loaded.owner, loaded.on_clash) == ((), "modelprovisioner", "pool")
    assert loaded.limits == Limits(0.5, 3, 900.0, 1000, 1000)
    assert loaded.warnings == (f"config.yaml:1: backends: {EMPTY_LIST}",)


@pytest.mark.parametrize("text", ["null", "[]", ""])
def test_no_backends_is_a_warning(reader: Reader, text: str) -> None:
    loaded = reader.load(f"litellm: {{url: http://proxy}}\nbackends: {text}\n")
    assert loaded.warnings == (f"config.yaml:2: backends: {EMPTY_LIST}",)


def test_a_backend_has_all_defaults(reader: Reader) -> None:
    backend = reader.backend()
    assert backend == model.Backend(
        name="box",
        kind="openai",
        url="http://box",
        key=Secret(PLACEHOLDER_KEY),
        key_problem="",
        key_given=False,
        connection=Connection(10.0, verify=True, ca_file=None),
        models_endpoint="",
        model_format="",
        renames=(),
        discovery=True,
        include=None,
        exclude=None,
        overrides=(),
        model_info=EMPTY,
        litellm_params=EMPTY,
        name_format="{model}",
        aliases={},
        strip_tag="",
        use_slots=False,
        selection=Selection(
            adapters=True, remote=False, unloaded=True, failed=True, modes=(), not_modes=()
        ),
        models={},
        on_taken_name="skip",
        joinable_names=(),
        policy="sync",
        ownership="adopt",
        on_unreachable="keep",
        removal_grace=0.0,
        maintenance=False,
    )


def test_every_field_of_a_backend_can_be_null(reader: Reader) -> None:
    fields = validate.schema("config")["$defs"]["backend"]["properties"]
    nulls = [f"{name}:" for name in fields if name not in ("name", "url")]
    assert reader.backend(*nulls) == reader.backend()


def defaults(schema: Mapping[str, Any]) -> dict[str, Any]:
    fields = schema["properties"].items()
    return {name: field["default"] for name, field in fields if "default" in field}


def test_writing_every_default_of_the_schema_changes_nothing(reader: Reader) -> None:
    schema = validate.schema("config")
    top, rules = schema["properties"], schema["$defs"]
    rule, override = {"regex": "b"}, {"capabilities": {"mode": "chat"}}
    box = {"name": "box", "url": "http://box"}
    given: dict[str, Any] = {
        "litellm": {"url": "http://proxy"},
        "backends": [{**box, "regex_rename": [rule], "overrides": [override]}],
    }
    written: dict[str, Any] = {
        **defaults(schema),
        "limits": defaults(top["limits"]),
        "litellm": {**defaults(top["litellm"]), "url": "http://proxy"},
        "backends": [
            {
                **defaults(rules["backend"]),
                **box,
                "regex_rename": [{**defaults(rules["rename"]), **rule}],
                "overrides": [{**defaults(rules["override"]), **override}],
            }
        ],
    }
    assert len(written["backends"][0]) == 28
    assert reader.load(json.dumps(written)) == reader.load(json.dumps(given))


def test_every_field_can_be_set(reader: Reader, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("")
    loaded = reader.load(f"""
owner: site-1
policy: upsert-only
ownership: marked
on_unreachable: remove
limits: {{max_delete_fraction: 0.4, min_deployments: 5, suspicion_period: 1h30m,
  max_models: 200, max_creates: 50}}
litellm: {{url: https://proxy/x/, timeout: 2m, verify: false}}
x-anything: {{at: all}}
backends:
  - name: gpu.1
    type: vllm
    url: HTTPS://GPU:443//v1/
    models_endpoint: my/models
    model_format: hosted_vllm/{{model}}
    discovery: probe
    filter_regex: a
    exclude_regex: b
    overrides:
      - {{regex: c, capabilities: {{mode: chat, nested: {{deep: [1, {{x: 2.0}}]}}}}}}
      - {{capabilities: {{mode: null}}}}
    regex_rename:
      - {{regex: 017, replace: 0x1}}
      - {{regex: -latest, replace: }}
    model_info_defaults: {{mode: embedding, tier: null}}
    litellm_params_defaults: {{rpm: 2, tpm: null, weight: 1.0}}
    generic_params: {{rpm: 1, tpm: 5, timeout: 30}}
    name_format: "{{backend}}/{{model}}"
    aliases: {{m1: fast, m2: [slow, slow, 017, yes]}}
    policy: create-only
    ownership: adopt
    on_unreachable: keep
    timeout: 2.5
    verify: true
    ca_file: {tmp_path / "ca.pem"}
""")
    assert loaded.owner == "site-1"
    assert loaded.limits == Limits(0.4, 5, 5400.0, 200, 50)
    assert loaded.litellm.url == "https://proxy/x"
    assert loaded.litellm.connection == Connection(120.0, verify=False)
    assert loaded.warnings == ()
    (gpu,) = loaded.backends
    assert (gpu.name, gpu.kind, gpu.url) == ("gpu.1", "vllm", "https://gpu/v1")
    assert (gpu.models_endpoint, gpu.model_format) == ("/my/models", "hosted_vllm/{model}")
    assert gpu.discovery == "probe"
    assert gpu.include is not None
    assert gpu.include.text == "a"
    assert gpu.exclude is not None
    assert gpu.exclude.text == "b"
    assert [override.pattern.text for override in gpu.overrides] == ["c", ""]
    assert thaw(gpu.overrides[0].capabilities) == {
        "mode": "chat",
        "nested": {"deep": [1, {"x": 2}]},
    }
    assert thaw(gpu.overrides[1].capabilities) == {"mode": None}
    assert [(rename.pattern.text, rename.template) for rename in gpu.renames] == [
        ("017", "0x1"),
        ("-latest", ""),
    ]
    assert thaw(gpu.model_info) == {"mode": "embedding"}
    assert thaw(gpu.litellm_params) == {"rpm": 2, "timeout": 30, "weight": 1}
    assert type(gpu.litellm_params["weight"]) is int
    assert gpu.name_format == "{backend}/{model}"
    assert gpu.aliases == {"m1": ("fast",), "m2": ("slow", "017", "yes")}
    assert (gpu.policy, gpu.ownership, gpu.on_unreachable) == ("create-only", "adopt", "keep")
    assert gpu.connection == Connection(2.5, verify=True, ca_file=str(tmp_path / "ca.pem"))


def test_a_file_of_the_go_program_works_as_it_is(secrets: Path) -> None:
    (secrets / "ollama").write_text("sk-ollama-hunter2\n")
    loaded = load_config(FIXTURES / "go-sample.yaml", secrets)
    vllm, ollama, other = loaded.backends
    assert (vllm.name, vllm.kind, vllm.url) == (
        "vllm-a100",
        "vllm",
        "http://vllm-a100.llm.svc:8000",
    )
    assert vllm.discovery is True
    assert vllm.include is not None
    assert vllm.include.search("QWEN/Qwen3-8B")
    assert not vllm.include.search("google/gemma")
    assert thaw(vllm.overrides[0].capabilities) == {
        "supports_vision": True,
        "max_input_tokens": 32768,
    }
    assert thaw(vllm.model_info) == {
        "mode": "chat",
        "input_cost_per_token": 0,
        "output_cost_per_token": 0,
    }
    assert thaw(vllm.litellm_params) == {
        "rpm": 1000,
        "timeout": 600,
        "stream_timeout": 120,
        "tags": ["local", "on-premises"],
    }
    (rename,) = vllm.renames
    assert (rename.pattern.text, rename.template) == (r"qwen2\.5-coder-32b", "qwen2.5-coder-7b")
    assert (ollama.kind, ollama.url) == ("ollama", "http://ollama.llm.svc:11434")
    assert ollama.model_info["litellm_provider"] == "ollama"
    assert ollama.litellm_params["stream_timeout"] == 300
    assert ollama.key == Secret("sk-ollama-hunter2")
    assert (other.name, other.url) == ("0815", "https://inference.example.com/api/v1")
    assert (other.models_endpoint, other.discovery) == ("/my/models", False)
    assert loaded.warnings == (
        (
            "go-sample.yaml:29: backends[0].generic_params.api_key: ignored, since the engine "
            "sets it; put the key into the key file `vllm-a100`"
        ),
        (
            "go-sample.yaml:29: backends[1].generic_params.api_key: ignored, since the engine "
            "sets it; put the key into the key file `ollama`"
        ),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90", 90),
        ("1.5", 1.5),
        ("90s", 90),
        ("15m", 900),
        ("1h", 3600),
        ("1h30m", 5400),
        ("'20'", 20),
        ("1.5m", 90),
        ("1_0", 10),
        ("24h", 86400),
    ],
)
def test_a_duration_is_a_number_of_seconds_or_has_units(
    reader: Reader, text: str, expected: float
) -> None:
    timeout = reader.backend(f"timeout: {text}").connection.timeout
    assert (timeout, type(timeout)) == (expected, float)


@pytest.mark.parametrize("text", ["017", "0x1F", "1_000", "12e3", "yes", "n", "2024-01-01", "'x'"])
def test_a_string_keeps_its_text_whatever_it_looks_like(reader: Reader, text: str) -> None:
    wanted = text.strip("'")
    backend = reader.backend(
        f"model_format: {text}", f"filter_regex: {text}", f"models_endpoint: {text}"
    )
    assert backend.model_format == wanted
    assert backend.include is not None
    assert backend.include.text == wanted
    assert backend.models_endpoint == f"/{wanted}"


def test_a_name_that_looks_like_a_number_names_its_secret_file(reader: Reader) -> None:
    (reader.secrets / "017").write_text("k")
    loaded = reader.load("{litellm: {url: http://p}, backends: [{name: 017, url: http://b}]}")
    assert (loaded.backends[0].name, loaded.backends[0].key) == ("017", Secret("k"))


def test_free_maps_keep_the_types_of_yaml(reader: Reader) -> None:
    info = reader.backend(
        "model_info_defaults: {a: yes, b: 017, c: 1e3, d: 12:30, 7: x}"
    ).model_info
    assert thaw(info) == {"a": True, "b": 15, "c": 1000, "d": "12:30", "7": "x"}


@pytest.mark.parametrize(("text", "kind"), [("", "openai"), ("''", "openai"), ("ollama", "ollama")])
def test_a_type_says_the_kind(reader: Reader, text: str, kind: str) -> None:
    assert reader.backend(f"type: {text}").kind == kind


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("Ollama", "; did you mean `ollama`?"),
        ("vlm", "; did you mean `vllm`?"),
        ("azure", f" (known: {', '.join(model.KINDS)})"),
    ],
)
def test_an_unknown_type_is_openai_with_a_warning(reader: Reader, text: str, advice: str) -> None:
    loaded = reader.load(with_backend(f"type: {text}"))
    assert loaded.backends[0].kind == "openai"
    assert loaded.warnings == (
        f"config.yaml:6: backends[0].type: unknown, treated as `openai`{advice}",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [("''", ""), ("/models", "/models"), ("models", "/models")],
)
def test_a_models_endpoint_is_a_path_below_the_url(
    reader: Reader, text: str, expected: str
) -> None:
    assert reader.backend(f"models_endpoint: {text}").models_endpoint == expected


def test_the_top_level_decides_for_backends_that_say_nothing(reader: Reader) -> None:
    top = "{policy: create-only, ownership: marked, on_unreachable: remove}"
    backend = reader.backend("policy: sync", top=top[1:-1].replace(", ", "\n"))
    assert (backend.policy, backend.ownership, backend.on_unreachable) == (
        "sync",
        "marked",
        "remove",
    )


# Warnings.


def warned(loaded: Config) -> list[str]:
    return [warning.partition(": ")[2] for warning in loaded.warnings]


def test_parameters_that_the_engine_sets_are_ignored_with_one_warning_each(reader: Reader) -> None:
    loaded = reader.load(
        with_backend(
            "generic_params: {model: a, api_base: b, api_key: c, rpm: 1}",
            "litellm_params_defaults: {api_key: d, tpm: 1}",
        )
    )
    assert thaw(loaded.backends[0].litellm_params) == {"rpm": 1, "tpm": 1}
    assert [warning.partition(": ")[0] for warning in warned(loaded)] == [
        "backends[0].generic_params.api_base",
        "backends[0].generic_params.api_key",
        "backends[0].generic_params.model",
        "backends[0].litellm_params_defaults.api_key",
    ]
    assert all("ignored, since the engine sets it" in warning for warning in warned(loaded))


def test_model_info_that_litellm_sets_is_ignored_with_a_warning(reader: Reader) -> None:
    fields = f"{{id: 1, db_model: x, {MARK}: x, mode: chat}}"
    loaded = reader.load(
        with_backend(f"model_info_defaults: {fields}", f"overrides: [{{capabilities: {fields}}}]")
    )
    (backend,) = loaded.backends
    assert backend.model_info == backend.overrides[0].capabilities == {"mode": "chat"}
    assert [warning.partition(": ")[0] for warning in warned(loaded)] == [
        f"backends[0].{place}.{key}"
        for place in ("model_info_defaults", "overrides[0].capabilities")
        for key in ("db_model", "id", MARK)
    ]


def test_repeated_keys_are_reported_where_the_last_one_is(reader: Reader) -> None:
    loaded = reader.load(with_backend("timeout: 1", "timeout: 2"))
    assert loaded.backends[0].connection.timeout == 2
    assert loaded.warnings == (
        "config.yaml:7: backends[0].timeout: given twice; the last one counts",
    )


def test_two_backends_on_one_server_are_reported(reader: Reader) -> None:
    loaded = reader.load(
        """litellm: {url: http://p}
backends:
  - {name: a, url: "http://box:8000/v1"}
  - {name: b, url: "http://box:8000"}
"""
    )
    assert loaded.warnings == (
        (
            "config.yaml:4: backends[1].url: the same server as backends[0]; "
            "this later backend decides about a model that both list"
        ),
    )


def test_a_certificate_file_that_is_absent_or_unused_is_reported(
    reader: Reader, tmp_path: Path
) -> None:
    assert warned(reader.load(with_backend("ca_file: /nowhere/ca.pem"))) == [
        "backends[0].ca_file: there is no such file; every request to this server will fail"
    ]
    assert "no such file" in warned(reader.load(with_backend('ca_file: "a\\0b"')))[0]
    (tmp_path / "ca.pem").write_text("")
    (warning,) = warned(
        reader.load(with_backend(f"ca_file: {tmp_path / 'ca.pem'}", "verify: false"))
    )
    assert warning.startswith("backends[0].ca_file: not used, since")


def test_a_constant_model_format_is_reported(reader: Reader) -> None:
    loaded = reader.load(with_backend("model_format: openai/fixed"))
    assert loaded.backends[0].model_format == "openai/fixed"
    assert warned(loaded)[0].startswith("backends[0].model_format: does not contain {model}")


def test_a_replacement_that_refers_to_no_group_is_reported(reader: Reader) -> None:
    rules = "regex_rename: [{regex: (a), replace: $1}, {regex: (a), replace: $1x}]"
    loaded = reader.load(with_backend(rules))
    assert len(loaded.backends[0].renames) == 2
    (warning,) = warned(loaded)
    path, _, what = warning.partition(": ")
    assert path == "backends[0].regex_rename[1].replace"
    assert what.startswith("refers to a group that `regex` does not have")


# Refusals.


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("filter_regexp: a", "filter_regexp: unknown; did you mean `filter_regex`?"),
        ("quux: a", "quux: unknown; valid keys: name, type, url, "),
        ("discovery: maybe", "discovery: expected one of true, false, 'probe', got the string"),
        ("discovery: 1", "discovery: expected one of true, false, 'probe', got the number 1"),
        ("verify: maybe", "verify: expected a boolean, got the string 'maybe'"),
        ("verify: 1", "verify: expected a boolean, got the number 1"),
        ("type: [a]", "type: expected a string, got a list"),
        ("aliases: [a]", "aliases: expected a map, got a list"),
        ("aliases: {a: }", "aliases.a: expected a string or a list, got null"),
        ("aliases: {a: {b: c}}", "aliases.a: expected a string or a list, got a map"),
        ("aliases: {a: ''}", "aliases.a: expected 1 or more characters"),
        ("aliases: {a: [b, {}]}", "aliases.a[1]: expected a string, got a map"),
        ("overrides: {}", "overrides: expected a list, got a map"),
        ("overrides: [a]", "overrides[0]: expected a map, got a string"),
        ("overrides: [~]", "overrides[0]: expected a map, got null"),
        ("overrides: [{regexp: a}]", "overrides[0].regexp: unknown; did you mean `regex`?"),
        ("overrides: [{regex: (}]", "overrides[0].regex: not a regular expression (RE2): missing"),
        ("regex_rename: {regex: a}", "regex_rename: expected a list, got a map"),
        ("regex_rename: [a]", "regex_rename[0]: expected a map, got a string"),
        ("regex_rename: [{replace: a}]", "regex_rename[0].regex: missing; it is required"),
        ("regex_rename: [{regex: , replace: a}]", "regex_rename[0].regex: missing; it is"),
        ("regex_rename: [{regex: ''}]", "regex_rename[0].regex: expected 1 or more characters"),
        ("regex_rename: [{regex: a, replace: [b]}]", "regex_rename[0].replace: expected a string"),
        ("regex_rename: [{regex: a}, {regex: (}]", "regex_rename[1].regex: not a regular expres"),
        (
            f"regex_rename: [{{regex: a, replace: {'x' * 5000}}}]",
            "regex_rename[0].replace: longer than 4096 characters; shorten it",
        ),
        ("filter_regex: (?!x)", "filter_regex: not a regular expression (RE2): RE2 has no look-"),
        ("exclude_regex: '['", "exclude_regex: not a regular expression (RE2)"),
        ("generic_params: 1", "generic_params: expected a map, got the number 1"),
        ("policy: synch", "policy: expected one of 'sync', 'upsert-only', 'create-only', got"),
        ("policy: synch", "did you mean `sync`?"),
        (
            "ownership: yes",
            "ownership: expected one of 'adopt', 'marked', 'exclusive', got",
        ),
        ("on_unreachable: delete", "on_unreachable: expected one of 'keep', 'remove', got"),
        ("timeout: 0", "timeout: expected a number above 0, got the number 0"),
        ("timeout: 0s", "timeout: expected more than 0 and at most 24h"),
        ("timeout: 25h", "timeout: expected more than 0 and at most 24h"),
        ("timeout: -1", "timeout: expected a number above 0"),
        ("timeout: 1e300", "timeout: expected a number of at most 86400"),
        ("timeout: 5 minutes", "timeout: expected a number of seconds, or a duration such as 90s"),
        ("timeout: 12:30", "timeout: expected a number of seconds, or a duration such as 90s"),
        ("timeout: yes", "timeout: expected a number of seconds, or a duration such as 90s"),
        ("timeout: ''", "timeout: expected a number of seconds, or a duration such as 90s"),
        ("name_format: '{backend}'", "name_format: must contain {model}"),
        (
            "name_format: '{model}-{modle}'",
            "name_format: unknown placeholder; did you mean {model}",
        ),
        ("name_format: '{model}{x}'", "name_format: unknown placeholder; there are {model}, "),
        ("models_endpoint: http://x/models", "models_endpoint: expected a path below `url`"),
        ("models_endpoint: //x/models", "models_endpoint: expected a path below `url`"),
        ("models_endpoint: '/models?key=hunter2'", "models_endpoint: must not hold a query"),
        ("models_endpoint: /../admin", "models_endpoint: expected a plain path"),
        ("models_endpoint: /a b", "models_endpoint: expected a plain path"),
        ("models_endpoint: '/a#b'", "models_endpoint: expected a plain path"),
        ("model_info_defaults: {team_id: a}", "model_info_defaults.team_id: models of a team"),
        (
            "overrides: [{capabilities: {team_public_model_name: a}}]",
            "overrides[0].capabilities.team_public_model_name: models of a team",
        ),
        (
            "model_info_defaults: {a: [{$secret: x}]}",
            "model_info_defaults.a[0].$secret: the engine uses",
        ),
        ("generic_params: {a: {$secret: x}}", "generic_params.a.$secret: the engine uses this key"),
        ("overrides: [{capabilities: {$secret: x}}]", "overrides[0].capabilities.$secret: the"),
    ],
)
def test_a_wrong_field_is_refused_with_its_line_and_path(
    reader: Reader, line: str, expected: str
) -> None:
    (problem,) = reader.refused(with_backend(line))
    assert problem.startswith("config.yaml:6: backends[0].")
    assert expected in problem


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("gpu1:8000", "expected an http:// or https:// URL with a host"),
        ("''", "expected an http:// or https:// URL with a host"),
        ("ftp://gpu1", "expected an http:// or https:// URL with a host"),
        ("http://user:hunter2@gpu1", "must not hold a user name or password"),
        ("http://user:hunter2/2@gpu1", "expected an http:// or https:// URL with a host and port"),
        ("http://hunter2℀.example", "expected an http:// or https:// URL with a host and port"),
        ("http://gpu1/v1?key=hunter2", "must not hold a query"),
        ("http://gpu1:99999", "ort"),
        ("http://[::1", "with a host and port"),
        ("[http://gpu1]", "expected a string, got a list"),
    ],
)
def test_a_wrong_url_is_refused_wherever_it_is(reader: Reader, url: str, expected: str) -> None:
    of_backend, of_proxy = (
        reader.refused(text)
        for text in (
            f"litellm: {{url: http://p}}\nbackends:\n- name: a\n  url: {url}\n",
            f"litellm:\n  url: {url}\nbackends: []\n",
        )
    )
    assert len(of_backend) == len(of_proxy) == 1
    assert of_backend[0].startswith("config.yaml:4: backends[0].url: ")
    assert of_proxy[0].startswith("config.yaml:2: litellm.url: ")
    assert expected in of_backend[0]
    assert expected in of_proxy[0]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("''", "expected 1 to 63 letters"),
        ("../litellm", "expected 1 to 63 letters"),
        ("a/b", "expected 1 to 63 letters"),
        (".hidden", "expected 1 to 63 letters"),
        ("a b", "expected 1 to 63 letters"),
        ('"a\\n"', "expected 1 to 63 letters"),
        ("é", "expected 1 to 63 letters"),
        ("x" * 64, "expected 1 to 63 letters"),
        ("litellm", "the key file `litellm` holds the key of LiteLLM; choose another name"),
        ("first", "backends[0] already has this name; choose another one"),
        ("", "missing; it is required"),
    ],
)
def test_a_name_must_be_a_safe_and_unique_file_name(
    reader: Reader, name: str, expected: str
) -> None:
    first = "{name: first, url: http://a}"
    text = f"litellm: {{url: http://p}}\nbackends:\n- {first}\n- url: http://b\n  name: {name}\n"
    (problem,) = reader.refused(text)
    assert problem.startswith("config.yaml:")
    assert f": backends[1].name: {expected}" in problem


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("backends: []", "config.yaml:1: litellm: missing; it is required"),
        ("litellm: null", "config.yaml:1: litellm: missing; it is required"),
        ("litellm: {}", "config.yaml:1: litellm.url: missing; it is required"),
        ("litellm: {url: }", "config.yaml:1: litellm.url: missing; it is required"),
        ("litellm: http://p", "config.yaml:1: litellm: expected a map, got a string"),
        ("[litellm]", "config.yaml:1: expected a map, got a list"),
        ("just text", "config.yaml:1: expected a map, got a string"),
        ("litellm: {url: http://p}\nbackends: {}", "config.yaml:2: backends: expected a list, got"),
        ("litellm: {url: http://p}\nbackends: [~]", "config.yaml:2: backends[0]: expected a map"),
        (
            "litellm: {url: http://p, xyz: x}",
            "config.yaml:1: litellm.xyz: unknown; valid keys: url",
        ),
        (
            "litellm: {url: http://p}\nbackend: []",
            "config.yaml:2: backend: unknown; did you mean `b",
        ),
        ("litellm: {url: http://p}\nowner: a b", "config.yaml:2: owner: expected 1 to 63 letters"),
        ("litellm: {url: http://p}\nowner: ''", "config.yaml:2: owner: expected 1 to 63 letters"),
        ("litellm: {url: http://p}\npolicy: x", "config.yaml:2: policy: expected one of 'sync'"),
        (
            "litellm: {url: http://p}\nlimits: {max_delete_fraction: 1.5}",
            "config.yaml:2: limits.max_delete_fraction: expected a number of at most 1",
        ),
        (
            "litellm: {url: http://p}\nlimits: {min_deployments: -1}",
            "config.yaml:2: limits.min_deployments: expected a number of at least 0",
        ),
        (
            "litellm: {url: http://p}\nlimits: {suspicion_period: 9999h}",
            "config.yaml:2: limits.suspicion_period: expected at most a year",
        ),
    ],
)
def test_a_wrong_top_level_is_refused_with_its_line(
    reader: Reader, text: str, expected: str
) -> None:
    (problem,) = reader.refused(text)
    assert problem.startswith(expected)


def test_all_problems_come_at_once_in_the_order_of_the_file(reader: Reader) -> None:
    (reader.secrets / "litellm").unlink()
    problems = reader.refused(
        """litellm:
  url: proxy
  timeout: soon
backends:
  - name: a
    url: http://a
    filter_regexp: x
    filter_regex: (
    verify: maybe
  - name: a
    url: nowhere
    overrides:
      - regex: (?=x)
        capabilities: {team_id: x}
polciy: sync
"""
    )
    assert [problem.split(": ")[0:2] for problem in problems] == [
        ["config.yaml:2", "litellm.url"],
        ["config.yaml:3", "litellm.timeout"],
        ["config.yaml:7", "backends[0].filter_regexp"],
        ["config.yaml:8", "backends[0].filter_regex"],
        ["config.yaml:9", "backends[0].verify"],
        ["config.yaml:10", "backends[1].name"],
        ["config.yaml:11", "backends[1].url"],
        ["config.yaml:13", "backends[1].overrides[0].regex"],
        ["config.yaml:14", "backends[1].overrides[0].capabilities.team_id"],
        ["config.yaml:15", "polciy"],
        [
            str(reader.secrets / "litellm"),
            f"there is no such file; {KEY_REMEDY}",
        ],
    ]


@pytest.mark.parametrize(
    ("key", "value", "default"),
    [
        ("policy", "create-only", "sync"),
        ("ownership", "marked", "adopt"),
        ("on_unreachable", "remove", "keep"),
    ],
)
def test_backends_on_one_server_must_agree_on_what_is_decided_per_server(
    reader: Reader, key: str, value: str, default: str
) -> None:
    text = f"""litellm: {{url: http://p}}
backends:
  - {{name: a, url: "http://box:80/v1/"}}
  - {{name: other, url: "http://other", {key}: {value}}}
  - {{name: b, url: "http://box", {key}: {value}}}
"""
    (problem,) = reader.refused(text)
    assert problem == (
        f"config.yaml:5: backends[2].{key}: {value!r}, but backends[0], which is on the same "
        f"server, has {default!r}; make them agree"
    )
    assert len(reader.load(f"{key}: {value}\n{text}").backends) == 3


# Secrets.


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"sk-1", "sk-1"),
        (b"sk-1\n", "sk-1"),
        (b"\r\n  sk-1 \t\r\n", "sk-1"),
        (b"\xef\xbb\xbfsk-1\r\n", "sk-1"),
        (b"Basic a b", "Basic a b"),
        (b"", PLACEHOLDER_KEY),
        (b" \n\t", PLACEHOLDER_KEY),
    ],
)
def test_keys_are_trimmed_and_none_is_blank(reader: Reader, content: bytes, expected: str) -> None:
    (reader.secrets / "box").write_bytes(content)
    backend = reader.backend()
    assert (backend.key, backend.key_problem) == (Secret(expected), "")
    assert backend.key_given


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"hunter2\nhunter2", "more than one line"),
        (b"hunter2\rhunter2", "more than one line"),
        (b"hunter2\x00hunter2", "a character that no HTTP header may hold"),
        (b"hunter2\x1bhunter2", "a character that no HTTP header may hold"),
        ("hunter2é".encode(), "a character that no HTTP header may hold"),
        (b"hunter2\xff", "not UTF-8"),
        (b"hunter2" * 20_000, "larger than 64 KiB"),
    ],
)
def test_a_key_file_with_strange_content_makes_a_key_problem(
    reader: Reader, content: bytes, expected: str
) -> None:
    (reader.secrets / "box").write_bytes(content)
    backend = reader.backend()
    assert backend.key == Secret(PLACEHOLDER_KEY)
    assert expected in backend.key_problem
    assert str(reader.secrets / "box") in backend.key_problem
    assert "hunter2" not in backend.key_problem


def test_a_key_file_that_is_no_file_makes_a_key_problem(reader: Reader) -> None:
    path = reader.secrets / "box"
    path.mkdir()
    assert reader.backend().key_problem == f"the key file {path} is not a file"
    path.rmdir()
    os.mkfifo(path)
    assert reader.backend().key_problem == f"the key file {path} is not a file"
    path.unlink()
    path.symlink_to("box")
    assert "cannot be read: too many levels" in reader.backend().key_problem
    path.unlink()
    path.symlink_to("nothing")
    assert reader.backend().key_problem == f"the key file {path} is a link to nothing"


def test_a_key_file_without_permission_makes_a_key_problem(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = reader.secrets / "box"
    path.write_text("x")
    real = os.open

    def refuse(opened: Any, *args: Any, **kwargs: Any) -> Any:
        if opened == path:
            raise PermissionError(13, "Permission denied")
        return real(opened, *args, **kwargs)

    monkeypatch.setattr(os, "open", refuse)
    expected = f"the key file {path} cannot be read: permission denied"
    assert reader.backend().key_problem == expected


def test_a_key_file_may_be_a_link_as_in_kubernetes(reader: Reader) -> None:
    data = reader.secrets / "..2024"
    data.mkdir()
    (data / "box").write_text("sk-1")
    (reader.secrets / "..data").symlink_to("..2024")
    (reader.secrets / "box").symlink_to("..data/box")
    assert reader.backend().key == Secret("sk-1")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "there is no such file"),
        (b"", "empty"),
        (b" \n", "empty"),
        (b"hunter2\nhunter2", "more than one line"),
        (b"hunter2\xff", "not UTF-8"),
    ],
)
def test_without_litellms_key_the_configuration_is_refused(
    reader: Reader, content: bytes | None, expected: str
) -> None:
    path = reader.secrets / "litellm"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    (problem,) = reader.refused("litellm: {url: http://p}")
    assert problem.startswith(f"{path}: ")
    assert expected in problem
    assert "put the key of a LiteLLM admin into it" in problem


def test_without_a_directory_of_secrets_litellms_key_is_missing(
    reader: Reader, tmp_path: Path
) -> None:
    (tmp_path / "config.yaml").write_text("litellm: {url: http://p}")
    for directory in (tmp_path / "nowhere", tmp_path / "config.yaml"):
        with pytest.raises(ConfigError, match="there is no such file; put the key"):
            load_config(tmp_path / "config.yaml", directory)


def test_parameters_that_litellm_masks_become_secrets(reader: Reader) -> None:
    params = reader.backend(
        "litellm_params_defaults:",
        "  client_secret: s1",
        "  X-Access: s2",
        "  extra_headers: {Authorization: s3, X-Team: plain, X-API-Key: s4}",
        "  my_token: [s5, {plain: p, password: s6}, 7]",
        "  key_id: 5",
        "  private_mode: true",
        "  credentials: {region: eu, private_key: s7}",
        "  api_version: os.environ/VERSION",
        "  nested: {list: [os.environ/OTHER]}",
        "  litellm_credential_name: plain",
        "  default_api_key_rpm_limit: plain",
        "  max_tokens: plain",
        "  token_cost: plain",
        "  monkey: plain",
    ).litellm_params
    assert thaw(params) == {
        "client_secret": Secret("s1"),
        "X-Access": Secret("s2"),
        "extra_headers": {
            "Authorization": Secret("s3"),
            "X-Team": "plain",
            "X-API-Key": Secret("s4"),
        },
        "my_token": [Secret("s5"), {"plain": "p", "password": Secret("s6")}, Secret(7)],
        "key_id": Secret(5),
        "private_mode": True,
        "credentials": {"region": "eu", "private_key": Secret("s7")},
        "api_version": Secret("os.environ/VERSION"),
        "nested": {"list": [Secret("os.environ/OTHER")]},
        "litellm_credential_name": "plain",
        "default_api_key_rpm_limit": "plain",
        "max_tokens": "plain",
        "token_cost": "plain",
        "monkey": "plain",
    }


def test_secrets_returns_every_one_once_and_no_placeholder(reader: Reader) -> None:
    (reader.secrets / "b").write_text("sk-b")
    loaded = reader.load("""
litellm: {url: http://p}
backends:
  - {name: a, url: "http://a", generic_params: {h: {my_key: s1}, l: [{token: s2}], pw_token: ""}}
  - {name: b, url: "http://b", generic_params: {other_key: s1, rpm: 1}}
""")
    assert loaded.secrets() == tuple(Secret(key) for key in (KEY, "s1", "s2", "sk-b"))


def test_no_repr_shows_a_secret(reader: Reader) -> None:
    (reader.secrets / "box").write_text("sk-box-hunter2")
    loaded = reader.load(
        with_backend("generic_params: {api_key: hunter2, extra_headers: {X-Key: hunter2}}")
    )
    assert "hunter2" not in f"{loaded!r} {loaded} {loaded.warnings}"


@pytest.mark.parametrize(
    "text",
    [
        "litellm: {url: http://p, api_key: hunter2}",
        "litellm: {url: http://p}\nmaster_key: hunter2",
        "litellm: {url: http://p, verify: sk-hunter2}",
        with_backend("api_key: hunter2"),
        with_backend("generic_params: 'api_key: hunter2'", "litellm_params_defaults: sk-hunter2"),
        with_backend("generic_params: {api_key: [*hunter2]}"),
        with_backend("generic_params: {api_key: hunter2, team: {$secret: hunter2}}"),
        with_backend("generic_params: {api_key: !hunter2 x}"),
        with_backend("generic_params: {api_key: hunter2, quux: .nan}"),
    ],
)
def test_no_refusal_shows_a_secret(reader: Reader, text: str) -> None:
    assert reader.refused(text)


# Files.


def test_a_missing_configuration_is_named_with_the_remedy(secrets: Path, tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    with pytest.raises(ConfigError) as refused:
        load_config(path, secrets)
    assert str(refused.value) == (
        f"{path}: there is no such file; write it, or name another file with --config "
        "(by default /etc/config/config.yaml)"
    )


words = st.sampled_from(
    [
        "litellm",
        "url",
        "backends",
        "name",
        "timeout",
        "overrides",
        "regex",
        "capabilities",
        "x-y",
        "generic_params",
        "model_info_defaults",
        "aliases",
        "limits",
        "policy",
        "team_id",
        "owner",
    ]
)
scalars = st.sampled_from(
    ["http://p", "a", "~", "yes", "017", "1e400", "-1", "{}", "[]", "'('", "90s", "sync", "$secret"]
)
flow = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(words, inner, max_size=4).map(
            lambda items: "{" + ", ".join(f"{key}: {item}" for key, item in items.items()) + "}"
        )
    ),
    max_leaves=20,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=2000)
@given(
    st.text()
    | st.dictionaries(words, flow).map(
        lambda items: "\n".join(f"{key}: {item}" for key, item in items.items())
    )
    | st.lists(st.dictionaries(words, flow, max_size=5), max_size=3).map(
        lambda backends: (
            "litellm: {url: http://p}\nbackends:\n"
            + "".join(
                "- name: n\n  url: http://n\n"
                + "".join(f"  {key}: {item}\n" for key, item in backend.items())
                for backend in backends
            )
        )
    )
)
def test_any_text_is_a_configuration_or_a_configuration_error(reader: Reader, text: str) -> None:
    try:
        loaded = reader.load(text)
    except ConfigError as refused:
        _ = [str(problem) for problem in refused.problems]
        return
    assert loaded.litellm.url
    assert loaded.secrets()


@pytest.mark.parametrize(
    ("options", "doubtful"),
    [
        ("model_format: '{model}'", True),
        ("model_format: 'x{model}/y'", True),
        ("model_format: '/{model}'", True),
        ("model_format: 'os.environ/{model}'", True),
        ("model_format: 'openai/{model}'", False),
        ("{type: static, model_format: '{model}', models: [openai/m]}", False),
    ],
)
def test_a_model_format_without_a_provider_is_reported(
    reader: Reader, options: str, doubtful: bool
) -> None:
    lines = options.strip("{}").split(", ") if options.startswith("{") else [options]
    found = [text for text in warned(reader.load(with_backend(*lines))) if "provider" in text]
    assert bool(found) == doubtful


def test_a_backend_may_have_its_own_rules_for_taken_names(reader: Reader) -> None:
    top = "on_taken_name: suffix\njoinable_names: [gpt-4.1, '^shared-']\n"
    given = reader.load(top + with_backend()).backends[0]
    assert given.on_taken_name == "suffix"
    assert [given.may_join(name) for name in ("gpt-4.1", "gpt-4x1", "shared-a", "a")] == [
        True,
        False,
        True,
        False,
    ]
    own = reader.load(top + with_backend("on_taken_name: join", "joinable_names: [a]")).backends[0]
    assert own.on_taken_name == "join"
    assert [own.may_join(name) for name in ("gpt-4.1", "a")] == [False, True]


@pytest.mark.parametrize("place", ["joinable_names: ['(?=a)']\n", ""])
def test_a_name_that_is_no_expression_is_reported(reader: Reader, place: str) -> None:
    text = place + with_backend(*([] if place else ["joinable_names: ['(?=a)']"]))
    with pytest.raises(ConfigError, match=r"joinable_names\[0\]: .*look-around"):
        reader.load(text)


def test_what_litellms_masks_miss_is_a_secret_too(reader: Reader) -> None:
    backend = reader.backend(
        "litellm_params_defaults:",
        "  apikey: s1",
        "  extra_body: {apiKey: s2, userPassword: s3, APIToken: s4, api_keys: [s5], plain: p}",
        "  passphrase: s6",
        "  authtoken: s7",
        "  note: sk-s8",
        "  header: Bearer s9",
        "  weight: 12345678",
        "  cacheKey: 1.0",
        "  monkey: plain",
        "  tokenizer: plain",
        "  max_tokens: 5",
        "  cost_of_api_key: plain",
        "model_info_defaults: {my_token: s10, access_groups: [plain], nested: {apiKey: [s11]}}",
        "overrides: [{regex: m, capabilities: {other_token: s12, mode: chat}}]",
    )
    assert thaw(backend.litellm_params) == {
        "apikey": Secret("s1"),
        "extra_body": {
            "apiKey": Secret("s2"),
            "userPassword": Secret("s3"),
            "APIToken": Secret("s4"),
            "api_keys": [Secret("s5")],
            "plain": "p",
        },
        "passphrase": Secret("s6"),
        "authtoken": Secret("s7"),
        "note": Secret("sk-s8"),
        "header": Secret("Bearer s9"),
        "weight": 12345678,
        "cacheKey": Secret(1),
        "monkey": "plain",
        "tokenizer": "plain",
        "max_tokens": 5,
        "cost_of_api_key": "plain",
    }
    assert thaw(backend.model_info) == {
        "my_token": Secret("s10"),
        "access_groups": ["plain"],
        "nested": {"apiKey": [Secret("s11")]},
    }
    (override,) = backend.overrides
    assert thaw(override.capabilities) == {"other_token": Secret("s12"), "mode": "chat"}


# Parameters from key files.

HEADER = "litellm_params_defaults: {extra_headers: {Authorization: {secret: FILE}}}"


def test_a_parameter_comes_from_the_key_file_that_it_names(reader: Reader) -> None:
    (reader.secrets / "header").write_text("Bearer abc\n")
    (reader.secrets / "account").write_text('{\n  "type": "service_account"\n}\n')
    backend = reader.backend(
        "litellm_params_defaults:",
        "  vertex_credentials: {secret: account}",
        "  extra_headers: {X-Auth: {secret: header}}",
        "  list: [{secret: header}, {secret: plain, other: x}]",
        "generic_params: {plain: {secret: header}}",
    )
    assert thaw(backend.litellm_params) == {
        "plain": Secret("Bearer abc"),
        "vertex_credentials": Secret('{\n  "type": "service_account"\n}'),
        "extra_headers": {"X-Auth": Secret("Bearer abc")},
        "list": [Secret("Bearer abc"), {"secret": Secret("plain"), "other": "x"}],
    }


def test_a_key_file_of_a_parameter_is_read_again_with_the_configuration(reader: Reader) -> None:
    text = with_backend(HEADER.replace("FILE", "header"))
    (reader.secrets / "header").write_text("one")
    before = reader.load(text)
    (reader.secrets / "header").write_text("two")
    after = reader.load(text)
    assert before != after
    assert Secret("two") in after.secrets()


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("hunter2", None, "there is no key file of this name in {secrets}; add it"),
        ("[a]", None, "expected the name of a key file in {secrets}"),
        ("5", None, "expected the name of a key file in {secrets}"),
        ("../hunter2", None, "expected the name of a key file in {secrets}"),
        (
            "litellm",
            None,
            "names the key of LiteLLM, which is sent to nobody else; use another file",
        ),
        ("f", b" \n", "the key file {secrets}/f is empty; put the secret into it"),
        ("f", b"\xff", "the key file {secrets}/f is not UTF-8 text"),
        ("f", b"x" * 65537, "the key file {secrets}/f is larger than 64 KiB"),
    ],
)
def test_a_key_file_of_a_parameter_that_cannot_be_used_is_a_problem(
    reader: Reader, name: str, content: bytes | None, expected: str
) -> None:
    if content is not None:
        (reader.secrets / name).write_bytes(content)
    place = "config.yaml:6: backends[0].litellm_params_defaults.extra_headers.Authorization.secret"
    problems = reader.refused(with_backend(HEADER.replace("FILE", name)))
    assert problems == [f"{place}: {expected.format(secrets=reader.secrets)}"]


def test_key_files_of_parameters_that_are_too_large_together_are_refused(reader: Reader) -> None:
    (reader.secrets / "f").write_text("x" * (40 << 10))
    named = ", ".join(f"k{number}: {{secret: f}}" for number in range(2))
    (problem,) = reader.refused(with_backend(f"litellm_params_defaults: {{{named}}}"))
    assert problem == (
        "config.yaml:4: backends[0]: its parameters name key files with 81920 characters together,"
        " at most 65536; shorten them"
    )


CLEAR = "looks like a secret in clear; put it into a key file and write {secret: FILE} here"
SHOWN = "looks like a secret, and LiteLLM shows model_info to every key holder; remove it"


def test_a_secret_in_clear_is_a_warning(reader: Reader) -> None:
    (reader.secrets / "f").write_text("x")
    loaded = reader.load(
        with_backend(
            "generic_params: {my_token: hunter2, other_token: os.environ/X, api_key: hunter2}",
            "litellm_params_defaults:",
            "  extra_headers: {Authorization: hunter2, X-Auth: {secret: f}, X-Team: sk-hunter2}",
            "  api_keys: [hunter2, 5]",
            "  use_auth: true",
            "model_info_defaults: {apiKey: hunter2, access_groups: [a], mode: chat}",
            "overrides: [{regex: m, capabilities: {my_token: {secret: hunter2}}}]",
            "models: [plain, {id: x, my_token: hunter2}]",
        )
    )
    place = "config.yaml:{}: backends[0]."
    assert "hunter2" not in "".join(loaded.warnings)
    assert [warning for warning in loaded.warnings if "looks like" in warning] == [
        f"{place.format(6)}generic_params.my_token: {CLEAR}",
        f"{place.format(8)}litellm_params_defaults.extra_headers.Authorization: {CLEAR}",
        f"{place.format(8)}litellm_params_defaults.extra_headers.X-Team: {CLEAR}",
        f"{place.format(9)}litellm_params_defaults.api_keys[0]: {CLEAR}",
        f"{place.format(11)}model_info_defaults.apiKey: {SHOWN}",
        f"{place.format(12)}overrides[0].capabilities.my_token.secret: {SHOWN}",
        f"{place.format(13)}models[1].my_token: {SHOWN}",
    ]


@pytest.mark.parametrize(
    ("url", "noted"),
    [
        ("http://litellm:4000", True),
        ("http://10.0.0.7:4000", True),
        ("http://[fd00::1]:4000", True),
        ("https://litellm:4000", False),
        ("http://127.0.0.1:4000", False),
        ("http://127.9.9.9", False),
        ("http://localhost:4000", False),
        ("http://litellm.localhost", False),
        ("http://[::1]:4000", False),
        ("http://[::ffff:127.0.0.1]", False),
        ("http://localhost.example.com", True),
        ("http://127.example.com", True),
    ],
)
def test_an_admin_key_that_travels_unencrypted_to_another_host_is_noted(
    reader: Reader, url: str, noted: bool
) -> None:
    loaded = reader.load(f"litellm: {{url: '{url}'}}\nbackends: [{{name: a, url: http://a}}]\n")
    assert loaded.warnings == ()
    expected = (
        f"the key of LiteLLM's admin travels unencrypted to {url};"
        " use https unless you trust the network in between"
    )
    assert loaded.notices == ((expected,) if noted else ())


def test_a_configuration_is_made_anew_only_when_a_file_has_changed(reader: Reader) -> None:
    text = "litellm: {url: http://p}\nbackends: [{name: a, type: openai, url: http://a}]\n"
    first = reader.load(text)
    assert reader.load(text) is first
    (reader.secrets / "a").write_text("sk-new")
    changed = reader.load(text)
    assert changed.backends[0].key.reveal() == "sk-new"
    assert reader.load(text) is changed
    assert reader.load(text + "owner: other\n").owner == "other"


def test_one_writer_is_used_unless_more_are_configured(reader: Reader) -> None:
    assert reader.load("litellm: {url: http://p}").litellm.writers == 1
    assert reader.load("litellm: {url: http://p, writers: 8}").litellm.writers == 8
    for number in ("0", "17", "1.5", "many"):
        with pytest.raises(ConfigError, match=r"litellm\.writers"):
            reader.load(f"litellm: {{url: http://p, writers: {number}}}")
