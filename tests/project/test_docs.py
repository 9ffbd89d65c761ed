"""The documentation names only what exists, and names everything that it should."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.apply.result import OUTCOMES
from engine.backends.kinds import KINDS
from engine.cli.parser import make_parser
from engine.plan.plan import ACTIONS
from engine.state.listing import OUTCOMES as LISTING_OUTCOMES
from tests.documents import ROOT, anchors, blocks, code_spans, documents, links, read, rows

DOCUMENTS = documents()
FOLDERS = r"(?:\.ci|\.github|engine|fixtures|k8s|schemas|tests)"
LISTED = "tests/README.md"


def schema(name: str) -> dict[str, Any]:
    return dict(json.loads(read(f"schemas/{name}.schema.json")))


def below_root(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("document", DOCUMENTS, ids=below_root)
def test_every_link_leads_somewhere(document: Path) -> None:
    broken = []
    for target in links(document.read_text()):
        path, _, anchor = target.partition("#")
        place = (document.parent / path).resolve() if path else document
        if not place.exists() or (anchor and anchor not in anchors(place.read_text())):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=below_root)
def test_every_file_that_is_named_exists(document: Path) -> None:
    named = [span for span in code_spans(document.read_text()) if re.match(f"{FOLDERS}/", span)]
    patterns = {path: re.sub("<[^>]*>", "*", path.split(" ")[0].rstrip("/")) for path in named}
    missing = [path for path, pattern in patterns.items() if not any(ROOT.glob(pattern))]
    assert missing == []


def commands(text: str) -> list[str]:
    """Return the lines of all shell blocks, each whole, and code spans that are commands."""
    shell = "".join(blocks(text, "sh")).replace("\\\n", "")
    return [*shell.splitlines(), *code_spans(text)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=below_root)
def test_every_command_is_valid(document: Path) -> None:
    for line in commands(document.read_text()):
        for module in re.findall(r"python3? -m (tests[\w.]*)", line):
            assert importlib.util.find_spec(module), line
        if "-m pytest" in line:
            paths = re.findall(r"\btests/[\w./]+", line)
            assert all((ROOT / path).exists() for path in paths), line
        if ours := re.search(r"(?:modelprovisioner|python3? -m engine) ([a-z]+\b.*)", line):
            command = ours[1].partition(" > ")[0]
            make_parser().parse_args(shlex.split(command, comments=True))


def test_every_field_of_the_configuration_is_in_the_reference() -> None:
    config = schema("config")
    fields = {*config["properties"], *config["$defs"]["backend"]["properties"]}
    for part in ("litellm", "limits"):
        fields |= config["properties"][part]["properties"].keys()
    assert fields <= code_spans(read("schemas/README.md"))


def test_every_schema_is_listed() -> None:
    names = {path.name for path in (ROOT / "schemas").glob("*.json")}
    assert {name for name in links(read("schemas/README.md")) if name.endswith(".json")} == names


def test_every_word_of_a_plan_is_explained() -> None:
    text = read("engine/plan/README.md")
    plan = schema("plan")["$defs"]
    reasons = [set(plan[name]["properties"]["reason"]["enum"]) for name in ("operation", "skip")]
    operations, skips = (
        {row[0].strip("`") for row in rows(section, "reason")}
        for section in text.split("## Reasons of ")[1:]
    )
    assert [operations, skips] == reasons
    events = [line["properties"]["event"]["const"] for line in schema("planlog")["oneOf"]]
    assert {*ACTIONS, *OUTCOMES, *LISTING_OUTCOMES, *events} <= code_spans(text)


def test_every_kind_of_backend_is_listed_with_its_requests_and_providers() -> None:
    listed = {
        row[0].strip("`"): row[1:] for row in rows(read("engine/backends/README.md"), "`type`")
    }
    assert listed.keys() == {*KINDS, "auto", "static"}
    for kind, module in KINDS.items():
        asks, _, providers = listed[kind]
        assert code_spans(asks) == {request.removeprefix("GET ") for request in module.ALLOWED}
        routed = {f"{route.provider}/" for route in module.ROUTES.values()}
        assert code_spans(providers) == routed, kind


def layers() -> list[set[str]]:
    """Return the packages of each layer, the uppermost first."""
    contracts = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    named = "Packages import only from those below them"
    (found,) = (contract["layers"] for contract in contracts if contract["name"] == named)
    names = [re.split(r" [|:] ", layer) for layer in found]
    return [{name.removeprefix("engine.").strip("_") for name in layer} for layer in names]


def test_the_diagram_of_the_engine_has_its_layers() -> None:
    diagram = blocks(read("engine/README.md"), "mermaid")[0].splitlines()[1:]
    arrows = [
        tuple(set(side.strip().split(" & ")) for side in line.split("-->")) for line in diagram
    ]
    every = layers()
    drawn = dict.fromkeys(frozenset(side) for arrow in arrows for side in arrow)
    assert {frozenset(layer) for layer in every} <= drawn.keys()
    ranks = {name: rank for rank, layer in enumerate(every) for name in layer}
    for upper, lower in arrows:
        if lower != {"fakes"}:
            assert {ranks[name] + 1 for name in upper} == {ranks[name] for name in lower}
    assert ({"demo"}, {"fakes"}) in arrows


def test_the_table_of_packages_has_every_package() -> None:
    table = rows(read("engine/README.md"), "package or module")
    named = {re.findall(r"`_*(\w+?)_*[./]", row[0])[0] for row in table}
    assert named == {"fakes", *(name for layer in layers() for name in layer)}


def targets(cell: str, folder: str) -> set[str]:
    """Return the paths below the root that a cell of a table names or links to."""
    linked = {f"{folder}{path}" for path in links(cell) if not path.startswith("#")}
    return {path.rstrip("/") for path in linked | code_spans(cell) if "/" in path}


def test_every_typical_change_begins_in_the_file_that_the_engine_names() -> None:
    changes = rows(read(".github/CONTRIBUTING.md"), "change")
    wishes = rows(read("engine/README.md"), "I want to")
    assert len(changes) >= 12
    for text, begin in changes:
        (wish,) = (wish for wish in wishes if wish[0].endswith(text.removeprefix("add ")))
        first, later = (targets(cell, "engine/") for cell in wish[1:])
        named = targets(begin, "")
        assert named & first, text
        assert all(path.startswith((*first, *later)) for path in named), text


@pytest.mark.parametrize("table", ["I want to", "what changed"])
def test_every_name_beside_a_file_is_in_one_of_the_files_of_its_row(table: str) -> None:
    for row in rows(read("engine/README.md"), table):
        cells = " ".join(row)
        places = [ROOT / path for path in targets(cells, "engine/") if (ROOT / path).exists()]
        files = {
            file
            for place in places
            for file in ([place] if place.is_file() else place.glob("*.py"))
        }
        words = {word for file in files for word in re.findall(r"\w+", file.read_text())}
        names = {span for span in code_spans(cells) if span.isidentifier()}
        assert names <= words, row[0]


def test_every_stage_of_ci_is_described() -> None:
    titles = re.findall(r'^step "([\w ]+)', read(".ci/run"), re.MULTILINE)
    stages = tuple(row[0] for row in rows(read(".github/CONTRIBUTING.md"), "stage of `.ci/run`"))
    assert titles
    assert [title for title in titles if not title.startswith(stages)] == []


def test_the_hooks_run_what_ci_runs() -> None:
    (repository,) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    checks = {hook["entry"] for hook in repository["hooks"]}
    assert checks == {"ruff check", "ruff format --check", "mypy", "lint-imports"}
    assert checks <= code_spans(read(".github/CONTRIBUTING.md"))
    assert [check for check in checks if not re.search(rf"\b{check}\b", read(".ci/run"))] == []


def test_every_decision_is_listed() -> None:
    folder = ROOT / ".github/decisions"
    names = {path.name for path in folder.glob("[0-9]*.md")}
    assert set(links(read(".github/decisions/README.md"))) == names


def test_every_folder_and_helper_of_the_tests_is_listed() -> None:
    tests = ROOT / "tests"
    folders = {f"{path.parent.name}/" for path in tests.glob("*/__init__.py")}
    helpers = {path.name for path in tests.glob("*.py")} - {"__init__.py", "conftest.py"}
    there = {name for name in folders | helpers if not name.startswith("test_")}
    assert there <= set(links(read(LISTED)))
