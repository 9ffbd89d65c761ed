"""Runs kubectl, Helm and other tools on what ``k8s/`` has, without any cluster."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from ..documents import ROOT
from ..programs import needed

K8S: Final = ROOT / "k8s"
CHART: Final = K8S / "chart"
Object = dict[str, Any]


def tool(name: str) -> str:
    """Return the path of a program; skip the test where it is not installed.

    With ``REQUIRE_TOOLS`` in the environment, as in CI, that is a failure.
    """
    return needed(name, f"{name} is not installed: see tests/README.md", "REQUIRE_TOOLS")


def run_tool(words: Sequence[str], folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a program; return its exit code, and what it printed, without Helm's notes on links."""
    # No configuration of whoever runs the tests, hence no cluster of theirs.
    environment = {**os.environ, "KUBECONFIG": os.devnull}
    done = subprocess.run(
        [tool(words[0]), *words[1:]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = done.stderr.splitlines(keepends=True)
    done.stderr = "".join(line for line in lines if "found symbolic link" not in line)
    return done


def succeed(words: Sequence[str], folder: Path = ROOT) -> str:
    """Run a program that must end well; return its standard output."""
    done = run_tool(words, folder)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}{done.stderr}"
    return done.stdout


def objects(text: str) -> dict[str, Object]:
    """Return the objects of a stream of YAML documents, by ``Kind/name``."""
    found = [document for document in yaml.safe_load_all(text) if document]
    named = {f"{one['kind']}/{one['metadata']['name']}": one for one in found}
    assert len(named) == len(found), "two objects of one name"
    return named


def kustomized(folder: str) -> dict[str, Object]:
    """Return the objects of a folder with a kustomization, given by its path below the root."""
    return objects(succeed(["kubectl", "kustomize", folder]))


def charted(values: Mapping[str, Any], folder: Path, release: str = "modelprovisioner") -> str:
    """Return what the chart yields for some values, which are written into ``folder``."""
    path = folder / "values.yaml"
    path.write_text(yaml.safe_dump(dict(values)), encoding="utf-8")
    return succeed(["helm", "template", release, str(CHART), "--values", str(path)])
