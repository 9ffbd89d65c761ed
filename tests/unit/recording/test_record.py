"""``record`` and ``replay`` against a simulated fleet."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from engine.bounds import MAX_RECORDING
from engine.cli.main import main
from engine.errors import Unplayable, Unrecorded
from engine.fakes.backend import FakeBackend
from engine.fakes.server import Fault
from engine.recording.folder import read_recording
from engine.recording.recorder import Recorder
from engine.transport.request import Asked, Taped
from tests.fleet import MASTER_KEY, Fleet, running_fleet
from tests.quick import QUICK
from tests.unit.test_scenarios import SCENARIOS

HEADERS = (
    "litellm_params_defaults: {rpm: 5, organization: mine, extra_headers: {X-Token:"
    " {secret: named}, Authorization: Bearer inline-secret-1}, password: 987654321}"
)
OURS = [MASTER_KEY, "box-key-1234", "named-secret-5678", "inline-secret-1", "987654321"]
FOREIGN = [
    "sk-foreign-1",
    "foreign-header-2",
    "foreign-info-3",
    "foreign-user-4",
    "foreign-5",
    "sk-by-hand-6",
]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Backend `box` has a and b, a key, and parameters with secrets; LiteLLM has a and gone."""
    place = tmp_path / "fleet"
    place.mkdir()
    with running_fleet(place, "a", "gone", version="1.110.2") as running:
        running.box.key = "box-key-1234"
        write_keys(running, box="box-key-1234", named="named-secret-5678")
        running.configure(HEADERS, top="limits: {min_deployments: 100}")
        assert run("apply", *running.arguments) == 0
        running.box.models[:] = ["a", "b"]
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "recording"


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments], QUICK)


def write_keys(fleet: Fleet, **keys: str) -> None:
    for name, key in keys.items():
        (fleet.folder / name).write_text(f"{key}\n")


def add_backends(fleet: Fleet, *lines: str) -> None:
    with (fleet.folder / "config.yaml").open("a") as file:
        file.writelines(f"  - {line}\n" for line in lines)


def add_row(fleet: Fleet, **params: object) -> None:
    """Add a row of somebody else on the address of ``box``, with secrets in it."""
    row = {
        "model_name": "by-hand",
        "litellm_params": {"model": "openai/a", "api_base": f"{fleet.box.url}/v1", **params},
        "model_info": {"id": "by-hand", "upstream_password": "foreign-info-3"},
    }
    key = {"Authorization": f"Bearer {MASTER_KEY}"}
    answer = requests.post(f"{fleet.proxy.url}/model/new", json=row, headers=key, timeout=5)
    assert answer.status_code == 200


