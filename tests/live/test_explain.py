"""``explain`` names, on a real LiteLLM, why each model is, or is not, there."""

from __future__ import annotations

import json

from engine.validate import validate

from .conftest import Servers, section
from .installation import Installation, Json
from .real_proxy import RealProxy


def test_each_model_and_row_is_explained_and_nothing_is_written(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    names = [f"{word}-{unique}" for word in ("kept", "edited", "filtered", "taken")]
    box = servers.start("vllm", names)
    down = servers.start("openai", [f"down-{unique}"])
    cloud = {"model": "openai/gpt-4o", "api_base": "https://cloud.invalid/v1", "api_key": "sk-c"}
    litellm.new(f"taken-{unique}", cloud, {"mode": "chat"})
    ruled = section(box, exclude_regex="^filtered", litellm_params_defaults={"rpm": 60})
    installation.configure(ruled, section(down, name="down"))
    installation.converge()
    down.close()
    edited = litellm.row(box.url, f"edited-{unique}")
    litellm.patch(edited, {"litellm_params": {"rpm": 1}})
    row_id = edited["model_info"]["id"]

    def explained(name: str, code: int) -> Json:
        outcome = installation.run("explain", name, "--json")
        assert (outcome.code, outcome.writes) == (code, []), outcome
        document: Json = json.loads(outcome.stdout)
        validate(document, "explanation")
        assert "sk-c" not in outcome.stdout
        return document

    def decided(document: Json) -> tuple[str, str]:
        ((name,),) = (listed["names"] for listed in document["listed"])
        return name["decision"], name["outcome"]

    assert decided(explained(f"kept-{unique}", 0)) == ("wanted", "in_step")
    found = explained(f"edited-{unique}", 2)
    (change,) = found["operations"]
    assert change["reason"] == "drifted"
    assert change["action"] in ("update", "replace")  # as this LiteLLM can
    assert decided(found) == ("wanted", change["action"])
    assert explained(row_id, 2)["rows"] == found["rows"]
    found = explained(f"filtered-{unique}", 0)
    assert decided(found) == ("filtered", "nothing")
    (rule,) = (r for r in found["listed"][0]["rules"] if r["effect"].endswith("leaves it out"))
    assert rule["text"] == "^filtered"
    assert (
        installation.config.read_text()
        .splitlines()[rule["line"] - 1]
        .strip()
        .startswith('"exclude_regex"')
    )
    assert decided(explained(f"taken-{unique}", 0)) == ("name_taken", "nothing")
    (row,) = explained(f"down-{unique}", 4)["rows"]
    assert row["outcome"] == "incomplete"
    assert explained(f"kept-{unique}x", 1)["nearest"][0].endswith(f"kept-{unique}")
