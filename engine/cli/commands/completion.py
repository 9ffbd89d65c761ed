"""``completion``: print a script that completes the command line in a shell."""

from __future__ import annotations

import argparse
import sys
from typing import Final

from ...text import Redactor
from ..exit_codes import OK
from ..parser import make_parser
from ..shells.bash import bash_script
from ..shells.fish import fish_script
from ..shells.grammar import grammar_of
from ..shells.zsh import zsh_script

_SCRIPTS: Final = {"bash": bash_script, "zsh": zsh_script, "fish": fish_script}


def run(arguments: argparse.Namespace, redactor: Redactor) -> int:
    """Print the script of one shell."""
    del redactor
    sys.stdout.write(_SCRIPTS[arguments.shell](grammar_of(make_parser())))
    return OK
