"""Findings about LiteLLM itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from engine.cli.main import main
from engine.fakes.server import Fault
from engine.litellm.inspection import SETTINGS
from tests.fleet import Fleet, running_fleet

from .conftest import Examine

USER = "sk-user-key-123456"


def as_user(fleet: Fleet, role: str) -> None:
    (fleet.folder / "litellm").write_text(USER)
    fleet.proxy.admin.users[USER] = role


def test_the_master_key_and_an_admins_key_are_ok(fleet: Fleet, examine: Examine) -> None:
    assert examine(fleet).one("rights", "ok")["what"] == "our key is the master key"
    as_user(fleet, "proxy_admin")
    examined = examine(fleet)
    assert examined.one("rights", "ok")["what"] == "our key is that of an admin"
    assert examined.of("expiry") == []


@pytest.mark.parametrize("role", ["proxy_admin_viewer", "internal_user"])
def test_a_key_that_may_not_write_is_an_error(fleet: Fleet, examine: Examine, role: str) -> None:
    as_user(fleet, role)
    found = examine(fleet).one("rights", "error")
    assert f"(role {role})" in found["what"]
    assert "key of a proxy admin" in found["fix"]


def test_rights_that_are_not_told_are_not_checked(fleet: Fleet, examine: Examine) -> None:
    hidden = ("/credentials", "/key/info", "/v2/user/info")
    fleet.proxy.fault = lambda _, path, __: Fault("status", 403, "{}") if path in hidden else None
    assert examine(fleet).one("rights", "unchecked")["why"] == "our key may not ask for it"


def test_where_users_are_not_told_the_credentials_show_an_admin(
    fleet: Fleet, examine: Examine
) -> None:
    def hide(_: str, path: str, __: bytes) -> Fault | None:
        return Fault("status", 404, "{}") if path == "/v2/user/info" else None

    fleet.proxy.fault = hide
    assert examine(fleet).one("rights", "ok")["what"] == "our key is the master key"
    as_user(fleet, "internal_user")
    assert "(role no admin)" in examine(fleet).one("rights", "error")["what"]


@pytest.mark.parametrize(("days", "severity"), [(3, "warning"), (90, "note")])
def test_a_key_that_ends_is_told(fleet: Fleet, examine: Examine, days: int, severity: str) -> None:
    as_user(fleet, "proxy_admin")
    fleet.proxy.admin.expires = (datetime.now(UTC) + timedelta(days=days, hours=1)).isoformat()
    assert examine(fleet).one("expiry", severity)["what"] == f"our key ends in {days} days"
    fleet.proxy.admin.expires = "soon"
    assert examine(fleet).one("expiry", "unchecked")


def test_a_litellm_that_stores_no_models_is_an_error(fleet: Fleet, examine: Examine) -> None:
    fleet.proxy.admin.saves = False
    found = examine(fleet).one("store", "error")
    assert "STORE_MODEL_IN_DB=True" in found["fix"]


def test_a_setting_or_a_stored_row_shows_that_models_are_stored(
    fleet: Fleet, examine: Examine
) -> None:
    def hide(_: str, path: str, __: bytes) -> Fault | None:
        return Fault("status", 404, "{}") if "background_chat" in path else None

    fleet.proxy.fault = hide
    assert "the first `apply`" in examine(fleet).one("store", "unchecked")["why"]
    fleet.proxy.admin.settings["store_model_in_db"] = True
    assert examine(fleet).one("store", "ok")
    del fleet.proxy.admin.settings["store_model_in_db"]
    main(["apply", *fleet.arguments])
    assert examine(fleet).one("store", "ok")


@pytest.mark.parametrize(
    ("setting", "value", "severity", "words"),
    [
        ("model_list_healthy_only", True, "warning", "hides models from its lists"),
        ("model_list_healthy_only", False, "ok", "hides no unhealthy models"),
        ("background_health_checks", True, "warning", "sends a chat to every model"),
        ("background_health_checks", False, "ok", "sends no chats"),
        ("supported_db_objects", ["guardrails"], "error", "does not load models"),
        ("supported_db_objects", ["models", "mcp"], "ok", "loads only these"),
        ("supported_db_objects", None, "note", "loads everything"),
    ],
)
def test_settings_that_get_in_the_way_are_told(
    fleet: Fleet, examine: Examine, setting: str, value: object, severity: str, words: str
) -> None:
    fleet.proxy.admin.settings[setting] = value
    found = examine(fleet).one(setting, severity)
    assert words in found["what"]
    assert bool(found["fix"]) == (severity != "ok")


def test_settings_that_are_not_set_are_known(fleet: Fleet, examine: Examine) -> None:
    fleet.proxy.admin.settings.clear()
    examined = examine(fleet)
    assert examined.one("supported_db_objects", "note")
    assert [f for name in SETTINGS for f in examined.of(name, "unchecked")] == []


def test_settings_that_cannot_be_read_are_not_checked(fleet: Fleet, examine: Examine) -> None:
    def fail(_: str, path: str, __: bytes) -> Fault | None:
        return Fault("status", 500, "{}") if path.startswith("/config/") else None

    fleet.proxy.fault = fail
    examined = examine(fleet)
    why = [f["why"] for name in SETTINGS for f in examined.of(name, "unchecked")]
    assert why == ["the request for it failed"] * 3


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Fault("status", 404, "{}"), "this version has no such endpoint"),
        (Fault("status", 200, "[]"), "the answer has another form than expected"),
        (Fault("html"), "the request for it failed"),
    ],
)
def test_why_a_setting_is_not_checked_is_told(
    fleet: Fleet, examine: Examine, fault: Fault, why: str
) -> None:
    fleet.proxy.fault = lambda _, path, __: fault if "healthy_only" in path else None
    assert examine(fleet).one("model_list_healthy_only", "unchecked")["why"] == why


def test_replicas_that_tell_no_count_are_not_checked(fleet: Fleet, examine: Examine) -> None:
    def fail(_: str, path: str, __: bytes) -> Fault | None:
        return Fault("status", 500) if path.endswith("?size=1") else None

    fleet.proxy.fault = fail
    assert examine(fleet).one("replicas", "unchecked")


def test_replicas_that_disagree_are_a_warning(fleet: Fleet, examine: Examine) -> None:
    looks = iter(range(100))

    def turns(_: str, path: str, __: bytes) -> Fault | None:
        if path != "/v2/model/info?size=1" or next(looks) % 2:
            return None
        return Fault("status", 200, '{"data": [], "total_count": 7}')

    fleet.proxy.admin.settings["proxy_config_reload_interval_seconds"] = 30
    fleet.proxy.fault = turns
    found = examine(fleet).one("replicas", "warning")
    assert found["what"] == "lists 0 and 7 rows by turns: its replicas disagree"
    assert "(every 30 s)" in found["why"]


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(tmp_path, "a", version="1.83.14") as running:
        tmp_path.chmod(0o700)
        yield running


def test_an_old_version_has_its_quirks_as_notes_and_says_what_it_does_not_tell(
    old: Fleet, examine: Examine
) -> None:
    examined = examine(old)
    assert examined.code == 0, examined.shown()
    assert examined.one("store", "unchecked")
    old.proxy.admin.settings["store_model_in_db"] = True
    assert examine(old).one("store", "ok")
    quirks = " ".join(f["what"] for f in examined.of("quirk", "note"))
    assert "1.83.14 loses rows if it is written to by several at once" in quirks
    assert "cannot take a parameter out of a row" in quirks
    assert examined.one("model_list_healthy_only", "ok"), "it has no such setting"
    for name in ("background_health_checks", "supported_db_objects"):
        why = examined.one(name, "unchecked")["why"]
        assert why == "this version tells only what is set in its database"


def test_a_version_before_all_that_were_measured_is_a_warning(
    fleet: Fleet, examine: Examine
) -> None:
    def pretend(_: str, path: str, __: bytes) -> Fault | None:
        body = '{"litellm_version": "1.60.8"}'
        return Fault("status", 200, body) if "model_hub" in path else None

    fleet.proxy.fault = pretend
    assert "older than any" in examine(fleet).one("version", "warning")["what"]
    fleet.proxy.fault = lambda _, path, __: Fault("status", 404) if "hub" in path else None
    assert "does not tell its version" in examine(fleet).one("version", "warning")["what"]
