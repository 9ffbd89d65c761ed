"""The greatest allowed input of every kind at once: a cycle stays below the memory limit."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.bounds import MAX_ALL_MODELS, MAX_BODY, MAX_MODELS, MAX_ROWS
from engine.fakes.litellm_rows import Row
from tests.rawserver import RawServer, answer

from .town import Town

ROOT = Path(__file__).parents[2]
ROOM = 10 << 20
"""Bytes that must stay free below the limit."""
ALLOCATOR = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "1048576"}
"""The settings of the C library in the image."""
ODD = 20
"""How far models and rows stay below the bounds: `good` has some of its own."""


def limit() -> int:
    """Return the bytes that k8s/base/deployment.yaml allows."""
    deployment = yaml.safe_load((ROOT / "k8s/base/deployment.yaml").read_text())
    pod = deployment["spec"]["template"]["spec"]
    text = pod["containers"][0]["resources"]["limits"]["memory"]
    assert text.endswith("Mi")
    return int(text.removesuffix("Mi")) << 20


def full_list(name: str) -> bytes:
    """Return a list with almost as many models, and as many bytes, as a list may have."""
    padding = "x" * (MAX_BODY // MAX_MODELS - 60)
    count = MAX_MODELS - ODD
    return json.dumps(
        {"data": [{"id": f"{name}-{n}", "x": padding} for n in range(count)]}
    ).encode()


def configure(place: Town, servers: list[RawServer], rpm: int) -> None:
    sections = [
        {
            "name": f"b{number}",
            "url": server.url,
            "timeout": 60,  # eight long lists at once, on a machine that may be busy
            "litellm_params_defaults": {"rpm": rpm},
        }
        for number, server in enumerate(servers)
    ]
    limits = {"max_delete_fraction": 1, "max_models": MAX_MODELS, "max_creates": MAX_ALL_MODELS}
    place.configure(*sections, limits=limits)


def store(place: Town, row: dict[str, Any], row_id: str) -> None:
    info = {**row["model_info"], "id": row_id, "maps_by_hand": [{}] * 16}
    params = {**row["litellm_params"], "api_key": "BLANK"}
    place.proxy.database.rows[row_id] = Row(row_id, row["model_name"], params, info)


@pytest.mark.slow
def test_a_cycle_with_the_greatest_allowed_input_fits_into_the_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ALLOCATOR.items():
        assert f"{name}={value} " in (ROOT / "Dockerfile").read_text()
        monkeypatch.setenv(name, value)
    with ExitStack() as stack:
        place = Town(tmp_path, stack, version="1.83.14")  # where changed rows are replaced
        servers = [place.server(answer(full_list(f"m{number}"))) for number in range(8)]
        configure(place, servers, rpm=1)
        out = tmp_path / "plan.json"
        first = place.run("plan", "--out", str(out))
        assert first.code == 4, first.out[-1000:]  # all lists together are too long
        operations = json.loads(out.read_text())["operations"]
        assert MAX_ALL_MODELS - 3 * ODD < len(operations) <= MAX_ALL_MODELS

        for operation in operations:
            store(place, operation["row"], operation["id"])
        for operation in operations[: MAX_ROWS - len(operations) - ODD]:
            store(place, operation["row"], f"twin-of-{operation['id']}")
        place.proxy.reload()

        configure(place, servers, rpm=2)
        artifacts = str(tmp_path / "artifacts")
        second = place.run("run", "--once", "--dry-run", "--artifacts", artifacts)
        assert second.code == 4, second.out[-1000:]
        counts = re.search(r'"summary": (\{.*?\})', second.out)
        assert counts is not None
        assert json.loads(counts[1])["replace"] > MAX_ALL_MODELS - 3 * ODD
    for outcome in (first, second):
        assert 0 < outcome.peak < limit() - ROOM, f"{outcome.peak >> 20} MiB"
