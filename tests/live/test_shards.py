"""Two engines that share the backends of one configuration, each with a part of them."""

from __future__ import annotations

from engine.desired.shards import Shard

from .chat_backends import ChatBackend
from .conftest import Install, Servers, section
from .installation import Installation, Outcome
from .real_proxy import RELOAD, RealProxy, ids, names, wait_until

NAMES = ("gpu1", "gpu2", "gpu4", "gpu6")
"""Of two parts, each has some of these."""


def part(name: str, of: int = 2) -> int:
    return next(number for number in range(1, of + 1) if Shard(number, of).has(name))


def cycle(engine: Installation, shard: str) -> Outcome:
    outcome = engine.run("run", "--once", "--shard", shard)
    assert outcome.code == 0, str(outcome)
    return outcome


def test_two_shards_together_do_what_one_engine_does_and_a_third_changes_nothing(
    servers: Servers, install: Install, replicas: list[RealProxy], unique: str
) -> None:
    boxes = {
        name: servers.start("openai", [f"{name}-{unique}", f"b-{name}-{unique}"]) for name in NAMES
    }
    engines = [install(replicas[0]), install(replicas[-1])]
    for engine in engines:
        engine.configure(*(section(box, name=name) for name, box in boxes.items()))

    def registered() -> dict[str, list[str]]:
        return {name: names(replicas[0].rows_on(box.url)) for name, box in boxes.items()}

    processes = [
        engine.start("run", "--once", "--shard", f"{number}/2")
        for number, engine in enumerate(engines, 1)
    ]
    outputs = [process.communicate(timeout=180) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    everything = {name: sorted([f"{name}-{unique}", f"b-{name}-{unique}"]) for name in NAMES}
    wait_until(lambda: registered() == everything, RELOAD, "not everything is registered")
    before = {name: ids(replicas[0].rows_on(box.url)) for name, box in boxes.items()}
    for number, engine in enumerate(engines, 1):
        assert cycle(engine, f"{number}/2").writes == []
    engines[0].assert_quiet()
    for number in (1, 2, 3):
        assert cycle(engines[0], f"{number}/3").writes == []
    assert {name: ids(replicas[0].rows_on(box.url)) for name, box in boxes.items()} == before


def test_a_shard_leaves_the_rows_of_another_whatever_happens_there(
    servers: Servers, install: Install, litellm: RealProxy, unique: str
) -> None:
    boxes: dict[str, ChatBackend] = {}
    for name in NAMES:
        boxes[name] = servers.start("openai", [f"{name}-{unique}", f"b-{name}-{unique}"])
    engine = install()
    sections = [section(box, name=name) for name, box in boxes.items()]
    engine.configure(*sections, on_unreachable="remove", limits={"max_delete_fraction": 1})
    engine.converge()
    others = [name for name in NAMES if part(name) == 2]
    before = {name: ids(litellm.rows_on(boxes[name].url)) for name in others}
    boxes[others[0]].models = []
    for name in others[1:]:
        boxes[name].stop()
    outcome = cycle(engine, "1/2")
    assert outcome.writes == []
    assert not any(name in outcome.stdout for name in others)
    assert {name: ids(litellm.rows_on(boxes[name].url)) for name in others} == before
    outcome = engine.run("run", "--once", "--shard", "2/2")
    gone = {operation["name"] for operation in outcome.operations}
    assert {f"{others[0]}-{unique}", f"b-{others[0]}-{unique}"} <= gone
