"""What webhooks are told of a real loop: only news, once, and never a secret."""

from __future__ import annotations

import io
import json
import logging
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main
from engine.fakes.server import Fault
from engine.notify.notifier import Notifier
from engine.notify.sender import Patience, Sender
from engine.reconcile import Options, Ports
from engine.report.plan_log import PlanLog
from engine.run.ended import watch_all
from engine.run.loop import ConfigSource, Schedule, reconcile_forever
from engine.text import Redactor
from engine.transport.client_pool import Http
from engine.validate import validate
from tests.fleet import MASTER_KEY, Fleet, running_fleet
from tests.hook import Hook, running_hook
from tests.quick import QUICK

Step = Callable[[], object]
BOX_KEY = "sk-of-the-box-hunter2"


def wait() -> None:
    """Let a cycle pass in which nothing changes."""


class Told:
    """A fleet whose configuration has a webhook, and what a loop tells it."""

    def __init__(self, fleet: Fleet, hook: Hook) -> None:
        self.fleet, self.hook = fleet, hook
        (fleet.folder / "hook").write_text(f"{hook.url}\n")
        (fleet.folder / "box").write_text(BOX_KEY)
        self.configure()

    def configure(self, how: str = "", options: str = "", top: str = "") -> None:
        text = f"notifications: [{{webhook: {{secret: hook}}{how}}}]\n{top}"
        self.fleet.configure(options, text)

    def run(self, *steps: Step, dry_run: bool = False) -> list[list[dict[str, Any]]]:
        """Run one cycle more than there are steps, one after each; return the news of each."""
        left = list(steps)
        schedule = Schedule(60.0)
        ports = Ports(PlanLog(io.StringIO()), http=Http(QUICK))
        redactor = Redactor(shortest=4)
        source = ConfigSource(self.fleet.folder / "config.yaml", self.fleet.folder, redactor.learn)
        sender = Sender(QUICK, Patience(5.0, (0.01, 0.01)))
        notifier = Notifier(lambda: source.state, sender, redactor.redact, ports.stop.is_set)
        found: list[list[dict[str, Any]]] = []
        seen = [len(self.hook.bodies)]

        def step(_: object) -> None:
            assert sender.settle(10.0) == 0
            for message in self.hook.messages[seen[0] :]:
                validate(message, "notification")
            found.append([item for text in self.hook.messages[seen[0] :] for item in text["news"]])
            seen[0] = len(self.hook.bodies)
            left.pop(0)() if left else ports.stop.set()
            schedule.wake.set()

        options = Options(dry_run=dry_run)
        reconcile_forever(source, schedule, ports, options, watch_all(notifier.watch, step))
        sender.close()
        return found


def events(cycles: list[list[dict[str, Any]]]) -> list[list[str]]:
    return [[item["event"] for item in items] for items in cycles]


@pytest.fixture
def told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Told]:
    caplog.set_level(logging.DEBUG)
    with running_fleet(tmp_path, "a", "b", version="1.110.2") as fleet, running_hook() as hook:
        fleet.box.key = BOX_KEY
        yield Told(fleet, hook)
        sent = b"".join(hook.bodies).decode()
    assert "hunter2" not in sent
    assert MASTER_KEY not in sent
    ours = [r.getMessage() for r in caplog.records if r.name.startswith("engine.notify")]
    assert "hunter2" not in "".join(ours)


def test_what_was_done_is_told_and_a_quiet_cycle_is_not(told: Told) -> None:
    box = told.fleet.box
    first, second, third = told.run(wait, lambda: box.models.remove("b"))
    assert second == []
    (made,) = first
    assert (made["topic"], made["event"], made["counts"]) == ("changes", "applied", {"create": 2})
    assert (made["text"], made["names"]) == ("2 created (a, b)", ["a", "b"])
    (gone,) = third
    assert gone["text"] == "1 deleted (b)"


def test_a_dry_run_did_nothing_to_tell(told: Told) -> None:
    assert told.run(dry_run=True) == [[]]


def test_a_backend_that_is_down_and_back_is_told_once_each(told: Told) -> None:
    box = told.fleet.box
    cycles = told.run(box.stop, wait, wait, box.start, wait)
    assert events(cycles) == [["applied"], ["backend_down"], [], [], ["backend_back"], []]
    down, back = cycles[1][0], cycles[4][0]
    assert "cannot be reached" in down["text"]
    assert "Remedy: " in down["text"]
    assert (down["backend"], down["endpoint"]) == ("box", box.url)
    assert back["text"].endswith("is back: 2 models")


def test_deletions_that_are_held_are_told_once_and_so_is_their_end(told: Told) -> None:
    box = told.fleet.box
    cycles = told.run(box.models.clear, wait, box.stop, box.start, lambda: box.models.extend("ab"))
    assert events(cycles) == [
        ["applied"],
        ["held", "backend_down"],
        [],
        ["backend_down"],
        ["backend_down"],
        ["released", "backend_back"],
    ]
    held, released = cycles[1][0], cycles[5][0]
    assert held["text"].startswith("box: held back: 2 delete (a, b): box answers with an empty")
    assert (held["counts"], held["names"]) == ({"delete": 2}, ["a", "b"])
    assert released["text"] == "box: the deletions that were held back are no longer needed"


def test_held_deletions_that_are_carried_out_are_told(told: Told) -> None:
    box = told.fleet.box
    told.configure(top="limits: {suspicion_period: 0.01}")
    cycles = told.run(box.models.clear, wait)
    assert events(cycles) == [["applied"], ["held", "backend_down"], ["applied", "released"]]
    assert cycles[2][1]["text"].endswith("are carried out now")


