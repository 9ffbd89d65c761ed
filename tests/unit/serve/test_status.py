"""The documents of the status: what state each deployment is in, and what is said of the whole."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.apply.result import Result
from engine.config.loader import load_config
from engine.reconcile import Ports
from engine.run.ended import Ended
from engine.run.loop import ConfigState
from engine.serve.board import Board
from engine.serve.page.filters import Filter
from engine.serve.page.layout import page
from engine.serve.snapshot import Snapshot
from engine.serve.status.deployments import NOT_OURS, STATES, _graces
from engine.serve.status.document import status_document
from engine.serve.status.plans import plans_document
from engine.serve.status.settings import settings_of
from engine.state.mark import Mark
from engine.transport.client_pool import Http
from engine.validate import schema, validate
from tests import builders
from tests.documents import read, rows
from tests.quick import QUICK
from tests.replay import staged
from tests.scene import CONFIG, OLLAMA, Scene, scene
from tests.unit.serve.test_page import parse
from tests.unit.test_scenarios import FOLDERS

Json = dict[str, Any]
SEEN = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)


@pytest.fixture
def here() -> Iterator[Scene]:
    with scene() as running:
        yield running


def by_name(document: Json) -> dict[str, Json]:
    return {each["name"]: each for each in document["deployments"]}


def status(here: Scene) -> Json:
    document: Json = here.json("/api/status", "status")
    return document


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
@pytest.mark.parametrize("dry_run", [True, False], ids=["planned", "done"])
def test_in_every_scenario_each_row_has_one_state_that_agrees_with_the_plan(
    folder: Path, dry_run: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = Board(ConfigState, 600.0, lambda: SEEN)
    with staged(folder, tmp_path, monkeypatch) as stage:
        stage.prepare()
        stage.ports = Ports(board, http=Http(QUICK, stage.tape))
        report = stage.cycle(folder, dry_run=dry_run)
        stage.ports.http.close()
    board.ended(Ended(report, "", SEEN, 0.1, SEEN + timedelta(minutes=1), dry_run))
    snapshot = board.snapshot()
    document = status_document(snapshot)
    validate(document, "status")
    plans = plans_document(snapshot)
    validate(plans, "plans")
    shown_page = parse(page(document, plans, Filter(), ""))
    assert shown_page.wrong == []
    assert len(shown_page.attributes("id")) == len(set(shown_page.attributes("id")))
    assert all(each["label"] in shown_page.text for each in document["deployments"])

    assert report.basis is not None
    ids = Counter(each["id"] for each in document["deployments"] if each["id"])
    assert [row_id for row_id, times in ids.items() if times > 1] == []
    observed = report.basis.observed
    replaced = {operation.replaces for operation in report.plan.operations}
    there = {seen.id for seen in (*observed.deployments, *observed.strays)} - replaced
    assert there <= ids.keys()
    states = {
        (each["endpoint"], each["name"], each["id"]): each for each in document["deployments"]
    }
    for operation in report.plan.operations:
        shown = states[operation.key.endpoint, operation.key.name, operation.id]
        expected = {"pending", "drifted"} if dry_run else {"changed", "drifted", "failed"}
        assert shown["state"] in expected
    for seen in observed.deployments:
        owner = seen.mark.owner if isinstance(seen.mark, Mark) else ""
        shown = states.get((seen.key.endpoint, seen.key.name, seen.id))
        if shown is not None and shown["state"] == "in_sync":
            assert owner == observed.owner
    assert sum(document["counts"].values()) == len(document["deployments"])


def test_every_state_is_in_the_schema_and_in_words() -> None:
    words = schema("status")["$defs"]["states"]["required"]
    assert sorted(STATES) == words
    properties = schema("status")["properties"]["deployments"]["items"]["properties"]
    assert properties["state"]["enum"] == list(STATES)
    explained = [row[0].strip("`") for row in rows(read("k8s/monitoring/README.md"), "state")]
    assert explained == list(STATES)


def test_before_the_first_cycle_it_has_the_backends_and_the_configuration(here: Scene) -> None:
    here.load()
    document = status(here)
    assert document["summary"]["state"] == "starting"
    assert [each["outcome"] for each in document["backends"]] == ["not_asked"] * 3
    assert document["cycle"] is document["progress"] is document["as_of"] is None
    assert document["next"] == document["deployments"] == []
    assert document["config"]["generation"] == 1


def test_without_any_configuration_there_is_a_document_too() -> None:
    validate(status_document(Snapshot(SEEN, SEEN, 0.0, 600.0)), "status")


def test_a_replica_that_stands_by_says_so_and_whether_it_knows_who_leads() -> None:
    for standby, state in (("", "standby"), ("get lease: HTTP 403", "failed")):
        document = status_document(Snapshot(SEEN, SEEN, 0.0, 600.0, standby=standby))
        validate(document, "status")
        assert document["summary"]["state"] == state
        assert standby in document["summary"]["sentence"]


def test_a_quiet_cycle_is_in_step_and_tells_when_the_next_one_is(here: Scene) -> None:
    here.cycle()
    here.cycle()
    here.wait(10)
    document = status(here)
    assert document["summary"]["state"] == "in_step"
    assert {each["state"] for each in document["deployments"]} == {"in_sync"}
    assert document["counts"]["in_sync"] == len(OLLAMA) - 1 + 3
    (following,) = document["next"]
    left = datetime.fromisoformat(following["at"]) - datetime.fromisoformat(document["time"])
    assert left == timedelta(seconds=50)
    ollama = document["backends"][1]
    assert (ollama["models"], ollama["filtered"]) == (8, 1)


def test_what_was_done_and_what_was_edited_is_told_until_the_next_cycle(here: Scene) -> None:
    here.cycle()
    here.edit("qwen3-32b", rpm=5)
    here.models["gpu2_11434"] = [*OLLAMA, "new:1b"]
    here.models["gpu2_11434"].remove("phi4:14b")
    here.cycle()
    found = by_name(status(here))
    assert (found["qwen3-32b"]["state"], found["qwen3-32b"]["label"]) == ("drifted", "put back")
    assert (found["new:1b"]["state"], found["new:1b"]["label"]) == ("changed", "created")
    assert found["phi4:14b"]["label"] == "deleted"
    here.cycle()
    assert set(by_name(status(here))) == set(found) - {"phi4:14b"}
    (plan, first) = here.json("/api/plans", "plans")["plans"]
    assert plan["sentence"] == "1 created, 1 updated, 1 deleted"
    changes = {each["name"]: each["changes"] for each in plan["operations"]}
    assert changes["qwen3-32b"] == [
        {"op": "replace", "path": "/litellm_params/rpm", "value": 60, "was": 5}
    ]
    assert first["planned"] == {"create": 10}


def test_a_dry_run_says_what_would_be_done(here: Scene) -> None:
    here.cycle(dry_run=True)
    document = status(here)
    assert document["program"]["dry_run"]
    assert document["summary"]["title"] == "10 changes planned"
    assert document["counts"]["pending"] == 10
    assert {each["label"] for each in document["deployments"]} == {"to be created"}


def test_a_dry_run_that_plans_the_same_again_is_no_news(here: Scene) -> None:
    for _ in range(3):
        here.cycle(dry_run=True)
    (only,) = here.json("/api/plans", "plans")["plans"]
    assert only["planned"] == {"create": 10}
    here.models["gpu3_8080"].append("new")
    here.cycle(dry_run=True)
    assert len(here.json("/api/plans", "plans")["plans"]) == 2


def test_an_outage_keeps_models_and_names_the_remedy_and_the_last_good_list(here: Scene) -> None:
    here.cycle()
    good = here.now
    del here.models["gpu2_11434"]
    here.cycle()
    document = status(here)
    assert document["summary"]["state"] == "attention"
    told, kept = document["summary"]["sentence"].splitlines()
    assert told.startswith("ollama cannot be reached; check that it runs")
    assert kept == "7 models are kept meanwhile."
    ollama = document["backends"][1]
    assert (ollama["words"], ollama["counts"]["kept"]) == ("cannot be reached", 7)
    assert ollama["remedy"].startswith("check that it runs")
    assert datetime.fromisoformat(ollama["last_good"]) == good
    assert by_name(document)["phi4:14b"]["state"] == "kept"


def test_a_held_deletion_tells_when_it_is_believed(here: Scene) -> None:
    here.cycle()
    here.models["gpu3_8080"] = []
    here.cycle()
    begun = here.now
    here.cycle(5)
    document = status(here)
    held = by_name(document)["mistral-small-3.2"]
    assert (held["state"], held["reason"]) == ("held", "held")
    believed = datetime.fromisoformat(held["until"])
    assert abs(believed - (begun + timedelta(minutes=15))) < timedelta(seconds=5)
    assert [each["at"] for each in document["next"]] == sorted(
        each["at"] for each in document["next"]
    )
    assert "1 model of llamacpp" in document["next"][-1]["what"]


def test_a_row_that_is_blocked_before_its_delete_tells_when_it_goes(here: Scene) -> None:
    here.models["gpu3_8080"] = ["mistral-small-3.2", "going", "c", "d"]
    here.cycle()
    here.models["gpu3_8080"].remove("going")
    here.cycle()
    assert by_name(status(here))["going"]["label"] == "blocked"
    here.cycle()
    going = by_name(status(here))["going"]
    assert (going["state"], going["reason"]) == ("held", "grace")
    assert going["until"] is not None


def test_what_is_taken_out_of_service_stays_so_and_says_why(here: Scene) -> None:
    here.cycle()
    here.configure(CONFIG.replace("removal_grace: 1h", "maintenance: true"))
    here.cycle()
    assert by_name(status(here))["mistral-small-3.2"]["label"] == "blocked"
    here.cycle()
    document = status(here)
    blocked = by_name(document)["mistral-small-3.2"]
    assert (blocked["state"], blocked["because"]) == ("out_of_service", "maintenance")
    assert document["backends"][2]["maintenance"]


@pytest.mark.parametrize("since", ["", "never", "2026-11-28T18:08:42", "2026-11-28T18:08:42Z"])
def test_only_a_time_with_a_zone_says_when_a_blocked_row_goes(since: str) -> None:
    wanted = builders.wanted()
    seen = builders.as_seen(wanted, mark=replace(wanted.mark, paused_at=since), blocked=True)
    desired = builders.desired(endpoints=(builders.endpoint(removal_grace=60.0),))
    found = _graces(desired, builders.observed(seen))
    assert list(found) == ([seen.id] if since.endswith("Z") else [])


def test_rows_of_others_are_not_ours(here: Scene) -> None:
    here.cycle()
    row = {"model": "openai/qwen3-32b", "api_base": "http://gpu1:8000/v1", "api_key": "x"}
    body = {"model_name": "house-chat", "litellm_params": row, "model_info": {}}
    here.replay.call("POST", "/model/new", body)
    here.cycle()
    shown = by_name(status(here))["house-chat"]
    assert (shown["state"], shown["backend"]) == (NOT_OURS, "vllm")


def test_rows_of_a_backend_that_is_gone_have_none(here: Scene) -> None:
    here.cycle()
    here.configure(CONFIG[: CONFIG.index("  - name: llamacpp")])
    here.cycle()
    stray = by_name(status(here))["mistral-small-3.2"]
    assert (stray["backend"], stray["reason"]) == ("", "stray")
    assert "retire llamacpp" in stray["because"]


def test_a_failed_cycle_keeps_what_was_seen_and_says_of_when_that_is(here: Scene) -> None:
    here.cycle()
    here.cycle()
    seen = here.now
    here.configure(CONFIG.replace("litellm:4000", "elsewhere:4000"))
    here.cycle()
    document = status(here)
    assert document["summary"]["state"] == "failed"
    assert "Remedy" in document["cycle"]["error"]
    assert datetime.fromisoformat(document["as_of"]) == seen
    assert document["counts"]["in_sync"] == 10


def test_operations_that_failed_are_told_first(here: Scene) -> None:
    here.cycle()
    snapshot = here.board.snapshot()
    assert snapshot.last is not None
    assert snapshot.last.report is not None
    results = tuple(
        Result(each.operation, "failed", "LiteLLM refused it") if number == 0 else each
        for number, each in enumerate(snapshot.last.report.results)
    )
    here.board.ended(replace(snapshot.last, report=replace(snapshot.last.report, results=results)))
    document = status(here)
    assert document["summary"]["title"] == "1 operation of 10 was not carried out"
    (failed,) = [each for each in document["deployments"] if each["state"] == "failed"]
    assert failed["because"] == "LiteLLM refused it"


def test_a_plan_that_is_carried_out_tells_how_far_it_is(here: Scene) -> None:
    here.cycle(dry_run=True)
    report = here.board.snapshot().last.report  # type: ignore[union-attr]
    assert report is not None
    here.board.plan(report.plan, report.desired)
    for operation in report.plan.operations[:4]:
        here.board.result(Result(operation, "applied"))
    here.wait(8)
    document = status(here)
    assert document["summary"]["state"] == "working"
    progress = document["progress"]
    assert (progress["done"], progress["total"], progress["left"]) == (4, 10, 12.0)
    assert len(progress["latest"]) == 4


def test_a_loop_without_a_sign_of_life_is_stuck(here: Scene) -> None:
    here.cycle()
    stuck = replace(here.board.snapshot(), silence=700.0)
    assert status_document(stuck)["summary"]["state"] == "stuck"


def test_a_broken_configuration_is_told_with_the_generation_that_stays(here: Scene) -> None:
    here.cycle()
    here.configure(CONFIG + "oops: [")
    here.cycle()
    config = status(here)["config"]
    assert config["generation"] == 1
    assert config["error"].startswith("config.yaml:")
    here.configure(CONFIG.replace("rpm: 60", "rpm: 30"))
    here.cycle()
    config = status(here)["config"]
    assert (config["generation"], config["error"]) == (2, "")


SECRETS = """\
litellm: {url: 'http://litellm:4000'}
notifications: [{webhook: 'https://hooks.example.com/T0/B0/x1', format: slack}]
backends:
  - name: vllm
    url: http://gpu1:8000
    litellm_params_defaults:
      rpm: 60
      extra_headers: {authorization: 'Bearer sk-in-the-file', x-team: {secret: team}}
    model_info_defaults: {mode: chat, api_token: tk-9}
    overrides: [{regex: '^q', capabilities: {mode: chat, password: hunter2}}]
    regex_rename: [{regex: a, replace: b}]
    joinable_names: [gpt-4.1]
    verify: false
