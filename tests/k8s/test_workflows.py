"""The workflows: linted, with least rights, and every action pinned."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from engine import __version__

from ..documents import ROOT, read
from .tools import run_tool, succeed

FILES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / ".github/workflows").iterdir())
RELEASE = ".github/workflows/release.yaml"


def workflow(path: str) -> Any:
    # The key `on` is true in the YAML of Python; nothing here asks for it.
    return yaml.safe_load(read(path))


def test_the_workflows_pass_their_linter() -> None:
    assert succeed(["jactionlint", "--shellcheck=", *FILES]) == ""


def test_zizmor_finds_no_weakness() -> None:
    done = run_tool(["zizmor", "--offline", "--no-progress", "."])
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", FILES)
def test_each_action_is_pinned_by_its_commit_and_says_its_version(path: str) -> None:
    used = re.findall(r"uses: (.+)$", read(path), re.MULTILINE)
    others = [line for line in used if not line.startswith("./")]
    assert others
    wrong = [
        one for one in others if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)+", one)
    ]
    assert wrong == []


def test_an_action_has_one_version_everywhere() -> None:
    used = {
        line for path in FILES for line in re.findall(r"uses: ([^.].+)$", read(path), re.MULTILINE)
    }
    assert len({line.split("@")[0] for line in used}) == len(used)


@pytest.mark.parametrize("path", FILES)
def test_no_right_is_given_to_all_jobs_and_no_job_runs_for_ever(path: str) -> None:
    found = workflow(path)
    assert found["permissions"] == {}
    assert "group" in found["concurrency"]
    for name, job in found["jobs"].items():
        assert "permissions" in job, name
        assert "uses" in job or job["timeout-minutes"] <= 30, name


def test_only_publishing_jobs_may_write_and_none_may_write_code() -> None:
    jobs = workflow(RELEASE)["jobs"]
    writers = {name for name, job in jobs.items() if "write" in job["permissions"].values()}
    assert writers == {"image", "chart", "pypi"}
    assert all(job["permissions"].get("contents") != "write" for job in jobs.values())
    checked = {
        name
        for name, job in workflow(FILES[0])["jobs"].items()
        if "write" in str(job["permissions"])
    }
    assert checked == set()


def test_an_image_gets_its_name_only_after_it_was_scanned_signed_and_attested() -> None:
    steps = [step.get("name") for step in workflow(RELEASE)["jobs"]["image"]["steps"]]
    order = [
        "Scan it",
        "Sign it",
        "Attest how it was built",
        "Attest what it is made of",
        "Name it",
    ]
    assert [name for name in steps if name in order] == order
    assert steps[-1] == order[-1]
    assert "push-by-digest=true" in read(RELEASE)


def test_chart_and_package_wait_for_the_image_and_all_for_the_tests() -> None:
    jobs = workflow(RELEASE)["jobs"]
    assert jobs["build"]["needs"] == "ci"
    assert jobs["image"]["needs"] == "build"
    assert {"build", "image"} == set(jobs["chart"]["needs"]) == set(jobs["pypi"]["needs"])
    assert jobs["pypi"]["environment"] == "pypi"


def test_the_tests_run_on_every_python_that_is_promised() -> None:
    tested = workflow(".github/workflows/ci.yaml")["jobs"]["tests"]["strategy"]["matrix"]["python"]
    promised = re.findall(r'"Programming Language :: Python :: ([\d.]+)"', read("pyproject.toml"))
    assert tested == promised


def test_the_release_names_the_images_that_the_dockerfile_builds_from() -> None:
    pinned = re.findall(r"--build-arg (\w+)=\"\$\(pinned (\w+)\)\"", read(RELEASE))
    arguments = re.findall(r"^ARG (\w+)=.*/", read("Dockerfile"), re.MULTILINE)
    assert pinned == [(name, name) for name in arguments]


def test_the_release_finds_what_it_puts_the_images_name_in_place_of() -> None:
    (expression,) = re.findall(r"s\|\^(.+?)\\\$\|", read(RELEASE))
    assert len(re.findall(rf"^{expression}$", read("k8s/chart/values.yaml"), re.MULTILINE)) == 1
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)
