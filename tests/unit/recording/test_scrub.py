"""No secret is left in an answer, and what the engine reads of it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.backends.kinds import KINDS
from engine.errors import TransportError
from engine.litellm.observed import observed_state
from engine.recording.scrub import HIDDEN, Scrub
from engine.state.endpoint import Scope
from engine.state.secret import Secret
from engine.text import Redactor
from tests.adapters import cases, read, server_over

PLAIN = Scrub(str)
Json = dict[str, Any]
SECRET_NAMES = st.sampled_from(
    ["api_key", "X-Api-Key", "password", "apiKey", "client_secret", "authToken", "Authorization"]
)
PLAIN_NAMES = st.sampled_from(["note", "url", "args", "data", "timeout", "models", "id"])
FOREIGN = st.integers(10**9, 10**10).map(lambda number: f"zq{number}")
"""A secret that nobody knows; digits that no other value has."""


def known(secret: str) -> str:
    return f"before {secret} after"


PLANTS: dict[str, Callable[[str], Any]] = {
    "a key": lambda secret: f"sk-{secret}",
    "a user in a URL": lambda secret: f"see http://user:{secret}@host/v1 there",
    "a query": lambda secret: f"http://host/v1?api_key={secret}",
    "a bearer": lambda secret: f"Authorization: Bearer {secret}",
    "an option": lambda secret: f"serve --port 80 --api-key {secret} --fast",
    "an option with a sign": lambda secret: ["--port=80", f"--api-key={secret}"],
    "options apart": lambda secret: ["--port", "80", "--api-key", secret],
    "a variable": lambda secret: ["PATH=/bin", f"HF_TOKEN={secret}"],
}
"""How a secret may stand under a name that does not show it."""


@st.composite
def planted(draw: st.DrawFn) -> tuple[Json, list[str]]:
    """Draw a JSON document, and the secrets in it: one in each leaf."""
    secrets: list[str] = []

    def leaf() -> Json:
        secret = draw(FOREIGN)
        secrets.append(secret)
        if draw(st.booleans()):
            return {draw(SECRET_NAMES): draw(st.sampled_from([secret, [secret], int(secret[2:])]))}
        return {draw(PLAIN_NAMES): PLANTS[draw(st.sampled_from(sorted(PLANTS)))](secret)}

    def node(depth: int) -> Any:
        if depth == 0:
            return leaf()
        members = [node(depth - 1) for _ in range(draw(st.integers(1, 2)))]
        return members if draw(st.booleans()) else {f"m{i}": m for i, m in enumerate(members)}

    document = node(draw(st.integers(0, 3)))
    return (document if isinstance(document, dict) else {"data": document}), secrets


@given(planted())
def test_no_planted_secret_is_left_in_an_answer(drawn: tuple[Json, list[str]]) -> None:
    document, secrets = drawn
    for scrubbed in (PLAIN.document(document), PLAIN.row({"litellm_params": document})):
        text = json.dumps(scrubbed)
        assert [secret for secret in secrets if secret[2:] in text] == []


@given(planted())
def test_what_is_scrubbed_has_nothing_more_to_scrub(drawn: tuple[Json, list[str]]) -> None:
    once = PLAIN.document(drawn[0])
    assert PLAIN.document(once) == once


@given(st.text(min_size=6, alphabet='abcdefXYZ0189+/"\\é'), planted())
def test_a_known_secret_is_left_nowhere(secret: str, drawn: tuple[Json, list[str]]) -> None:
    redactor = Redactor(shortest=4)
    redactor.learn([Secret(secret)])
    document = {"a": {known(secret): [known(secret), drawn[0]]}, "text": secret}
    text = json.dumps(Scrub(redactor.redact).document(document), ensure_ascii=False)
    assert redactor.redact(text) == text
    assert secret not in json.loads(text)["text"]


def test_every_answer_in_the_fixtures_gives_the_same_records(subtests: pytest.Subtests) -> None:
    compared = 0
    for kind, adapter in KINDS.items():
        for path in cases(kind):
            with subtests.test(f"{kind}-{path.stem}"):
                case = read(path)
                scrubbed = {ask: _page(page) for ask, page in case["requests"].items()}
                assert _found(adapter, case, scrubbed) == _found(adapter, case, case["requests"])
                compared += 1
    assert compared > 50


def _page(page: Any) -> Any:
    if isinstance(page, dict) and set(page) <= {"status", "body"} and "status" in page:
        return {**page, "body": PLAIN.document(page.get("body"))}
    return PLAIN.text(page) if isinstance(page, str) else PLAIN.document(page)


def _found(adapter: Any, case: Json, answers: Json) -> object:
    where = {name: case[name] for name in ("url", "models_endpoint") if name in case}
    server, _ = server_over(answers, adapter.ALLOWED, **where)
    try:
        return adapter.ask(server)
    except TransportError as error:
        return str(error)


SCOPE = Scope({"http://box:8000": "http://box:8000"}, {"box": ("http://box:8000",)})
ROW = {
    "model_name": "a",
    "litellm_params": {
        "model": "openai/a",
        "api_base": "http://box:8000/v1",
        "extra_headers": {"X-Key": "foreign-1", "Authorization": "Bear****2468", "plain": "sk-2"},
        "password": 12345678,
        "organization": None,
    },
    "model_info": {
        "id": "1",
        "db_model": True,
        "upstream_password": "foreign-3",
        "access_groups": ["all"],
        "mode": "chat",
        "blocked": False,
    },
}


def observed(*rows: Any) -> object:
    without_nulls = [
        {
            name: {k: v for k, v in part.items() if v is not None} if name != "model_name" else part
            for name, part in row.items()
        }
        for row in rows
    ]
    document = {"editing": {"version": "1.110.2"}, "data": without_nulls}
    return observed_state(document, SCOPE, "modelprovisioner")


def test_a_row_is_observed_as_before() -> None:
    shown = Scrub(str, plan='"Authorization": "Bear****2468"')
    scrubbed = shown.row(ROW)
    assert observed(scrubbed) == observed(ROW)
    text = json.dumps(scrubbed)
    assert not [
        secret for secret in ("foreign-1", "sk-2", "foreign-3", "12345678") if secret in text
    ]


def test_a_masked_secret_that_no_plan_shows_is_masked_as_a_whole() -> None:
    headers = PLAIN.row(ROW)["litellm_params"]["extra_headers"]
    assert headers == {"X-Key": HIDDEN, "Authorization": "****", "plain": HIDDEN}


def test_an_address_with_a_password_stays_one_that_is_not_ours() -> None:
    params = {**ROW["litellm_params"], "api_base": "http://me:hunter22@box:8000/v1"}  # type: ignore[dict-item]
    row = {**ROW, "litellm_params": params}
    scrubbed = PLAIN.row(row)
    assert scrubbed["litellm_params"]["api_base"] == "http://***@box:8000/v1"
    assert observed(scrubbed) == observed(row)


def test_the_fingerprints_of_a_mark_stay_and_nothing_that_poses_as_one() -> None:
    mark = {
        "owner": "me",
        "fields": ["/litellm_params/api_key"],
        "opaque": {"/litellm_params/api_key": "ab" * 16, "/litellm_params/x": "hunter22"},
        "fingerprint": "cd" * 32,
        "password": "hunter22",
    }
    row = {"model_info": {"modelprovisioner": mark}}
    scrubbed = PLAIN.row(row)["model_info"]["modelprovisioner"]
    assert scrubbed["opaque"] == {"/litellm_params/api_key": "ab" * 16, "/litellm_params/x": HIDDEN}
    assert scrubbed["fingerprint"] == "cd" * 32
    assert "hunter22" not in json.dumps(scrubbed)


def test_the_key_of_a_model_in_lm_studio_is_its_id() -> None:
    model = {"key": "google/gemma-3", "type": "llm"}
    assert PLAIN.document(model) == model
    assert PLAIN.document({"key": "google"}) == {"key": HIDDEN}