"""


def test_settings_have_the_names_of_the_file_and_no_secret(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(SECRETS)
    for name, key in (("litellm", "sk-admin-1"), ("vllm", "sk-gpu-1"), ("team", "sk-team-1")):
        (tmp_path / name).write_text(key)
    config = load_config(tmp_path / "config.yaml", tmp_path)
    settings = settings_of(config)
    text = json.dumps(settings)
    revealed = [secret.reveal() for secret in config.secrets()]
    assert {"sk-admin-1", "sk-gpu-1", "sk-team-1", "Bearer sk-in-the-file"} <= set(revealed)
    assert [secret for secret in revealed if secret in text] == []
    assert "https://hooks.example.com/T0/B0/x1" in revealed
    assert settings["notifications"][0]["webhook"] == "(secret)"
    (backend,) = settings["backends"]
    fields = schema("config")["$defs"]["backend"]["properties"]
    assert set(backend) - {"key"} <= set(fields)
    assert (backend["verify"], backend["key"]) == (False, "(secret)")
    assert backend["litellm_params_defaults"]["rpm"] == 60
    assert backend["regex_rename"] == ["a -> b"]


def test_a_secret_that_a_backend_repeats_is_in_no_answer(here: Scene) -> None:
    here.cycle()
    here.models["gpu1_8000"] = ["qwen3-32b", "sk-vllm-1234", 'x"<sk-vllm-1234>&']
    here.cycle()
    for path in ("/", "/api/status", "/api/plans", "/?q=sk"):
        answer = here.ask(path)
        assert answer.status == 200
        assert "sk-vllm-1234" not in answer.text
        assert "***" in answer.text


def test_a_plan_is_found_by_its_digest(here: Scene) -> None:
    here.cycle()
    (first,) = here.json("/api/plans", "plans")["plans"]
    digest = first["digest"]
    newest = here.json(f"/api/plans?digest={digest[:8]}", "plans")
    assert newest["plan"]["digest"] == digest
    assert newest["kept"] == first
    here.edit("qwen3-32b", rpm=5)
    here.cycle()
    earlier = here.json(f"/api/plans?digest={digest}", "plans")
    assert (earlier["kept"]["digest"], earlier["plan"]) == (digest, None)


@pytest.mark.parametrize("digest", ["1", "ffffffffff", "%00%00%00%00%00%00%00%00"])
def test_a_digest_that_no_plan_has_is_not_found(here: Scene, digest: str) -> None:
    here.cycle()
    here.cycle()
    assert here.ask(f"/api/plans?digest={digest}").status == 404
