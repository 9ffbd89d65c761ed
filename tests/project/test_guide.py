"""The pages whose output is that of the commands themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.guide import PAGES, STEPS, filled_page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.parent.name)
def test_a_page_shows_what_its_commands_print(page: Path) -> None:
    text = page.read_text()
    assert text == filled_page(text), "run `python -m tests.guide`"


def test_every_step_is_part_of_a_page() -> None:
    text = "".join(page.read_text() for page in PAGES)
    assert [step for step in STEPS if f"<!-- step: {step} -->" not in text] == []
