"""The kinds of backends, each with its adapter: the module of its name in this package.

``auto`` chooses among these; ``static`` asks no server.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Final

from ..settings import AUTO, STATIC
from ..settings import KINDS as NAMES

KINDS: Final[dict[str, ModuleType]] = {
    name: import_module(f".{name}", __package__) for name in NAMES if name not in (AUTO, STATIC)
}
