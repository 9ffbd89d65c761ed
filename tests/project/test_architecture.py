"""Rules that import contracts cannot express: sizes, and calls that pure modules do not make.

Who may import whom is in ``pyproject.toml``, under ``tool.importlinter``.
"""

from __future__ import annotations

import ast
from collections import Counter
from functools import cache
from pathlib import Path

ENGINE = Path(__file__).parents[2] / "engine"
MODULES = sorted(path.relative_to(ENGINE).as_posix() for path in ENGINE.rglob("*.py"))
PURE = (
    "desired/",
    "plan/",
    "state/",
    "litellm/compact_rows.py",
    "litellm/fields.py",
    "litellm/known_rows.py",
    "litellm/listed.py",
    "litellm/observed.py",
    "litellm/row.py",
)
MOST_LINES = 260
MOST_FUNCTION_LINES = 45
MOST_MODULES = 13
"""Modules in one folder; `backends/kinds` has one per kind, and may have more."""


@cache
def tree(module: str) -> ast.Module:
    """Return the syntax tree of a module."""
    return ast.parse((ENGINE / module).read_text())


def test_the_core_does_not_print_open_files_or_ask_for_input() -> None:
    calls = [
        (module, node.func.id)
        for module in MODULES
        if module.startswith(PURE)
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    assert calls
    assert [call for call in calls if call[1] in {"open", "print", "input"}] == []


def test_modules_and_functions_stay_small() -> None:
    long = []
    for module in MODULES:
        lines = (ENGINE / module).read_text().count("\n")
        long += [(module, lines)] if lines > MOST_LINES else []
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.FunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                long += [(f"{module}: {node.name}", lines)] if lines > MOST_FUNCTION_LINES else []
    assert long == []


def test_no_folder_is_crowded() -> None:
    folders = Counter(Path(module).parent.as_posix() for module in MODULES)
    del folders["backends/kinds"]
    assert [folder for folder, modules in folders.items() if modules > MOST_MODULES + 1] == []


def test_every_package_has_a_docstring() -> None:
    undocumented = [
        m for m in MODULES if m.endswith("__init__.py") and not ast.get_docstring(tree(m))
    ]
    assert undocumented == []


def test_nothing_inherits_from_our_own_classes_except_errors() -> None:
    allowed = {"Exception", "AuthBase", "Protocol", "ThreadingHTTPServer", "ValueError"}
    allowed |= {"BaseHTTPRequestHandler", "Collector", "NamedTuple"}
    inherited = []
    for module in set(MODULES) - {"errors.py"}:
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.ClassDef):
                bases = {base.id for base in node.bases if isinstance(base, ast.Name)} - allowed
                inherited += [(module, node.name, base) for base in bases]
    assert inherited == []
