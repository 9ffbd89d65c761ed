"""Engines with different admin keys agree: nothing in a row depends on the key of LiteLLM."""

from __future__ import annotations

import pytest

from .chat_backends import ChatBackend
from .conftest import Install, Servers, section
from .installation import Installation
from .real_proxy import RealProxy, names


@pytest.fixture
def registered(servers: Servers, installation: Installation, unique: str) -> ChatBackend:
    """A backend with a key, whose model is registered."""
    backend = servers.start("openai", [f"m-{unique}"], key=f"key-{unique}")
    installation.write_key("box", f"key-{unique}")
    installation.configure(section(backend))
    installation.converge()
    return backend


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
    installation: Installation, registered: ChatBackend, second_admin: str
) -> None:
    installation.write_key("litellm", second_admin)
    installation.assert_quiet()


def test_a_mark_that_depended_on_the_admin_key_is_renewed_once_in_place(
    installation: Installation, registered: ChatBackend, litellm: RealProxy, unique: str
) -> None:
    row = litellm.row(registered.url, f"m-{unique}")
    mark = row["model_info"]["modelprovisioner"]
    old = {**mark, "opaque": dict.fromkeys(mark["opaque"], "1" * 32), "fingerprint": "0" * 32}
    litellm.patch(row, {"model_info": {"modelprovisioner": old}})
    outcome = installation.converge()
    assert outcome.results == [("changed", f"m-{unique}", "applied")]
    renewed = litellm.row(registered.url, f"m-{unique}")
    assert renewed["model_info"]["modelprovisioner"]["opaque"] == mark["opaque"]
    in_place = renewed["model_info"]["id"] == row["model_info"]["id"]
    deleted = installation.tap.deleted
    assert in_place or deleted, "only a LiteLLM without an exact PATCH gets a new row"
    installation.assert_quiet()
