"""A simulated LiteLLM with fake backends and a configuration on disk, for whole-engine tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from engine.fakes.backend import FakeBackend
from engine.fakes.litellm import LiteLLMSimulator

MASTER_KEY = "sk-fleet-master-key"


class Fleet:
    """A proxy, one backend called ``box``, and the folder with config.yaml and the key files."""

    def __init__(self, proxy: LiteLLMSimulator, box: FakeBackend, folder: Path) -> None:
        self.proxy = proxy
        self.box = box
        self.folder = folder
        (folder / "litellm").write_text(MASTER_KEY + "\n")
        self.configure()

    def configure(self, options: str = "", top: str = "") -> None:
        """Write the configuration: ``options`` go to the backend, ``top`` to the top level."""
        text = f"litellm: {{url: '{self.proxy.url}'}}\n{top}\n"
        text += f"backends:\n  - {{name: box, url: '{self.box.url}/v1', timeout: 2, {options}}}\n"
        (self.folder / "config.yaml").write_text(text)

    @property
    def arguments(self) -> list[str]:
        """The options that point a command at this fleet."""
        return ["--config", str(self.folder / "config.yaml"), "--secrets", str(self.folder)]

    def names(self) -> list[str]:
        """The public names that are stored, sorted."""
        return sorted(row.model_name for row in self.proxy.database.rows.values())


@contextmanager
def running_fleet(folder: Path, *models: str, version: str = "1.106.2") -> Iterator[Fleet]:
    with ExitStack() as stack:
        proxy = stack.enter_context(LiteLLMSimulator(version, master_key=MASTER_KEY))
        box = stack.enter_context(FakeBackend("openai", models))
        yield Fleet(proxy, box, folder)
