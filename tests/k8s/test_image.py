"""The Dockerfile: its rules, and how the proof of its steps reads it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
import yaml

from engine import __version__
from engine.cli.parser import make_parser

from ..documents import read
from .dockerfile import Instruction, assignments, expanded, instructions
from .image import Build, copy_context
from .tools import K8S, objects, succeed

STEPS = list(instructions(read("Dockerfile")))


def last(word: str) -> Instruction:
    return [step for step in STEPS if step.word == word][-1]


def test_hadolint_finds_nothing() -> None:
    assert succeed(["hadolint", "Dockerfile"]) == ""


def test_it_runs_the_engine_unprivileged() -> None:
    assert last("ENTRYPOINT").words() == ["python3", "-m", "engine"]
    assert last("USER").rest == "65532:65532"


def test_it_builds_with_the_python_that_runs() -> None:
    defaults = [step.rest.partition("=")[2] for step in STEPS if step.word == "ARG"][:2]
    # Debian 13 is trixie, and its Python is 3.13.
    assert defaults == [
        "docker.io/library/python:3.13-slim-trixie",
        "gcr.io/distroless/python3-debian13:nonroot",
    ]


def test_the_health_check_asks_for_the_heartbeat_that_the_command_gives() -> None:
    run = make_parser().parse_args(last("CMD").words())
    rest = last("HEALTHCHECK").rest.removeprefix("CMD ")
    words = Instruction("CMD", {}, rest).words()
    assert words[:3] == last("ENTRYPOINT").words()
    alive = make_parser().parse_args(words[3:])
    assert (run.command, alive.command) == ("run", "alive")
    assert run.heartbeat == alive.heartbeat
    # The longest pause after failures is no death.
    assert alive.max_age > 330 + 60


def test_the_manifests_and_the_chart_name_the_image_that_the_guide_builds() -> None:
    name = f"modelprovisioner:{__version__}"
    deployment = yaml.safe_load(read("k8s/base/deployment.yaml"))
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert container["image"] == name
    assert (
        yaml.safe_load(read("k8s/chart/values.yaml"))["image"]["repository"] == "modelprovisioner"
    )
    assert yaml.safe_load(read("compose.yaml"))["services"]["modelprovisioner"]["image"] == name
    assert re.search(rf"docker build .*--tag {re.escape(name)} \.", read("k8s/README.md"))


@pytest.mark.parametrize("place", ["k8s", "k8s/overlays/production"])
def test_the_lines_to_uncomment_name_your_registry_everywhere(place: str, tmp_path: Path) -> None:
    shutil.copytree(K8S, tmp_path / "k8s")
    path = tmp_path / "k8s/base/kustomization.yaml"
    *kept, last_four = re.split(r"(?=^# images:)", path.read_text(), flags=re.MULTILINE)
    assert last_four.count("\n") == 4
    bare = re.sub("^# ", "", last_four, flags=re.MULTILINE)
    path.write_text("".join(kept) + bare, encoding="utf-8")
    rendered = objects(succeed(["kubectl", "kustomize", str(tmp_path / place)]))
    template = rendered["Deployment/modelprovisioner"]["spec"]["template"]
    (container,) = template["spec"]["containers"]
    assert container["image"] == f"registry.example.com/modelprovisioner:{__version__}"


def test_requirements_are_pinned_hashed_and_name_no_index() -> None:
    text = read("requirements.txt")
    assert "://" not in text
    assert "--index" not in text
    logical = text.replace("\\\n", "").splitlines()
    lines = [line for line in logical if line.strip() and not line.lstrip().startswith("#")]
    assert lines
    for line in lines:
        assert re.match(r"[a-z0-9-]+==\S+ ", line), line
        assert "--hash=sha256:" in line


def test_lines_that_go_on_are_one_instruction_and_comments_none() -> None:
    text = (
        '# a\nFROM x AS y\nCOPY --from=y --chown=1 a \\\n  # not an instruction\n  b\nCMD ["z"]\n'
    )
    first, second, third = instructions(text)
    assert (first.word, first.rest) == ("FROM", "x AS y")
    assert (second.options, second.rest.split()) == ({"from": "y", "chown": "1"}, ["a", "b"])
    assert third.words() == ["z"]


def test_values_keep_their_spaces_and_unset_variables_are_empty() -> None:
    assert assignments('a.b="two words" C=1') == {"a.b": "two words", "C": "1"}
    assert expanded("${A}-$B-$C", {"A": "1", "B": "2"}) == "1-2-"


def test_a_step_that_the_proof_does_not_know_fails_it(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="VOLUME cannot be carried out"):
        Build(tmp_path, "python3").carry_out("VOLUME /data\n")


def test_the_context_has_only_what_is_named(tmp_path: Path) -> None:
    (tmp_path / ".dockerignore").write_text("# a\n*\n!kept\n!file\n**/*.pyc\n")
    for name in ("kept/x.py", "kept/x.pyc", "secrets/litellm", "file"):
        (tmp_path / "from" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "from" / name).write_text("")
    (tmp_path / ".dockerignore").rename(tmp_path / "from/.dockerignore")
    copy_context(tmp_path / "from", ".", tmp_path / "to")
    there = {str(path.relative_to(tmp_path / "to")) for path in (tmp_path / "to").rglob("*")}
    assert there == {"kept", "kept/x.py", "file"}
    with pytest.raises(AssertionError, match="secrets is not in the context"):
        copy_context(tmp_path / "from", "secrets", tmp_path / "to")