def text_of(folder: Path) -> str:
    """Return all that is written in a recording, names of files included."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 5
    return "\n".join(f"{path.name}\n{path.read_text()}" for path in files)


def hanging(method: str, path: str, body: bytes) -> Fault:
    return Fault("hang", seconds=5)


def failing(method: str, path: str, body: bytes) -> Fault:
    return Fault("status", 500, '{"error": {"message": "wrong key box-key-1234"}}')


def cut(method: str, path: str, body: bytes) -> Fault:
    return Fault("truncate")


def test_a_configuration_with_variables_is_replayed_without_them(
    fleet: Fleet, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = fleet.box.url.rpartition(":")[2]
    path = fleet.folder / "config.yaml"
    text = path.read_text().replace(f"127.0.0.1:{port}", "${BOX_HOST}:${BOX_PORT:-1}")
    path.write_text(text.replace("timeout: 2", "timeout: 2, models_endpoint: '/v1/$${BOX_HOST}'"))
    monkeypatch.setenv("BOX_HOST", "127.0.0.1")
    monkeypatch.setenv("BOX_PORT", port)
    assert run("record", folder, *fleet.arguments) == 0
    monkeypatch.setenv("BOX_HOST", "elsewhere")
    monkeypatch.setenv("BOX_PORT", "1")
    recorded = read_recording(folder).config()
    assert recorded.backends[0].url == f"{fleet.box.url}/v1"
    assert recorded.backends[0].models_endpoint == "/v1/${BOX_HOST}"


def test_a_recording_of_a_stranger_learns_no_variable(
    fleet: Fleet, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("record", folder, *fleet.arguments) == 0
    monkeypatch.setenv("PRIVATE", "hunter2")
    path = folder / "config.yaml"
    path.write_text(f"{path.read_text()}policy: ${{PRIVATE}}\n")
    assert run("replay", folder) == 1
    captured = capsys.readouterr()
    assert "the environment variable PRIVATE is not set" in captured.err
    assert "hunter2" not in captured.out + captured.err


def test_another_configuration_in_a_replay_may_have_variables(
    fleet: Fleet, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("record", folder, *fleet.arguments) == 0
    other = tmp_path / "other.yaml"
    other.write_text(f"{(folder / 'config.yaml').read_text()}policy: ${{POLICY}}\n")
    monkeypatch.setenv("POLICY", "create-only")
    monkeypatch.setenv("MODELPROVISIONER_LITELLM_KEY", "sk-of-this-shell")
    loaded = read_recording(folder).config(other, os.environ)
    assert loaded.backends[0].policy == "create-only"
    assert "MODELPROVISIONER_LITELLM_KEY" not in str(loaded.warnings)


def test_the_replay_is_byte_equal_and_no_secret_is_recorded(
    fleet: Fleet, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_row(fleet, api_key="sk-foreign-1", headers={"X-Key": "foreign-header-2"})
    key = {"Authorization": f"Bearer {MASTER_KEY}"}
    row = next(r for r in fleet.proxy.database.rows.values() if r.model_name == "a")
    change = {"litellm_params": {"organization": "sk-by-hand-6"}}
    url = f"{fleet.proxy.url}/model/{row.model_id}/update"
    assert requests.patch(url, json=change, headers=key, timeout=5).status_code == 200
    other = {
        "model_name": "theirs",
        "litellm_params": {"model": "openai/x", "api_base": "http://u:foreign-user-4@far/v1"},
        "model_info": {"id": "theirs", "cmd": "serve --api-key foreign-5"},
    }
    requests.post(f"{fleet.proxy.url}/model/new", json=other, headers=key, timeout=5)
    with ExitStack() as stack:
        down, slow, broken, half, page, refused = (
            stack.enter_context(FakeBackend("openai", ["x"])) for _ in range(6)
        )
        down.stop()
        slow.fault, broken.fault, half.fault = hanging, failing, cut
        page.raw, refused.key = b"<html>sign in</html>", "other"
        named = {"down": down, "slow": slow, "broken": broken, "half": half, "page": page}
        lines = [f"{{name: {n}, url: '{b.url}', timeout: 0.5}}" for n, b in named.items()]
        add_backends(fleet, *lines, f"{{name: refused, url: '{refused.url}', type: auto}}")
        write_keys(fleet, refused="wrong-key-42", half="two\nlines-43")
        capsys.readouterr()
        code = run("plan", "--json", *fleet.arguments)
        planned = capsys.readouterr().out
        assert code == 4
        assert run("record", folder, *fleet.arguments) == 0
        assert "the answers of LiteLLM and of 6 servers" in capsys.readouterr().out
    fleet.box.stop()
    asked = len(fleet.proxy.requests)

    assert run("replay", folder, "--json") == code
    assert capsys.readouterr().out == planned == (folder / "plan.json").read_text()
    assert len(fleet.proxy.requests) == asked
    found = {s["backend"]: s["outcome"] for s in json.loads(planned)["endpoints"]}
    bad = {"slow": "unreachable", "down": "unreachable", "page": "invalid", "half": "unauthorised"}
    bad |= {"broken": "unreachable", "refused": "unauthorised"}
    assert found == {"box": "ok", **bad}

    written = text_of(folder)
    assert [s for s in (*OURS, *FOREIGN, "wrong-key-42", "lines-43") if s in written] == []
    assert "by-hand" in written


def test_a_changed_filter_shows_its_deletes(
    fleet: Fleet, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("record", folder, *fleet.arguments) == 0
    changed = folder.parent / "changed.yaml"
    changed.write_text((fleet.folder / "config.yaml").read_text().replace("rpm: 5", "rpm: 6"))
    fleet.configure(f"{HEADERS}, exclude_regex: ^a$", top="limits: {min_deployments: 100}")
    capsys.readouterr()

    assert run("replay", folder, "--config", fleet.folder / "config.yaml") == 2
    assert "Plan: 1 to create, 2 to delete" in capsys.readouterr().out
    assert run("--config", changed, "replay", folder, "--markdown") == 2
    shown = capsys.readouterr().out
    assert "rpm" in shown
    assert "api_key" not in shown  # the key is the recorded one, so it has not changed


def test_a_server_that_is_not_recorded_is_reported_as_such(
    fleet: Fleet, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("record", folder, *fleet.arguments) == 0
    add_backends(fleet, f"{{name: new, url: '{fleet.box.url.replace('127.0.0.1', 'localhost')}'}}")
    capsys.readouterr()
    assert run("replay", folder, "--config", fleet.folder / "config.yaml") == 4
    assert "not recorded: the recording has no answers of this server" in capsys.readouterr().out


def test_a_request_that_is_not_recorded_is_an_error_that_names_it(
    fleet: Fleet, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("record", folder, *fleet.arguments) == 0
    fleet.configure("type: ollama")
    assert run("replay", folder, "--config", fleet.folder / "config.yaml") == 1
    assert f"has no answer to GET {fleet.box.url}/api/tags" in capsys.readouterr().err
    (folder / "litellm.json").write_text("{}")
    assert run("replay", folder) == 1
    error = capsys.readouterr().err
    assert f"has no answer to GET {fleet.proxy.url}/health/readiness, GET" in error


def test_a_secret_that_nobody_recorded_is_said_to_be_unknown(
    fleet: Fleet, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert run("record", folder, *fleet.arguments) == 0
    fleet.configure("litellm_params_defaults: {extra_headers: {X-Token: {secret: new}}}")
    caplog.clear()
    recording = read_recording(folder)
    config = recording.config(fleet.folder / "config.yaml")
    (field,) = recording.unknown_secrets(config)
    assert field == f"/litellm_params/extra_headers/X-Token on {fleet.box.url}"


def test_two_backends_with_one_address_get_their_own_answers(
    fleet: Fleet, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_backends(fleet, f"{{name: stranger, url: '{fleet.box.url}/v1'}}")
    assert run("record", folder, *fleet.arguments) == 0
    capsys.readouterr()
    assert run("replay", folder, "--json") == 4
    endpoints = json.loads(capsys.readouterr().out)["endpoints"]
    assert [e["outcome"] for e in endpoints] == ["ok", "unauthorised"]


def test_a_cycle_without_a_plan_is_recorded_with_its_error(
    fleet: Fleet, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.proxy.fault = lambda method, path, body: Fault("status", 503, f'"no {MASTER_KEY}"')
    assert run("record", folder, *fleet.arguments) == 1
    error = capsys.readouterr().err
    assert "HTTP 503: no ***" in error
    fleet.proxy.fault = None
    assert run("replay", folder) == 1
    assert capsys.readouterr().err == error[error.index("error: ") :]
    assert MASTER_KEY not in text_of(folder)
    assert not (folder / "plan.json").exists()


def test_only_a_recording_is_replaced(
    fleet: Fleet, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    assert run("record", folder, *fleet.arguments) == 64
    assert "is not empty, and not a recording" in capsys.readouterr().err
    (folder / "mine.txt").unlink()
    assert run("record", folder, *fleet.arguments) == 0
    (folder / "backends" / "old_1.json").write_text("{}")
    assert run("record", folder, *fleet.arguments) == 0
    assert len(list((folder / "backends").iterdir())) == 1
    assert run("replay", folder) == 2


def test_no_link_is_followed(
    fleet: Fleet, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("record", folder, *fleet.arguments) == 0
    outside = folder.parent / "outside.json"
    (folder / "litellm.json").rename(outside)
    (folder / "litellm.json").symlink_to(outside)
    assert run("replay", folder) == 1
    assert "litellm.json cannot be read: a link" in capsys.readouterr().err
    known = outside.read_text()
    assert run("record", folder, *fleet.arguments) == 0
    assert outside.read_text() == known
    assert not (folder / "litellm.json").is_symlink()
    (folder / "backends").rename(folder.parent / "elsewhere")
    (folder / "backends").symlink_to(folder.parent / "elsewhere")
    assert run("record", folder, *fleet.arguments) == 64
    assert run("replay", folder) == 64
    assert "is a link, which is not followed" in capsys.readouterr().err


def test_a_key_that_is_also_a_word_is_not_recorded(
    fleet: Fleet, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fleet.box.key = "backends"
    write_keys(fleet, box="backends")
    assert run("record", folder, *fleet.arguments) == 1
    assert "is also an ordinary part of config.yaml" in capsys.readouterr().err
    assert not folder.exists()


def spoil_json(folder: Path) -> None:
    (folder / "litellm.json").write_text("[" * 100_000)


def spoil_map(folder: Path) -> None:
    (folder / "litellm.json").write_text("[]")


def spoil_keys(folder: Path) -> None:
    (folder / "secrets.json").write_text('{"../../tmp/x": "y"}')


def grow(folder: Path) -> None:
    with (folder / "litellm.json").open("wb") as file:
        file.truncate(MAX_RECORDING + 1)


def leave_nothing(folder: Path) -> None:
    (folder / "recording.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "what"),
    [
        (spoil_json, "litellm.json is not JSON"),
        (spoil_map, "does not hold a map"),
        (spoil_keys, "does not map names of files to texts"),
        (grow, "has over 64 MiB"),
        (leave_nothing, "is not a recording: it has no recording.json"),
    ],
)
def test_a_broken_recording_is_refused(
    spoil: Callable[[Path], None], what: str, folder: Path
) -> None:
    shutil.copytree(SCENARIOS / "recorded", folder)
    spoil(folder)
    with pytest.raises(Unplayable, match=what):
        read_recording(folder)


def test_answers_beyond_the_bound_are_not_recorded() -> None:
    recorder = Recorder()
    asked = Asked("box", "GET", "http://box/v1/models", b"")
    recorder.keep(asked, Taped(200, content=bytearray(MAX_RECORDING + 1)))
    with pytest.raises(Unrecorded, match="over 64 MiB"):
        recorder.exchanges({})


def test_a_request_that_was_given_up_is_recorded_as_such() -> None:
    recorder = Recorder()
    asked = Asked("box", "GET", "http://box/v1/models", b"")
    recorder.begin(asked)
    (taped,) = recorder.exchanges({"box": 2.0}).values()
    assert str(taped.error) == "no answer within 2 s"


def test_the_recorded_scenario_replays_byte_equal(capsys: pytest.CaptureFixture[str]) -> None:
    folder = SCENARIOS / "recorded"
    assert run("replay", folder, "--json") == 4
    assert capsys.readouterr().out == (folder / "plan.json").read_text()