def test_cycles_that_fail_are_told_at_the_second_and_when_they_work_again(told: Told) -> None:
    key = told.fleet.folder / "litellm"
    cycles = told.run(
        lambda: key.write_text("sk-wrong-hunter2"),
        wait,
        wait,
        lambda: key.write_text(MASTER_KEY),
        lambda: key.write_text("sk-wrong-hunter2"),
        lambda: key.write_text(MASTER_KEY),
    )
    assert events(cycles) == [["applied"], [], ["cycles_fail"], [], ["cycles_work"], [], []]
    assert "HTTP 401" in cycles[2][0]["text"]
    assert cycles[4][0]["text"] == "cycles work again, after 3 that failed"


def test_a_configuration_that_cannot_be_used_is_told_once_and_when_it_can_again(
    told: Told,
) -> None:
    path = told.fleet.folder / "config.yaml"
    good = path.read_text()
    cycles = told.run(
        lambda: path.write_text(f"{good}polciy: sync\npolizy: x\n"),
        wait,
        lambda: path.write_text(good),
    )
    assert events(cycles) == [["applied"], ["config_invalid"], [], ["config_valid"]]
    assert "polciy: unknown" in cycles[1][0]["text"]
    assert "(and 1 more problem)" in cycles[1][0]["text"]


def test_operations_that_fail_are_told_once(told: Told) -> None:
    def refuse(method: str, path: str, body: bytes) -> Fault | None:
        del method
        if path == "/model/new" and b'"a"' in body:
            return Fault("status", status=400)
        return None

    told.fleet.proxy.fault = refuse
    cycles = told.run(wait, lambda: setattr(told.fleet.proxy, "fault", None))
    assert events(cycles) == [["applied", "operations_fail"], [], ["applied"]]
    assert cycles[0][1]["text"].startswith("1 operation failed, and is tried again: create a")


def test_only_what_is_asked_for_is_told_and_a_new_configuration_counts_at_once(
    told: Told,
) -> None:
    told.configure(", on: [backends]")
    box = told.fleet.box
    cycles = told.run(box.stop, lambda: told.configure(", on: [changes]"), box.start, wait)
    assert events(cycles)[:3] == [[], ["backend_down"], []]
    assert "backend_back" not in str(events(cycles)[3:])


def test_a_chat_gets_a_text(told: Told) -> None:
    told.configure(", format: slack")
    hook = told.hook
    source = ConfigSource(told.fleet.folder / "config.yaml", told.fleet.folder)
    schedule, sender = Schedule(60.0), Sender(QUICK)
    ports = Ports(PlanLog(None), http=Http(QUICK))
    told.fleet.box.models[:] = ["<!channel>", "@here"]

    def stop(_: object) -> None:
        ports.stop.set()
        schedule.wake.set()

    notifier = Notifier(lambda: source.state, sender, str, ports.stop.is_set)
    reconcile_forever(source, schedule, ports, watch=watch_all(notifier.watch, stop))
    sender.close()
    (message,) = hook.messages
    head, line = message["text"].split("\n")
    assert head == f"modelprovisioner on {told.fleet.proxy.url}"
    assert line == "\u2022 2 created (&lt;!channel&gt;, @\u200bhere)"


def test_a_hostile_backend_cannot_get_a_secret_told(told: Told) -> None:
    told.fleet.box.models[:] = [f"x-{BOX_KEY}", told.hook.url]
    told.run(wait)
    assert "***" in b"".join(told.hook.bodies).decode()


def test_a_webhook_that_hangs_does_not_hold_up_the_loop(
    told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    told.hook.delay = 60.0
    box = told.fleet.box
    ended: list[bool] = []
    schedule, sender = Schedule(60.0), Sender(QUICK)
    ports = Ports(PlanLog(io.StringIO()), http=Http(QUICK))
    source = ConfigSource(told.fleet.folder / "config.yaml", told.fleet.folder)
    notifier = Notifier(lambda: source.state, sender, str, ports.stop.is_set)

    def step(cycle: Any) -> None:
        ended.append(cycle.ok)
        box.models.append(f"m{len(ended)}")
        schedule.wake.set()
        if len(ended) == 5:
            ports.stop.set()

    reconcile_forever(source, schedule, ports, watch=watch_all(notifier.watch, step))
    sender.close(0.0)
    assert ended == [True] * 5
    assert told.hook.bodies == []
    told.hook.delay = 0.0


def test_a_process_that_is_told_to_stop_delivers_what_it_has_to_tell(told: Told) -> None:
    told.hook.delay = 0.5
    command = [sys.executable, "-m", "engine", "run", *told.fleet.arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        next(line for line in process.stdout if json.loads(line)["event"] == "cycle")
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0
    assert errors == ""
    (message,) = told.hook.messages
    assert message["news"][0]["text"] == "2 created (a, b)"


# The command.


def notify(told: Told) -> int:
    return main(["notify", *told.fleet.arguments], QUICK)


def test_the_command_sends_a_test(told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    assert notify(told) == 0
    port = told.hook.port
    shown = capsys.readouterr().out
    assert shown == f"notifications[0]: 127.0.0.1:{port} took a test, format json\n"
    (message,) = told.hook.messages
    validate(message, "notification")
    assert message["news"][0]["event"] == "test"


def test_the_command_says_what_is_wrong(told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    told.hook.status = 404
    assert notify(told) == 1
    shown = capsys.readouterr().err
    assert "it answers HTTP 404; check the URL in its key file" in shown
    assert "hunter2" not in shown
    told.fleet.configure()
    assert notify(told) == 64
    assert "has no `notifications`" in capsys.readouterr().err
