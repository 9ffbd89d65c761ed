"""Models are taken out of service, by hand and by the configuration, and come back as they were."""

from __future__ import annotations

import time

import pytest

from .conftest import Servers, section
from .installation import Installation
from .real_proxy import RELOAD, Json, RealProxy, wait_until

BLOCKED = "Model is blocked"


def in_service(litellm: RealProxy, name: str) -> bool:
    """Whether a model chats; if not, it must be because it is blocked."""
    answer = litellm.chat(name)
    assert answer.status_code == 200 or (answer.status_code == 403 and BLOCKED in answer.text)
    return answer.status_code == 200


def kept(row: Json) -> Json:
    """What a block may not change."""
    info = row["model_info"]
    return {"id": info["id"], "groups": info["access_groups"], **row["litellm_params"]}


def test_drained_models_answer_403_until_they_are_brought_back(
    servers: Servers,
    installation: Installation,
    replicas: list[RealProxy],
    unique: str,
) -> None:
    litellm, name, other = replicas[0], f"a-{unique}", f"b-{unique}"
    backend = servers.start("vllm", [name, other])
    installation.configure(section(backend))
    installation.converge()
    if not litellm.patches_exactly:
        refused = installation.run("drain", "box")
        assert (refused.code, refused.writes) == (1, [])
        assert "1.98" in refused.stderr
        return
    litellm.patch(litellm.row(backend.url, name), {"model_info": {"access_groups": [unique]}})
    before = kept(litellm.row(backend.url, name))

    shown = installation.run("drain", "box", name, "--dry-run")
    assert (shown.code, shown.writes) == (2, []), shown
    assert "403" in shown.stdout
    done = installation.run("drain", "box", name)
    assert (done.code, len(done.writes)) == (0, 1), done
    assert not in_service(litellm, name)
    assert in_service(litellm, other)
    for replica in replicas:
        wait_until(lambda r=replica: not in_service(r, name), RELOAD, "a replica serves it")
    waiting = installation.converge()
    assert waiting.writes == []
    assert [skip["reason"] for skip in waiting.skips] == ["maintenance"]
    assert kept(litellm.row(backend.url, name)) == before

    back = installation.run("undrain", "box")
    assert (back.code, len(back.writes)) == (0, 1), back
    for replica in replicas:
        wait_until(lambda r=replica: in_service(r, name), RELOAD, "a replica does not serve it")
    assert kept(litellm.row(backend.url, name)) == before
    installation.assert_quiet()


def test_a_backend_in_maintenance_keeps_its_rows_and_what_others_blocked_stays(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    if not litellm.patches_exactly:
        pytest.skip("LiteLLM before 1.98")
    ours, theirs = f"a-{unique}", f"b-{unique}"
    backend = servers.start("vllm", [ours, theirs])
    installation.configure(section(backend))
    installation.converge()
    litellm.patch(litellm.row(backend.url, theirs), {"blocked": True})
    rows = {row["model_name"]: row["model_info"]["id"] for row in litellm.rows_on(backend.url)}

    installation.configure(section(backend, maintenance=True))
    assert len(installation.converge().writes) == 1
    backend.models.clear()
    installation.cycle()
    backend.models[:] = [ours, theirs, f"new-{unique}"]
    assert installation.converge().writes == []
    assert not in_service(litellm, ours)

    backend.models.pop()
    installation.configure(section(backend))
    assert len(installation.converge().writes) == 1
    assert in_service(litellm, ours)
    assert not in_service(litellm, theirs)
    found = {row["model_name"]: row["model_info"]["id"] for row in litellm.rows_on(backend.url)}
    assert found == rows
    installation.assert_quiet()


def test_a_model_that_went_away_is_blocked_and_comes_back_or_is_deleted_later(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    stays, goes = f"a-{unique}", f"b-{unique}"
    backend = servers.start("vllm", [stays, goes])
    installation.configure(section(backend, removal_grace="1h"))
    installation.converge()
    before = litellm.row(backend.url, goes)
    backend.models.remove(goes)
    gone = installation.converge()
    if not litellm.patches_exactly:
        assert [skip["reason"] for skip in gone.skips] == ["unsupported"]
        assert litellm.row(backend.url, goes)
        return
    assert not in_service(litellm, goes)
    assert installation.converge().writes == []
    backend.models.append(goes)
    installation.converge()
    assert in_service(litellm, goes)
    assert litellm.row(backend.url, goes)["model_info"]["id"] == before["model_info"]["id"]

    backend.models.remove(goes)
    installation.converge()
    installation.configure(section(backend, removal_grace=0.1))
    time.sleep(3)
    installation.converge()
    assert not [row for row in litellm.rows_on(backend.url) if row["model_name"] == goes]
    installation.assert_quiet()


def test_a_released_row_stays_as_it_is_until_it_is_adopted(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    name, other = f"a-{unique}", f"b-{unique}"
    backend = servers.start("vllm", [name, other])
    installation.configure(section(backend, litellm_params_defaults={"rpm": 60}))
    installation.converge()
    if not litellm.patches_exactly:
        refused = installation.run("release", "box")
        assert (refused.code, refused.writes) == (1, [])
        return
    assert installation.run("release", "box", name).code == 0
    backend.models.remove(name)
    gone = installation.converge()
    assert ([skip["reason"] for skip in gone.skips], gone.writes) == (["released"], [])
    backend.models.append(name)
    litellm.patch(litellm.row(backend.url, name), {"litellm_params": {"rpm": 5}})
    assert installation.converge().writes == []
    assert litellm.row(backend.url, name)["litellm_params"]["rpm"] == 5
    assert in_service(litellm, name)
    assert installation.run("adopt", "box", name).code == 0
    assert litellm.row(backend.url, name)["litellm_params"]["rpm"] == 60
    installation.assert_quiet()
