"""Rows without a mark: LiteLLM lists no ``modelprovisioner`` in them at all."""

from __future__ import annotations

from typing import Any

from engine.litellm.observed import observed_state
from tests import builders as b


def unmarked(row_id: str, api_base: str) -> dict[str, Any]:
    return {
        "model_name": "m",
        "litellm_params": {"model": "openai/m", "api_base": api_base},
        "model_info": {"id": row_id, "db_model": True},
    }


def ours(row_id: str, api_base: str) -> dict[str, Any]:
    row = unmarked(row_id, api_base)
    row["model_info"]["modelprovisioner"] = {"owner": b.OWNER, "backend": "box", "revision": 0}
    return row


def observed(*rows: dict[str, Any]) -> b.ObservedState:
    editing = {"version": "1.106.2", "in_place": True, "removes": False}
    return observed_state({"editing": editing, "data": list(rows)}, b.SCOPE, b.OWNER)


def test_an_unmarked_row_on_a_configured_endpoint_is_read() -> None:
    (seen,) = observed(unmarked("by-hand", f"{b.BOX}/v1")).deployments
    assert (seen.id, seen.mark, seen.key.endpoint) == ("by-hand", None, b.BOX)


def test_an_unmarked_row_elsewhere_hides_no_row_after_it() -> None:
    state = observed(
        unmarked("elsewhere", "http://nowhere:1"),
        unmarked("by-hand", b.BOX),
        ours("ours", b.BOX),
        ours("stray", "http://nowhere:2"),
    )
    assert {seen.id for seen in state.deployments} == {"by-hand", "ours"}
    assert [seen.id for seen in state.strays] == ["stray"]


def test_a_stray_that_is_listed_twice_is_one_stray() -> None:
    (stray,) = observed(ours("stray", "http://nowhere:2"), ours("stray", "http://nowhere:2")).strays
    assert (stray.id, stray.read_only) == ("stray", "LiteLLM lists it under several names")


def test_a_key_that_somebody_wrote_into_a_field_of_ours_is_hidden() -> None:
    row = ours("ours", b.BOX)
    row["litellm_params"]["organization"] = "sk-by-hand"
    row["model_info"] |= {"tier": "Bearer by-hand", "family": "Basic models"}
    fields = ["/litellm_params/organization", "/model_info/tier", "/model_info/family"]
    row["model_info"]["modelprovisioner"] |= {"fields": fields, "evidence": ["/model_info/family"]}
    (seen,) = observed(row).deployments
    assert seen.fields["litellm_params"]["organization"] == {"$secret": "(not ours)"}
    assert seen.fields["model_info"]["tier"] == {"$secret": "(not ours)"}
    assert seen.fields["model_info"]["family"] == "Basic models"  # its backend reported that
