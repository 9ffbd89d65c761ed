"""Saved plans from the command line, on a simulated LiteLLM: made, kept, carried out later."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main
from engine.validate import validate
from tests.fleet import Fleet, running_fleet

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def fleet(tmp_path: Path, capsys: Capture) -> Iterator[Fleet]:
    """Rows a, b and gone are there with rpm 5; then it is to be 6, new is new and gone is gone."""
    with running_fleet(tmp_path, "a", "b", "gone", version="1.110.2") as running:
        prepare(running)
        capsys.readouterr()
        yield running


def prepare(fleet: Fleet) -> None:
    """Bring a fleet into the state of the fixture, wherever it was."""
    fleet.box.models = []
    assert main(["apply", "--force", "box", *fleet.arguments]) == 0
    fleet.box.models = ["a", "b", "gone"]
    fleet.configure("litellm_params_defaults: {rpm: 5}")
    assert main(["apply", *fleet.arguments]) == 0
    fleet.box.models = ["a", "b", "new"]
    fleet.configure("litellm_params_defaults: {rpm: 6}")


def save(fleet: Fleet, *options: str, code: int = 2) -> Path:
    path = fleet.folder / "plan.json"
    assert main(["plan", "--out", str(path), *options, *fleet.arguments]) == code
    return path


def apply(fleet: Fleet, *words: str) -> int:
    return main(["apply", *words, *fleet.arguments])


def stored(fleet: Fleet) -> dict[str, Any]:
    rows = fleet.proxy.database.rows.values()
    return {row.model_name: (row.litellm_params, row.model_info) for row in rows}


def edit(fleet: Fleet, name: str, **params: Any) -> None:
    """Change a row by hand."""
    (row,) = (row for row in fleet.proxy.database.rows.values() if row.model_name == name)
    row.litellm_params.update(params)


def stale(text: str) -> list[str]:
    """Return why operations were refused, as the text of the plan says it."""
    return [line.strip().removeprefix("stale: ") for line in text.splitlines() if "stale: " in line]


def test_applied_later_it_does_what_apply_does_and_asks_no_backend(
    fleet: Fleet, capsys: Capture
) -> None:
    path = save(fleet)
    validate(json.loads(path.read_text()), "plan")
    capsys.readouterr()
    fleet.box.stop()
    fleet.proxy.requests.clear()
    assert apply(fleet, str(path)) == 0
    listings = [request for request in fleet.proxy.requests if "/v2/model/info?size" in request[1]]
    assert len(listings) == 1
    text = capsys.readouterr().out
    assert "4 of 4 done" in text
    assert text.index("with the answers of the backends when it was made") < text.index("+ create")
    later = stored(fleet)
    assert sorted(later) == ["a", "b", "new"]


def test_the_rows_are_those_that_apply_makes_at_once(fleet: Fleet) -> None:
    assert apply(fleet, str(save(fleet))) == 0
    later = stored(fleet)
    prepare(fleet)
    assert apply(fleet) == 0
    assert stored(fleet) == later


def test_a_row_that_was_edited_meanwhile_is_refused_and_the_others_are_applied(
    fleet: Fleet, capsys: Capture
) -> None:
    path = save(fleet)
    edit(fleet, "b", rpm=9, weight=2)
    capsys.readouterr()
    assert apply(fleet, str(path)) == 3
    text = capsys.readouterr().out
    changes = "litellm_params.rpm: 5 -> 9, litellm_params.weight: (none) -> 2"
    assert stale(text) == [f"changed since the plan was made: {changes}"]
    assert "1 refused" in text
    assert {name: row[0]["rpm"] for name, row in stored(fleet).items()} == {
        "a": 6,
        "b": 9,
        "new": 6,
    }


def test_what_was_done_meanwhile_is_told_and_not_written_again(
    fleet: Fleet, capsys: Capture
) -> None:
    path = save(fleet)
    assert apply(fleet) == 0
    fleet.proxy.requests.clear()
    capsys.readouterr()
    assert apply(fleet, str(path)) == 0
    assert capsys.readouterr().out.count(": already") == 4
    assert fleet.proxy.writes == []


def test_a_key_that_was_rotated_meanwhile_refuses_what_would_send_it(
    fleet: Fleet, capsys: Capture
) -> None:
    (fleet.folder / "box").write_text("sk-the-first-key")
    path = save(fleet)
    assert "sk-the-first-key" not in path.read_text()
    (fleet.folder / "box").write_text("sk-the-other-key")
    capsys.readouterr()
    fleet.proxy.requests.clear()
    assert apply(fleet, str(path)) == 3
    text = capsys.readouterr().out
    assert stale(text) == ["the key of backend box is not the one the plan was made with"]
    assert "left alone: a, b, new" in text
    assert [write[1] for write in fleet.proxy.writes] == ["/model/delete"]
    (fleet.folder / "box").write_text("sk-the-first-key\n")
    assert apply(fleet, str(path)) == 0
    assert {row[0]["api_key"] for row in stored(fleet).values()} == {"sk-the-first-key"}


def test_a_key_is_sent_nowhere_but_to_its_own_backend(fleet: Fleet, capsys: Capture) -> None:
    (fleet.folder / "box").write_text("sk-the-first-key")
    path = save(fleet)
    config = fleet.folder / "config.yaml"
    config.write_text(config.read_text().replace("name: box", "name: bax"))
    (fleet.folder / "box").rename(fleet.folder / "bax")
    capsys.readouterr()
    assert apply(fleet, str(path)) == 3
    assert stale(capsys.readouterr().out) == ["backend box is not in the configuration any more"]
    config.write_text(config.read_text().replace("name: bax", "name: box, type: openai"))
    config.write_text(config.read_text().replace(fleet.box.url, "http://127.0.0.1:9"))
    assert apply(fleet, str(path)) == 3
    assert "is not an address of backend box" in "".join(stale(capsys.readouterr().out))


def test_a_plan_with_what_is_held_exits_as_applying_it_at_once_does(
    fleet: Fleet, capsys: Capture
) -> None:
    fleet.box.models = []
    path = save(fleet, code=3)
    capsys.readouterr()
    assert apply(fleet, str(path)) == 3
    assert "held: " in capsys.readouterr().out
    assert sorted(stored(fleet)) == ["a", "b", "gone"]
    assert apply(fleet, str(save(fleet, "--force", "box"))) == 0
    assert stored(fleet) == {}


def test_the_plan_of_a_retirement_can_be_saved_as_well(fleet: Fleet, capsys: Capture) -> None:
    path = fleet.folder / "plan.json"
    assert main(["retire", "box", "--dry-run", "--json", *fleet.arguments]) == 2
    path.write_text(capsys.readouterr().out)
    assert apply(fleet, str(path)) == 0
    assert stored(fleet) == {}


def test_a_plan_for_another_litellm_or_owner_is_refused(fleet: Fleet, capsys: Capture) -> None:
    path = save(fleet)
    config = fleet.folder / "config.yaml"
    text = config.read_text()
    fleet.proxy.requests.clear()
    for changed, words in (
        (text.replace("127.0.0.1", "localhost", 1), "the plan is for LiteLLM 'http://127.0.0.1:"),
        (f"owner: me\n{text}", "the plan is for owner 'modelprovisioner', and the configuration"),
    ):
        config.write_text(changed)
        assert apply(fleet, str(path)) == 1
        assert words in capsys.readouterr().err
    assert fleet.proxy.requests == []


def test_a_file_that_is_no_plan_is_refused_before_anything_is_asked(
    fleet: Fleet, capsys: Capture
) -> None:
    path = save(fleet)
    path.write_text(path.read_text().replace('"rpm": 6', '"rpm": 600'))
    fleet.proxy.requests.clear()
    assert apply(fleet, str(path)) == 1
    assert "was changed after it was made" in capsys.readouterr().err
    assert apply(fleet, str(fleet.folder / "none.json")) == 1
    assert "cannot be read: no such file" in capsys.readouterr().err
    assert fleet.proxy.requests == []


def test_options_that_make_a_plan_do_not_fit_one_that_is_made(
    fleet: Fleet, capsys: Capture
) -> None:
    for option in ("--backend", "--force"):
        assert apply(fleet, "plan.json", option, "box") == 64
        assert "are given to `plan`" in capsys.readouterr().err


# --expect


def shown_digest(text: str) -> str:
    """Return the digest in the last line of a plan."""
    last = text.splitlines()[-1]
    assert last.startswith("Digest ")
    return last.split()[1].rstrip(":")


def test_only_the_expected_plan_is_applied(fleet: Fleet, capsys: Capture) -> None:
    assert main(["plan", *fleet.arguments]) == 2
    digest = shown_digest(capsys.readouterr().out)
    fleet.box.models = ["a", "b", "new", "newer"]
    writes = len(fleet.proxy.writes)
    assert apply(fleet, "--expect", digest) == 3
    text = capsys.readouterr().err
    assert main(["plan", *fleet.arguments]) == 2
    other = shown_digest(capsys.readouterr().out)
    assert f"its digest is {other}, not {digest}. Nothing was written" in text
    assert len(fleet.proxy.writes) == writes
    assert apply(fleet, "--expect", other[:8]) == 0
    assert sorted(stored(fleet)) == ["a", "b", "new", "newer"]


def test_a_saved_plan_can_be_expected_as_well(fleet: Fleet, capsys: Capture) -> None:
    path = save(fleet)
    digest = json.loads(path.read_text())["digest"]
    assert apply(fleet, str(path), "--expect", "0" * 64) == 3
    assert f"its digest is {digest}, not {'0' * 64}" in capsys.readouterr().err
    assert apply(fleet, str(path), "--expect", digest) == 0


@pytest.mark.parametrize("text", ["", "1234567", "12345678X", "0" * 65])
def test_what_cannot_be_a_digest_is_wrong_usage(fleet: Fleet, capsys: Capture, text: str) -> None:
    with pytest.raises(SystemExit) as stop:
        apply(fleet, "--expect", text)
    assert stop.value.code == 64
    assert "expected 8 to 64 characters 0-9a-f" in capsys.readouterr().err


def test_a_plan_that_holds_the_text_of_a_key_says_so_at_once(fleet: Fleet, capsys: Capture) -> None:
    fleet.box.models = ["a", "b", "gone", "weak"]
    (fleet.folder / "box").write_text("weak")
    path = save(fleet)
    assert "warning: the text of a key of the configuration is in the plan" in (
        capsys.readouterr().err
    )
    assert '"weak"' not in path.read_text()
    assert apply(fleet, str(path)) == 1
    assert "was hidden as ***; use `apply` without a file" in capsys.readouterr().err
