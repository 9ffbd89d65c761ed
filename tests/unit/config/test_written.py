"""YAML that is written is read back as the same value."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engine.config.yaml.document import read_yaml
from engine.config.yaml.written import yaml_text

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    [
        "yes",
        "No",
        "null",
        "~",
        "017",
        "1e3",
        "<<",
        "a: b",
        "- a",
        "http://box:8000/v1",
        "a:",
        "#",
        "",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=3))
def test_what_is_written_is_read_back(value: dict[str, Any]) -> None:
    assert read_yaml(yaml_text(value), "config.yaml").value == value


def test_it_is_written_for_people() -> None:
    value = {
        "litellm": {"url": "http://box:4000"},
        "backends": [{"name": "a", "tags": ["x", "y z"]}],
    }
    assert yaml_text(value) == (
        "litellm:\n  url: http://box:4000\nbackends:\n"
        '  - name: a\n    tags:\n      - x\n      - "y z"\n'
    )
