"""Steering a running loop."""

from __future__ import annotations

import time

from engine.fakes.server import Fault

from .conftest import Servers, section
from .installation import Installation
from .real_proxy import RealProxy, names, wait_until


def test_sigterm_ends_an_idle_loop(
    servers: Servers, installation: Installation, unique: str
) -> None:
    installation.configure(section(servers.start("openai", [f"a-{unique}"])))
    with installation.looping() as loop:
        loop.wait_for_cycles(1)
        assert loop.terminate() == 0


def test_sigterm_ends_a_loop_that_waits_for_a_backend(
    servers: Servers, installation: Installation, unique: str
) -> None:
    backend = servers.start("openai", [f"a-{unique}"])
    installation.configure(section(backend, timeout=60))
    with installation.looping() as loop:
        loop.wait_for_cycles(1)
        backend.fault = lambda *_: Fault("hang", seconds=60)
        loop.hang_up()
        time.sleep(1)
        assert loop.terminate() == 0


def test_sigterm_ends_a_loop_that_waits_for_litellm(
    servers: Servers, installation: Installation, unique: str
) -> None:
    installation.configure(section(servers.start("openai", [f"a-{unique}"])))
    with installation.looping() as loop:
        loop.wait_for_cycles(1)
        with installation.tap.holding():
            loop.hang_up()
            time.sleep(1)
            assert loop.terminate() == 0


def test_sigterm_in_mid_apply_ends_after_the_operation_in_hand(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    backend = servers.start("openai", [f"{number}-{unique}" for number in range(9)])
    installation.configure(section(backend))

    def slow(method: str, _path: str, _body: bytes) -> None:
        if method == "POST":
            time.sleep(0.5)

    installation.tap.answer = slow
    with installation.looping() as loop:
        while not installation.tap.writes:
            time.sleep(0.05)
        assert loop.terminate() == 0
    done = len(litellm.rows_on(backend.url))
    assert 1 <= done < len(backend.models)

    installation.tap.answer = None
    assert len(installation.converge().results) == len(backend.models) - done
    assert names(litellm.rows_on(backend.url)) == backend.models


def test_sighup_starts_a_cycle_at_once(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    backend = servers.start("openai", [f"a-{unique}"])
    installation.configure(section(backend))
    with installation.looping() as loop:
        loop.wait_for_cycles(1)
        backend.models.append(f"b-{unique}")
        loop.hang_up()
        loop.wait_for_cycles(2, seconds=5)
        assert names(litellm.rows_on(backend.url)) == backend.models


def test_a_burst_of_signals_does_not_stop_the_loop(
    servers: Servers, installation: Installation, unique: str
) -> None:
    installation.configure(section(servers.start("openai", [f"a-{unique}"])))
    with installation.looping() as loop:
        loop.wait_for_cycles(1)
        for _ in range(20_000):
            loop.hang_up()
        time.sleep(1)
        seen = len(loop.cycles())
        loop.hang_up()
        loop.wait_for_cycles(seen + 1, seconds=10)
        assert loop.terminate() == 0


def test_a_configuration_that_breaks_meanwhile_keeps_the_last_good_one_and_says_so(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    backend = servers.start("openai", [f"a-{unique}"])
    installation.configure(section(backend))
    with installation.looping() as loop:
        loop.wait_for_cycles(1)
        installation.config.write_text("litellm: {url: http://127.0.0.1:1}\nbackends: [{name")
        backend.models.append(f"b-{unique}")
        loop.hang_up()
        assert loop.wait_for_cycles(2)[-1]["ok"]
        loop.wait_for_stderr("keeping the last good configuration")
        loop.wait_for_stderr("config.yaml:")
        assert names(litellm.rows_on(backend.url)) == backend.models

        backend.models.append(f"c-{unique}")
        installation.configure(section(backend))
        loop.hang_up()
        assert loop.wait_for_cycles(3)[-1]["ok"]
        assert names(litellm.rows_on(backend.url)) == backend.models


def test_a_loop_outlives_an_outage_of_litellm(
    servers: Servers, installation: Installation, litellm: RealProxy, unique: str
) -> None:
    backend = servers.start("openai", [f"a-{unique}"])
    installation.configure(section(backend))
    with installation.looping(interval=1) as loop:
        loop.wait_for_cycles(1)
        installation.tap.stop()
        loop.wait_for_stderr("connection refused")
        backend.models.append(f"b-{unique}")
        installation.tap.start()
        loop.hang_up()
        wait_until(
            lambda: names(litellm.rows_on(backend.url)) == backend.models, 30, "not converged"
        )
