"""The scenarios of the campaign. Each is a function that acts on a world.

A scenario ends with :meth:`World.settle`: without faults, two cycles must be enough to converge.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Final

from .engines import Trouble
from .faultproxy import MOMENTS, Balance, FaultProxy, Moment, Request, Trap
from .litellms import RELOAD
from .world import Seat, World

LITELLM_FAULTS: Final = {
    "refuse": 4, "hang": 1, "status": 8, "html": 3, "redirect": 2, "lost": 6, "status_after": 6,
    "html_after": 3, "reset": 4, "truncate": 4, "drip": 1, "twice": 4,
}  # fmt: skip
BACKEND_FAULTS: Final = {
    "refuse": 4, "hang": 1, "status": 8, "html": 4, "redirect": 2, "lost": 4, "reset": 4,
    "truncate": 4, "drip": 1,
}  # fmt: skip
LISTING_FAULTS: Final = {"stale": 3, "forgetful": 3, "shuffled": 2, "doubled": 2}
NOTHING: Final[Mapping[str, int]] = {}
STEPS: Final = 6


def unreliable_litellm(world: World) -> None:
    """LiteLLM refuses, hangs, breaks off, and fails before or after it did the write."""
    world.add_site()
    world.add_site(keyed=True)
    world.add_engine()
    _storm(world, 0.3, litellm=LITELLM_FAULTS)


def unreliable_backends(world: World) -> None:
    """Backends refuse, hang, break off, and send answers that are not a list."""
    for keyed in (False, True, False):
        world.add_site(keyed=keyed)
    world.add_engine()
    _storm(world, 0.5, backends=BACKEND_FAULTS)


def unreliable_everything(world: World) -> None:
    """Every connection fails in every way while backends and configuration change."""
    world.add_site(keyed=True)
    world.add_site()
    world.add_engine()
    _storm(world, 0.25, litellm=LITELLM_FAULTS | LISTING_FAULTS, backends=BACKEND_FAULTS)


def untrue_listings(world: World) -> None:
    """LiteLLM sends old listings, leaves rows out, repeats and reorders them."""
    world.add_site()
    world.add_site()
    world.add_engine()
    _storm(world, 0.7, litellm=LISTING_FAULTS)


def late_writes(world: World) -> None:
    """Writes without an answer arrive after later ones, or twice."""
    world.add_site()
    world.add_engine()
    _storm(world, 0.3, litellm={"late": 5, "twice": 3, "lost": 2})


def kill_at_every_request(world: World) -> None:
    """kill -9 at every request of a cycle, before it, during it and after its answer.

    Each cycle has two models to create, two to change and two to delete.
    """
    site = world.add_site()
    seat = world.add_engine()
    world.begin()
    world.settle()
    for proxy in (seat.proxy, site.proxy):
        for moment in MOMENTS:
            _kill_everywhere(world, seat, proxy, moment)


def _kill_everywhere(world: World, seat: Seat, proxy: FaultProxy, moment: Moment) -> None:
    """Kill at the first request, at the second, ... until a cycle ends before that request."""
    proxy.kill = seat.engine.kill
    for at in range(1, 1000):
        world.serve(world.sites[0], (0, 1, 2) if at % 2 else (2, 3, 4))
        world.set_rpm(at)
        kills = seat.engine.kills
        proxy.set_trap(Trap(at, moment))
        seat.engine.once()
        proxy.set_trap(None)
        world.settle()
        if seat.engine.kills == kills:
            return


def kill_in_the_storm(world: World) -> None:
    """kill -9 at random requests while everything else fails too."""
    world.add_site()
    world.add_site(keyed=True)
    seat = world.add_engine()

    def trap() -> None:
        seat.proxy.set_trap(Trap(world.dice.randint(1, 15), world.dice.choice(MOMENTS)))

    _storm(world, 0.15, litellm=LITELLM_FAULTS, backends=BACKEND_FAULTS, before=trap)


def engines_of_one_owner(world: World) -> None:
    """Two or three engines with the same configuration work at once."""
    world.add_site()
    world.add_site(keyed=True)
    for _ in range(world.dice.choice([2, 3])):
        world.add_engine()
    _storm(world, 0.1, litellm=LITELLM_FAULTS)


def engines_of_several_owners(world: World) -> None:
    """Two or three engines, each with an owner and a backend of its own, work at once."""
    for number in range(world.dice.choice([2, 3])):
        site = world.add_site(keyed=bool(number))
        world.add_engine(f"owner{number}", [site])
    _storm(world, 0.15, litellm=LITELLM_FAULTS, backends=BACKEND_FAULTS)


def engines_killed_side_by_side(world: World) -> None:
    """Two engines of one owner, one of which is killed in the middle of each cycle."""
    world.add_site()
    world.add_site()
    for _ in range(2):
        world.add_engine()

    def trap() -> None:
        seat = world.dice.choice(world.seats)
        seat.proxy.set_trap(Trap(world.dice.randint(1, 15), world.dice.choice(MOMENTS)))

    _storm(world, 0.0, before=trap)


def frozen_engine(world: World) -> None:
    """An engine is frozen in the middle of a cycle, and goes on after another has done the work."""
    world.add_site()
    frozen_seat, other = world.add_engine(), world.add_engine()
    world.begin()
    world.settle()
    for _ in range(STEPS):
        world.churn()
        world.set_rpm(world.dice.randint(1, 1000))
        frozen = threading.Event()
        at = world.dice.randint(1, 12)
        _at_request(frozen_seat, at, lambda e=frozen: _freeze(frozen_seat, e))  # type: ignore[misc]
        thread = threading.Thread(target=frozen_seat.engine.cycle)
        thread.start()
        frozen.wait(5)
        other.engine.cycle()
        frozen_seat.proxy.on_request = lambda _: None
        os.kill(frozen_seat.engine.pid, signal.SIGCONT)
        thread.join()
    world.settle()


def _freeze(seat: Seat, frozen: threading.Event) -> None:
    os.kill(seat.engine.pid, signal.SIGSTOP)
    seat.proxy.tally["freeze"] += 1
    frozen.set()


def restarts_of_litellm(world: World) -> None:
    """LiteLLM stops in the middle of a cycle, and starts again later."""
    _away(world, world.litellm.crash, world.litellm.revive, "litellm restart")


def outages_of_the_database(world: World) -> None:
    """LiteLLM's database stops in the middle of a cycle, and starts again later."""
    _away(world, world.litellm.lose_database, world.litellm.find_database, "database outage")


