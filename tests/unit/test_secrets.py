"""No secret of a configuration is in any document that is made from it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.backends.scope import scope_of
from engine.cli.main import main
from engine.config.loader import load_config
from engine.config.model import Config
from engine.desired.deployments import desired_state
from engine.litellm.observed import observed_state
from engine.plan.plan import Plan
from engine.plan.planner import make_plan, verify_plan
from engine.report.terminal import Renderer
from engine.state.deployment import MARK, DesiredState, ObservedState
from engine.state.documents import desired_document
from engine.state.frozen import thaw
from engine.state.listing import OK, Listing, Model
from engine.validate import validate
from tests.fleet import Fleet, running_fleet
from tests.quick import examples

EDITING = {"version": "1.110.2", "in_place": True, "removes": True}
SECRET_NAMES = (
    "api_keys", "apikey", "apiKey", "my_token", "X-Auth", "userPassword", "private_key", "APIToken"
)  # fmt: skip
PLAIN_NAMES = ("tags", "note", "extra_body", "extra_headers")
TEXT = "hidden-{}-{}"
NUMBER = 7_000_000_000_000


@dataclass
class Draft:
    """A configuration in the making; ``hidden`` are its secrets, as JSON values."""

    hidden: list[Any] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)

    def secret(self, kind: str) -> Any:
        number = len(self.hidden)
        text = TEXT.format(number, kind)
        self.hidden.append(NUMBER + number if kind == "number" else text)
        if kind == "file":
            self.files[f"file-{number}"] = text
            return {"secret": f"file-{number}"}
        return self.hidden[-1]


@st.composite
def fields(draw: st.DrawFn, draft: Draft, *, files: bool, depth: int = 0) -> dict[str, Any]:
    """Draw a map with secrets at any depth, under names that show that they are secrets."""
    kinds = ("text", "number", "file") if files else ("text", "number")
    made: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from(SECRET_NAMES), unique=True, max_size=2)):
        value = draft.secret(draw(st.sampled_from(kinds)))
        made[name] = [value] if draw(st.booleans()) else value
    for name in draw(st.lists(st.sampled_from(PLAIN_NAMES), unique=True, max_size=2)):
        if depth < 2:
            inner = draw(fields(draft, files=files, depth=depth + 1))
            made[name] = [inner, 5] if draw(st.booleans()) else inner
    return made


@st.composite
def drafts(draw: st.DrawFn) -> tuple[Draft, dict[str, Any]]:
    draft = Draft()
    draft.files["box"] = draft.secret("key")
    backend = {
        "name": "box",
        "url": "http://box:8000",
        "litellm_params_defaults": draw(fields(draft, files=True)),
        "generic_params": draw(fields(draft, files=True)),
        "model_info_defaults": draw(fields(draft, files=False)),
        "overrides": [{"regex": "m", "capabilities": draw(fields(draft, files=False))}],
    }
    return draft, backend


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("secrets")


def loaded(folder: Path, draft: Draft, backend: dict[str, Any]) -> Config:
    document = {"litellm": {"url": "https://litellm"}, "backends": [backend]}
    (folder / "config.yaml").write_text(json.dumps(document))
    for name, text in {**draft.files, "litellm": "hidden-master"}.items():
        (folder / name).write_text(text)
    return load_config(folder / "config.yaml", folder)


def desired_of(config: Config) -> DesiredState:
    """Return the desired state; its references are made by a fast hash."""
    references = {
        place: hashlib.sha256(f"{place[:2]}{place[2].reveal_json()!r}".encode()).hexdigest()[:32]
        for place in config.places()
    }
    listing = Listing("box", OK, (Model("m", "openai", "http://box:8000/v1"),))
    return desired_state(config, [listing], scope_of(config.backends), references)


def observed_of(config: Config, *rows: dict[str, Any]) -> ObservedState:
    document = {"editing": EDITING, "data": list(rows)}
    return observed_state(document, scope_of(config.backends), config.owner)


def in_clear(row: dict[str, Any], backend: dict[str, Any], *, marked: bool) -> dict[str, Any]:
    """Return a row as a LiteLLM without masks would list it, with the secrets in clear."""
    plain = {**backend["generic_params"], **backend["litellm_params_defaults"]}
    info = {**backend["model_info_defaults"], **backend["overrides"][0]["capabilities"]}
    mark = {MARK: row["model_info"][MARK]} if marked else {}
    return {
        "model_name": row["model_name"],
        "litellm_params": {**row["litellm_params"], **plain},
        "model_info": {**info, **mark, "id": row["model_info"]["id"], "db_model": True},
    }


def everything(plan: Plan, desired: DesiredState, observed: ObservedState) -> str:
    """Return every document of a cycle as text."""
    documents = [
        desired_document(desired),
        plan.to_json(),
        [thaw(seen.fields) for seen in observed.deployments],
    ]
    texts = [json.dumps(document) for document in documents]
    renderer = Renderer(colour=False)
    return "\n".join([*texts, renderer.plan(plan, desired), repr(desired), repr(plan)])


@settings(max_examples=examples(150))
@given(drafts())
def test_no_secret_is_in_any_document(folder: Path, drawn: tuple[Draft, dict[str, Any]]) -> None:
    draft, backend = drawn
    config = loaded(folder, draft, backend)
    desired = desired_of(config)
    validate(desired_document(desired), "desired")
    nothing = observed_of(config)
    first = make_plan(desired, nothing)
    validate(first.to_json(), "plan")
    verify_plan(first, desired, nothing, scope_of(config.backends))
    texts = [repr(config), "".join(config.warnings), everything(first, desired, nothing)]
    (create,) = first.operations
    for marked in (False, True):
        row = in_clear(thaw(create.row), backend, marked=marked)
        seen = observed_of(config, row)
        plan = make_plan(desired, seen)
        verify_plan(plan, desired, seen, scope_of(config.backends))
        texts.append(everything(plan, desired, seen))
        assert bool(plan.operations) is not marked
    written = "\n".join(texts)
    for secret in (*draft.hidden, "hidden-master"):
        assert str(secret) not in written
    known = {secret.reveal_json() for secret in config.secrets()}
    assert {draft.files["box"], "hidden-master"} <= known, "the redactor learns them"


@pytest.fixture
def fleet(tmp_path: Path) -> Any:
    with running_fleet(tmp_path, "m") as running:
        yield running


def test_what_a_backend_and_litellm_repeat_is_redacted_in_every_output(
    fleet: Fleet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A backend lists the key that it was sent as a model, and a parameter of another one."""
    key, header, long = "box-key-1234567", "Bearer of-another-1", "0123456789abcdef" * 30
    (fleet.folder / "box").write_text(key)
    (fleet.folder / "long").write_text(long)
    params = f"{{extra_headers: {{X-Auth: '{header}'}}, apiKey: {{secret: long}}}}"
    fleet.configure(f"litellm_params_defaults: {params}")
    fleet.box.models = ["m", key, f"a {header}", long]
    out, artifacts = tmp_path / "out" / "plan.json", tmp_path / "artifacts"
    out.parent.mkdir()
    assert main(["plan", "--out", str(out), *fleet.arguments]) == 2
    assert main(["plan", "--json", *fleet.arguments]) == 2
    assert main(["run", "--once", "--artifacts", str(artifacts), *fleet.arguments]) == 0
    for option in ([], ["--json"]):
        assert main(["retire", "box", "--dry-run", *option, *fleet.arguments]) == 2
    fleet.box.models = ["m"]
    main(["apply", *fleet.arguments])
    assert main(["retire", "box", "--force", "box", "--json", *fleet.arguments]) == 0
    printed = capsys.readouterr()
    files = [out, *artifacts.iterdir()]
    for file in files:
        validate(json.loads(file.read_text()), "plan")
    written = "".join([printed.out, printed.err, *(file.read_text() for file in files)])
    assert written.count("***") > 8
    for secret in (key, header, long, long[:40]):
        assert secret not in written
