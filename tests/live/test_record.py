"""A recorded cycle is replayed without LiteLLM and backends, and gives the same plan."""

from __future__ import annotations

from pathlib import Path

from .conftest import Servers, section
from .installation import Installation
from .real_proxy import RealProxy


def test_the_replay_of_a_recorded_cycle_is_byte_equal(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str, tmp_path: Path
) -> None:
    key = f"key-of-{unique}"
    box = servers.start("vllm", [f"a-{unique}", f"gone-{unique}"], key=key)
    installation.write_key(str(section(box)["name"]), key)
    installation.configure(section(box, litellm_params_defaults={"rpm": 5}))
    installation.converge()
    foreign = f"sk-foreign-{unique}"
    params = {"model": f"hosted_vllm/a-{unique}", "api_base": f"{box.url}/v1", "api_key": foreign}
    litellm.new(f"hand-{unique}", {**params, "headers": {"X-Key": foreign}}, {"password": foreign})
    box.models[:] = [f"a-{unique}", f"new-{unique}"]
    installation.configure(section(box, litellm_params_defaults={"rpm": 6}))
    planned = installation.run("plan", "--json")
    assert planned.code == 2, planned

    folder = tmp_path / "recording"
    recorded = installation.run("record", str(folder))
    assert recorded.code == 0, recorded
    assert recorded.writes == []
    box.close()
    replayed = installation.run("replay", str(folder), "--json")
    assert (replayed.code, replayed.requests) == (2, ()), replayed
    assert replayed.stdout == planned.stdout
    written = "".join(path.read_text() for path in folder.rglob("*") if path.is_file())
    assert [secret for secret in (key, foreign, litellm.key) if secret in written] == []

    installation.configure(section(box, filter_regex=f"^new-{unique}"))
    changed = installation.run("replay", str(folder), "--config", str(installation.config))
    assert changed.code == 2, changed
    assert f"- delete a-{unique}" in changed.stdout
