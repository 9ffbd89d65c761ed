"""Folders that are swapped while they are read, as the kubelet does it."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from engine.config.loader import examine_config, load_config
from engine.config.model import Config
from engine.config.outside.swaps import read_unswapped
from engine.errors import ConfigError
from tests.mounted import Mounted

LITELLM = "sk-litellm-hunter2"


def text_of(number: int, *names: str) -> dict[str, str]:
    """Return the files of a ConfigMap whose owner has a number."""
    backends = "".join(f"\n  - {{name: {name}, url: 'http://{name}:1'}}" for name in names)
    text = f"owner: v{number}\nlitellm: {{url: 'http://l:4000'}}\nbackends:{backends}\n"
    return {"config.yaml": text}


def keys_of(number: int, *names: str) -> dict[str, str]:
    """Return the files of a Secret whose keys have a number."""
    return {name: f"sk-{name}-{number}" for name in names} | {"litellm": f"{LITELLM}-{number}"}


def load(config: Mounted, secrets: Mounted) -> Config:
    return load_config(config.folder / "config.yaml", secrets.folder)


def keys(config: Config) -> list[str]:
    return [backend.key.reveal() for backend in config.backends]


def test_what_is_read_before_and_after_a_swap_is_never_mixed(tmp_path: Path) -> None:
    place = Mounted(tmp_path, {"a": "old", "b": "old"})
    swaps = [{"a": "new", "b": "new"}]

    def read() -> tuple[str, str]:
        first = (tmp_path / "a").read_text()
        if swaps:
            place.swap(swaps.pop())
        return first, (tmp_path / "b").read_text()

    assert read_unswapped([tmp_path], read) == ("new", "new")


def test_a_file_that_went_with_a_swap_is_no_error(tmp_path: Path) -> None:
    place = Mounted(tmp_path, {"a": "old"})
    swaps = [{"a": "new"}]

    def read() -> str:
        if swaps:
            place.swap(swaps.pop())
            raise ConfigError([])  # as of a file whose folder was just removed
        return (tmp_path / "a").read_text()

    assert read_unswapped([tmp_path], read) == "new"


def test_an_error_without_a_swap_is_one_at_once(tmp_path: Path) -> None:
    Mounted(tmp_path, {"a": "old"})
    reads = []

    def read() -> None:
        reads.append(1)
        raise ConfigError([])

    with pytest.raises(ConfigError):
        read_unswapped([tmp_path], read)
    assert len(reads) == 1


def test_a_folder_that_is_swapped_all_the_time_is_an_error(tmp_path: Path) -> None:
    place = Mounted(tmp_path, {"a": "0"})
    with pytest.raises(ConfigError, match="exchanged again and again"):
        read_unswapped([tmp_path], lambda: place.swap({"a": "1"}))


def test_a_new_key_counts_before_its_link_is_there_and_an_old_one_no_more(tmp_path: Path) -> None:
    config = Mounted(tmp_path / "config", text_of(1, "a", "b"))
    secrets = Mounted(tmp_path / "secrets", keys_of(1, "a"))
    assert keys(load(config, secrets)) == ["sk-a-1", "BLANK"]
    secrets.begin(keys_of(2, "b"))
    assert not (secrets.folder / "b").exists()
    assert (secrets.folder / "a").is_symlink()
    loaded = load(config, secrets)
    assert keys(loaded) == ["BLANK", "sk-b-2"]
    assert [backend.key_problem for backend in loaded.backends] == ["", ""]
    secrets.end(keys_of(2, "b"))
    assert load(config, secrets) == loaded


@pytest.mark.slow
def test_no_reading_mixes_two_states_of_a_mount_however_often_it_is_swapped(tmp_path: Path) -> None:
    names = [f"b{index}" for index in range(8)]
    config = Mounted(tmp_path / "config", text_of(0, *names))
    secrets = Mounted(tmp_path / "secrets", keys_of(0, *names))
    done = threading.Event()

    def swap() -> None:
        for number in range(1, 60):
            secrets.swap(keys_of(number, *names))
            config.swap(text_of(number, *names))
            time.sleep(0.01)
        done.set()

    thread = threading.Thread(target=swap)
    thread.start()
    seen = set()
    while not done.is_set():
        loaded = load(config, secrets)
        numbers = {key.rpartition("-")[2] for key in [*keys(loaded), loaded.litellm.key.reveal()]}
        assert len(numbers) == 1
        assert loaded.owner in {f"v{number}" for number in range(60)}
        seen |= numbers
    thread.join()
    assert len(seen) > 5
    last = load(config, secrets)
    assert (last.owner, set(keys(last))) == ("v59", {f"sk-{name}-59" for name in names})


def test_a_swap_is_no_problem_for_an_examination(tmp_path: Path) -> None:
    config = Mounted(tmp_path / "config", text_of(1, "a"))
    secrets = Mounted(tmp_path / "secrets", keys_of(1))
    secrets.begin(keys_of(2, "a"))
    found = examine_config(config.folder / "config.yaml", secrets.folder)
    assert found.problems == ()
    assert found.config is not None
    assert keys(found.config) == ["sk-a-2"]
