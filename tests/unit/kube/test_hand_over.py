"""Two replicas with an election, as processes: who writes, and when the other takes over."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.fakes.server import Fault
from tests.apiserver import LEASES, TOKEN
from tests.fleet import MASTER_KEY
from tests.kube import LEASE_SECONDS, Town, running_town
from tests.served import ask

pytestmark = pytest.mark.slow


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with running_town(tmp_path, "a", "b") as running:
        yield running


def test_a_standby_asks_nobody_and_takes_over_from_a_leader_that_is_killed(town: Town) -> None:
    first = town.start("pod-1")
    town.wait_for_leader(first)
    town.wait(lambda: town.fleet.names() == ["a", "b"], "the models")
    beat = town.fleet.folder / "beat"
    second = town.start("pod-2", "--heartbeat", str(beat), "--listen", "0")
    town.wait(lambda: "leader is pod-1_" in second.log, "the second stands by")
    town.wait(beat.exists, "its sign of life")
    ready = ask(second.port, "/readyz")
    assert (ready.status, ready.text) == (200, "ready: standing by, another one leads\n")
    assert "\nmodelprovisioner_leader 0.0" in ask(second.port, "/metrics").text
    first.end(signal.SIGKILL)
    killed, beat_then = time.monotonic(), beat.stat().st_mtime
    town.fleet.box.models.append("c")
    town.wait_for_leader(second)
    holders = [holder.partition("_")[0] for holder, _ in town.api.holders]
    assert holders == ["pod-1", "pod-2"]
    assert town.methods_since(killed, town.api.holders[-1][1]) == []
    assert beat.stat().st_mtime > beat_then
    town.wait(lambda: town.fleet.names() == ["a", "b", "c"], "its writes")
    assert town.api.lease["leaseTransitions"] == 1
    assert town.api.lease["leaseDurationSeconds"] == LEASE_SECONDS
    assert "\nmodelprovisioner_leader 1.0" in ask(second.port, "/metrics").text
    assert ask(second.port, "/readyz").text == "ready: a cycle has ended\n"
    assert second.end() == 0


def test_a_leader_that_is_told_to_stop_lets_the_other_begin_at_once(town: Town) -> None:
    first = town.start("pod-1", lease=3600)
    town.wait_for_leader(first)
    second = town.start("pod-2")
    town.wait(lambda: "leader is pod-1_" in second.log, "the second stands by")
    assert first.end() == 0
    town.wait_for_leader(second)  # although the Lease of the first would have held for an hour
    holders = [holder.partition("_")[0] for holder, _ in town.api.holders]
    assert holders == ["pod-1", "", "pod-2"]
    assert "is released" in first.log


def test_a_leader_that_is_told_to_stop_ends_its_write_before_the_other_begins(town: Town) -> None:
    town.fleet.box.models += [f"m{number}" for number in range(20)]
    first = town.start("pod-1")
    second = None

    def slow() -> None:
        if second is None:
            time.sleep(0.3)

    town.on_write = slow
    town.wait(lambda: "POST" in town.methods_since(0), "its first write")
    second_replica = town.start("pod-2")
    town.wait(lambda: "leader is pod-1_" in second_replica.log, "the second stands by")
    assert first.end() == 0
    written = len(town.fleet.names())
    assert 1 <= written < 22
    second = second_replica
    town.wait(lambda: len(town.fleet.names()) == 22, "the rest by the second")
    released = next(moment for holder, moment in town.api.holders if not holder)
    taken = town.api.holders[-1][1]
    assert town.methods_since(released, taken) == []


@pytest.mark.parametrize("writers", [1, 4])
def test_a_leader_that_was_paused_writes_nothing_more(town: Town, writers: int) -> None:
    town.fleet.box.models += [f"m{number:02}" for number in range(20)]
    text = (town.fleet.folder / "config.yaml").read_text()
    text = text.replace("litellm: {", f"litellm: {{writers: {writers}, ")
    (town.fleet.folder / "config.yaml").write_text(text)
    first = town.start("pod-1")
    paused = threading.Event()

    def stop() -> None:
        first.pause()
        paused.set()

    all_wait = threading.Barrier(writers, stop)

    def pause() -> None:
        """Stop the whole process while each of its writers waits for an answer."""
        if not paused.is_set():
            all_wait.wait(60)

    town.on_write = pause
    town.wait(paused.is_set, "the first writes")
    second = town.start("pod-2")
    town.wait_for_leader(second)
    town.wait(lambda: len(town.fleet.names()) == 22, "all models by the second")
    town.wait(lambda: second.events("cycle"), "the end of its cycle")
    woken = time.monotonic()
    first.send(signal.SIGCONT)
    town.wait(lambda: first.events("cycle"), "the end of the cycle of the first")
    assert town.writes_since(woken) == []
    outcomes = [line["outcome"] for line in first.events("result")]
    assert outcomes.count("not_attempted") == 22 - writers
    left = [line for line in first.events("result") if line["outcome"] == "not_attempted"]
    assert {line["detail"] for line in left} == {"another engine may lead now"}
    town.wait(lambda: "leader is pod-2_" in first.log, "the first stands by")
    assert first.log.count("leading no longer") == 1
    assert first.end() == 0
    assert town.leads(second)


def test_a_leader_without_the_api_server_stops_in_time_and_goes_on_when_it_is_back(
    town: Town,
) -> None:
    only = town.start("pod-1")
    town.wait_for_leader(only)
    town.wait(lambda: town.fleet.names() == ["a", "b"], "the models")
    town.api.fault = lambda *_: Fault("refuse")
    town.wait(lambda: "leading no longer" in only.log, "its end")
    town.wait(lambda: "standing by" in only.log, "its standing by")
    stopped = time.monotonic()
    town.fleet.box.models.append("c")
    time.sleep(1.5)
    assert town.methods_since(stopped + 0.5) == []
    assert only.log.count("trying again") == 1
    town.api.fault = None
    town.wait(lambda: town.fleet.names() == ["a", "b", "c"], "its writes")
    assert town.api.lease["leaseTransitions"] == 0  # nobody else has led
    assert "answers again" in only.log


def test_a_lease_that_an_operator_gives_to_another_ends_the_term_at_once(town: Town) -> None:
    only = town.start("pod-1", lease=60)
    town.wait_for_leader(only)
    path = f"{LEASES}/modelprovisioner"
    spec = {**town.api.lease, "holderIdentity": "somebody"}
    town.api.put(path, {**town.api.objects[path], "spec": spec})
    town.wait(lambda: "leader is somebody" in only.log, "its standing by")


def test_what_happens_is_recorded_about_the_deployment_without_secrets(town: Town) -> None:
    town.api.add_pod("pod-1", "mp-1", "mp")
    only = town.start("pod-1")
    town.wait(lambda: town.fleet.names() == ["a", "b"], "the models")
    town.fleet.box.models.remove("b")
    town.wait(lambda: town.fleet.names() == ["a"], "the deletion")
    town.fleet.box.stop()
    town.wait(lambda: "box" in only.log, "the outage")
    town.fleet.box.start()
    town.wait(lambda: "is back" in only.log, "the end of the outage")
    assert only.end() == 0
    told = {event["reason"]: event for event in town.api.events}
    assert set(told) == {"BecameLeader", "ModelsDeleted", "BackendDown", "BackendBack"}
    for event in told.values():
        assert event["regarding"]["kind"] == "Deployment"
        assert event["regarding"]["name"] == "mp"
        assert event["reportingInstance"].startswith("pod-1_")
    assert told["ModelsDeleted"]["note"] == "1 row deleted: b"
    shown = json.dumps(town.api.events) + only.log
    assert MASTER_KEY not in shown
    assert TOKEN not in shown


def test_each_shard_has_a_leader_of_its_own(town: Town) -> None:
    first, second = (town.start(f"pod-{n}", "--shard", f"{n}/2") for n in (1, 2))
    for replica in (first, second):
        town.wait(lambda replica=replica: replica.events("cycle"), "a cycle")  # type: ignore[misc]
    names = {path.rpartition("/")[2] for path in town.api.objects if path.startswith(LEASES)}
    assert names == {"modelprovisioner-1-of-2", "modelprovisioner-2-of-2"}


def test_a_dry_run_takes_part_in_no_election(town: Town) -> None:
    only = town.start("pod-1", "--dry-run")
    town.wait(lambda: len(only.events("cycle")) > 1, "its cycles")
    assert only.log.count("takes part in no election") == 1
    assert town.api.requests == []
    assert town.writes_since(0) == []


def test_without_the_option_kubernetes_is_neither_imported_nor_asked(town: Town) -> None:
    code = (
        "import sys; from engine.cli.main import main; main(sys.argv[1:]);"
        "print([name for name in sys.modules if 'lightkube' in name or 'httpx' in name])"
    )
    words = [*town.fleet.arguments, "run", "--once"]
    environment = {**os.environ, "KUBECONFIG": str(town.api.kubeconfig(town.fleet.folder))}
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert town.fleet.names() == ["a", "b"]
    assert town.api.requests == []
