"""Watches LiteLLM during a run, and records everything that must never happen."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Set
from typing import TYPE_CHECKING, Any, Final

from engine.state.deployment import MARK

from .litellms import lasting

if TYPE_CHECKING:
    from .litellms import LiteLLM, Rows

Json = dict[str, Any]
Offer = tuple[str, str]
"""A server's address and a public name."""
_PERIOD: Final = 0.1
"""Seconds between two looks at LiteLLM, besides those after each write."""


class Witness:
    """Compares every sample with what has to hold at any moment.

    ``protected`` are the offers that must stay once a replica has listed them: their backends serve
    them all the time, and every configuration wants them. None of ``secrets``, which may grow, may
    be listed. ``violations`` are sentences.
    """

    def __init__(self, litellm: LiteLLM, endpoints: list[str], secrets: Set[str]) -> None:
        self._litellm = litellm
        self._endpoints = endpoints
        self._secrets = secrets
        self._lock = threading.Lock()
        self._foreign: dict[str, bytes] = {}
        self._first: dict[int, set[Offer]] = {}
        self._closed = threading.Event()
        self._watching = threading.Thread(target=self._watch, name="witness")
        self.protected: set[Offer] = set()
        self.samples = 0
        self.compared = 0
        self.violations: list[str] = []

    def watch(self) -> None:
        """Look again and again, in a thread of its own, until :meth:`close`."""
        self._watching.start()

    def close(self) -> None:
        """Stop looking."""
        self._closed.set()
        if self._watching.is_alive():
            self._watching.join()

    def _watch(self) -> None:
        while not self._closed.wait(_PERIOD):
            try:
                self.sample()
            except Exception as error:  # noqa: BLE001 - a witness that cannot look is a violation
                self.blame(f"the witness cannot look: {type(error).__name__}: {error}")

    def blame(self, what: str) -> None:
        """Record a violation, each only once."""
        if what not in self.violations:
            self.violations.append(what)

    def protect(self, offers: set[Offer]) -> None:
        """Let these offers, and no others, be the ones that must stay once they are listed."""
        with self._lock:
            self.protected = set(offers)
            self._first = {number: seen & offers for number, seen in self._first.items()}

    def remember_foreign(self, row_id: str = "") -> None:
        """Record that a row (else: every row) that is listed now belongs to others.

        Nobody may touch it.
        """
        rows = self._litellm.listings()[0]
        assert rows is not None
        found = {row["model_info"]["id"]: lasting(row) for row in rows}
        with self._lock:
            self._foreign |= {row_id: found[row_id]} if row_id else found

    def forget_foreign(self, row_id: str) -> None:
        """Let a row of others go."""
        with self._lock:
            del self._foreign[row_id]

    def sample(self) -> None:
        """Look at every replica once."""
        with self._lock:
            for number, rows in enumerate(self._litellm.listings()):
                if rows is not None:
                    self._examine(number, rows)

    def replicas_agree(self, offer: Offer) -> bool:
        """Tell whether either all replicas list it or none does."""
        answers = [rows for rows in self._litellm.listings() if rows is not None]
        return len({offer in map(self.offer, rows) for rows in answers}) < 2

    def _examine(self, number: int, rows: Rows) -> None:
        self.samples += 1
        offers = {offer for row in rows if (offer := self.offer(row))}
        listed = str(rows)
        if any(secret in listed for secret in [*self._secrets]):
            self.blame("a secret can be read in LiteLLM's listing")
        first = self._first.setdefault(number, set())
        for endpoint, name in sorted(first - offers):
            site = self._endpoints.index(endpoint)
            self.blame(f"{name} of backend {site} was lost although its backend serves it")
        first |= offers & self.protected
        found = {row["model_info"]["id"]: row for row in rows}
        for row_id, bytes_before in self._foreign.items():
            if row_id in found:
                self.compared += 1
                if lasting(found[row_id]) != bytes_before:
                    self.blame(f"the row {row_id} of somebody else was changed")

    def offer(self, row: Json) -> Offer | None:
        """What a row of the engines offers, and where; None for a row of somebody else."""
        if row["model_info"]["id"] in self._foreign or MARK not in row["model_info"]:
            return None
        base = str(row["litellm_params"].get("api_base", ""))
        for endpoint in self._endpoints:
            if base == endpoint or base.startswith(f"{endpoint}/"):
                return endpoint, row["model_name"]
        return None

    def count_ours(self, rows: Rows) -> int:
        """Return how many rows the engines have made, on whatever endpoint."""
        infos = [row["model_info"] for row in rows]
        return sum(MARK in info and info["id"] not in self._foreign for info in infos)

    def judge(self, expected: dict[str, dict[Offer, Json]]) -> list[str]:
        """Return what is wrong with LiteLLM once all faults have stopped.

        ``expected`` holds, per owner, the fields of ``litellm_params`` that each offer must have.
        """
        wrong: list[str] = []
        for rows in self._litellm.listings():
            if rows is None:
                return ["LiteLLM does not answer"]
            wrong += self._misfits(rows, expected)
            missing = self._foreign.keys() - {row["model_info"]["id"] for row in rows}
            wrong += [f"the row {row_id} of somebody else is gone" for row_id in sorted(missing)]
        return list(dict.fromkeys(wrong))

    def _misfits(self, rows: Rows, expected: dict[str, dict[Offer, Json]]) -> list[str]:
        wrong: list[str] = []
        counts: Counter[tuple[str, Offer]] = Counter()
        for row in rows:
            offer = self.offer(row)
            if offer is None:
                continue
            owner = str(row["model_info"][MARK].get("owner"))
            counts[owner, offer] += 1
            fields = expected.get(owner, {}).get(offer)
            if fields is None:
                wrong.append(f"{offer[1]} should not be there ({owner})")
                continue
            seen = {name: row["litellm_params"].get(name) for name in fields}
            if seen != fields:
                wrong.append(f"{offer[1]} has {seen}, not {fields}")
        wrong += [
            f"{o[1]} is there {n} times ({owner})" for (owner, o), n in counts.items() if n > 1
        ]
        wanted = {(owner, offer) for owner, offers in expected.items() for offer in offers}
        wrong += [f"{o[1]} is missing ({owner})" for owner, o in sorted(wanted - counts.keys())]
        return wrong
