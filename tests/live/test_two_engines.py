"""Two engines with the same configuration at the same time, each at its own replica."""

from __future__ import annotations

from .conftest import Install, Servers, section
from .installation import Installation
from .real_proxy import RELOAD, RealProxy, ids, names, wait_until


def test_two_engines_at_once_converge_without_duplicates(
    servers: Servers, install: Install, replicas: list[RealProxy], unique: str
) -> None:
    stay = [f"stay-{number}-{unique}" for number in range(5)]
    new = [f"new-{number}-{unique}" for number in range(8)]
    old = [f"old-{number}-{unique}" for number in range(3)]
    backend = servers.start("openai", stay + old)
    proxies = [replicas[0], replicas[-1]]
    engines = [install(proxy) for proxy in proxies]

    def configure(rpm: int) -> None:
        for engine in engines:
            engine.configure(section(backend, litellm_params_defaults={"rpm": rpm}))

    def shows(proxy: RealProxy, models: list[str], rpm: int) -> bool:
        rows = proxy.rows_on(backend.url)
        rates = {row["litellm_params"]["rpm"] for row in rows}
        return names(rows) == sorted(models) and rates == {rpm} and len(set(ids(rows))) == len(rows)

    configure(10)
    engines[0].converge()
    for proxy in replicas:
        wait_until(lambda p=proxy: shows(p, stay + old, 10), RELOAD, "a replica lags behind")

    backend.models = stay + new
    configure(20)
    assert _apply_at_once(engines) == [0, 0]
    for proxy in replicas:
        wait_until(lambda p=proxy: shows(p, stay + new, 20), RELOAD, "not converged")
    for engine in engines:
        engine.assert_quiet()


def _apply_at_once(engines: list[Installation]) -> list[int]:
    """Run all; return their exit codes, and show the output of those that failed."""
    processes = [engine.start("apply") for engine in engines]
    outputs = [process.communicate(timeout=180) for process in processes]
    for process, (stdout, stderr) in zip(processes, outputs, strict=True):
        if process.returncode:
            print(stdout, stderr, sep="\n")
    return [process.returncode for process in processes]
