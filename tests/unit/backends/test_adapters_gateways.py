"""What is special about gateways: LiteLLM itself, OpenRouter and llama-swap."""

from __future__ import annotations

from typing import Any

import pytest

from engine.backends.kinds import openai, openrouter
from tests.adapters import CASES, ask, cases, read, route_of


def test_a_bare_wildcard_of_litellm_hides_no_model() -> None:
    records = read(CASES / "litellm_proxy" / "older.json")["records"]
    assert [record["id"] for record in records] == ["gpt-4o", "text-embedding"]


def test_what_litellm_did_not_declare_is_no_no() -> None:
    for path in cases("litellm_proxy"):
        for record in read(path).get("records", []):
            assert False not in record.get("info", {}).values()


@pytest.mark.parametrize(
    ("text", "price"),
    [
        ("0.00000125", 0.00000125), ("0", 0.0), ("1e-7", 1e-7), ("-1", None), ("nan", None),
        ("inf", None), ("1e999", None), ("", None), ("free", None), (0.5, None), (None, None),
        ("9" * 41, None),
    ],
)  # fmt: skip
def test_a_price_is_a_finite_number_of_dollars(text: Any, price: float | None) -> None:
    models = {"data": [{"id": "a", "pricing": {"prompt": text, "completion": text}}]}
    info = ask(openrouter, {"GET /models": models}).records[0].info
    assert info.get("input_cost_per_token") == info.get("output_cost_per_token") == price


def test_a_reranker_of_llama_swap_is_reached_through_another_provider() -> None:
    entry = {"id": "m", "capabilities": {"reranker": True}}
    found = ask(openai, {"GET /models": {"data": [entry]}})
    assert found.records[0].info == {"mode": "rerank"}
    provider, _ = route_of(openai, "rerank", found, "http://box:8000")
    assert provider == "hosted_vllm"
