"""``undo`` against a simulated fleet: what a cycle did is taken back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.cli.main import main
from engine.validate import validate
from tests.fleet import MASTER_KEY, Fleet, running_fleet
from tests.quick import QUICK, examples

Json = dict[str, Any]
KEY = {"Authorization": f"Bearer {MASTER_KEY}"}
TOP = "limits: {min_deployments: 100}"
IN_PLACE, BY_REPLACING = "1.110.2", "1.83.14"


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments], QUICK)


def rows(fleet: Fleet) -> list[Json]:
    """Return LiteLLM's listing in an order of its own."""
    answer = requests.get(f"{fleet.proxy.url}/v2/model/info?size=1000", headers=KEY, timeout=5)
    found = answer.json().get("data", [])
    for row in found:
        for name in ("created_at", "updated_at"):
            row["model_info"].pop(name, None)
    return sorted(found, key=lambda row: str(row["model_info"]["id"]))


def named(fleet: Fleet, name: str) -> Json:
    return next(row for row in rows(fleet) if row["model_name"] == name)


def change(fleet: Fleet, name: str, **body: Json) -> None:
    row_id = named(fleet, name)["model_info"]["id"]
    url = f"{fleet.proxy.url}/model/{row_id}/update"
    assert requests.patch(url, json=body, headers=KEY, timeout=5).status_code == 200


