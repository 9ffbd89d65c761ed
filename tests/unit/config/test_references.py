"""What stands for a secret: the same in every engine, another one in every place, made once."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main
from engine.config.loader import load_config
from engine.config.model import Config
from engine.config.references import references_of, secret_values
from engine.fakes.litellm import LiteLLMSimulator
from engine.state.secret import NO_KEY, Place, Secret
from tests.fleet import running_fleet

KEY = "/litellm_params/api_key"
A, B = "http://a:8000", "http://b:8000"
TEXT = """
litellm: {url: 'https://litellm'}
owner: OWNER
backends:
  - {name: a, url: 'http://a:8000/v1', litellm_params_defaults: {my_token: same-key-1234}}
  - {name: b, url: 'http://b:8000'}
"""


def configured(folder: Path, *, master: str = "sk-one", owner: str = "us", **keys: str) -> Config:
    for name, key in {"litellm": master, **keys}.items():
        (folder / name).write_text(key)
    (folder / "config.yaml").write_text(TEXT.replace("OWNER", owner))
    return load_config(folder / "config.yaml", folder)


def referred(config: Config) -> dict[tuple[str, str], str]:
    """Return the reference in each place; no place has two."""
    return {(endpoint, path): text for (endpoint, path, _), text in references_of(config).items()}


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every secret that is hashed from now on."""
    seen: list[bytes] = []
    scrypt = hashlib.scrypt

    def counted(secret: bytes, **options: Any) -> bytes:
        seen.append(secret)
        return scrypt(secret, **options)

    monkeypatch.setattr(hashlib, "scrypt", counted)
    return seen


def test_engines_with_different_litellm_keys_have_the_same_references(tmp_path: Path) -> None:
    keys = {"a": "key-of-a", "b": "key-of-b"}
    one = references_of(configured(tmp_path, master="sk-one", **keys))
    two = references_of(configured(tmp_path, master="sk-two", **keys))
    assert one == two


def test_a_key_that_is_used_in_several_places_has_a_reference_in_each(tmp_path: Path) -> None:
    keys = {"a": "same-key-1234", "b": "same-key-1234"}
    ours = referred(configured(tmp_path, **keys))
    theirs = referred(configured(tmp_path, owner="them", **keys))
    assert ours.keys() == theirs.keys() == {(A, KEY), (A, "/litellm_params/my_token"), (B, KEY)}
    assert len({*ours.values(), *theirs.values()}) == 6


def test_a_reference_never_changes_from_release_to_release(tmp_path: Path) -> None:
    """Else an upgrade would write every row that has a key."""
    salt = json.dumps(["us", B, KEY], separators=(",", ":")).encode()
    expected = hashlib.scrypt(b"key-of-b", salt=salt, n=2**14, r=8, p=1, dklen=16).hex()
    assert referred(configured(tmp_path, b="key-of-b"))[B, KEY] == expected


def test_a_backend_without_a_key_has_no_hash(tmp_path: Path, hashed: list[bytes]) -> None:
    references = references_of(configured(tmp_path, owner="no-keys"))
    assert references[B, KEY, Secret("BLANK")] == NO_KEY == "(no key)"
    assert hashed == [b"same-key-1234"]
    assert secret_values(references)[NO_KEY].reveal() == "BLANK"


def test_the_sender_knows_every_secret_by_its_reference(tmp_path: Path) -> None:
    references = references_of(configured(tmp_path, a="key-of-a", b="key-of-b"))
    secrets = secret_values(references)
    for place, reference in references.items():
        assert secrets[reference] == place[2]


def test_a_secret_is_hashed_once_however_many_models_and_cycles_there_are(
    tmp_path: Path, hashed: list[bytes]
) -> None:
    with running_fleet(tmp_path, *(f"m{number}" for number in range(20))) as fleet:
        (tmp_path / "box").write_text("sk-box-key-1234")
        assert main(["apply", *fleet.arguments]) == 0
        assert main(["apply", *fleet.arguments]) == 0
        assert len(fleet.names()) == 20
    assert hashed == [b"sk-box-key-1234"]


def test_what_is_remembered_of_rotated_keys_is_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: dict[tuple[str, Place], str] = {}
    monkeypatch.setattr("engine.config.references._known", known)
    monkeypatch.setattr("engine.config.references._MAX_KNOWN", 4)
    sizes = []
    for number in range(6):
        references = references_of(configured(tmp_path, b=f"key-{number}"))
        assert len(secret_values(references)) == 3
        sizes.append(len(known))
    assert sizes == [2, 3, 4, 5, 2, 3]


def test_another_litellm_key_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_fleet(tmp_path, "m") as fleet:
        (tmp_path / "box").write_text("sk-box-key-1234")
        assert main(["apply", *fleet.arguments]) == 0
        rows = fleet.proxy.database
        (tmp_path / "litellm").write_text("sk-another-admin")
        with LiteLLMSimulator(master_key="sk-another-admin", database=rows) as fleet.proxy:
            fleet.configure()
            capsys.readouterr()
            assert main(["plan", "--json", *fleet.arguments]) == 0
    assert json.loads(capsys.readouterr().out)["operations"] == []
