"""The completion scripts, in real shells; a shell that is not there is skipped."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.cli.catalogue import COMMANDS
from engine.cli.main import main
from engine.cli.options.look import SCHEMAS

_BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
_modelprovisioner
printf '%s\\n' "${COMPREPLY[@]}"
"""
_ZSH = r"""
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1='go> '; stty rows 200 columns 500 -echo"
zpty -w shell "autoload -Uz compinit; compinit -u -d $3/dump"
zpty -w shell "zstyle ':completion:*' list-colors ''; LISTMAX=9999; bindkey '^I' complete-word"
zpty -w shell "source $1; echo re''ady"
zpty -r -m shell ready '*ready*go> *'  # the prompt: from now on it reads key by key
zpty -w shell "$2"$'\C-d\C-u'"echo the''end"
zpty -r -m shell offered '*theend*'
print -r -- "$offered"
zpty -d shell
"""
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
Complete = Callable[[str, str], set[str]]


@pytest.fixture
def complete(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Complete:
    """Return what a shell offers for the last word of a command line."""

    def words(shell: str, line: str) -> set[str]:
        if shutil.which(shell) is None:
            pytest.skip(f"there is no {shell}")
        assert main(["completion", shell]) == 0
        script = tmp_path / "script"
        script.write_text(capsys.readouterr().out)
        before = ["modelprovisioner", *line.split(" ")]
        command = {
            "bash": ["bash", "-c", _BASH, "bash", str(script), *before],
            "zsh": ["zsh", "-fc", _ZSH, "zsh", str(script), " ".join(before), str(tmp_path)],
            "fish": ["fish", "-c", f"source {script}; complete -C '{' '.join(before)}'"],
        }[shell]
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            cwd=tmp_path,
            env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "TERM": "dumb"},
        )
        assert not done.stderr
        shown = _COLOUR.sub("", done.stdout)
        return set(shown.split("\n") if shell == "bash" else shown.split()) - {""}

    return words


SHELLS = ("bash", "fish", "zsh")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_commands_options_and_words(shell: str, complete: Complete) -> None:
    assert {command.name for command in COMMANDS} <= complete(shell, "")
    offered = complete(shell, "plan --")
    assert {"--json", "--out", "--backend", "--config"} <= offered
    assert "--interval" not in offered
    assert set(SCHEMAS) <= complete(shell, "schema ")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_shell_completes_values(shell: str, complete: Complete, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").touch()
    assert {"auto", "always", "never"} <= complete(shell, "plan --color ")
    assert "config.yaml" in " ".join(complete(shell, "plan --config con"))


def test_bash_knows_the_command_behind_options_and_files_with_blanks(
    complete: Complete, tmp_path: Path
) -> None:
    (tmp_path / "my config.yaml").touch()
    assert complete("bash", "--config my") == {"my config.yaml"}
    assert "--once" in complete("bash", "--config plan run --")
    assert "--once" in complete("bash", "--config = plan run --")
    assert complete("bash", "run --color = al") == {"always"}
    assert complete("bash", "run --interval ") == set()
    assert complete("bash", "pl") == {"plan"}
