"""``modelprovisioner demo``: the real engine with simulated servers in this process."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..config.loader import load_config
from ..fakes.backend import FakeBackend
from ..fakes.litellm import LiteLLMSimulator
from ..reconcile import Memory, Ports, Report, reconcile_once
from ..report.news import format_count
from ..report.plan_log import PlanLog
from ..report.terminal import Renderer

_CONFIG = """\
litellm:
  url: {litellm}
backends:
  - name: ollama
    type: ollama
    url: {ollama}
    model_info_defaults: {{mode: chat}}
  - name: vllm
    type: vllm
    url: {vllm}
    litellm_params_defaults: {{rpm: {rpm}}}
    aliases: {{qwen3-32b: default}}
  - name: llamacpp
    url: {llamacpp}/v1
    exclude_regex: "-draft$"
"""
_KEY = "sk-demo-master-key"


@dataclass(slots=True)
class Fleet:
    """A simulated LiteLLM, three simulated backends, and the folder with their configuration."""

    proxy: LiteLLMSimulator
    ollama: FakeBackend
    vllm: FakeBackend
    llamacpp: FakeBackend
    folder: Path
    rpm: int = 60

    def configure(self) -> None:
        """Write the configuration and the key, as an operator would."""
        (self.folder / "litellm").write_text(_KEY + "\n")
        text = _CONFIG.format(
            litellm=self.proxy.url,
            ollama=self.ollama.url,
            vllm=self.vllm.url,
            llamacpp=self.llamacpp.url,
            rpm=self.rpm,
        )
        (self.folder / "config.yaml").write_text(text)


@contextmanager
def running_fleet() -> Iterator[Fleet]:
    """Run the fleet on loopback; on exit the servers stop and the folder is deleted."""
    by_hand = {
        "model_name": "gpt-4o",
        "litellm_params": {"model": "openai/gpt-4o"},
    }
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="modelprovisioner-")))
        fleet = Fleet(
            stack.enter_context(LiteLLMSimulator(master_key=_KEY, config_models=[by_hand])),
            stack.enter_context(FakeBackend("ollama", ["llama3.2:3b", "gemma3:12b"])),
            stack.enter_context(FakeBackend("vllm", ["qwen3-32b"])),
            stack.enter_context(FakeBackend("openai", ["mistral-small", "mistral-small-draft"])),
            folder,
        )
        fleet.configure()
        yield fleet


def play(*, colour: bool, pause: float) -> int:
    """Play all acts, with ``pause`` seconds after each; return 1 if one did not end as expected."""
    renderer = Renderer(colour=colour)
    with running_fleet() as fleet:
        ports, memory = Ports(PlanLog(None)), Memory()
        for number, act in enumerate(_ACTS, 1):
            print(f"\n=== {number}. {act.title}\n", flush=True)
            act.change(fleet)
            before = len(fleet.proxy.writes)
            config = load_config(fleet.folder / "config.yaml", fleet.folder)
            report = reconcile_once(config, ports, memory)
            print(renderer.plan(report.plan, report.desired))
            total = len(report.results)
            for index, result in enumerate(report.results, 1):
                print(renderer.result(result, index, total))
            writes = len(fleet.proxy.writes) - before
            print(f"\n{act.lesson} ({format_count(writes, 'write')})", flush=True)
            if not act.holds(report, writes):
                print("\nThis step did not end as expected. This is a bug, please report it.")
                return 1
            time.sleep(pause)
        ports.http.close()
    print("\nThat was the demo. Next: write a configuration, then run 'modelprovisioner plan'.")
    return 0


@dataclass(frozen=True, slots=True)
class _Act:
    """A change to the fleet, the actions that the engine must take, and what that shows."""

    title: str
    change: Callable[[Fleet], None]
    lesson: str
    actions: dict[str, int]

    def holds(self, report: Report, writes: int) -> bool:
        """Return whether exactly the expected actions were planned and carried out."""
        actions = {name: count for name, count in report.plan.summary.items() if count}
        planned = sum(count for name, count in actions.items() if name != "skip")
        return report.converged and actions == self.actions and writes == planned


def _change_nothing(fleet: Fleet) -> None:
    del fleet


def _add_model_and_change_rate(fleet: Fleet) -> None:
    fleet.ollama.models.append("phi4:14b")
    fleet.rpm = 30
    fleet.configure()


def _stop_ollama(fleet: Fleet) -> None:
    fleet.ollama.stop()


def _restart_ollama_with_less(fleet: Fleet) -> None:
    fleet.ollama.models.remove("gemma3:12b")
    fleet.ollama.start()


def _empty_ollama(fleet: Fleet) -> None:
    fleet.ollama.models.clear()


_ACTS = (
    _Act(
        "A LiteLLM without our models, three backends",
        _change_nothing,
        "Every model that a backend lists is registered, except one that a filter excludes.",
        {"create": 5},
    ),
    _Act("Nothing has changed", _change_nothing, "A cycle without changes only reads.", {}),
    _Act(
        "Ollama has a new model, and the configuration sets another rate limit for vLLM",
        _add_model_and_change_rate,
        "The new model is created, the changed ones are updated in place.",
        {"create": 1, "update": 2},
    ),
    _Act(
        "Ollama is down",
        _stop_ollama,
        "A backend that does not answer proves nothing: its three models are kept.",
        {"skip": 3},
    ),
    _Act(
        "Ollama is back, without one of its models",
        _restart_ollama_with_less,
        "Exactly that model is deleted.",
        {"delete": 1},
    ),
    _Act(
        "Ollama answers with an empty list, as servers do while they start",
        _empty_ollama,
        "An empty list is suspicious: models are deleted only if it lasts (default: 15 minutes).",
        {"skip": 2},
    ),
)