def _away(world: World, lose: Callable[[], None], find: Callable[[], None], name: str) -> None:
    world.add_site()
    world.add_site(keyed=True)
    seat = world.add_engine()
    world.begin()
    for _ in range(STEPS):
        world.churn()
        world.set_rpm(world.dice.randint(1, 1000))

        def gone() -> None:
            lose()
            seat.proxy.upstreams = world.litellm.urls
            seat.proxy.tally[name] += 1

        _at_request(seat, world.dice.randint(1, 12), gone)
        world.cycle()
        seat.proxy.on_request = lambda _: None
        find()
        world.settle()


def configuration_swapped(world: World) -> None:
    """Configuration and keys change, break, vanish and come back in the middle of a cycle."""
    world.add_site(keyed=True)
    seat = world.add_engine()
    world.begin()
    world.settle()
    for _ in range(STEPS):
        world.churn()
        _at_request(seat, world.dice.randint(1, 8), lambda: _disturb(world, seat))
        world.cycle()
        world.cycle()
        seat.proxy.on_request = lambda _: None
        world.configure(seat)
        world.settle()


def _disturb(world: World, seat: Seat) -> None:
    """Damage or change the files as somebody might by mistake."""
    config = seat.engine.folder / "config.yaml"
    kind = world.dice.choice(["half", "empty", "gone", "no key", "other", "tabs"])
    seat.proxy.tally[f"config {kind}"] += 1
    match kind:
        case "half":
            config.write_text(config.read_text()[: world.dice.randint(1, 100)])
        case "empty":
            config.write_text("")
        case "gone":
            config.unlink()
        case "no key":
            (seat.engine.folder / "secrets" / "litellm").unlink()
        case "tabs":
            config.write_text("\tbackends: [")
        case _:
            seat.rpm = world.dice.randint(1, 1000)
            world.configure(seat)


