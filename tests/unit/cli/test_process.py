"""The command as a process, with an output that it cannot use: an exit code, never a traceback."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet import Fleet, running_fleet

COMMANDS = ("validate", "plan", "plan --json", "plan --out -", "apply", "--help", "plan --help")


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(tmp_path, "a", "mod\u00e8le") as running:
        yield running


def shell(fleet: Fleet, line: str, redirection: str = "", **environment: str) -> tuple[int, str]:
    """Run a command in a shell; return its exit code and what it wrote to stderr."""
    command = f"{sys.executable} -m engine {' '.join(fleet.arguments)} {line} {redirection}"
    done = subprocess.run(
        ["bash", "-c", command],
        env={**os.environ, "PYTHONUNBUFFERED": "", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr + done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "unbuffered"),
    # With `--help`, argparse itself ignores that it cannot write at once.
    [*((line, "") for line in COMMANDS), ("validate", "1"), ("plan", "1"), ("plan --out -", "1")],
)
def test_a_full_disk_is_an_error(fleet: Fleet, line: str, unbuffered: str) -> None:
    code, text = shell(fleet, line, ">/dev/full", PYTHONUNBUFFERED=unbuffered)
    assert (code, text) == (
        1,
        "error: the standard output cannot be used: no space left on device\n",
    )


def test_an_output_that_cannot_be_used_is_a_json_line_where_the_log_is(fleet: Fleet) -> None:
    for redirection, words in ((">/dev/full", "no space left"), (">&-", "it is closed")):
        code, text = shell(fleet, "--log-format json plan", redirection)
        assert code == 1
        assert words in json.loads(text)["message"]


@pytest.mark.parametrize("line", COMMANDS)
def test_a_closed_output_is_an_error_before_anything_is_done(fleet: Fleet, line: str) -> None:
    code, text = shell(fleet, line, ">&-")
    assert code == 1
    assert re.fullmatch(r"error: the standard output cannot be used: it is closed; .*\n", text)
    assert fleet.proxy.requests == []


@pytest.mark.slow
@pytest.mark.parametrize("line", ["plan", "plan --json", "run --once", "apply"])
def test_an_output_that_nobody_reads_any_more_is_an_error(fleet: Fleet, line: str) -> None:
    code, text = shell(fleet, line, "> >(exec true); exit $?")
    assert "Traceback" not in text
    assert "Exception" not in text
    assert code in (0, 1, 2), "the reader may be there until the command has ended"


@pytest.mark.slow
@pytest.mark.parametrize("broken", ["2>/dev/full", "2>&-"])
def test_an_error_that_cannot_be_shown_is_an_exit_code(fleet: Fleet, broken: str) -> None:
    (fleet.folder / "litellm").unlink()
    assert shell(fleet, "plan", broken) == (1, "")
    assert shell(fleet, "run --once --log-format json", broken) == (1, "")


ENCODING = {"PYTHONIOENCODING": "ascii"}
LOCALE = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "environment"),
    [
        ("plan", ENCODING),
        ("plan", LOCALE),
        ("plan --json", ENCODING),
        ("apply", LOCALE),
        ("run --once", LOCALE),
    ],
)
def test_a_terminal_of_ascii_only_shows_escapes(
    fleet: Fleet, line: str, environment: dict[str, str]
) -> None:
    code, text = shell(fleet, line, **environment)
    assert code in (0, 2)
    assert text.isascii()
    assert re.search(r"mod(\\xe8|\\u00e8)le", text)


def test_a_place_that_cannot_be_written_is_named_with_a_remedy(fleet: Fleet) -> None:
    folder = fleet.folder / "config.yaml" / "plans"
    _, text = shell(fleet, f"run --once --artifacts {folder}", ">/dev/null")
    assert f"the plan cannot be stored in {folder}: not a directory; check that --artifacts" in text
    assert "Errno" not in text
    code, text = shell(fleet, f"alive --heartbeat {folder}")
    assert code == 1
    remedy = f"check that `run --heartbeat {folder}` is running"
    assert text == f"no heartbeat: {folder}: not a directory; {remedy}\n"
