"""Why a model does not appear: six planted faults, each found by ``doctor`` alone."""

from __future__ import annotations

import pytest

from engine.cli.main import main
from tests.fleet import Fleet

from .conftest import Examine, Examined


def missing(fleet: Fleet, examined: Examined, name: str = "a") -> None:
    """Check that the fault does keep the model from appearing, and is no more than that."""
    main(["apply", *fleet.arguments])
    assert name not in fleet.names(), examined.shown()


def test_a_healthy_installation_has_no_findings_above_a_note(
    fleet: Fleet, examine: Examine
) -> None:
    examined = examine(fleet)
    assert (examined.code, examined.bad()) == (0, []), examined.shown()
    assert examined.one("create", "note")["subject"] == "a, b"
    main(["apply", *fleet.arguments])
    examined = examine(fleet)
    assert (examined.code, examined.bad()) == (0, [])
    assert examined.of("create") == []
    assert examined.one("registered", "ok")["what"] == "has 2 models registered"


def test_1_a_wrong_type_is_found_with_the_right_one(fleet: Fleet, examine: Examine) -> None:
    fleet.configure("type: ollama")
    examined = examine(fleet)
    found = examined.one("type", "error")
    assert "`type: ollama` does not" in found["what"]
    assert found["fix"] == "write `type: openai`, or `type: auto`"
    assert examined.code == 1
    missing(fleet, examined)


def test_2_a_filter_is_found_with_its_expression_and_what_it_leaves_out(
    fleet: Fleet, examine: Examine
) -> None:
    fleet.configure("filter_regex: '^qwen'")
    found = examine(fleet).one("filtered", "warning")
    assert found["what"] == (
        "all of its 2 models are left out, since filter_regex '^qwen' does not match: a, b"
    )
    fleet.configure("exclude_regex: '^a'")
    examined = examine(fleet)
    found = examined.one("filtered", "note")
    assert "1 of its 2 models is left out, since exclude_regex '^a' matches: a" in found["what"]
    missing(fleet, examined)


def test_3_a_taken_name_is_found_with_the_row_that_has_it(fleet: Fleet, examine: Examine) -> None:
    body = {
        "model_name": "a",
        "litellm_params": {"model": "openai/gpt-x", "api_base": "https://cloud.invalid/v1"},
        "model_info": {"id": "cloud-row"},
    }
    fleet.proxy.answer("POST", "/model/new", "Bearer sk-fleet-master-key", encoded(body))
    examined = examine(fleet)
    found = examined.one("name_taken", "warning")
    assert found["subject"] == "a"
    assert "row 'cloud-row'" in found["what"]
    assert "on_taken_name: suffix" in found["fix"]
    assert examined.code == 4
    main(["apply", *fleet.arguments])
    assert fleet.names() == ["a", "b"], "the row of others, and our other model"


def test_4_a_missing_key_file_is_found_with_its_name(fleet: Fleet, examine: Examine) -> None:
    fleet.box.key = "sk-the-right-key"
    examined = examine(fleet)
    found = examined.one("missing_key", "error")
    assert "there is no key file 'box'" in found["what"]
    assert "the key file 'box'" in found["fix"]
    missing(fleet, examined)


def test_5_a_wrong_key_is_found_and_not_shown(fleet: Fleet, examine: Examine) -> None:
    fleet.box.key = "sk-the-right-key"
    (fleet.folder / "box").write_text("sk-a-wrong-key")
    examined = examine(fleet)
    found = examined.one("wrong_key", "error")
    assert found["subject"] == "box"
    assert "check the key in the key file 'box'" in found["what"]
    assert "sk-a-wrong-key" not in examined.text
    missing(fleet, examined)


def test_6_a_backend_that_is_down_is_found_with_its_port(fleet: Fleet, examine: Examine) -> None:
    fleet.box.stop()
    examined = examine(fleet)
    found = examined.one("reach_port", "error")
    assert found["subject"] == "box"
    assert "connection refused" in found["what"]
    assert "start the server" in found["fix"]
    assert "see network" in examined.one("list", "unchecked")["why"]
    missing(fleet, examined)


@pytest.mark.parametrize("secret", ["sk-fleet-master-key", "sk-some-unused-key"])
def test_no_key_is_shown(
    fleet: Fleet, examine: Examine, capsys: pytest.CaptureFixture[str], secret: str
) -> None:
    (fleet.folder / "unused").write_text("sk-some-unused-key")
    fleet.box.raw = b'{"error": "sk-fleet-master-key sk-some-unused-key"}'
    assert secret not in examine(fleet).text
    main(["doctor", *fleet.arguments])
    output = capsys.readouterr()
    assert "Doctor: " in output.out
    assert secret not in output.out + output.err


def encoded(body: object) -> bytes:
    import json

    return json.dumps(body).encode()
