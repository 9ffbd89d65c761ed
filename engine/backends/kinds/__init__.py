"""The kinds of backends that there are, each with its adapter.

``auto`` chooses among these; ``static`` is no server that could be asked.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import Final

from ...config.model import AUTO, STATIC
from ...config.model import KINDS as NAMES

KINDS: Final[dict[str, ModuleType]] = {
    name: import_module(f".{name}", __package__) for name in NAMES if name not in (AUTO, STATIC)
}
