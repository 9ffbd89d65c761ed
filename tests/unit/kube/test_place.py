"""Which Lease is meant, and who its candidates are."""

from __future__ import annotations

import pytest

from engine.kube.place import identity, place_of, pod


def test_a_name_may_have_a_namespace() -> None:
    assert place_of("engine-1.a") == ("", "engine-1.a")
    assert place_of("models/engine") == ("models", "engine")


@pytest.mark.parametrize(
    "text", ["", "/", "a/", "/a", "a/b/c", "A", "a_b", "-a", "a-", "a" * 254, "n.s/a", "a\n", "ä"]
)
def test_what_kubernetes_does_not_name_so_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected NAME or NAMESPACE/NAME"):
        place_of(text)


def test_two_processes_of_one_pod_are_two_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POD_NAME", "mp-1")
    monkeypatch.setenv("POD_NAMESPACE", "models")
    assert pod() == ("models", "mp-1")
    assert identity().startswith("mp-1_")
    assert identity() != identity()
    monkeypatch.delenv("POD_NAME")
    assert identity().partition("_")[0]
