"""A public name that others serve stays theirs: their chats do not reach our backends."""

from __future__ import annotations

import pytest

from .chat_backends import ChatBackend
from .conftest import Install, Servers, section
from .installation import Installation
from .real_proxy import Json, RealProxy, ids, names, owner

CHATS = 12


def register_cloud(servers: Servers, litellm: RealProxy, name: str) -> tuple[ChatBackend, str]:
    """Register a model on a server that is not configured, as a cloud's; return both."""
    cloud = servers.start("openai", [name])
    params = {"model": f"openai/{name}", "api_base": f"{cloud.url}/v1", "api_key": "sk-cloud"}
    return cloud, litellm.new(name, params)


def chat_often(litellm: RealProxy, name: str) -> None:
    for _ in range(CHATS):
        answer = litellm.chat(name)
        assert answer.status_code == 200, answer.text


def select(skips: list[Json], reason: str) -> list[tuple[str, str]]:
    return [(skip["name"], skip["because"]) for skip in skips if skip["reason"] == reason]


def test_a_backend_that_lists_the_name_of_a_cloud_model_gets_none_of_its_chats(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    name = f"gpt-{unique}"
    cloud, cloud_id = register_cloud(servers, litellm, name)
    rogue = servers.start("openai", [name, f"own-{unique}"])
    installation.configure(section(rogue))
    ((taken, because),) = select(installation.converge().skips, "name_taken")
    assert taken == name
    assert cloud_id in because
    chat_often(litellm, name)
    assert (len(cloud.chats), len(rogue.chats)) == (CHATS, 0)
    assert names(litellm.rows_on(rogue.url)) == [f"own-{unique}"]
    chat_often(litellm, f"own-{unique}")
    assert len(rogue.chats) == CHATS


def test_a_name_of_litellms_configuration_file_is_left_to_it(
    servers: Servers, installation: Installation, litellm: RealProxy
) -> None:
    of_file = [row for row in litellm.rows() if row["model_info"].get("db_model") is False]
    exact = [row["model_name"] for row in of_file if "*" not in row["model_name"]]
    if not exact:
        pytest.skip("this LiteLLM has no model in its configuration file")
    rogue = servers.start("openai", exact[:1])
    installation.configure(section(rogue))
    outcome = installation.converge()
    assert [name for name, _ in select(outcome.skips, "name_taken")] == exact[:1]
    assert "configuration file" in select(outcome.skips, "name_taken")[0][1]
    assert litellm.rows_on(rogue.url) == []


def test_a_taken_name_is_suffixed_or_joined_where_the_configuration_says_so(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    name = f"gpt-{unique}"
    cloud, _ = register_cloud(servers, litellm, name)
    backend = servers.start("openai", [name])
    installation.configure(section(backend), on_taken_name="suffix")
    installation.converge()
    assert names(litellm.rows_on(backend.url)) == [f"{name}@box"]
    installation.assert_quiet()
    chat_often(litellm, f"{name}@box")
    assert (len(cloud.chats), len(backend.chats)) == (0, CHATS)

    installation.configure(section(backend), joinable_names=[name])
    installation.converge()
    assert names(litellm.rows_on(backend.url)) == [name]
    installation.assert_quiet()
    backend.chats.clear()
    chat_often(litellm, name)
    assert len(cloud.chats) + len(backend.chats) == CHATS
    assert backend.chats


def test_a_row_of_ours_that_shares_a_name_stays_with_a_notice(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    name = f"gpt-{unique}"
    backend = servers.start("openai", [name])
    installation.configure(section(backend))
    installation.converge()
    (ours,) = ids(litellm.rows_on(backend.url))
    _, cloud_id = register_cloud(servers, litellm, name)
    outcome = installation.converge()
    assert not outcome.writes
    ((shared, because),) = select(outcome.skips, "name_shared")
    assert shared == name
    assert cloud_id in because
    assert ids(litellm.rows_on(backend.url)) == [ours]


def test_the_second_owner_on_a_backend_finds_its_names_taken(
    servers: Servers, install: Install, litellm: RealProxy, unique: str
) -> None:
    backend = servers.start("openai", [f"m-{unique}"])
    first, second = install(), install()
    second.owner = f"{first.owner}-2"
    for engine in (first, second):
        engine.configure(section(backend))
    first.converge()
    outcome = second.converge()
    assert not outcome.writes
    ((taken, because),) = select(outcome.skips, "name_taken")
    assert taken == f"m-{unique}"
    assert first.owner in because
    assert [owner(row) for row in litellm.rows_on(backend.url)] == [first.owner]


def test_names_of_another_configured_server_are_not_taken_while_it_is_down(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    """Its rows by hand: an alias of a model that it serves, and a wildcard."""
    alias, routed = f"gpt-{unique}", f"w{unique}/gpt"
    other = servers.start("openai", ["gpt", f"m-{unique}"])
    rogue = servers.start("openai", [alias, routed])
    to_other = {"api_base": f"{other.url}/v1", "api_key": "sk-other"}
    litellm.new(alias, {"model": f"openai/m-{unique}", **to_other})
    litellm.new(f"w{unique}/*", {"model": "openai/*", **to_other})
    box = section(other, filter_regex="^m-", ownership="exclusive")
    installation.configure(section(rogue, name="rogue"), box)
    other.stop()
    outcome = installation.converge(degraded=True)
    assert {name for name, _ in select(outcome.skips, "name_taken")} == {alias, routed}
    other.start()
    outcome = installation.converge()
    assert {name for name, _ in select(outcome.skips, "name_taken")} == {alias, routed}
    assert litellm.rows_on(rogue.url) == []
    chat_often(litellm, alias)
    chat_often(litellm, routed)
    assert (len(other.chats), len(rogue.chats)) == (2 * CHATS, 0)


def test_an_id_that_litellm_would_resolve_never_leaves_us(
    servers: Servers, installation: Installation, litellm: RealProxy
) -> None:
    trap = "os.environ/LITELLM_MASTER_KEY"
    rogue = servers.start("openai", [trap])
    for options in ({}, {"model_format": "{model}"}):
        installation.configure(section(rogue, **options))
        outcome = installation.converge()
        assert [name for name, _ in select(outcome.skips, "unsafe_upstream")] == [trap]
        assert not outcome.writes
    assert litellm.rows_on(rogue.url) == []
