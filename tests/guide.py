"""Runs the commands of a page and writes their output into it: ``python -m tests.guide``.

A page is a story. ``<!-- run: plan -->`` runs ``modelprovisioner plan`` and fills the block below
with what it prints, without lines of the log, and its exit code. ``<!-- step: NAME -->`` is what
somebody else does meanwhile, one of :data:`STEPS`. LiteLLM and the backends are simulated, from
``fixtures/guide``.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from engine.cli.main import main as run_engine

from .quick import QUICK
from .replay import LITELLM, MASTER_KEY, Replay, proxied, unproxied

ROOT: Final = Path(__file__).parent.parent
FOLDER: Final = ROOT / "fixtures/guide"
PAGES: Final = (ROOT / "engine/cli/README.md",)
_MARK: Final = re.compile(
    r"<!-- (?P<what>run|step): (?P<line>[^\n]+?) -->\n"
    r"(?:\n(?P<fence>`{3,})text\n.*?\n(?P=fence)\n)?",
    re.DOTALL,
)
_LOG_LINE: Final = re.compile(r"^\d{4}-\d\d-\d\d .*\n", re.MULTILINE)
_SECONDS: Final = re.compile(r"\b\d+\.\d s\b")


class Place:
    """Where a page plays: the servers, and the folder with the configuration."""

    def __init__(self, replay: Replay, folder: Path) -> None:
        self.replay = replay
        self.folder = folder

    def edit(self, name: str, **params: object) -> None:
        """Change a row in LiteLLM by hand."""
        row = next(row for row in self.replay.rows() if row["model_name"] == name)
        path = f"/model/{row['model_info']['id']}/update"
        self.replay.call("PATCH", path, {"litellm_params": params})

    def configure(self, old: str, new: str) -> None:
        """Change the configuration."""
        path = self.folder / "config.yaml"
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


def _new_limit(place: Place) -> None:
    place.configure("{rpm: 60}", "{rpm: 30}")


def _edit_by_hand(place: Place) -> None:
    place.edit("qwen3-32b", rpm=5)


def _model_goes(place: Place) -> None:
    pages = place.replay.backends["gpu2_11434"]["/api/tags"]
    pages["models"] = [model for model in pages["models"] if model["name"] != "llama3.2:3b"]


def _server_goes(place: Place) -> None:
    del place.replay.backends["gpu3_8080"]


def _other_configuration(place: Place) -> None:
    text = (place.folder / "config.yaml").read_text()
    other = text.replace("exclude_regex: embed", "exclude_regex: embed|gemma")
    (place.folder / "other.yaml").write_text(other)


STEPS: Final[dict[str, Callable[[Place], None]]] = {
    "the limit of vllm becomes 30 in config.yaml": _new_limit,
    "somebody sets the limit to 5 in LiteLLM": _edit_by_hand,
    "llama3.2:3b is removed from the Ollama server": _model_goes,
    "the llama.cpp server is switched off": _server_goes,
    "a copy of the configuration leaves out gemma": _other_configuration,
}
"""What others do between the commands, by the words of the page."""


def filled_page(text: str) -> str:
    """Return a page with the output of its commands, run one after the other.

    Raises:
        ValueError: a step is not known.
    """
    with _place() as place:

        def fill(found: re.Match[str]) -> str:
            line = found["line"]
            head = f"<!-- {found['what']}: {line} -->\n"
            if found["what"] == "step":
                if line not in STEPS:
                    raise ValueError(f"unknown step {line!r}; there are: {', '.join(STEPS)}")
                STEPS[line](place)
                return head
            shown = _run(line)
            fence = "````" if "```" in shown else "```"
            return f"{head}\n{fence}text\n{shown}\n{fence}\n"

        return _MARK.sub(fill, text)


def _run(line: str) -> str:
    """Return a command, what it prints on stdout and stderr, and its exit code unless it is 0."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            code = run_engine(shlex.split(line), QUICK)
        except SystemExit as end:
            code = int(end.code or 0)
    text = _LOG_LINE.sub("", unproxied(out.getvalue()))
    shown = _SECONDS.sub("0.1 s", text).rstrip("\n")
    status = f"\n$ echo $?\n{code}" if code else ""
    return f"$ modelprovisioner {line}\n{shown}{status}"


@contextmanager
def _place() -> Iterator[Place]:
    replay = Replay(json.loads((FOLDER / "about.json").read_text()))
    replay.read_backends(FOLDER)
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(FOLDER / "config.yaml", folder)
        keys = {"litellm": MASTER_KEY, **json.loads((FOLDER / "secrets.json").read_text())}
        (folder / "secrets").mkdir(mode=0o700)
        for backend, key in keys.items():
            (folder / "secrets" / backend).write_text(key)
            (folder / "secrets" / backend).chmod(0o600)
        patch.chdir(folder)
        for variable in set(os.environ) & {"DEBUG", "SLEEP_INTERVAL", "NO_COLOR"}:
            patch.delenv(variable)
        patch.setenv("MODELPROVISIONER_CONFIG", "config.yaml")
        patch.setenv("MODELPROVISIONER_SECRETS", "secrets")
        patch.setenv("COLUMNS", "100")
        patch.setenv("LINES", "60")
        with proxied(replay, patch):
            yield Place(replay, folder)


def main() -> None:
    """Write the pages."""
    for page in PAGES:
        page.write_text(filled_page(page.read_text()))


if __name__ == "__main__":
    main()

__all__ = ["LITELLM", "PAGES", "STEPS", "filled_page"]
