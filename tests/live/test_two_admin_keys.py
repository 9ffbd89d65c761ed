"""Engines with different admin keys agree: nothing in a row depends on the key of LiteLLM."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .conftest import Install, Servers, section
from .real_proxy import RealProxy, names


@pytest.fixture
def second_admin(litellm: RealProxy, unique: str) -> Iterator[str]:
    """The key of another admin, who is removed at the end."""
    user = f"admin-{unique}"
    answer = litellm.call("POST", "/user/new", {"user_id": user, "user_role": "proxy_admin"})
    assert answer.status_code == 200, answer.text
    yield answer.json()["key"]
    litellm.call("POST", "/user/delete", {"user_ids": [user]})


def test_two_engines_with_different_admin_keys_write_each_row_once(
    servers: Servers, install: Install, litellm: RealProxy, second_admin: str, unique: str
) -> None:
    backend = servers.start("openai", [f"a-{unique}", f"b-{unique}"], key=f"key-{unique}")
    first, second = install(), install()
    second.write_key("litellm", second_admin)
    for engine in (first, second):
        engine.write_key("box", f"key-{unique}")
        engine.configure(
            section(backend, litellm_params_defaults={"extra_headers": {"X-Token": unique}})
        )
    first.converge()
    assert names(litellm.rows_on(backend.url)) == [f"a-{unique}", f"b-{unique}"]
    for engine in (second, first, second):
        engine.assert_quiet()


def test_another_admin_key_in_the_key_file_writes_nothing(
    servers: Servers, install: Install, second_admin: str, unique: str
) -> None:
    backend = servers.start("openai", [f"m-{unique}"], key=f"key-{unique}")
    engine = install()
    engine.write_key("box", f"key-{unique}")
    engine.configure(section(backend))
    engine.converge()
    engine.write_key("litellm", second_admin)
    engine.assert_quiet()


def test_a_mark_that_depended_on_the_admin_key_is_renewed_once_in_place(
    servers: Servers, install: Install, litellm: RealProxy, unique: str
) -> None:
    backend = servers.start("openai", [f"m-{unique}"], key=f"key-{unique}")
    engine = install()
    engine.write_key("box", f"key-{unique}")
    engine.configure(section(backend))
    engine.converge()
    row = litellm.row(backend.url, f"m-{unique}")
    mark = row["model_info"]["modelprovisioner"]
    old = {**mark, "opaque": dict.fromkeys(mark["opaque"], "1" * 32), "fingerprint": "0" * 32}
    litellm.patch(row, {"model_info": {"modelprovisioner": old}})
    outcome = engine.converge()
    assert outcome.results == [("changed", f"m-{unique}", "applied")]
    renewed = litellm.row(backend.url, f"m-{unique}")
    assert renewed["model_info"]["modelprovisioner"]["opaque"] == mark["opaque"]
    in_place = renewed["model_info"]["id"] == row["model_info"]["id"]
    assert in_place or engine.tap.deleted, "only a LiteLLM without an exact PATCH gets a new row"
    engine.assert_quiet()
