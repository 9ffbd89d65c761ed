"""What a cycle did to a real LiteLLM is taken back, but for what somebody changed meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .conftest import Servers, section
from .installation import Installation
from .real_proxy import RealProxy

Json = dict[str, Any]


def rows(litellm: RealProxy, url: str) -> dict[str, Json]:
    found = {}
    for row in litellm.rows_on(url):
        info = {k: v for k, v in row["model_info"].items() if not k.endswith(("_at", "_by"))}
        found[row["model_name"]] = {**row, "model_info": info}
    return found


def test_a_cycle_is_undone(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str, tmp_path: Path
) -> None:
    key = f"key-of-{unique}"
    stays, goes, comes, edited = (f"{name}-{unique}" for name in ("stays", "goes", "comes", "x"))
    box = servers.start("vllm", [stays, goes], key=key)
    installation.write_key(str(section(box)["name"]), key)
    secret = {"extra_headers": {"X-Token": {"secret": "token"}}, "max_retries": 3}
    installation.write_key("token", f"token-of-{unique}")
    limits = {"max_delete_fraction": 1, "suspicion_period": 0}
    installation.configure(
        section(box, litellm_params_defaults={"rpm": 5, **secret}), limits=limits
    )
    installation.converge()
    before = rows(litellm, box.url)

    box.models[:] = [stays, comes, edited]
    installation.configure(
        section(box, litellm_params_defaults={"rpm": 6, **secret}), limits=limits
    )
    cycle = installation.run("run", "--once")
    assert cycle.code == 0, cycle
    log = tmp_path / "plan.log"
    log.write_text(cycle.stdout)
    litellm.patch(litellm.row(box.url, edited), {"litellm_params": {"timeout": 44}})

    shown = installation.run("undo", str(log), "--dry-run")
    assert (shown.code, shown.writes) == (3, []), shown
    done = installation.run("undo", str(log), "-v")
    assert done.code == 3, done
    assert "changed since: litellm_params.timeout: (none) -> 44" in done.stdout
    after = rows(litellm, box.url)
    assert after.pop(edited)["litellm_params"]["timeout"] == 44
    assert after == before
    assert done.stdout.count("undone") == 3, done

    again = installation.run("undo", str(log), "--dry-run")
    assert "Plan:" not in again.stdout or " to " not in again.stdout.split("Plan:")[1], again
