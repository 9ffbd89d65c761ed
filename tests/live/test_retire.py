"""A backend is removed for good, while it is down, and nothing of others goes with it."""

from __future__ import annotations

from .conftest import Servers, section
from .installation import Installation
from .real_proxy import RealProxy, names


def test_a_retired_backend_leaves_nothing_and_takes_nothing_of_others(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    stays = servers.start("openai", [f"stays-{unique}"])
    goes = servers.start("vllm", [f"a-{unique}", f"b-{unique}"])
    params = {"model": f"hosted_vllm/a-{unique}", "api_base": f"{goes.url}/v1"}
    litellm.new(f"hand-{unique}", params, {"mode": "chat"})
    installation.configure(section(stays), section(goes, name="goes"))
    installation.converge()
    ours = {f"a-{unique}", f"b-{unique}"}
    assert set(names(litellm.rows_on(goes.url))) == {*ours, f"hand-{unique}"}

    goes.close()
    installation.configure(section(stays))
    shown = installation.run("retire", "goes", "--dry-run")
    assert shown.code == 2, shown
    assert shown.writes == []
    done = installation.run("retire", "goes")
    assert done.code == 0, done
    assert names(litellm.rows_on(goes.url)) == [f"hand-{unique}"]
    assert names(litellm.rows_on(stays.url)) == [f"stays-{unique}"]
