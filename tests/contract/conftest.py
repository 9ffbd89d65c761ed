"""The proxies on which the contract is checked: simulated ones, and a real one if it is named.

The real one is named by LITELLM_URL and LITELLM_MASTER_KEY. It may be in use: a test touches only
rows that it made itself, and removes them.
"""

from __future__ import annotations

import json
import os
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests

from engine.fakes.litellm import LiteLLMSimulator
from engine.fakes.litellm_rows import parse_version

from ..versions import version_of
from .behaviours import asked

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

SIMULATED = ("1.74.15.post2", "1.83.14", "1.106.2", "1.108.0", "1.109.3", "1.110.2")
REAL = "real"
REPLICAS = [url.strip() for url in os.environ.get("LITELLM_URLS", "").split(",") if url]
_URL, _KEY = os.environ.get("LITELLM_URL", ""), os.environ.get("LITELLM_MASTER_KEY", "")
PROXIES = (*SIMULATED, REAL) if _URL and _KEY else SIMULATED
NO_REAL_PROXY = (
    "THE CONTRACT WAS NOT CHECKED ON A REAL LITELLM: set LITELLM_URL (such as "
    "http://127.0.0.1:4000, a proxy with a database) and LITELLM_MASTER_KEY to do so"
)
RECORD = os.environ.get("CONTRACT_RECORD", "")
"""A folder for the recording of a run against a real proxy: <version>.json."""
NAME_PREFIX = "contract-name-"
CONFIG_MODEL: Json = {
    "model_name": "static-model",
    "litellm_params": {"model": "openai/static-model", "api_base": "http://127.0.0.1:9/v1"},
}


class Proxy:
    """A proxy under test; ``version`` is what it reports."""

    def __init__(self, url: str, key: str) -> None:
        self.url = url.rstrip("/")
        self._key = key
        self.session = self.session_of_its_own()
        self.version_text = version_of(self.url, self.session)
        self.version = parse_version(self.version_text)
        self.made: list[str] = []

    def session_of_its_own(self) -> requests.Session:
        """Return a session with connections of its own."""
        session = requests.Session()
        session.trust_env = False
        session.headers["Authorization"] = f"Bearer {self._key}"
        return session

    def call(self, method: str, path: str, body: Any = None) -> requests.Response:
        """One request, with the master key."""
        return self.session.request(method, self.url + path, json=body, timeout=60)

    def request_new(
        self, params: Json | None = None, info: Json | None = None, model_id: str = ""
    ) -> tuple[str, requests.Response]:
        """POST /model/new of a row with an id and a model that nobody else has."""
        unique = uuid.uuid4().hex
        model_id = model_id or f"contract-{unique}"
        self.made.append(model_id)
        body = {
            "model_name": NAME_PREFIX + unique,
            "litellm_params": {
                "model": f"openai/contract-model-{unique}",
                "api_base": "http://127.0.0.1:9/v1",
                "api_key": "sk-contract-0123456789",
                **(params or {}),
            },
            "model_info": {"id": model_id, **(info or {})},
        }
        return model_id, self.call("POST", "/model/new", body)

    def new(self, params: Json | None = None, info: Json | None = None) -> str:
        """The id of a new row."""
        model_id, answer = self.request_new(params, info)
        assert answer.status_code == 200, answer.text
        return model_id

    def patch(self, model_id: str, body: Json) -> requests.Response:
        """PATCH /model/{id}/update."""
        return self.call("PATCH", f"/model/{model_id}/update", body)

    def patched(self, model_id: str, body: Json) -> Json:
        """The listed row after a PATCH that must succeed."""
        answer = self.patch(model_id, body)
        assert answer.status_code == 200, answer.text
        return self.row(model_id)

    def delete(self, model_id: str) -> requests.Response:
        """POST /model/delete."""
        return self.call("POST", "/model/delete", {"id": model_id})

    def listing(self, query: str = "?size=10000") -> Json:
        """GET /v2/model/info."""
        answer = self.call("GET", f"/v2/model/info{query}")
        assert answer.status_code == 200, answer.text
        listing: Json = answer.json()
        return listing

    def listed(self) -> dict[str, Json]:
        """All listed rows by id."""
        return {row["model_info"]["id"]: row for row in self.listing()["data"]}

    def row(self, model_id: str) -> Json:
        """The row as the whole listing shows it."""
        return self.listed()[model_id]

    def config_row(self) -> Json:
        """A row of the configuration file."""
        for row in self.listed().values():
            if not row["model_info"]["db_model"]:
                return row
        pytest.skip(f"{self.url} has no config-file model; give it one to run this test")

    def clean(self) -> None:
        """Remove every row that was made since the last time."""
        left = [model_id for model_id in self.made if self.delete(model_id).status_code >= 500]
        self.made.clear()
        assert not left


def of_replica(url: str) -> Proxy:
    """A client of one replica of the real proxy."""
    return Proxy(url, _KEY)


@contextmanager
def client(simulator: LiteLLMSimulator) -> Iterator[Proxy]:
    """A client of a running simulator."""
    proxy = Proxy(simulator.url, "sk-demo")
    with proxy.session:
        yield proxy


@pytest.fixture(scope="session", params=PROXIES)
def target(request: pytest.FixtureRequest) -> Iterator[Proxy]:
    """Each proxy in turn, with a model in its configuration file."""
    if request.param == REAL:
        proxy = Proxy(_URL, _KEY)
        with proxy.session:
            yield proxy
        return
    simulator = LiteLLMSimulator(request.param, config_models=[CONFIG_MODEL])
    with simulator, client(simulator) as proxy:
        yield proxy


@pytest.fixture
def proxy(target: Proxy) -> Iterator[Proxy]:
    """A proxy that holds nothing of ours before and after the test."""
    yield target
    target.clean()


_OUTCOMES: dict[str, str] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember the outcome of each case on a real proxy, unless it is not for its version."""
    if report.outcome == "skipped":
        return
    if f"[{REAL}" in report.nodeid and (report.when == "call" or report.outcome != "passed"):
        _OUTCOMES[report.nodeid] = report.outcome


def pytest_sessionfinish() -> None:
    """Write the recording of a run against a real proxy."""
    if not RECORD or not _OUTCOMES:
        return
    seen: dict[str, bool] = {}
    for test, behaviours in asked.items():
        if _OUTCOMES.get(test) == "passed":
            seen |= behaviours
    of_replicas = [test for test in _OUTCOMES if "test_replicas" in test]
    recording = {
        "version": of_replica(_URL).version_text,
        "cases": len(_OUTCOMES) - len(of_replicas),
        "replica_cases": len(of_replicas),
        "not_passed": sorted(test for test, outcome in _OUTCOMES.items() if outcome != "passed"),
        "behaviours": dict(sorted(seen.items())),
    }
    folder = Path(RECORD)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{recording['version']}.json"
    path.write_text(json.dumps(recording, indent=1) + "\n")
