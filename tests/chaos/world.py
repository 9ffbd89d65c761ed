"""Backends, a LiteLLM, engines, and a fault proxy on every connection between them."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from engine.fakes.backend import FakeBackend

from .engines import EngineProcess
from .faultproxy import FaultProxy
from .faults import Dice
from .litellms import edits_alone
from .witness import Offer, Witness

if TYPE_CHECKING:
    from .litellms import LiteLLM

Json = dict[str, Any]
HURRY: Final = 1.0
"""Seconds that an engine waits for a backend while faults are injected: short, to save time."""
LEISURE: Final = 20.0
"""Seconds that it waits for a server otherwise, so that a slow machine is no fault."""
POOL: Final = 6
"""Models that a backend may serve, in addition to the one that it always serves."""


@dataclass
class Site:
    """A backend behind its fault proxy; ``models`` is what it really serves."""

    name: str
    backend: FakeBackend
    proxy: FaultProxy
    key: str

    @property
    def models(self) -> list[str]:
        return self.backend.models

    @property
    def anchor(self) -> str:
        """The model that is always served."""
        return f"{self.name}-anchor"


@dataclass
class Seat:
    """An engine behind its fault proxy, the sites that it is configured with, and its settings.

    A change of ``rpm``, which every row has, is an update where LiteLLM allows it. ``note`` is a
    field of ``model_info``; to drop it, every row has to be replaced. ``key`` is that of LiteLLM.
    """

    engine: EngineProcess
    proxy: FaultProxy
    sites: list[Site]
    key: str
    rpm: int = 60
    note: str = ""
    maintained: set[str] = field(default_factory=set)


class World:
    """One run. Everything random in it follows from ``seed``; a context manager."""

    def __init__(self, seed: str, litellm: LiteLLM, folder: Path, writers: int = 1) -> None:
        self.seed = seed
        self.writers = writers
        self.dice = random.Random(f"{seed}/world")
        self.litellm = litellm
        self.folder = folder
        self.sites: list[Site] = []
        self.seats: list[Seat] = []
        self.joined: dict[Offer, str] = {}
        self.held: dict[Offer, str] = {}
        self.settled = 0
        self.limits: dict[str, Any] = {}
        self._hurried = False
        self._stack = ExitStack()
        self.proxies = [FaultProxy(f"{seed}/{number}") for number in range(8)]
        for proxy in self.proxies:
            self._stack.callback(proxy.close)
        # Operations are ordered by address: with sorted ports the order is the same in each run.
        self._unused = sorted(self.proxies, key=lambda proxy: proxy.port)
        self._secrets = {litellm.key}
        self.witness = Witness(litellm, [], self._secrets)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.witness.close()
        for seat in self.seats:
            if seat.engine.running:
                seat.engine.kill()
        self._stack.close()

    def add_site(self, *, keyed: bool = False, kind: str = "openai") -> Site:
        """Add a backend."""
        number = len(self.sites)
        name = f"box{number}"
        key = f"sk-{name}-{self.dice.getrandbits(64):016x}" if keyed else ""
        self._secrets |= {key} - {""}
        backend = self._stack.enter_context(FakeBackend(kind, [], key=key or None))
        proxy = self._unused.pop(0)
        proxy.upstreams = [backend.url]
        site = Site(name, backend, proxy, key)
        backend.models = [site.anchor, *self.dice.sample(self.pool(site), 3)]
        self.sites.append(site)
        return site

    def pool(self, site: Site) -> list[str]:
        """The models that come and go on a site."""
        return [f"{site.name}-model-{number}" for number in range(POOL)]

    def add_engine(
        self, owner: str = "chaos", sites: list[Site] | None = None, key: str = ""
    ) -> Seat:
        """Add an engine, with ``sites`` (None: all) and a ``key`` of LiteLLM ("": the first)."""
        folder = self.folder / f"engine{len(self.seats)}"
        engine = EngineProcess(folder, owner, self.litellm.timing)
        key = key or self.litellm.key
        self._secrets.add(key)
        seat = Seat(engine, self._unused.pop(), self.sites if sites is None else sites, key)
        seat.proxy.upstreams = self.litellm.urls
        seat.proxy.kill = engine.kill
        self.seats.append(seat)
        self.configure(seat)
        return seat

    def begin(self) -> None:
        """Make rows of other people, and start the witness."""
        for number, body in enumerate(self._rows_of_others()):
            body["model_info"]["id"] = f"chaos-foreign-{self.dice.getrandbits(64):016x}-{number}"
            self.litellm.call("POST", "/model/new", body)
        self.litellm.settle()
        endpoints = [site.proxy.url for site in self.sites]
        self.witness = Witness(self.litellm, endpoints, self._secrets)
        self.witness.remember_foreign()
        self.protect()
        for seat in self.seats:
            seat.proxy.on_write = self.witness.sample
        self.witness.watch()

    def _rows_of_others(self) -> list[Json]:
        """A cloud model, a hand-made alias, another owner's row, a row on another server."""
        site = self.sites[0]
        base = f"{site.proxy.url}/v1"
        mark = {"owner": "somebody-else", "backend": "x", "revision": 0, "fields": []}
        mark |= {"fingerprint": "hmac:00", "opaque": {}, "evidence": []}
        return [
            {
                "model_name": "cloud",
                "litellm_params": {"model": "anthropic/claude-x", "api_key": "sk-cloud-1"},
                "model_info": {},
            },
            {
                "model_name": "by-hand",
                "litellm_params": {
                    "model": f"openai/{site.anchor}",
                    "api_base": base,
                    "api_key": "none",
                },
                "model_info": {"note": "hand-made"},
            },
            {
                "model_name": "not-ours",
                "litellm_params": {"model": "openai/not-ours", "api_base": base, "api_key": "none"},
                "model_info": {"modelprovisioner": mark},
            },
            {
                "model_name": "elsewhere",
                "litellm_params": {"model": "openai/x", "api_base": "http://127.0.0.1:9/v1"},
                "model_info": {"nested": {"a": [1, None, "x"]}},
            },
        ]

    def configure(self, seat: Seat, **top: Any) -> None:
        """Write an engine's configuration and keys."""
        for_backends, for_litellm = LEISURE, LEISURE
        if self._hurried:
            for_backends, for_litellm = HURRY, self.litellm.timeout
        backends = [
            {
                "name": site.name,
                "type": site.backend.kind,
                "url": site.proxy.url,
                "timeout": for_backends,
                "litellm_params_defaults": {"rpm": seat.rpm},
                "model_info_defaults": {"note": seat.note} if seat.note else {},
                "maintenance": site.name in seat.maintained,
            }
            for site in seat.sites
        ]
        document = {
            "litellm": {
                "url": seat.proxy.url,
                "timeout": for_litellm,
                "writers": self.writers,
            },
            "owner": seat.engine.owner,
            "backends": backends,
            "limits": self.limits,
            **top,
        }
        secrets = seat.engine.folder / "secrets"
        (secrets / "litellm").write_text(seat.key + "\n")
        for site in seat.sites:
            if site.key:
                (secrets / site.name).write_text(site.key + "\n")
        (seat.engine.folder / "config.yaml").write_text(json.dumps(document, indent=1))

    def churn(self) -> str:
        """Change what a backend serves, a parameter or a key; return which of them."""
        site = self.dice.choice(self.sites)
        what = self.dice.choice(["add", "remove", "remove", "swap", "rpm", "key"])
        away = [model for model in self.pool(site) if model not in site.models]
        here = [model for model in site.models if model != site.anchor]
        if what in ("remove", "swap") and here:
            self.withdraw(site, self.dice.choice(here))
        if what in ("add", "swap") and away:
            self.offer(site, self.dice.choice(away))
        if what == "rpm":
            self.set_rpm(self.dice.randint(1, 1000))
        if what == "key" and site.key:
            self.rotate(site)
        return what

    def offer(self, site: Site, model: str) -> None:
        """Let a backend serve another model.

        Not while a delete of it is delayed, nor while one replica lists a deployment of it that
        another replica has deleted. The deployment would disappear later, through no fault of the
        engine, and the witness would call it lost.
        """
        self.deliver()
        if not self.witness.replicas_agree((site.proxy.url, model)):
            return
        site.backend.models = [*site.models, model]
        self.protect()

    def withdraw(self, site: Site, model: str) -> None:
        """Let a backend stop serving a model."""
        self.deliver()
        self.witness.protect(self.witness.protected - {(site.proxy.url, model)})
        site.backend.models = [name for name in site.models if name != model]

    def serve(self, site: Site, numbers: tuple[int, ...]) -> None:
        """Let a backend serve these models of its pool, and its anchor, and no others."""
        wanted = [self.pool(site)[number] for number in numbers]
        for model in {*site.models} - {*wanted, site.anchor}:
            self.withdraw(site, model)
        for model in wanted:
            if model not in site.models:
                self.offer(site, model)

    def set_rpm(self, rpm: int) -> None:
        """Change a parameter of every row."""
        for seat in self.seats:
            seat.rpm = rpm
            self.configure(seat)

    def take_name(self) -> None:
        """Let somebody register a model of their own, and a backend then serve one of that name."""
        site = self.dice.choice(self.sites)
        away = [model for model in self.pool(site) if model not in site.models]
        if away:
            model = self.dice.choice(away)
            self.held[site.proxy.url, model] = self._register(model)
            site.backend.models = [*site.models, model]

    def join_name(self) -> None:
        """Let somebody register a model of their own under the name of a row of the engines."""
        site = self.dice.choice(self.sites)
        free = [(site.proxy.url, model) for model in site.models]
        free = [offer for offer in free if offer not in {**self.held, **self.joined}]
        offer = self.dice.choice(free)
        self.joined[offer] = self._register(offer[1])

    def _register(self, name: str) -> str:
        row_id = f"chaos-foreign-{self.dice.getrandbits(64):016x}"
        params = {"model": "anthropic/claude-x", "api_key": "sk-cloud-1"}
        body = {"model_name": name, "litellm_params": params, "model_info": {"id": row_id}}
        self.litellm.call("POST", "/model/new", body)
        self.litellm.settle()
        self.witness.remember_foreign(row_id)
        return row_id

    def give_names_back(self) -> None:
        """Let the others delete their rows of these names."""
        for row_id in (*self.held.values(), *self.joined.values()):
            self.witness.forget_foreign(row_id)
            self.litellm.call("POST", "/model/delete", {"id": row_id})
        self.held, self.joined = {}, {}
        self.litellm.settle()
        self.protect()

    def edit_address(self) -> str:
        """Change the address of a row of the engines by hand; return how."""
        ids = {
            offer: row["model_info"]["id"]
            for row in self.litellm.listings()[0] or ()
            if (offer := self.witness.offer(row)) in self.witness.protected
        }
        offer = self.dice.choice(sorted(ids))
        row_id = ids[offer]
        servers = [site.proxy.url for site in self.sites if site.proxy.url != offer[0]]
        ways = {
            "another server": f"{self.dice.choice(servers)}/v1",
            "no server of ours": "http://127.0.0.1:9/v1",
            "a query": f"{offer[0]}/v1?x=1",
            "no url": "nowhere",
        }
        way = self.dice.choice(sorted(ways))
        others = self.witness.protected - {offer}
        # LiteLLM before 1.98 takes all rows out of service while it reads one that was changed.
        self.witness.protect(others if edits_alone(self.litellm) else set())
        params = {"litellm_params": {"api_base": ways[way]}, "model_info": {"id": row_id}}
        self.litellm.call("PATCH", f"/model/{row_id}/update", params)
        self.litellm.settle()
        self.witness.protect(others)
        return way

    def maintain(self, *sites: Site) -> None:
        """Take these sites out of service by the configuration, and no others."""
        for seat in self.seats:
            seat.maintained = {site.name for site in sites}
            self.configure(seat)

    def block_anchor(self, site: Site) -> str:
        """Block the row of a model that is always served, by hand; return its id."""
        offers = {self.witness.offer(row): row for row in self.litellm.listings()[0] or ()}
        row_id = str(offers[site.proxy.url, site.anchor]["model_info"]["id"])
        self.litellm.call("PATCH", f"/model/{row_id}/update", {"blocked": True})
        self.litellm.settle()
        return row_id

    def blocked(self) -> set[str]:
        """Return the ids of the rows of the engines that are blocked."""
        rows = [row for row in self.litellm.listings()[0] or () if self.witness.offer(row)]
        return {row["model_info"]["id"] for row in rows if row["model_info"].get("blocked")}

    def set_note(self, note: str) -> None:
        """Set a field of ``model_info`` in every row, or drop it."""
        for seat in self.seats:
            seat.note = note
            self.configure(seat)

    def rotate(self, site: Site) -> None:
        """Give a backend another key."""
        site.key = f"sk-{site.name}-{self.dice.getrandbits(64):016x}"
        self._secrets.add(site.key)
        site.backend.key = site.key
        for seat in self.seats:
            self.configure(seat)

    def protect(self) -> None:
        """Give the witness the offers that must stay."""
        configured = [site for seat in self.seats for site in seat.sites]
        offers = {(s.proxy.url, model) for s in configured for model in s.models}
        self.witness.protect(offers - self.held.keys())

    def break_things(
        self, rate: float, *, litellm: Mapping[str, int], backends: Mapping[str, int]
    ) -> None:
        """Let a share of the requests fail from now on; the maps give the weight of each fault."""
        self._wait_for_servers(hurried=True)
        for number, seat in enumerate(self.seats):
            seed = f"{self.seed}/engine{number}/{self.settled}"
            seat.proxy.dice = Dice(seed, rate if litellm else 0.0, litellm)
        for site in self.sites:
            seed = f"{self.seed}/{site.name}/{self.settled}"
            site.proxy.dice = Dice(seed, rate if backends else 0.0, backends)

    def _wait_for_servers(self, *, hurried: bool) -> None:
        self._hurried = hurried
        for seat in self.seats:
            self.configure(seat)

    def deliver(self) -> None:
        """Send the requests that were held back."""
        for proxy in self.proxies:
            proxy.deliver()

    def cycle(self) -> None:
        """Let every engine run one cycle, all at once."""
        for seat in self.seats:
            seat.proxy.upstreams = self.litellm.urls
        threads = [threading.Thread(target=self._cycle, args=(seat,)) for seat in self.seats]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.witness.sample()

    def _cycle(self, seat: Seat) -> None:
        try:
            seat.engine.cycle()
        except TimeoutError as stuck:
            self.witness.blame(str(stuck))

    def expected(self) -> dict[str, dict[Offer, Json]]:
        """Return what must be registered, per owner."""
        wanted: dict[str, dict[Offer, Json]] = {}
        for seat in self.seats:
            offers = wanted.setdefault(seat.engine.owner, {})
            for site in seat.sites:
                for model in site.models:
                    if (site.proxy.url, model) in self.held:
                        continue
                    fields = {"model": f"openai/{model}", "rpm": seat.rpm}
                    offers[site.proxy.url, model] = fields
        return wanted

    def surplus_rows(self) -> int:
        """Return how many rows of the engines there are beyond those that must be."""
        rows = self.litellm.listings()[0] or []
        return self.witness.count_ours(rows) - sum(map(len, self.expected().values()))

    def settle(self) -> None:
        """Stop all faults: two cycles must be enough, and the third must not write."""
        for proxy in self.proxies:
            proxy.calm()
        self._wait_for_servers(hurried=False)
        self.litellm.settle()
        wrong: list[str] = ["no cycle"]
        for _ in range(2):
            self.cycle()
            self.litellm.settle()
            wrong = self.witness.judge(self.expected())
            if not wrong:
                break
        for what in wrong and self._once_litellm_has_reloaded():
            self.witness.blame(f"after two quiet cycles {what}")
        before = [len(seat.proxy.requests) for seat in self.seats]
        self.cycle()
        for seat, start in zip(self.seats, before, strict=True):
            writes = [asked for asked in seat.proxy.requests[start:] if asked[0] != "GET"]
            if writes:
                self.witness.blame(f"a cycle without changes writes: {writes}")
        self.settled += 1

    def _once_litellm_has_reloaded(self) -> list[str]:
        """Judge again, without another cycle, until LiteLLM has read its database again.

        Before 1.98, a reload that overlaps with a write may bring a deleted row back, or lose a new
        row, in LiteLLM's memory and so in its listings, until the next reload.
        """
        end = time.monotonic() + self.litellm.lag
        while (wrong := self.witness.judge(self.expected())) and time.monotonic() < end:
            time.sleep(0.5)
        return wrong

    def end(self) -> None:
        """Stop the engines; look for secrets that leaked."""
        for seat in self.seats:
            code = seat.engine.stop()
            if code:
                self.witness.blame(f"SIGTERM ended the loop with exit code {code}")
            self._look_for_secrets(seat)
            allowed = {f"Bearer {seat.key}"}
            if not seat.proxy.authorizations <= allowed:
                self.witness.blame("LiteLLM was sent a key that is not its own")
        for site in self.sites:
            sent = site.proxy.authorizations
            if any(seat.key in header for header in sent for seat in self.seats):
                self.witness.blame("a backend was sent LiteLLM's key")
            for other in self.sites:
                if other is not site and other.key and any(other.key in header for header in sent):
                    self.witness.blame("a backend was sent the key of another backend")
        for proxy in self.proxies:
            if any(path.startswith("/elsewhere") for _, path in proxy.requests):
                self.witness.blame("a redirect to another server was followed")

    def _look_for_secrets(self, seat: Seat) -> None:
        texts = {"output": "".join(seat.engine.output)}
        for path in seat.engine.folder.glob("artifacts/*"):
            texts["artifact"] = texts.get("artifact", "") + path.read_text()
        for where, text in texts.items():
            if any(secret in text for secret in self._secrets):
                self.witness.blame(f"a secret is in the {where} of an engine")

    @property
    def tally(self) -> Counter[str]:
        """What failed, by kind."""
        return sum((proxy.tally for proxy in self.proxies), Counter())
