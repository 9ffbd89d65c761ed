"""Every bound has a place where it holds, and a test that hits it."""

from __future__ import annotations

import ast
import re
from itertools import pairwise
from pathlib import Path

from engine import bounds

TESTS = Path(__file__).parent.parent
ENGINE = TESTS.parent / "engine"

CLIENT = "unit/transport/test_client.py"
LOADER = "unit/config/test_loader.py"
YAML = "unit/config/test_yaml.py"
DEPLOYMENTS = "unit/desired/test_deployments.py"
SIZE = "unit/config/test_size.py"
STATUS = "unit/desired/test_status.py"
PATTERNS = "unit/config/test_patterns.py"
SERVERS = "unit/backends/test_adapters_servers.py"
LIES = "hostile/test_backends_that_lie.py"
FILES = "hostile/test_files.py"
LITELLM = "hostile/test_litellm.py"
SERVER = "unit/serve/test_server.py"
VARIABLES = "unit/config/outside/test_variables.py"
RECORD = "unit/recording/test_record.py"

HIT_BY = {
    "CONNECT_TIMEOUT": f"{CLIENT}::test_a_full_backlog_ends_at_the_connect_timeout",
    "MAX_REDIRECTS": f"{CLIENT}::test_a_redirect_loop_ends",
    "MAX_BODY": f"{CLIENT}::test_an_over_long_body_is_garbled",
    "MAX_VALUES": f"{LIES}::test_a_hostile_list_harms_nobody",
    "MAX_DEPTH": f"{LIES}::test_an_answer_is_read_down_to_a_maximum_depth",
    "MAX_INTEGER": f"{LIES}::test_an_odd_number_is_unknown",
    "MAX_EXAMINED": f"{CLIENT}::test_no_error_holds_a_part_of_the_key",
    "MAX_EXCERPT": f"{CLIENT}::test_a_long_error_is_cut",
    "VALUE_COST": f"{LIES}::test_a_value_takes_no_more_memory_than_is_counted_for_it",
    "FREE_MEMORY": f"{LIES}::test_small_answers_take_nothing_from_the_common_memory",
    "MAX_MEMORY": f"{LIES}::test_eight_hostile_backends_at_once_leave_the_process_alive",
    "MAX_MODELS": f"{LIES}::test_a_list_that_is_too_long_is_invalid_with_a_remedy",
    "MAX_ALL_MODELS": f"{LIES}::test_of_lists_that_together_are_too_long_the_longest_is_invalid",
    "MAX_ID": f"{LIES}::test_an_overlong_id_is_left_out_with_a_note",
    "MAX_ALIASES": f"{LIES}::test_other_ids_are_read_up_to_a_bound",
    "MAX_PAGES": "unit/backends/test_paging.py::test_pages_without_end_are_not_read_for_ever",
    "MAX_SHOWN": f"{SERVERS}::test_ollama_asks_about_a_bounded_number_of_models",
    "MAX_TOKENS": f"{LIES}::test_a_number_within_bounds_is_known",
    "MAX_SLOTS": f"{LIES}::test_a_number_within_bounds_is_known",
    "MAX_LISTING": f"{LITELLM}::test_a_listing_that_is_too_large_is_refused",
    "MAX_ROW": f"{LITELLM}::test_a_listing_beyond_its_bounds_is_refused_with_a_message",
    "MAX_SKIMMED": f"{LITELLM}::test_a_row_that_is_far_too_large_or_has_no_id_is_refused",
    "MAX_ROWS": f"{LITELLM}::test_the_greatest_number_of_rows_is_read",
    "MAX_ROWS_MEMORY": f"{LITELLM}::test_a_listing_beyond_its_bounds_is_refused_with_a_message",
    "MAX_MARKED": f"{LITELLM}::test_a_mark_is_read_only_up_to_its_bounds",
    "MAX_DECLARED": f"{SIZE}::test_a_row_that_would_be_too_large_is_refused",
    "MAX_FIELDS": f"{SIZE}::test_more_fields_than_a_mark_may_name_are_refused",
    "MAX_CONFIG": f"{YAML}::test_a_bomb_is_refused_quickly",
    "MAX_CONFIG_VALUES": f"{YAML}::test_a_list_beyond_the_limit_is_refused",
    "MAX_CONFIG_DEPTH": f"{YAML}::test_a_bomb_is_refused_quickly",
    "MAX_SETTING": f"{VARIABLES}::test_a_variable_that_cannot_be_used_is_an_error_with_its_line",
    "MAX_DIGITS": f"{FILES}::test_a_number_with_too_many_digits_is_a_text",
    "MAX_KEY_FILE": f"{FILES}::test_files_of_a_hundred_megabytes_are_not_read",
    "MAX_RECORDING": f"{RECORD}::test_answers_beyond_the_bound_are_not_recorded",
    "MAX_PLAN": f"{FILES}::test_files_of_a_hundred_megabytes_are_not_read",
    "MAX_PATTERN": f"{FILES}::test_an_expression_has_a_maximum_length",
    "MAX_PATTERN_MEMORY": f"{FILES}::test_an_expression_that_would_take_much_memory_is_refused",
    "MAX_SEARCHES": f"{STATUS}::test_of_very_many_expressions_and_models_only_some_are_searched",
    "MAX_UNMATCHED": f"{STATUS}::test_of_many_expressions_that_match_nothing_some_are_named",
    "MAX_TIMEOUT": f"{LOADER}::test_a_wrong_field_is_refused_with_its_line_and_path",
    "MAX_PERIOD": f"{LOADER}::test_a_wrong_top_level_is_refused_with_its_line",
    "MAX_INTERVAL": f"{FILES}::test_an_unusable_sleep_interval_counts_as_sixty",
    "MAX_WAITING": "unit/notify/test_sender.py::test_of_too_many_that_wait_the_oldest_are_dropped",
    "MAX_NAME": f"{DEPLOYMENTS}::test_long_and_unprintable_names_are_made_usable",
    "MAX_RENAMED": f"{PATTERNS}::test_a_text_that_doubles_again_and_again_ends_at_a_bound",
    "MAX_QUOTED": "unit/test_validate.py::test_long_values_and_keys_are_cut",
    "MAX_REASON": f"{PATTERNS}::test_a_refusal_is_short_however_long_the_pattern_is",
    "MAX_PROBLEMS": f"{FILES}::test_a_document_with_very_many_problems_does_not_fill_the_log",
    "MAX_VISITORS": f"{SERVER}::test_more_clients_than_there_is_room_for_are_told_to_come_back",
    "MAX_VISIT": f"{SERVER}::test_clients_that_are_too_slow_are_broken_off",
    "MAX_PARAMETERS": "unit/serve/test_page.py::test_too_many_parameters_are_as_none",
    "MAX_POSTED": f"{SERVER}::test_a_body_that_is_too_long_or_without_a_length_is_refused",
}
"""The test that hits each bound."""

