"""The configuration reference is up to date, and the engine accepts its examples."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.config.loader import load_config
from engine.errors import ConfigError
from tests.reference import README, Reference, config_schema, in_one_line, with_reference

REFERENCE = Reference(config_schema())


def test_the_reference_is_up_to_date() -> None:
    text = README.read_text()
    assert with_reference(text) == text, "run: python -m tests.reference"


def test_every_map_of_the_configuration_is_in_the_reference() -> None:
    headings = {line for line in README.read_text().splitlines() if line.startswith("### ")}
    paths = [path for path, _ in REFERENCE.maps() if path]
    assert {"litellm", "limits", "backends[]", "backends[].overrides[]"} <= set(paths)
    assert {f"### `{path}`" for path in paths} <= headings


def required(schema: Any) -> dict[str, Any]:
    """Return a map with its required fields only."""
    fields = dict(REFERENCE.fields(schema))
    return {name: fields[name]["examples"][0] for name in schema.get("required", ())}


def examples() -> Iterator[dict[str, Any]]:
    """Yield a configuration for each example of each field."""
    maps = dict(REFERENCE.maps())
    for path, schema in maps.items():
        for name, field in REFERENCE.fields(schema):
            for example in field["examples"]:
                yield placed(path, {**required(schema), name: example}, maps)


def placed(path: str, value: dict[str, Any], maps: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration with a map at a path such as ``backends[].overrides[]``."""
    if not path:
        return value
    owner, _, name = path.rpartition(".")
    inner: Any = [value] if name.endswith("[]") else value
    return placed(owner, {**required(maps[owner]), name.removesuffix("[]"): inner}, maps)


def test_the_engine_accepts_every_example(tmp_path: Path) -> None:
    for name in ("litellm", "gpu1-header"):
        (tmp_path / name).write_text("sk-reference")
    (tmp_path / "slack").write_text("https://hooks.example.com/sk-reference")
    refused = []
    for config in examples():
        text = "".join(f"{name}: {in_one_line(value)}\n" for name, value in config.items())
        (tmp_path / "config.yaml").write_text(text)
        try:
            load_config(tmp_path / "config.yaml", tmp_path)
        except ConfigError as error:
            refused.append(f"{text}{error}")
    assert refused == []
