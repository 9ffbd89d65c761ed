"""The rule of the election, with clocks of its own: any order of requests, answers and pauses."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.kube.election import Election, Found, Record, Terms, Write
from tests.quick import examples

TERMS = Terms(15)
OTHER = Record("other", 15, 4, "then", "then")


def leading(now: float = 100.0) -> Election:
    """Return one who has just acquired a new Lease."""
    election = Election("me", TERMS)
    election.saw(None, now)
    write = election.next_write(now, "t0")
    assert write is not None
    election.wrote(Found(write.record, 1), now, now)
    return election


def test_the_times_are_those_of_client_go() -> None:
    assert (TERMS.lease, TERMS.renew, TERMS.retry) == (15, 10, 2)


def test_a_lease_that_is_not_there_is_made() -> None:
    election = Election("me", TERMS)
    assert election.must_look(0)
    election.saw(None, 0)
    assert election.next_write(0, "t0") == Write(Record("me", 15, 0, "t0", "t0"), None)
    assert election.term(0) == 0, "it does not lead before the API server has said so"


def test_a_free_lease_is_taken_at_once() -> None:
    election = Election("me", TERMS)
    free = Found(Record("", 1, 4, "then", "then"), "source")
    election.saw(free, 50)
    assert election.next_write(50, "t0") == Write(Record("me", 15, 5, "t0", "t0"), free)


def test_a_held_lease_is_taken_once_it_was_seen_unchanged_for_as_long_as_it_says() -> None:
    election = Election("me", TERMS)
    election.saw(Found(Record("other", 40, 4, "then", "then")), 50)
    election.saw(Found(Record("other", 40, 4, "then", "then"), "a label was added"), 80)
    assert election.next_write(89.9, "t0") is None
    write = election.next_write(90, "t0")
    assert write is not None
    assert write.record == Record("me", 15, 5, "t0", "t0")


def test_each_renewal_of_another_begins_the_wait_anew_whatever_time_it_tells() -> None:
    election = Election("me", TERMS)
    for moment, told in ((50, "2026"), (60, "1970"), (70, "9999"), (80, "2026")):
        election.saw(Found(Record("other", 15, 4, "then", told)), moment)
        assert election.next_write(moment + 14.9, "t0") is None


def test_a_lease_that_does_not_say_how_long_it_holds_is_waited_for_as_ours() -> None:
    election = Election("me", TERMS)
    election.saw(Found(Record("other")), 50)
    assert election.next_write(64.9, "t0") is None
    assert election.next_write(65, "t0") is not None


def test_a_leader_renews_without_a_look_and_keeps_when_it_began() -> None:
    election = leading(100)
    assert not election.must_look(102)
    write = election.next_write(102, "t1")
    assert write is not None
    assert write.record == Record("me", 15, 0, "t0", "t1")
    assert write.over == Found(Record("me", 15, 0, "t0", "t0"), 1)


def test_a_term_lasts_from_before_the_request_and_ends_before_others_may_begin() -> None:
    election = leading(100)
    election.wrote(Found(Record("me", 15, 0, "t0", "t1")), 102, 107)
    assert election.term(111.9) == 1
    assert election.term(112) == 0
    assert election.must_look(112)


def test_an_answer_that_comes_too_late_gives_no_term() -> None:
    election = leading(100)
    election.wrote(Found(Record("me", 15, 0, "t0", "t1")), 102, 200)
    assert election.term(200) == 0


def test_who_leads_again_after_a_break_has_another_term() -> None:
    election = leading(100)
    election.saw(Found(Record("me", 15, 0, "t0", "t0")), 111)
    write = election.next_write(111, "t1")
    assert write is not None
    assert (write.record.transitions, write.record.acquired) == (0, "t0")
    election.wrote(Found(write.record), 111, 111)
    assert election.term(111) == 2


def test_a_refused_or_unclear_renewal_is_looked_into_and_the_term_goes_on() -> None:
    election = leading(100)
    election.failed()
    assert election.must_look(102)
    assert election.term(102) == 1


def test_a_leader_that_sees_another_or_no_lease_leads_no_longer() -> None:
    for found in (Found(OTHER), Found(Record("")), None):
        election = leading(100)
        election.saw(found, 101)
        assert election.term(101) == 0


def test_what_is_released_is_free_at_once_and_only_once() -> None:
    election = leading(100)
    write = election.release("t1")
    assert write is not None
    assert write.record == Record("", 1, 0, "t1", "t1")
    assert write.over == Found(Record("me", 15, 0, "t0", "t0"), 1)
    assert election.term(100) == 0
    standby = Election("me", TERMS)
    standby.saw(Found(OTHER), 100)
    assert standby.release("t1") is None


@dataclass
class Candidate:
    """One candidate with a clock of its own, and the request that it waits for."""

    election: Election
    offset: float
    rate: float
    writes: int = 0
    sent: float = 0.0
    write: Write | None = None
    asks: bool = False
    answer: Found | str | None = None
    """What the API server said: a Lease, "" for a refusal or for none."""

    def clock(self, now: float) -> float:
        return self.offset + self.rate * now

    def leads(self, now: float) -> int:
        return self.election.term(self.clock(now))


@dataclass
class World:
    """Candidates, the Lease, and true time. A step of a candidate may come as late as it likes."""

    candidates: list[Candidate]
    now: float = 0.0
    lease: Record | None = None
    version: int = 0
    led: list[tuple[int, int]] = field(default_factory=list)
    """Who led, and in which of its terms, one after the other."""

    def step(self, number: int, what: str) -> None:
        """Let one go on by a step, or until it asks nothing more, or lose what is under way."""
        self._step(number, what)
        while what == "all" and self.candidates[number].asks:
            self._step(number, what)

    def _step(self, number: int, what: str) -> None:
        one = self.candidates[number]
        if not one.asks:
            self._ask(one)
        elif one.answer is None:
            if what == "lost":  # the request does not arrive
                self._fail(one)
            else:
                self._arrive(one)
        elif what == "lost":  # the answer does not arrive
            self._fail(one)
        else:
            self._learn(one)
        self.check()

    def _ask(self, one: Candidate) -> None:
        clock = one.clock(self.now)
        one.asks, one.answer, one.write, one.sent = True, None, None, clock
        if not one.election.must_look(clock):
            one.write = one.election.next_write(clock, self._wall(one))

    def _wall(self, one: Candidate) -> str:
        one.writes += 1
        return f"{one.election.me} {one.writes}"

    def _arrive(self, one: Candidate) -> None:
        if one.write is None:
            one.answer = Found(self.lease, self.version) if self.lease else ""
            return
        fits = one.write.over.source == self.version if one.write.over else self.lease is None
        if fits:
            self.lease, self.version = one.write.record, self.version + 1
        one.answer = Found(one.write.record, self.version) if fits else ""

    def _fail(self, one: Candidate) -> None:
        one.election.failed()
        one.asks = False

    def _learn(self, one: Candidate) -> None:
        clock = one.clock(self.now)
        answer = one.answer if isinstance(one.answer, Found) else None
        one.asks = False
        if one.write is not None:
            if answer:
                one.election.wrote(answer, one.sent, clock)
            else:
                one.election.failed()
            return
        one.election.saw(answer, clock)
        write = one.election.next_write(clock, self._wall(one))
        if write is not None:
            one.asks, one.answer, one.write, one.sent = True, None, write, clock

    def check(self) -> None:
        """At most one leads, and who led before another has a new term when it leads again."""
        leaders = [(n, one.leads(self.now)) for n, one in enumerate(self.candidates)]
        leaders = [(number, term) for number, term in leaders if term]
        assert len(leaders) <= 1, f"{leaders} lead at {self.now}"
        for leader in leaders:
            if not self.led or self.led[-1] != leader:
                assert leader not in self.led, "a term goes on although another led meanwhile"
                self.led.append(leader)


STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.0, 0.0, 1.0, 2.0, 4.0, 9.0, 12.0, 16.0]),
        st.integers(0, 2),
        st.sampled_from(["all", "all", "one", "one", "lost"]),
    ),
    min_size=10,
    max_size=60,
)
CLOCKS = st.tuples(st.floats(-1e6, 1e6), st.floats(1.0, 1.45))


@settings(max_examples=examples(600))
@given(STEPS, st.tuples(CLOCKS, CLOCKS, CLOCKS))
def test_at_most_one_leads_in_any_order_of_events(
    steps: list[tuple[float, int, str]], clocks: tuple[tuple[float, float], ...]
) -> None:
    """Clocks may differ as they like, and one may run up to 1.45 times as fast as another.

    Beyond the ratio of lease and renewal, 1.5, two could lead: as with client-go.
    """
    candidates = [
        Candidate(Election(f"pod-{number}", TERMS), offset, rate)
        for number, (offset, rate) in enumerate(clocks)
    ]
    world = World(candidates)
    for pause, number, what in steps:
        world.now += pause
        world.check()
        world.step(number, what)
    for _ in range(40):  # calm again: somebody leads
        world.now += TERMS.retry
        for number in range(3):
            world.step(number, "all")
    assert any(one.leads(world.now) for one in candidates)


def test_the_world_above_would_see_two_leaders() -> None:
    """A clock that runs twice as fast as the leader's takes the Lease over too early."""
    slow, fast = Candidate(Election("slow", TERMS), 0, 1), Candidate(Election("fast", TERMS), 0, 2)
    world = World([slow, fast])
    world.step(0, "all")
    world.step(1, "all")
    world.now = 8.0
    with pytest.raises(AssertionError, match="lead at 8"):
        world.step(1, "all")
