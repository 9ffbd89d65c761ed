"""Whatever the configuration puts into ``litellm_params``: once it is registered, nothing drifts.

LiteLLM lists some values otherwise than they were sent. These cycles run against the simulated
LiteLLM of each version: a value as configured is registered once, a changed one once more, and what
somebody changes by hand is noticed wherever LiteLLM shows it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from engine.config.loader import load_config
from engine.fakes.litellm import LiteLLMSimulator
from engine.fakes.litellm_rows import Row
from engine.litellm.fields import is_masked
from engine.plan.plan import Plan
from engine.reconcile import Memory, Ports, reconcile_once
from engine.report.plan_log import PlanLog
from tests.quick import examples

MASTER: Final = "sk-listed-values"
VERSIONS: Final = ("1.74.15", "1.83.14", "1.95.1", "1.106.2", "1.110.2")

PLAIN: Final = ["extra_body", "top_k", "note", "0", "", "a/b", "~", "éé", "key_cost", "tokens"]
HIDDEN: Final = ["my_token", "Private-Thing", "auth", "access_note", "spec_fingerprint"]
NEVER_LISTED: Final = ["client_secret", "vertex_credentials", "aws_access_key_id"]

TEXTS = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=20)
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | NUMBERS | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(PLAIN + HIDDEN) | TEXTS, inner, max_size=3)
    ),
    max_leaves=8,
)
PARAMS = st.dictionaries(st.sampled_from(PLAIN + HIDDEN + NEVER_LISTED), VALUES, max_size=4)


class Place:
    """A LiteLLM of one version, and an engine that registers one model of a static backend."""

    def __init__(self, version: str, folder: Path, stack: ExitStack) -> None:
        self.proxy = stack.enter_context(LiteLLMSimulator(version, master_key=MASTER))
        self.folder = folder
        self.ports = Ports(PlanLog(None))
        self.memory = Memory()
        stack.callback(self.ports.http.close)
        (folder / "litellm").write_text(MASTER)
        self.clear()

    def cycle(self, params: dict[str, Any]) -> Plan:
        box = {"name": "box", "type": "static", "url": "http://box", "models": ["m"]}
        backends = [{**box, "litellm_params_defaults": params}]
        document = {"litellm": {"url": self.proxy.url}, "backends": backends}
        path = self.folder / "config.yaml"
        path.write_text(json.dumps(document, ensure_ascii=False), "utf-8")
        report = reconcile_once(load_config(path, self.folder), self.ports, self.memory)
        assert report.converged
        return report.plan

    def clear(self) -> None:
        """Leave nothing but one row of somebody else: old releases never forget their last row."""
        self.proxy.database.rows.clear()
        self.proxy.database.rows["theirs"] = Row("theirs", "theirs", {"model": "openai/theirs"})
        self.proxy.reload()

    def edit(self, path: tuple[Any, ...], value: Any) -> None:
        """Change a parameter, or what is inside it, as somebody else might."""
        _, row = self.proxy.database.rows.values()
        *way, last = path
        inside = row.litellm_params
        for step in way:
            inside = inside[step]
        inside[last] = value


@pytest.fixture(scope="module", params=VERSIONS)
def place(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Place]:
    with ExitStack() as stack:
        yield Place(request.param, tmp_path_factory.mktemp("place"), stack)


REPEATED = settings(
    max_examples=examples(12),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


SEEN_TO_DRIFT: Final = {
    "extra_body": {
        "a": [{"my_token": 123456789012, "b": None}, {"auth": None, "access_note": True}]
    },
    "my_token": [1, None, ["text"], 1e-07],
    "auth": False,
    "client_secret": 12345,
    "vertex_credentials": {"type": "service_account", "private_key": "text", "scopes": [None]},
}


@given(before=PARAMS, after=PARAMS)
@example(before={}, after=SEEN_TO_DRIFT)
@example(before=SEEN_TO_DRIFT, after={**SEEN_TO_DRIFT, "client_secret": 54321})
@REPEATED
def test_what_was_registered_or_changed_is_not_registered_again(
    place: Place, before: dict[str, Any], after: dict[str, Any]
) -> None:
    place.clear()
    assert [op.action for op in place.cycle(before).operations] == ["create"]
    assert place.cycle(before).operations == ()
    place.cycle(after)
    assert place.cycle(after).operations == ()
    assert [op.reason for op in place.cycle({**after, "rpm": 7}).operations] == ["changed"]


def shown(value: Any, path: tuple[Any, ...] = (), *, hidden: bool = False) -> Iterator[Any]:
    """Yield the path of every value inside a map that each release lists as it is."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from shown(inner, (*path, name), hidden=is_masked(name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from shown(inner, (*path, index), hidden=hidden)
    elif not hidden:
        yield path


@given(params=PARAMS, data=st.data())
@REPEATED
def test_a_change_by_hand_is_noticed_wherever_it_shows(
    place: Place, params: dict[str, Any], data: st.DataObject
) -> None:
    listed = {name: value for name, value in params.items() if name not in NEVER_LISTED}
    listed["tags"] = [{"my_token": None}, 5]
    place.clear()
    place.cycle(listed)
    paths = [path for path in shown(listed) if len(path) > 1 or listed[path[0]] is not None]
    place.edit(data.draw(st.sampled_from(paths)), "changed by hand")
    (operation,) = place.cycle(listed).operations
    assert (operation.reason, len(operation.changes)) == ("drifted", 1)
    assert place.cycle(listed).operations == ()
