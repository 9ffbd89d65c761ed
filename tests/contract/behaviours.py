"""What differs between versions of LiteLLM, as far as the engine relies on it.

A test calls a behaviour with a version, and so becomes a test of that behaviour. A recorded run
against a real proxy notes which behaviours were seen; the table in ``fixtures/README.md`` is made
from these recordings.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from typing import Final

Version = tuple[int, ...]

asked: defaultdict[str, dict[str, bool]] = defaultdict(dict)
"""By test (its node id): the behaviours that it checked, and whether each was expected."""


@dataclass(frozen=True)
class Behaviour:
    """Something that LiteLLM does from version ``since`` on, and before ``until``."""

    text: str
    since: Version = (0,)
    until: Version = (9999,)

    def __call__(self, version: Version) -> bool:
        """Return whether a version does it."""
        expected = self.since <= version < self.until
        test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
        asked[test][self.text] = expected
        return expected


has_pages: Final = Behaviour("the listing has pages, and finds rows by id in the database", (1, 81))
secrets_are_masked: Final = Behaviour("secret-looking parameters are masked", (1, 83))
short_secrets_are_masked: Final = Behaviour(
    "even short secret-looking parameters are masked", (1, 95)
)
injects_into_any_row: Final = Behaviour("rows are listed with the cost map's fields", (1, 95))
all_prices_are_mirrored: Final = Behaviour("every price is copied to `model_info`", (1, 104))
info_prices_are_dropped: Final = Behaviour("prices sent in `model_info` are dropped", (1, 102))
null_clears_prices: Final = Behaviour("a null removes a price", (1, 95))
params_are_removable: Final = Behaviour("a PATCH can remove a parameter", (1, 109))
patch_resets_booleans: Final = Behaviour(
    "a PATCH resets booleans that it does not name", until=(1, 109)
)
not_live_is_an_error: Final = Behaviour("a row that cannot be served is an error", (1, 97))
keeps_serving_what_it_had: Final = Behaviour(
    "a PATCH that cannot be served changes nothing", (1, 98)
)
info_changes_reach_replicas: Final = Behaviour(
    "a change of `model_info` alone reaches other replicas", (1, 83)
)
forgets_the_last_row: Final = Behaviour(
    "a replica forgets the last row once another one deleted it", (1, 95)
)
absent_param_is_null: Final = Behaviour("an error without a `param` has null there", (1, 109))
taken_id_is_internal: Final = Behaviour(
    "the error of a taken id has the type `internal_server_error`", (1, 109)
)
set_and_removed_is_refused: Final = Behaviour(
    "to set and remove one parameter in a PATCH is a 422", (1, 109)
)
nested_nulls_become_text: Final = Behaviour(
    "a null inside a map is listed as the text `None`", (1, 83), until=(1, 110)
)
has_blocking: Final = Behaviour("rows can be blocked", (1, 95))
readiness_tells_version: Final = Behaviour("`/health/readiness` tells the version", until=(1, 95))
readiness_says_healthy: Final = Behaviour("`/health/readiness` says `healthy`", (1, 83))
a_model_is_validated: Final = Behaviour("a row without `model` is a 422", (1, 83))


def default_false(version: Version) -> set[str]:
    """Return the boolean parameters that a version stores as false when they are not sent."""
    known = {"use_in_pass_through", "use_litellm_proxy", "merge_reasoning_content_in_choices"}
    if version >= (1, 95):
        known |= {"use_xai_oauth"}
    if version >= (1, 106):
        known |= {"allow_client_keepalive_override"}
    return known