def jumping_clock(world: World) -> None:
    """The wall clock jumps by up to a day each time it is read."""
    world.add_site()
    seat = world.add_engine()
    seat.engine.trouble = Trouble(clock=world.seed)
    seat.engine.loop_arguments = ("--artifacts", str(seat.engine.folder / "artifacts"))
    _storm(world, 0.1, litellm=LITELLM_FAULTS)


def full_disk(world: World) -> None:
    """Artifacts and heartbeat cannot be written."""
    world.add_site()
    seat = world.add_engine()
    folder = seat.engine.folder
    seat.engine.trouble = Trouble(disk_full=True)
    heartbeat = folder / "heartbeat"
    seat.engine.loop_arguments = (
        "--artifacts", str(folder / "artifacts"), "--heartbeat", str(heartbeat),
    )  # fmt: skip
    _storm(world, 0.1, litellm=LITELLM_FAULTS)
    left = [path.name for path in (folder / "artifacts").iterdir()]
    if left:
        world.witness.blame(f"half an artifact was left behind: {left}")


def full_log(world: World) -> None:
    """The plan log cannot be written: then nothing may be written to LiteLLM."""
    world.add_site()
    seat = world.add_engine()
    world.begin()
    for _ in range(STEPS):
        world.churn()
        world.set_rpm(world.dice.randint(1, 1000))
        seat.engine.trouble = Trouble(stdout_full=True)
        before = len(seat.proxy.requests)
        if seat.engine.once() != 1:
            world.witness.blame("a log that cannot be written is no error")
        if any(method != "GET" for method, _ in seat.proxy.requests[before:]):
            world.witness.blame("something was written although the log could not be")
        if "error: the plan log cannot be written" not in "".join(seat.engine.output):
            world.witness.blame("no message says that the log cannot be written")
        seat.proxy.tally["log full"] += 1
        seat.engine.trouble = Trouble()
        world.settle()
        seat.engine.stop()


def replicas(world: World) -> None:
    """Two replicas behind a load balancer; each learns late what the other did."""
    world.add_site()
    world.add_site()
    seat = world.add_engine()
    seat.proxy.balance = "request" if world.dice.random() < 0.5 else "connection"
    _storm(world, 0.1, litellm=LITELLM_FAULTS)


def balancer(world: World) -> None:
    """A balancer changes the replica at every request, while all rows are replaced.

    The cycles after a replacement come before the other replica has learned of it.
    """
    world.add_site()
    world.add_site()
    seat = world.add_engine()
    balances: list[Balance] = ["request", "random"]
    seat.proxy.balance = world.dice.choice(balances)
    world.begin()
    world.settle()
    for step in range(STEPS):
        world.churn()
        world.set_note("" if step % 2 else f"note {step}")
        for _ in range(3):
            world.cycle()
        world.settle()


def two_admin_keys(world: World) -> None:
    """Two engines of one owner, each with the key of another administrator of LiteLLM."""
    world.add_site()
    world.add_site(keyed=True)
    world.add_engine()
    world.add_engine(key=world.litellm.admin_key())
    _storm(world, 0.1, litellm=LITELLM_FAULTS)


def foreign_names(world: World) -> None:
    """Others register models under names that a backend serves, or is about to serve."""
    world.add_site()
    world.add_site(keyed=True)
    world.add_engine()
    world.begin()
    world.settle()
    for step in range(STEPS):
        world.take_name()
        world.join_name()
        world.break_things(0.1, litellm=LITELLM_FAULTS, backends=NOTHING)
        world.set_rpm(world.dice.randint(1, 1000))
        world.cycle()
        world.cycle()
        world.settle()
        if step % 2:
            world.give_names_back()
            world.settle()


