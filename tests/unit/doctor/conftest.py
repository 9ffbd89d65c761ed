"""A fleet, and the doctor that looks at it through the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main
from engine.validate import validate
from tests.fleet import Fleet, running_fleet
from tests.quick import QUICK

Json = dict[str, Any]


class Examined:
    """The findings of one run."""

    def __init__(self, code: int, document: Json, text: str) -> None:
        self.code = code
        self.document = document
        self.text = text
        self.findings: list[Json] = document["findings"]

    def of(self, check: str, severity: str | None = None) -> list[Json]:
        """Return the findings of a check."""
        wanted = [finding for finding in self.findings if finding["check"] == check]
        return [f for f in wanted if severity is None or f["severity"] == severity]

    def one(self, check: str, severity: str) -> Json:
        """Return the only finding of a check with a severity."""
        found = self.of(check, severity)
        assert len(found) == 1, self.shown()
        return found[0]

    def bad(self) -> list[Json]:
        """Return errors and warnings."""
        return [f for f in self.findings if f["severity"] in ("error", "warning")]

    def shown(self) -> str:
        """Return everything, for a failing test."""
        return json.dumps(self.findings, indent=1)


Examine = Callable[[Fleet], Examined]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(tmp_path, "a", "b", version="1.110.2") as running:
        tmp_path.chmod(0o700)
        running.proxy.admin.settings["supported_db_objects"] = ["models"]
        yield running


@pytest.fixture
def examine(capsys: pytest.CaptureFixture[str]) -> Examine:
    """Return a function that runs ``doctor --json``, which obeys its schema and only reads."""

    def run(fleet: Fleet) -> Examined:
        capsys.readouterr()
        before = len(fleet.proxy.requests)
        code = main(["doctor", "--json", *fleet.arguments], QUICK)
        output = capsys.readouterr()
        assert "Traceback" not in output.out + output.err
        document = json.loads(output.out)
        validate(document, "diagnosis")
        assert [request for request in fleet.proxy.requests[before:] if request[0] != "GET"] == []
        return Examined(code, document, output.out + output.err)

    return run
