"""What of a listed row stays in memory."""

from __future__ import annotations

from engine.litellm.compact_rows import Rows


def test_fields_that_are_null_or_never_read_are_left_out_and_nulls_inside_fields_stay() -> None:
    row = {
        "model_name": "m",
        "litellm_params": {"model": "openai/m", "tpm": None, "extra_body": {"top_k": None}},
        "model_info": {"id": "one", "tier": None, "groups": [None]},
        "litellm_credential_name": "unread",
    }
    assert Rows().kept(row) == {
        "model_name": "m",
        "litellm_params": {"model": "openai/m", "extra_body": {"top_k": None}},
        "model_info": {"id": "one", "groups": [None]},
    }