def edited_addresses(world: World) -> None:
    """Somebody edits the address of rows by hand: to another server, or to none."""
    world.add_site()
    world.add_site(keyed=True)
    seat = world.add_engine()
    world.begin()
    world.settle()
    for _ in range(STEPS):
        for _ in range(2):
            seat.proxy.tally[f"edited: {world.edit_address()}"] += 1
        world.break_things(0.1, litellm=LITELLM_FAULTS, backends=NOTHING)
        world.cycle()
        world.settle()
        if world.surplus_rows():
            world.witness.blame("a row with an edited address was left behind, or doubled")
        world.protect()


def maintenance(world: World) -> None:
    """A backend goes out of service and back while engines are killed; somebody blocks a row."""
    site = world.add_site()
    world.add_site(keyed=True)
    seat = world.add_engine()
    world.begin()
    world.settle()
    by_hand = world.block_anchor(site)
    theirs = world.blocked()
    for _ in range(STEPS):
        world.churn()
        world.maintain(site)
        world.break_things(0.15, litellm=LITELLM_FAULTS, backends=BACKEND_FAULTS)
        seat.proxy.set_trap(Trap(world.dice.randint(1, 12), world.dice.choice(MOMENTS)))
        world.cycle()
        world.cycle()
        seat.proxy.tally["out of service"] += len(world.blocked() - theirs)
        world.maintain()
        seat.proxy.set_trap(Trap(world.dice.randint(1, 12), world.dice.choice(MOMENTS)))
        world.cycle()
        seat.proxy.set_trap(None)
        world.settle()
        if world.blocked() != theirs:
            world.witness.blame(f"{by_hand} alone is blocked by hand, not {world.blocked()}")


def _storm(
    world: World,
    rate: float,
    *,
    litellm: Mapping[str, int] = NOTHING,
    backends: Mapping[str, int] = NOTHING,
    before: Callable[[], None] = lambda: None,
) -> None:
    """Change backends and configuration between cycles in which some requests fail."""
    world.begin()
    for _ in range(2):
        world.break_things(rate, litellm=litellm, backends=backends)
        for _ in range(STEPS):
            world.churn()
            before()
            world.cycle()
        for seat in world.seats:
            seat.proxy.set_trap(None)
        world.settle()


def _at_request(seat: Seat, number: int, act: Callable[[], None]) -> None:
    """Do something when an engine sends its ``number``-th request from now."""
    left = [number]

    def count(_: Request) -> None:
        left[0] -= 1
        if left[0] == 0:
            act()

    seat.proxy.on_request = count


@dataclass(frozen=True)
class Scenario:
    """A scenario, and what it needs: a number of replicas, and a command of ``Real``.

    ``reload`` is the seconds after which a simulated replica reads the database again. ``writers``
    is what engines are configured with.
    """

    play: Callable[[World], None]
    replicas: int = 1
    needs: str = ""
    reload: float = RELOAD
    writers: int = 1

    @property
    def name(self) -> str:
        name = self.play.__name__.replace("_", "-")
        return name if self.writers == 1 else f"{name}-{self.writers}-writers"

    @property
    def about(self) -> str:
        return str(self.play.__doc__).splitlines()[0]


SCENARIOS: Final = (
    Scenario(unreliable_litellm),
    Scenario(unreliable_backends),
    Scenario(unreliable_everything),
    Scenario(untrue_listings),
    Scenario(late_writes),
    Scenario(kill_at_every_request),
    Scenario(kill_in_the_storm),
    Scenario(engines_of_one_owner),
    Scenario(engines_of_several_owners),
    Scenario(engines_killed_side_by_side),
    Scenario(frozen_engine),
    Scenario(replicas, replicas=2),
    Scenario(balancer, replicas=2, reload=inf),
    Scenario(restarts_of_litellm, needs="restart"),
    Scenario(outages_of_the_database, needs="restart_database"),
    Scenario(configuration_swapped),
    Scenario(jumping_clock),
    Scenario(full_disk),
    Scenario(full_log),
    Scenario(two_admin_keys),
    Scenario(foreign_names),
    Scenario(edited_addresses),
    Scenario(maintenance),
    Scenario(unreliable_everything, writers=8),
    Scenario(kill_at_every_request, writers=8),
    Scenario(balancer, replicas=2, reload=inf, writers=8),
)
