"""What of cycles becomes Events: whole cycles of the engine with the simulated LiteLLM."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.kube.happening import Happening
from engine.kube.happenings import CycleNews
from engine.reconcile import Ports
from engine.report.plan_log import PlanLog
from engine.run.ended import Ended
from engine.run.loop import ConfigSource, Schedule, reconcile_forever
from engine.transport.client_pool import Http
from tests.fleet import Fleet, running_fleet
from tests.quick import QUICK


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with running_fleet(tmp_path, *(f"m{number:02}" for number in range(12))) as running:
        yield running


class Days:
    """Runs one cycle after the other, and remembers what was told."""

    def __init__(self, fleet: Fleet) -> None:
        self._source = ConfigSource(fleet.folder / "config.yaml", fleet.folder)
        self._news = CycleNews()

    def cycle(self) -> list[Happening]:
        told: list[Happening] = []
        ports = Ports(PlanLog(None), http=Http(QUICK))

        def watch(ended: Ended) -> None:
            told.extend(self._news.of(ended))
            ports.stop.set()
            schedule.wake.set()

        schedule = Schedule(60.0)
        reconcile_forever(self._source, schedule, ports, watch=watch)
        return told


def test_what_is_deleted_and_held_is_told_once(fleet: Fleet) -> None:
    days = Days(fleet)
    assert days.cycle() == []
    fleet.box.models.remove("m03")
    (deleted,) = days.cycle()
    assert deleted == Happening("ModelsDeleted", "Delete", "1 row deleted: m03")
    del fleet.box.models[2:]
    (held,) = days.cycle()
    assert (held.reason, held.action, held.warning) == ("DeletionsHeld", "Hold", True)
    assert held.note.startswith("9 deletions held back: m02, m04, m05, ")
    assert days.cycle() == []
    fleet.box.models.remove("m01")
    (more,) = days.cycle()
    assert more.note.startswith("1 deletion held back: m01 (")


def test_of_many_the_first_are_named(fleet: Fleet) -> None:
    fleet.configure(top="limits: {max_delete_fraction: 1}")
    days = Days(fleet)
    days.cycle()
    del fleet.box.models[1:]
    (deleted,) = days.cycle()
    assert deleted.note.startswith("11 rows deleted: m01, m02, ")
    assert deleted.note.endswith("m10 and 1 more")


def test_a_row_of_others_that_is_adopted_is_told(fleet: Fleet) -> None:
    Days(fleet).cycle()
    for row in fleet.proxy.database.rows.values():
        if row.model_name == "m05":
            row.model_info.pop("modelprovisioner")
    fleet.proxy.reload()
    (adopted,) = Days(fleet).cycle()
    assert adopted == Happening("ModelsAdopted", "Adopt", "1 row adopted: m05")


def test_a_backend_that_dies_and_comes_back_is_told_each_time(fleet: Fleet) -> None:
    days = Days(fleet)
    days.cycle()
    fleet.box.stop()
    (down,) = days.cycle()
    assert (down.reason, down.warning) == ("BackendDown", True)
    assert down.note.startswith(f"backend box ({fleet.box.url}) cannot be reached: ")
    assert "Remedy: check that it runs" in down.note
    assert days.cycle() == []
    fleet.box.start()
    (back,) = days.cycle()
    assert back.note == f"backend box ({fleet.box.url}) is back: 12 models"
    assert not back.warning


def test_a_cycle_without_a_report_tells_nothing(fleet: Fleet) -> None:
    (fleet.folder / "litellm").write_text("sk-of-nobody")
    assert Days(fleet).cycle() == []
