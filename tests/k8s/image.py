"""Carries out every step of the Dockerfile, without Docker: ``python -m tests.k8s.image [PYTHON]``.

Each stage is a folder, in place of the file system that it would be, and its Python is a new
virtual environment of this Python or the one given. Then the entry point runs in front of a
simulated LiteLLM, as the user of the image if we may, and the health check is asked for its answer.
An instruction that this cannot carry out is an error, so that no step goes unproved.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from ..documents import ROOT
from ..fleet import running_fleet
from .dockerfile import Instruction, assignments, expanded, instructions

ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}
_PATH: Final = re.compile(r"(?<![\w.])/(?:app|tmp|etc)\b")
_PATIENCE: Final = 60


@dataclass
class Stage:
    """What one ``FROM`` begins: its folder, its Python, and its state as the steps change it."""

    root: Path
    python: Path
    arguments: dict[str, str]
    environment: dict[str, str] = field(default_factory=dict)
    workdir: Path = Path("/")
    user: str = "0:0"
    labels: dict[str, str] = field(default_factory=dict)
    words: dict[str, list[str]] = field(default_factory=dict)

    def inside(self, text: str) -> str:
        """Return a text whose absolute paths are in the folder of this stage."""
        return _PATH.sub(lambda match: f"{self.root}{match[0]}", text)

    def place(self, path: str) -> Path:
        """Return where a path of the image, absolute or below its work folder, is."""
        return self.root / str(self.workdir / path).lstrip("/")

    def variables(self) -> dict[str, str]:
        """Return the environment of a process of this stage, and no other variable of ours."""
        ours = {name: self.inside(value) for name, value in self.environment.items()}
        path = f"{self.python.parent}:/usr/local/bin:/usr/bin:/bin"
        # Whatever tells pip where packages are is that of the machine.
        pips = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        return {**pips, "PATH": path, "HOME": str(self.root), **ours}


class Build:
    """The stages of a Dockerfile, carried out one after the other below a folder."""

    def __init__(self, folder: Path, python: str) -> None:
        self._folder = folder
        self._python = python
        self._globals: dict[str, str] = {}
        self._named: dict[str, Stage] = {}
        self.stage: Stage | None = None
        self.done = 0

    def carry_out(self, text: str) -> Stage:
        """Carry out every instruction; return the last stage, which is the image."""
        steps: dict[str, Callable[[Stage, Instruction], None]] = {
            "WORKDIR": self._workdir,
            "COPY": self._copy,
            "RUN": self._run,
            "ENV": lambda stage, one: stage.environment.update(assignments(one.rest)),
            "LABEL": self._label,
            "USER": lambda stage, one: setattr(stage, "user", one.rest),
            "HEALTHCHECK": self._healthcheck,
            "ENTRYPOINT": lambda stage, one: stage.words.update(entrypoint=one.words()),
            "CMD": lambda stage, one: stage.words.update(command=one.words()),
        }
        for one in instructions(text):
            if one.word == "ARG":
                self._argument(one)
            elif one.word == "FROM":
                self._from(one)
            elif self.stage is None or one.word not in steps:
                raise SystemExit(f"Dockerfile: {one.word} cannot be carried out here")
            else:
                steps[one.word](self.stage, one)
            self.done += 1
        assert self.stage is not None, "the Dockerfile has no FROM"
        return self.stage

    def _argument(self, one: Instruction) -> None:
        name, _, default = one.rest.partition("=")
        if self.stage is None:
            self._globals[name] = default
        else:
            given = {"TARGETARCH": ARCHITECTURES[platform.machine()], **self._globals}
            self.stage.arguments[name] = given.get(name, default)

    def _from(self, one: Instruction) -> None:
        image, _, name = one.rest.partition(" AS ")
        image = expanded(image, self._globals)
        assert re.match(r"[\w.-]+\.\w+/.+:.+", image), f"{image} names no registry, or no tag"
        folder = self._folder / f"stage-{len(self._named)}"
        root, python = folder / "root", folder / "python/bin/python3"
        subprocess.run([self._python, "-m", "venv", folder / "python"], check=True)
        (root / "tmp").mkdir(parents=True)
        (root / "tmp").chmod(0o1777)
        self.stage = Stage(root, python, {})
        self._named[name or image] = self.stage

    def _workdir(self, stage: Stage, one: Instruction) -> None:
        stage.workdir = stage.workdir / one.rest
        stage.place("").mkdir(parents=True, exist_ok=True)

    def _copy(self, stage: Stage, one: Instruction) -> None:
        *sources, target = one.rest.split()
        for source in sources:
            if "from" in one.options:
                shutil.copytree(self._named[one.options["from"]].place(source), stage.place(target))
            else:
                copy_context(ROOT, source, stage.place(target))

    def _run(self, stage: Stage, one: Instruction) -> None:
        environment = {**stage.variables(), **stage.arguments}
        command = ["/bin/sh", "-c", stage.inside(one.rest)]
        subprocess.run(
            command, cwd=stage.place(""), env=environment, check=True, stdout=subprocess.DEVNULL
        )

    def _label(self, stage: Stage, one: Instruction) -> None:
        stage.labels.update(assignments(expanded(one.rest, stage.arguments)))

    def _healthcheck(self, stage: Stage, one: Instruction) -> None:
        word, _, rest = one.rest.partition(" ")
        assert word == "CMD", one.rest
        stage.words["health"] = Instruction(word, {}, rest).words()


def copy_context(context: Path, source: str, target: Path) -> None:
    """Copy a path of the build's context, without what .dockerignore leaves out."""
    lines = (context / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    kept = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    assert rules[0] == "*", ".dockerignore must leave out all that it does not name"
    left_out = [rule.removeprefix("**/") for rule in rules[1:] if not rule.startswith("!")]
    names = kept if source == "." else [source]
    for name in names:
        assert name in kept, f"{name} is not in the context of the build"
        if (context / name).is_dir():
            ignore = shutil.ignore_patterns(*left_out)
            shutil.copytree(context / name, target / name, ignore=ignore)
        elif not any(fnmatch(name, rule) for rule in left_out):
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(context / name, target / name)


def start(stage: Stage, words: list[str], more: dict[str, str]) -> subprocess.Popen[str]:
    """Start a process of the image, as its user if we may."""
    user, group = (int(number) for number in stage.user.split(":"))
    changes = os.getuid() == 0 and is_public(stage.python)
    command = [str(stage.python), *(stage.inside(word) for word in words[1:])]
    assert words[0] == "python3", words
    return subprocess.Popen(
        command,
        cwd=stage.place(""),
        env={**stage.variables(), **more},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        user=user if changes else None,
        group=group if changes else None,
        extra_groups=[] if changes else None,
    )


def prove(stage: Stage, folder: Path) -> None:
    """Run the image's entry point until its health check is content and the models are there.

    Raises AssertionError where it is not so within a minute.
    """
    entrypoint, health = stage.words["entrypoint"], stage.words["health"]
    with running_fleet(folder, "qwen3", "gemma3") as fleet:
        for path in (folder, *folder.iterdir()):
            path.chmod(0o755)
        config = {
            "MODELPROVISIONER_CONFIG": str(folder / "config.yaml"),
            "MODELPROVISIONER_SECRETS": str(folder),
        }
        before, _ = result(start(stage, health, config))
        assert before == 1, "healthy before it runs"
        process = start(stage, [*entrypoint, *stage.words["command"]], config)
        try:
            until = time.monotonic() + _PATIENCE
            while result(start(stage, health, config))[0] != 0:
                assert time.monotonic() < until, "never healthy"
                assert process.poll() is None, process.communicate()[0]
                time.sleep(0.3)
        finally:
            process.send_signal(signal.SIGTERM)
            code, out = result(process)
        assert code == 0, out
        assert fleet.names() == ["gemma3", "qwen3"], out


def is_public(program: Path) -> bool:
    """Tell whether any user may run a program: it is not in somebody's private folder."""
    return all(folder.stat().st_mode & 0o001 for folder in program.resolve().parents)


def result(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Return the exit code of a process that ends, and what it printed."""
    out, _ = process.communicate(timeout=_PATIENCE)
    return process.returncode, out


def version_of(python: Path) -> str:
    """Return what a Python calls itself: ``Python 3.13.0``."""
    done = subprocess.run([python, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def main() -> None:
    """Carry the steps out and run the image; print what was done."""
    python = sys.argv[1] if len(sys.argv) > 1 else sys.executable
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        build = Build(folder, python)
        stage = build.carry_out((ROOT / "Dockerfile").read_text(encoding="utf-8"))
        (folder / "etc").mkdir()
        prove(stage, folder / "etc")
        size = sum(path.stat().st_size for path in stage.root.rglob("*") if path.is_file())
        print(f"{build.done} steps of the Dockerfile carried out; it runs and is healthy")
        print(f"/app has {size / 1e6:.0f} MB, for {version_of(stage.python)}")


if __name__ == "__main__":
    main()