class Logged:
    """A fleet whose cycles write a plan log."""

    def __init__(self, fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
        self.fleet = fleet
        self.log = fleet.folder / "plan.log"
        self._capsys = capsys

    def cycle(self, options: str = "", *models: str, top: str = TOP) -> None:
        """Run a cycle, with other models and options of the backend, and append to the log."""
        self.fleet.box.models[:] = models
        self.fleet.configure(options, top)
        self._capsys.readouterr()
        run("run", "--once", *self.fleet.arguments)
        with self.log.open("a") as file:
            file.write(self._capsys.readouterr().out)

    def undo(self, *options: object, file: Path | None = None) -> tuple[int, str, str]:
        """Undo; return the exit code, stdout and stderr."""
        code = run("undo", file or self.log, *options, *self.fleet.arguments)
        shown = self._capsys.readouterr()
        return code, shown.out, shown.err


@pytest.fixture
def logged(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Iterator[Logged]:
    """Backend `box` with a key and a secret header; the LiteLLM is IN_PLACE unless it is given."""
    with running_fleet(tmp_path, version=getattr(request, "param", IN_PLACE)) as fleet:
        (tmp_path / "box").write_text("key-of-box-1")
        (tmp_path / "header").write_text("header-of-box-2")
        yield Logged(fleet, capsys)


either = pytest.mark.parametrize("logged", [IN_PLACE, BY_REPLACING], indirect=True)
HEADERS = "litellm_params_defaults: {rpm: %d, extra_headers: {X-Token: {secret: header}}}"


@either
def test_what_a_cycle_did_is_taken_back(logged: Logged) -> None:
    logged.cycle(HEADERS % 5, "a", "b")
    before = rows(logged.fleet)
    secrets = stored(logged.fleet)
    logged.cycle(HEADERS % 6, "a", "c")
    assert logged.fleet.names() == ["a", "c"]
    logged.cycle(HEADERS % 6, "a", "c")  # does nothing, so it is not what is undone

    code, shown, said = logged.undo()
    assert code == 0, shown
    assert "1 to create" in shown
    assert "the next cycle does the same again" in said
    assert rows(logged.fleet) == before
    assert stored(logged.fleet) == secrets


def stored(fleet: Fleet) -> dict[str, Json]:
    return {row.model_id: row.litellm_params for row in fleet.proxy.database.rows.values()}


def test_a_dry_run_writes_nothing_and_its_plan_is_valid(logged: Logged) -> None:
    logged.cycle("", "a")
    writes = len(logged.fleet.proxy.writes)
    code, shown, _ = logged.undo("--dry-run", "--json")
    assert code == 2
    assert len(logged.fleet.proxy.writes) == writes
    plan = json.loads(shown)
    validate(plan, "plan")
    assert [(op["action"], op["reason"]) for op in plan["operations"]] == [("delete", "undone")]


def test_a_row_that_changed_since_is_skipped_with_the_field(logged: Logged) -> None:
    logged.cycle("", "a", "b", "c")
    change(logged.fleet, "a", litellm_params={"timeout": 30})
    change(logged.fleet, "b", model_info={"note": "mine"})
    code, shown, _ = logged.undo("-v")
    assert "stale: changed since: litellm_params.timeout: (none) -> 30" in shown
    assert 'stale: changed since: model_info.note: (none) -> "mine"' in shown
    assert logged.fleet.names() == ["a", "b"]
    assert code == 3


@either
def test_an_update_of_a_field_that_somebody_set_again_is_not_taken_back(logged: Logged) -> None:
    logged.cycle("litellm_params_defaults: {rpm: 5}", "a")
    logged.cycle("litellm_params_defaults: {rpm: 6}", "a")
    change(logged.fleet, "a", litellm_params={"rpm": 7})
    _, shown, _ = logged.undo()
    assert "stale: changed since: litellm_params.rpm: 6 -> 7" in shown
    assert named(logged.fleet, "a")["litellm_params"]["rpm"] == 7


def test_a_deleted_row_whose_secret_is_not_known_any_more_is_not_made_again(logged: Logged) -> None:
    logged.cycle(HEADERS % 5, "a", "b")
    logged.cycle(HEADERS % 5, "b")
    (logged.fleet.folder / "header").write_text("rotated-header-3")
    code, shown, _ = logged.undo()
    assert code == 3
    assert "key_unknown: the secret /litellm_params/extra_headers/X-Token of backend box" in shown
    assert logged.fleet.names() == ["b"]


def test_a_row_on_a_backend_that_is_not_configured_is_not_made_again(logged: Logged) -> None:
    logged.cycle("", "a", "b")
    logged.cycle("", "b")
    config = logged.fleet.folder / "config.yaml"
    config.write_text(config.read_text().replace("name: box", "name: other"))
    _, shown, _ = logged.undo()
    assert "key_unknown: backend box is not in the configuration any more" in shown


def test_an_adopted_row_stays_adopted(logged: Logged) -> None:
    row = {
        "model_name": "a",
        "litellm_params": {"model": "openai/a", "api_base": f"{logged.fleet.box.url}/v1"},
    }
    url = f"{logged.fleet.proxy.url}/model/new"
    assert requests.post(url, json=row, headers=KEY, timeout=5).status_code == 200
    logged.cycle("", "a")
    before = rows(logged.fleet)
    code, shown, _ = logged.undo()
    assert code == 3
    assert "it was adopted, and LiteLLM does not show the key that it had" in shown
    assert rows(logged.fleet) == before


@either
def test_a_drift_that_was_corrected_comes_back(logged: Logged) -> None:
    logged.cycle("litellm_params_defaults: {rpm: 5}", "a")
    change(logged.fleet, "a", litellm_params={"rpm": 9})
    logged.cycle("litellm_params_defaults: {rpm: 5}", "a")
    assert named(logged.fleet, "a")["litellm_params"]["rpm"] == 5
    assert logged.undo()[0] == 0
    assert named(logged.fleet, "a")["litellm_params"]["rpm"] == 9


@either
def test_a_name_whose_old_row_cannot_be_made_again_keeps_its_new_one(logged: Logged) -> None:
    one_name = "litellm_params_defaults: {extra_headers: {X-Token: {secret: header}}},"
    one_name += " aliases: {%s: main}, name_format: 'x/{model}'"
    logged.cycle(one_name % "a", "a")
    logged.cycle(one_name % "b", "b")
    assert logged.fleet.names() == ["main", "x/b"]
    (logged.fleet.folder / "header").write_text("rotated-header-3")
    code, shown, _ = logged.undo()
    assert code == 3
    assert "the row that had its public name before cannot be made again" in shown
    assert logged.fleet.names() == ["main"]


def test_what_is_hidden_of_a_deleted_row_is_named(logged: Logged) -> None:
    logged.cycle("", "a", "b")
    change(logged.fleet, "a", litellm_params={"extra_headers": {"X-Token": "foreign-token-7"}})
    logged.cycle("", "b")
    code, shown, _ = logged.undo()
    assert code == 0
    assert "not readable, so set it by hand again: extra_headers" in shown
    assert "extra_headers" not in named(logged.fleet, "a")["litellm_params"]


def test_a_parameter_of_ours_that_no_listing_shows_is_not_lost_silently(logged: Logged) -> None:
    logged.cycle("litellm_params_defaults: {vertex_credentials: {project: p}}", "a", "b")
    logged.cycle("litellm_params_defaults: {vertex_credentials: {project: p}}", "b")
    _, shown, _ = logged.undo()
    assert "key_unknown: LiteLLM does not show all of vertex_credentials" in shown


def test_a_deleted_row_that_was_paused_does_not_come_into_service(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_fleet(tmp_path, version=IN_PLACE) as fleet:
        logged = Logged(fleet, capsys)
        logged.cycle("", "a", "b")
        block = {"model_id": named(fleet, "a")["model_info"]["id"]}
        requests.post(f"{fleet.proxy.url}/model/block", json=block, headers=KEY, timeout=5)
        logged.cycle("", "b")
        _, shown, _ = logged.undo()
        assert "paused: it was paused by hand" in shown
        assert fleet.names() == ["b"]


def test_what_has_no_result_is_undone_where_it_shows(logged: Logged) -> None:
    logged.cycle("", "a", "b")
    lines = [json.loads(line) for line in logged.log.read_text().splitlines()]
    for line in lines:
        if line["event"] == "result" and line["name"] == "a":
            line["outcome"] = "failed"
    kept = [line for line in lines if line["event"] != "cycle" and line.get("name") != "b"]
    logged.log.write_text("".join(json.dumps(line) + "\n" for line in kept) + '{"unfinished')
    assert logged.undo("--cycle", "1")[0] == 0
    assert logged.fleet.names() == ["a"]  # the log says that it was not made by this cycle


def test_a_text_that_the_log_hides_is_not_written_back(logged: Logged) -> None:
    logged.cycle("litellm_params_defaults: {rpm: 5, organization: hidden-text}", "a", "b")
    logged.cycle("litellm_params_defaults: {rpm: 5, organization: hidden-text}", "b")
    logged.log.write_text(logged.log.read_text().replace("hidden-text", "***"))
    _, shown, _ = logged.undo()
    assert "key_unknown: a text of its row was hidden as ***" in shown
    assert logged.fleet.names() == ["b"]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("hello\n", "a line of it is not a JSON object"),
        ("", "has no cycle that changed something"),
        ('{"event": "plan"}\n', "is not as it was written"),
        ('{"operations": [1]}', "is JSON, but not a plan"),
    ],
)
def test_a_file_that_says_nothing_is_refused(
    content: str, what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_fleet(tmp_path) as fleet:
        file = tmp_path / "plan.log"
        file.write_text(content)
        assert run("undo", file, *fleet.arguments) == 1
        assert what in capsys.readouterr().err
        assert run("undo", tmp_path, *fleet.arguments) == 1
        assert fleet.proxy.requests == []


OPTIONS = st.sampled_from(
    [
        "",
        "litellm_params_defaults: {rpm: 5}",
        "litellm_params_defaults: {rpm: 6, timeout: 30}",
        "model_info_defaults: {supports_vision: true, tier: gold}",
        "model_info_defaults: {tier: silver}",
        "aliases: {a: [main, other]}",
        "name_format: 'x/{model}'",
    ]
)
MODELS = st.sets(st.sampled_from(["a", "b", "c", "d"]))
EDITS: dict[str, Json] = {
    "none": {},
    "a limit": {"litellm_params": {"tpm": 77}},
    "a note": {"model_info": {"note": "mine"}},
    "a name": {"model_name": "renamed"},
}


def comparable(fleet: Fleet) -> dict[str, Json]:
    """Return the rows by name, without ids and revisions, which a replacement changes."""
    found = {}
    for row in rows(fleet):
        info = {name: value for name, value in row["model_info"].items() if name != "id"}
        info["modelprovisioner"] = {**info["modelprovisioner"], "revision": 0}
        found[row["model_name"]] = {**row, "model_info": info}
    return found


@settings(
    max_examples=examples(30),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    version=st.sampled_from([IN_PLACE, BY_REPLACING]),
    first=st.tuples(OPTIONS, MODELS),
    then=st.tuples(OPTIONS, MODELS),
    edit=st.sampled_from(sorted(EDITS)),
)
def test_undo_gives_the_listing_back_but_for_what_was_edited(
    version: str,
    first: tuple[str, set[str]],
    then: tuple[str, set[str]],
    edit: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with TemporaryDirectory() as place, running_fleet(Path(place), version=version) as fleet:
        logged = Logged(fleet, capsys)
        top = "limits: {max_delete_fraction: 1, suspicion_period: 0}"
        logged.cycle(first[0], *sorted(first[1]), top=top)
        before = comparable(fleet)
        logged.log.write_text("")
        logged.cycle(then[0], *sorted(then[1]), top=top)
        after = comparable(fleet)
        edited = next((n for n in sorted(after) if after[n] != before.get(n)), "")
        if edited and EDITS[edit]:
            change(fleet, edited, **EDITS[edit])
            kept = rows(fleet)
        code, shown, said = logged.undo()
        if not any(event["event"] == "result" for event in read(logged.log)):
            assert "no cycle that changed something" in said
        elif edited and EDITS[edit]:
            assert code == 3
            touched = EDITS[edit].get("model_name", edited)
            assert named(fleet, touched) in kept
        else:
            assert (code, comparable(fleet)) == (0, before), shown


def read(log: Path) -> list[Json]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_a_cycle_is_chosen_by_its_digest(logged: Logged) -> None:
    logged.cycle("", "a")
    logged.cycle("", "a", "b")
    plans = [json.loads(line) for line in logged.log.read_text().splitlines()]
    first, second = (line["plan"]["digest"] for line in plans if line["event"] == "plan")
    assert logged.undo("--cycle", first[:10], "--dry-run")[0] == 2
    assert logged.undo("--cycle", second[:10])[0] == 0
    assert logged.fleet.names() == ["a"]
    code, _, said = logged.undo("--cycle", "99")
    assert code == 1
    assert "no cycle '99' with operations" in said


def test_a_stored_plan_is_undone_as_far_as_it_shows(logged: Logged) -> None:
    fleet = logged.fleet
    fleet.box.models[:] = ["a", "b"]
    fleet.configure()
    stored_plan = fleet.folder / "plan.json"
    run("plan", "--out", stored_plan, *fleet.arguments)
    assert logged.undo(file=stored_plan)[0] == 0  # nothing of it was done
    logged.cycle("", "a", top="")
    code, shown, _ = logged.undo(file=stored_plan)
    assert code == 0
    assert "1 to delete" in shown
    assert fleet.names() == []
