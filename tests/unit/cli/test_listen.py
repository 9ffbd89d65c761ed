"""``run --listen``: what its options accept, and the loop as a process with its port."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.cli.main import main
from engine.cli.parser import make_parser
from tests.fleet import Fleet, running_fleet
from tests.served import ask


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(tmp_path, "a", "b") as running:
        yield running


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("8080", ("127.0.0.1", 8080)),
        ("0", ("127.0.0.1", 0)),
        (":8080", ("", 8080)),
        ("localhost:8080", ("localhost", 8080)),
        ("10.0.0.1:65535", ("10.0.0.1", 65535)),
        ("[::1]:8080", ("::1", 8080)),
        ("::1:8080", ("::1", 8080)),
    ],
)
def test_an_address_is_a_port_with_or_without_a_host(text: str, address: tuple[str, int]) -> None:
    assert make_parser().parse_args(["run", "--listen", text]).listen == address


@pytest.mark.parametrize("text", ["", ":", "localhost", "host:", "65536", "-1", "80 80", "\u0663"])
def test_what_is_no_address_is_wrong_usage(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["run", f"--listen={text}"])
    assert stop.value.code == 64
    assert "such as 8080 or 127.0.0.1:8080" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--once", "--listen", "0"], "leave it out, or --once"),
        (["--sync-token", "token"], "the port that --listen opens; give both"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(
    fleet: Fleet, capsys: pytest.CaptureFixture[str], options: list[str], words: str
) -> None:
    assert main(["run", *options, *fleet.arguments]) == 64
    assert words in capsys.readouterr().err
    assert fleet.proxy.requests == []


def test_a_port_that_is_taken_ends_the_process_before_it_asks_anybody(
    fleet: Fleet, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["run", "--listen", str(port), *fleet.arguments]) == 1
    error = capsys.readouterr().err
    assert f"cannot listen on 127.0.0.1:{port}: address already in use; choose another" in error
    assert fleet.proxy.requests == []


def test_a_token_that_cannot_be_used_ends_the_process_before_it_asks_anybody(
    fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = tmp_path / "none"
    arguments = ["--listen", "0", "--sync-token", str(token), *fleet.arguments]
    assert main(["run", *arguments]) == 1
    assert f"{token}: there is no such file" in capsys.readouterr().err
    assert fleet.proxy.requests == []


def test_the_loop_answers_on_its_port_until_it_is_told_to_stop(fleet: Fleet) -> None:
    token = "a-token-of-the-webhook"
    (fleet.folder / "sync-token").write_text(token)
    options = ["--listen", "0", "--sync-token", str(fleet.folder / "sync-token"), "--max-age", "90"]
    with subprocess.Popen(
        [sys.executable, "-m", "engine", "run", *options, *fleet.arguments],
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        found = re.search(r"listening on http://127\.0\.0\.1:(\d+)", process.stderr.readline())
        assert found
        port = int(found[1])
        for line in process.stdout:
            if '"event": "cycle"' in line:
                break
        assert ask(port, "/healthz").status == 200
        metrics = ask(port, "/metrics").text
        page, styles = ask(port, "/"), ask(port, "/page.css")
        fleet.box.models.append("c")
        header = {"Authorization": f"Bearer {token}"}
        assert ask(port, "/sync", "POST", headers=header).status == 202
        for line in process.stdout:
            if '"event": "cycle"' in line:
                break
        process.send_signal(signal.SIGTERM)
        rest = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "modelprovisioner_sign_of_life_max_age_seconds 90.0" in metrics
    assert fleet.names() == ["a", "b", "c"]
    assert (page.status, styles.status) == (200, 200)
    assert "This cycle: 2 created." in page.text
    assert token not in "".join(rest)
    assert "GET /" not in "".join(rest), "requests are logged only if that is asked"
    with pytest.raises(ConnectionRefusedError):
        ask(port, "/healthz")


def test_without_a_port_nothing_of_it_is_loaded(fleet: Fleet) -> None:
    code = (
        "import sys\nfrom engine.cli.main import main\n"
        "main(['run', '--once', *sys.argv[1:]])\n"
        "print([m for m in sys.modules if m.split('.')[0] == 'prometheus_client'"
        " or m.startswith('engine.serve') or m == 'http.server'], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *fleet.arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr.splitlines()[-1] == "[]"