NAMES = sorted(name for name in vars(bounds) if re.fullmatch("[A-Z_]+", name))


def test_every_bound_is_in_the_table() -> None:
    assert sorted(HIT_BY) == NAMES


TEXTS = {path: path.read_text() for path in sorted(ENGINE.rglob("*.py"))}


def test_every_bound_has_a_docstring() -> None:
    body = ast.parse(TEXTS[ENGINE / "bounds.py"]).body
    documented = [
        ast.unparse(node.target)
        for node, following in pairwise(body)
        if isinstance(node, ast.AnnAssign)
        and isinstance(following, ast.Expr)
        and isinstance(following.value, ast.Constant)
    ]
    assert sorted(documented) == NAMES


def test_every_bound_is_used() -> None:
    users = [text for text in TEXTS.values() if re.search(r"from \.+bounds import", text)]
    used = {name for name in NAMES for text in users if len(re.findall(rf"\b{name}\b", text)) > 1}
    assert sorted(used) == NAMES


def test_the_test_of_each_bound_exists() -> None:
    for name, place in HIT_BY.items():
        file, _, test = place.partition("::")
        assert f"def {test}(" in (TESTS / file).read_text(), name


def test_no_other_module_defines_a_bound_of_the_same_name() -> None:
    elsewhere = [
        (path.name, ast.unparse(node.target))
        for path, text in TEXTS.items()
        if path.name != "bounds.py"
        for node in ast.parse(text).body
        if isinstance(node, ast.AnnAssign)
    ]
    assert [(file, name) for file, name in elsewhere if name.lstrip("_") in NAMES] == []
