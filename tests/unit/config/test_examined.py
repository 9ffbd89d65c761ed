"""What of a broken configuration can be used nevertheless."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.config.loader import Examined, examine_config, load_config
from engine.errors import ConfigError

GOOD = "  - {name: good, url: 'http://good:1', litellm_params_defaults: {rpm: 5}}\n"


def examined(folder: Path, text: str) -> Examined:
    (folder / "litellm").write_text("sk-litellm-1")
    (folder / "config.yaml").write_text(text)
    return examine_config(folder / "config.yaml", folder)


def test_what_is_right_is_what_is_loaded(tmp_path: Path) -> None:
    found = examined(tmp_path, f"litellm: {{url: 'http://l:4000'}}\nbackends:\n{GOOD}")
    assert found.problems == ()
    assert found.config == load_config(tmp_path / "config.yaml", tmp_path)


@pytest.mark.parametrize(
    "broken",
    [
        "  - 7\n",
        "  - {name: bad}\n",
        "  - {name: good, url: 'http://again:1'}\n",
        "  - {name: bad, url: 'http://bad:1', filter_regex: '('}\n",
        "  - {name: bad, url: 'http://bad:1', litellm_params_defaults: {a: {secret: none}}}\n",
        "limits: {max_models: x}\npolicy: 7\njoinable_names: [[]]\n",
    ],
)
def test_a_part_that_is_wrong_is_left_out_and_the_rest_is_as_it_would_be(
    tmp_path: Path, broken: str
) -> None:
    text = f"litellm: {{url: 'http://l:4000'}}\nbackends:\n{GOOD}"
    right = examined(tmp_path, text).config
    found = examined(tmp_path, text + broken)
    assert found.problems
    assert found.config == right
    with pytest.raises(ConfigError) as error:
        load_config(tmp_path / "config.yaml", tmp_path)
    assert error.value.problems == found.problems


@pytest.mark.parametrize("url", ["7", "ftp://l", "http://l/v1", "''"])
def test_an_address_of_litellm_that_is_wrong_is_none(tmp_path: Path, url: str) -> None:
    found = examined(tmp_path, f"litellm: {{url: {url}}}\nbackends:\n{GOOD}")
    assert found.config is not None
    assert (found.config.litellm.url, len(found.config.backends)) == ("", 1)


def test_a_key_of_litellm_that_is_missing_leaves_all_else_as_it_is(tmp_path: Path) -> None:
    right = examined(tmp_path, f"litellm: {{url: 'http://l:4000'}}\nbackends:\n{GOOD}").config
    (tmp_path / "litellm").unlink()
    found = examine_config(tmp_path / "config.yaml", tmp_path)
    assert len(found.problems) == 1
    assert found.config is not None
    assert right is not None
    assert found.config.backends == right.backends
    assert not found.config.litellm.key


@pytest.mark.parametrize("text", ["", "a: [", "\x00"])
def test_of_a_file_that_cannot_be_read_nothing_is_used(tmp_path: Path, text: str) -> None:
    found = examined(tmp_path, text)
    assert (found.config, len(found.problems)) == (None, 1)
