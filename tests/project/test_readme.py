"""The README tells of every field, command, exit code and reason that there is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
CODE = set(re.findall(r"`([^`\n]+)`", README))


def schema(name: str) -> dict[str, Any]:
    return dict(json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text()))


def fields() -> list[str]:
    config = schema("config")
    top = [name for name in config["properties"] if name not in ("litellm", "limits")]
    nested = [f"{part}.{n}" for part in ("litellm", "limits") for n in
              config["properties"][part]["properties"]]  # fmt: skip
    return [*top, *nested, *config["$defs"]["backend"]["properties"]]


def test_every_field_of_the_configuration_is_told() -> None:
    assert set(fields()) - CODE == set()


def reasons() -> set[str]:
    plan = schema("plan")["properties"]
    return {reason for part in ("operations", "skips")
            for reason in plan[part]["items"]["properties"]["reason"]["enum"]}  # fmt: skip


def test_every_reason_is_told() -> None:
    assert reasons() - CODE == set()


def test_every_file_that_it_names_exists() -> None:
    named = set(re.findall(r"`((?:engine|schemas|k8s)/[\w./]+)`", README))
    assert named
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
