"""Findings about names, ports and certificates."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.certificate import make_certificate, server_context
from tests.fleet import Fleet
from tests.hook import running_hook
from tests.rawserver import RawServer, always, as_json

from .conftest import Examine

LIST = as_json({"data": [{"id": "a", "owned_by": "me"}]})


def configure(fleet: Fleet, url: str, **fields: object) -> None:
    backend = {"name": "box", "url": url, "timeout": 2, **fields}
    document = {"litellm": {"url": fleet.proxy.url}, "backends": [backend]}
    (fleet.folder / "config.yaml").write_text(json.dumps(document))


def test_a_certificate_of_an_unknown_authority_is_an_error(
    fleet: Fleet, examine: Examine, tmp_path: Path
) -> None:
    certificate = make_certificate(tmp_path)
    with RawServer(always(LIST), server_context(certificate)) as server:
        configure(fleet, server.url)
        found = examine(fleet).one("reach_tls", "error")
    assert "its certificate is not accepted: self-signed certificate" in found["what"]
    assert "`ca_file`" in found["fix"]


@pytest.mark.parametrize(("days", "severity"), [(2, "warning"), (90, "ok")])
def test_a_certificate_that_ends_soon_is_a_warning(
    fleet: Fleet, examine: Examine, tmp_path: Path, days: int, severity: str
) -> None:
    folder = tmp_path / "tls"
    folder.mkdir()
    certificate = make_certificate(folder, days)
    with RawServer(always(LIST), server_context(certificate)) as server:
        configure(fleet, server.url, ca_file=str(certificate))
        found = examine(fleet).one("certificate", severity)
    assert f"valid for {days - 1} more day" in found["what"]


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_a_certificate_that_is_not_checked_is_a_note(
    fleet: Fleet, examine: Examine, tmp_path: Path
) -> None:
    certificate = make_certificate(tmp_path)
    with RawServer(always(LIST), server_context(certificate)) as server:
        configure(fleet, server.url, verify=False)
        examined = examine(fleet)
    assert "verify: false" in examined.one("unverified", "note")["what"]
    assert examined.of("certificate") == []


def test_a_ca_file_that_is_none_is_an_error(fleet: Fleet, examine: Examine, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    configure(fleet, "https://127.0.0.1:1", ca_file=str(tmp_path / "ca.pem"))
    assert examine(fleet).one("reach_port", "error")
    with RawServer(always(LIST)) as server:
        configure(fleet, server.url.replace("http", "https"), ca_file=str(tmp_path / "ca.pem"))
        found = examine(fleet).one("reach_tls", "error")
    assert "the certificates in ca_file cannot be read" in found["what"]


def test_https_to_a_server_without_tls_is_an_error(fleet: Fleet, examine: Examine) -> None:
    configure(fleet, fleet.box.url.replace("http", "https"))
    found = examine(fleet).one("reach_tls", "error")
    assert "does not speak TLS as expected" in found["what"]
    assert "write http://" in found["fix"]


def test_a_name_that_is_none_is_an_error(fleet: Fleet, examine: Examine) -> None:
    configure(fleet, f"http://{'x' * 70}.invalid")
    assert "does not resolve" in examine(fleet).one("reach_name", "error")["what"]


def test_behind_a_proxy_the_proxy_is_what_must_be_reached(
    fleet: Fleet, examine: Examine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://user:sk-proxy-pass@127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    configure(fleet, "http://gpu.invalid:8000")
    examined = examine(fleet)
    found = examined.one("reach_port", "error")
    assert "nothing answers at 127.0.0.1 port 1" in found["what"]
    assert "the proxy http://127.0.0.1:1 from http_proxy" in found["what"]
    assert "sk-proxy-pass" not in examined.text


def test_the_way_to_a_webhook_is_looked_at_without_a_request(
    fleet: Fleet, examine: Examine
) -> None:
    with running_hook() as hook:
        (fleet.folder / "hook").write_text(hook.url)
        fleet.configure(top="notifications: [{webhook: {secret: hook}}]")
        examined = examine(fleet)
        assert hook.bodies == []
    reached = [found for found in examined.of("reach", "ok") if "notif" in found["subject"]]
    assert [found["what"] for found in reached] == [f"http://127.0.0.1:{hook.port} can be reached"]
    assert "hunter2" not in examined.shown() + examined.text
    found = examine(fleet).one("reach_port", "warning")
    assert found["subject"] == "notifications[0]"
    assert found["why"] == "nobody is told there of what is new"
