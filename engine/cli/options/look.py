"""The commands that look, show and check: what their options are."""

from __future__ import annotations

import argparse
from typing import Final

from .command import Command
from .words import duration, path, pause

SCHEMAS: Final = (
    "config", "plan", "planlog", "explanation", "diagnosis", "recording", "notification",
    "status", "plans", "listing", "desired", "observed",
)  # fmt: skip
"""The documents that have a schema; in another order, the files of ``schemas/``."""
SHELLS: Final = ("bash", "zsh", "fish")


def _demo_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pause",
        type=pause,
        default=0.0,
        metavar="TIME",
        help="pause after each step: seconds, or 2s (default 0)",
    )


def _alive_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--heartbeat",
        type=path,
        metavar="FILE",
        required=True,
        help="the file that 'run --heartbeat' touches",
    )
    parser.add_argument(
        "--max-age",
        type=duration,
        default=600.0,
        metavar="TIME",
        help="how old it may be: seconds, or 90s, 10m (default 10m)",
    )


def _doctor_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")


def _explain_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model",
        metavar="MODEL",
        help="a public name, the id of a model in the list of a backend, or the id of a row",
    )
    parser.add_argument("--json", action="store_true", help="print the explanation as JSON")


def _schema_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name",
        metavar="NAME",
        nargs="?",
        choices=SCHEMAS,
        help=f"one of {', '.join(SCHEMAS)}; without it, all are listed",
    )


def _completion_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "shell", metavar="SHELL", choices=SHELLS, help=f"one of {', '.join(SHELLS)}"
    )


VALIDATE: Final = Command(
    "validate",
    "check the configuration and secrets; sends no request",
    ("validate --config config.yaml --secrets secrets",),
)
DOCTOR: Final = Command(
    "doctor",
    "find what is wrong, or why a model is missing, and what to do; writes nothing",
    ("doctor --config config.yaml --secrets secrets", "doctor --json"),
    _doctor_options,
)
EXPLAIN: Final = Command(
    "explain",
    "say why a model is, or is not, in LiteLLM; writes nothing",
    ("explain qwen3-32b", "explain qwen3-32b --json"),
    _explain_options,
)
SCHEMA: Final = Command(
    "schema",
    "print the JSON Schema of a document, or list all schemas",
    ("schema", "schema config > config.schema.json"),
    _schema_options,
)
COMPLETION: Final = Command(
    "completion",
    "print a script that completes this command line in a shell",
    (
        "completion bash > ~/.local/share/bash-completion/completions/modelprovisioner",
        "completion zsh > ~/.zfunc/_modelprovisioner",
        "completion fish > ~/.config/fish/completions/modelprovisioner.fish",
    ),
    _completion_options,
)
NOTIFY: Final = Command(
    "notify",
    "send a test to each webhook of the configuration",
    ("notify",),
)
DEMO: Final = Command(
    "demo",
    "run the engine on simulated servers, then exit",
    ("demo --pause 2s",),
    _demo_options,
)
ALIVE: Final = Command(
    "alive",
    "for a liveness probe: is the heartbeat recent enough?",
    ("alive --heartbeat /tmp/heartbeat --max-age 10m",),
    _alive_options,
)
