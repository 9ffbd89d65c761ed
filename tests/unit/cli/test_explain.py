"""``explain`` on a simulated fleet: each reason for which a model is, or is not, in LiteLLM."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main
from engine.fakes.backend import FakeBackend
from engine.validate import validate
from tests.fleet import Fleet, running_fleet
from tests.rawserver import RawServer, always, answer, as_json

Shown = Callable[..., str]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(tmp_path, "qwen3-32b", "llama3") as running:
        yield running


@pytest.fixture
def shown(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> Shown:
    """Return what ``explain`` prints of a name, once it is known to exit with a code."""

    def show(code: int, *words: str) -> str:
        capsys.readouterr()
        assert main(["explain", *words, *fleet.arguments]) == code
        return capsys.readouterr().out

    return show


def configure(fleet: Fleet, options: str, *more: str) -> None:
    """Write a configuration with each option of the backend on a line of its own, from line 6."""
    head = (
        f"litellm:\n  url: {fleet.proxy.url}\nbackends:\n  - name: box\n    url: {fleet.box.url}\n"
    )
    lines = "".join(f"    {line}\n" for line in options.splitlines())
    (fleet.folder / "config.yaml").write_text(head + lines + "".join(more))


def add_row(fleet: Fleet, name: str, **info: Any) -> str:
    """Make a row of somebody else in LiteLLM; return its id."""
    params = {"model": "openai/gpt-4o", "api_base": "https://cloud.example/v1"}
    row = {"model_name": name, "litellm_params": params, "model_info": {"id": f"of-{name}", **info}}
    authorization = f"Bearer {(fleet.folder / 'litellm').read_text().strip()}"
    body = json.dumps(row).encode()
    assert fleet.proxy.answer("POST", "/model/new", authorization, body).status == 200
    return f"of-{name}"


def test_a_model_that_is_in_step_names_its_backend_its_entry_and_its_row(
    fleet: Fleet, shown: Shown
) -> None:
    main(["apply", *fleet.arguments])
    rows = fleet.proxy.database.rows.items()
    (row_id,) = (key for key, row in rows if row.model_name == "llama3")
    text = shown(0, "llama3")
    assert text.startswith("llama3 is in LiteLLM, as it should be\n")
    assert f"box  {fleet.box.url}  openai  lists llama3 (2 models)" in text
    assert 'GET /v1/models: {"id": "llama3"' in text
    assert f"LiteLLM  row {row_id}  llama3  openai/llama3" in text
    assert "marked by owner modelprovisioner, backend box" in text
    assert shown(0, row_id).startswith(text.splitlines()[0])
    assert shown(0, "openai/llama3").startswith(text.splitlines()[0])


def test_a_model_that_would_be_created_says_so_and_nothing_is_written(
    fleet: Fleet, shown: Shown
) -> None:
    text = shown(2, "llama3")
    assert text.startswith("llama3 is not in LiteLLM yet; the plan creates it: box serves it")
    assert "missing: box serves it and LiteLLM does not have it" in text
    assert {method for method, _ in fleet.proxy.requests} == {"GET"}


def test_a_field_that_was_edited_is_shown_with_both_values(fleet: Fleet, shown: Shown) -> None:
    fleet.configure("litellm_params_defaults: {rpm: 5}")
    main(["apply", *fleet.arguments])
    fleet.configure("litellm_params_defaults: {rpm: 6}")
    text = shown(2, "llama3")
    assert "llama3 is in LiteLLM; the plan changes it: rpm" in text
    assert "~ litellm_params.rpm: 5 -> 6" in text
    assert "config.yaml:4: backends[0].litellm_params_defaults sets rpm" in text


@pytest.mark.parametrize(
    ("options", "because"),
    [
        ("filter_regex: ^qwen", "filter_regex leaves it out (config.yaml:6: ^qwen)"),
        (
            "filter_regex: .\nexclude_regex: lama",
            "exclude_regex leaves it out (config.yaml:7: lama)",
        ),
        (
            "timeout: 2\ninclude_modes: [chat]",
            "its mode is not known (include_modes) (config.yaml:7)",
        ),
        (
            "regex_rename: [{regex: '.*', replace: ''}]",
            "its upstream would be empty, or longer than 4096 characters (regex_rename) (config.y",
        ),
        ("model_format: '{model}'", "its provider would come from the backend's list"),
    ],
)
def test_a_model_that_is_left_out_names_the_rule_and_its_line(
    fleet: Fleet, shown: Shown, options: str, because: str
) -> None:
    configure(fleet, options)
    text = shown(0, "llama3")
    assert f"llama3 of box is not registered: {because}" in text.splitlines()[0]
    assert "remedy: " in text
    assert "LiteLLM has no row for it" in text


def test_what_sets_and_names_is_shown_with_its_line(fleet: Fleet, shown: Shown) -> None:
    configure(
        fleet,
        "name_format: 'local/{model}'\naliases: {llama3: small}\n"
        "overrides:\n  - {regex: qwen, capabilities: {supports_vision: true}}\n"
        "  - regex: 'llama[0-9]'\n    capabilities: {max_tokens: 5}\n"
        "regex_rename:\n  - {regex: none, replace: x}\n  - {regex: '3$', replace: '-3'}",
    )
    text = shown(2, "small")
    assert text.startswith("small is not in LiteLLM yet")
    assert "local/llama3 is not in LiteLLM yet" in text
    for line in (
        "config.yaml:6: backends[0].name_format 'local/{model}' gives it the name local/llama3",
        "config.yaml:7: backends[0].aliases.llama3 'small' gives it further names",
        "config.yaml:10: backends[0].overrides[1].regex 'llama[0-9]' matches: sets max_tokens",
        "config.yaml:14: backends[0].regex_rename[1].regex '3$ -> -3' changes its upstream",
        "name small  openai/llama-3",
    ):
        assert f"  {line}\n" in text
    assert "overrides[0]" not in text
    assert "regex_rename[0]" not in text


def test_a_taken_name_names_the_row_that_has_it(fleet: Fleet, shown: Shown) -> None:
    configure(fleet, "timeout: 2\non_taken_name: skip")
    row_id = add_row(fleet, "llama3")
    text = shown(0, "llama3")
    taken = f"row '{row_id}' (it is not marked as ours) has this public name (on_taken_name: skip)"
    assert f"llama3 of box is not registered: {taken} (config.yaml:7)" in text
    assert f"LiteLLM  row {row_id}  llama3  openai/gpt-4o" in text
    assert "foreign: its address is that of no configured backend" in text
    assert "or choose another on_taken_name" in text
    assert "is in LiteLLM, and is not managed here" in shown(0, row_id)


def test_a_name_that_is_not_free_says_what_it_became(fleet: Fleet, shown: Shown) -> None:
    configure(fleet, "on_taken_name: suffix")
    add_row(fleet, "llama3")
    for asked in ("llama3", "llama3@box"):
        text = shown(2, asked)
        assert "llama3 of box, registered as llama3@box since row 'of-llama3'" in text
        assert "the plan creates it" in text


def test_a_clash_names_who_has_the_name(fleet: Fleet, shown: Shown) -> None:
    with FakeBackend("openai", ["llama3"]) as spare:
        also = f"  - name: spare\n    url: {spare.url}\non_clash: error\n"
        configure(fleet, "timeout: 2", also)
        text = shown(2, "llama3")
    assert f"llama3 of spare is not registered: {fleet.box.url} already offers a model" in text
    assert "(on_clash: error) (config.yaml:9)" in text
    assert "llama3 is not in LiteLLM yet" in text


def test_two_models_of_one_backend_with_one_name(fleet: Fleet, shown: Shown) -> None:
    fleet.box.models[:] = ["llama3", "llama3:latest"]
    configure(fleet, "strip_tag: latest")
    text = shown(0, "llama3:latest")
    assert "llama3 of box is not registered: box offers openai/llama3 under this name" in text
    assert "config.yaml:6: backends[0].strip_tag 'latest' is left out of its name" in text


def test_of_two_backends_on_one_server_the_later_one_decides(fleet: Fleet, shown: Shown) -> None:
    configure(fleet, "timeout: 2", f"  - name: again\n    url: {fleet.box.url}\n")
    text = shown(2, "llama3")
    assert (
        "llama3 of box is not registered:"
        " again is on the same server and comes later in the configuration"
    ) in text


def test_two_models_that_become_the_same_row(fleet: Fleet, shown: Shown) -> None:
    aliases = "aliases: {llama3: one, qwen3-32b: one}\n"
    configure(fleet, aliases + "regex_rename: [{regex: '/.*', replace: /same}]")
    text = shown(2, "one")
    assert "one of box is not registered: qwen3-32b of box has the same name and upstream" in text
    assert "\none is not in LiteLLM yet" in text


def test_a_deletion_that_is_held_says_until_when(fleet: Fleet, shown: Shown) -> None:
    main(["apply", *fleet.arguments])
    fleet.box.models.clear()
    text = shown(3, "llama3")
    held = "held: box answers with an empty list; held until `run` has seen this for 15 min"
    assert "is in LiteLLM, and is left alone: " + held in text.splitlines()[0]


def test_a_model_beyond_a_limit_names_the_limit(fleet: Fleet, shown: Shown) -> None:
    configure(fleet, "timeout: 2", "limits:\n  max_models: 1\n")
    text = shown(3, "qwen3-32b")
    assert "limit: box would have more than 1 models (limits.max_models)" in text
    assert "config.yaml:8: limits.max_models decides: limit" in text


def test_a_change_that_the_policy_forbids(fleet: Fleet, shown: Shown) -> None:
    main(["apply", *fleet.arguments])
    configure(fleet, "policy: create-only\nlitellm_params_defaults: {rpm: 7}")
    text = shown(0, "llama3")
    assert "llama3 is in LiteLLM, and is left as it is: policy" in text
    assert "config.yaml:6: backends[0].policy decides: policy" in text


def test_a_backend_that_is_down_is_named_with_and_without_a_row(fleet: Fleet, shown: Shown) -> None:
    main(["apply", *fleet.arguments])
    fleet.box.stop()
    text = shown(4, "llama3")
    assert "is in LiteLLM, and is left alone: incomplete: its backend cannot be reached" in text
    text = shown(1, "mistral")
    assert "nothing has the name mistral: it is in no list that could be read" in text
    assert "box may serve it: box cannot be reached: GET" in text
    assert "remedy: check that it runs" in text


@pytest.mark.parametrize(
    ("fault", "because"),
    [
        ("wrong type", "so `type: auto` or `type: openai` fits it, and `type: ollama` does not"),
        ("missing key", "asked without a key: there is no key file 'box'"),
        ("wrong key", "check the key in the key file 'box'"),
    ],
)
def test_a_fault_of_the_backend_is_told_where_nothing_is_found(
    fleet: Fleet, shown: Shown, fault: str, because: str
) -> None:
    if fault == "wrong type":
        configure(fleet, "type: ollama")
    else:
        fleet.box.key = "sk-the-right-key"
    if fault == "wrong key":
        (fleet.folder / "box").write_text("sk-some-other-key")
    text = shown(4 if fault == "wrong type" else 1, "llama3")
    assert "llama3" in text.splitlines()[0]
    assert because in text
    assert "remedy: " in text
    assert "sk-" not in text


@pytest.mark.parametrize(
    ("name", "because"), [("a*b", "its id holds NUL, * or"), ("x" * 1025, "has over 1024 char")]
)
def test_an_id_that_cannot_be_registered(
    fleet: Fleet, shown: Shown, name: str, because: str
) -> None:
    fleet.box.models.append(name)
    text = shown(0, name)
    assert because in text.splitlines()[0]
    assert "(box sends it)" in text
    assert "GET /v1/models: " in text


def test_another_case_and_a_part_of_a_name(fleet: Fleet, shown: Shown) -> None:
    assert shown(2, "LLAMA3").startswith("llama3 is not in LiteLLM yet")
    text = shown(1, "qwen")
    assert "nothing has the name qwen: it is in no list of a backend" in text
    assert "names that are like it: qwen3-32b, openai/qwen3-32b" in text
    assert "names that are like it: llama3" in shown(1, "lama33")
    assert "like it" not in shown(1, "zzzzzzzzzzz")


def test_the_other_ids_of_a_server_are_known(fleet: Fleet, shown: Shown) -> None:
    with FakeBackend("ollama", ["phi4:latest"]) as ollama:
        configure(fleet, "timeout: 2", f"  - {{name: o, url: '{ollama.url}', type: ollama}}\n")
        assert "o  " in shown(2, "phi4")


def test_what_a_backend_sends_is_shown_without_secrets_and_within_bounds(
    fleet: Fleet, shown: Shown
) -> None:
    (fleet.folder / "box").write_text("echoed-secret-1")
    entry = {
        "id": "m",
        "args": ["serve", "--api-key", "hidden-1", "--port", "8000", "--hf-token=hidden-2"],
        "command": "serve --api-key hidden-3 --ctx 5",
        "env": {"HF_TOKEN": "hidden-4", "note": "sk-hidden-5"},
        "echo": "echoed-secret-1",
        "evil": "\x1b[31m\u202e",
        "long": "y" * 10_000,
    }
    with RawServer(always(as_json({"data": [entry, {**entry, "id": "n", "long": ""}]}))) as server:
        configure(fleet, "models_endpoint: /v1/models\ntimeout: 2")
        text = (fleet.folder / "config.yaml").read_text()
        (fleet.folder / "config.yaml").write_text(text.replace(fleet.box.url, server.url))
        outputs = [shown(2, name, *more) for name in "mn" for more in ((), ("--json",))]
    for output in outputs:
        assert "hidden" not in output
        assert "echoed" not in output
        assert "--port" in output
        assert not {"\x1b", "\u202e"} & set(output)
        assert len(output) < 15_000
    document = json.loads(outputs[-1])
    (sent,) = document["listed"][0]["entries"]
    assert sent["value"]["args"] == [
        "serve",
        "--api-key",
        "***",
        "--port",
        "8000",
        "--hf-token=***",
    ]
    assert sent["value"]["command"] == "serve --api-key *** --ctx 5"
    assert json.loads(outputs[1])["listed"][0]["entries"][0]["cut"] is True


def test_json_is_a_document_of_its_schema(fleet: Fleet, shown: Shown) -> None:
    add_row(fleet, "qwen3-32b")
    document = json.loads(shown(2, "llama3", "--json"))
    validate(document, "explanation")
    (name,) = document["listed"][0]["names"]
    assert (name["decision"], name["outcome"]) == ("wanted", "create")
    assert document["operations"][0]["action"] == "create"
    document = json.loads(shown(0, "qwen3-32b", "--json"))
    validate(document, "explanation")
    assert document["listed"][0]["names"][0]["decision"] == "name_taken"
    assert list(document["holders"]) == ["qwen3-32b"]
    document = json.loads(shown(1, "qwen", "--json"))
    validate(document, "explanation")
    assert (document["found"], document["nearest"][0]) == (False, "qwen3-32b")


def test_many_rows_of_one_name_are_counted(fleet: Fleet, shown: Shown) -> None:
    for number in range(25):
        add_row(fleet, "shared", id=f"id-{number}")
    assert "5 more models and rows have this name" in shown(0, "shared")


def test_without_litellm_there_is_an_error(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    with RawServer(always(answer(b"{}", status="404 Not Found"))) as server:
        (fleet.folder / "config.yaml").write_text(f"litellm: {{url: '{server.url}'}}\nbackends: []")
        assert main(["explain", "x", *fleet.arguments]) == 1
    assert "Remedy: check that litellm.url" in capsys.readouterr().err
