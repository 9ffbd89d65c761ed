"""Who may import whom, how large a module may be, and what pure means."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ENGINE = Path(__file__).parent.parent / "engine"
MODULES = sorted(path.relative_to(ENGINE).as_posix() for path in ENGINE.rglob("*.py"))

HOMES = {
    "yaml": {"configfile.py", "yamltree.py", "yamlscalar.py"},
    "jsonschema": {"validate.py"},
    "requests": {"deadline.py", "transport.py"},
    "urllib3": {"deadline.py", "transport.py"},
    "deepdiff": {"diff.py"},
    "jsonpatch": {"diff.py"},
    "re2": {"patterns.py"},
}
"""Each third-party library has one home."""

PURE = {
    "state", "endpoint", "listing", "pointer", "masking", "desired", "observed", "operations",
    "diff", "change", "row", "plan", "simulate", "safety", "documents", "errors", "naming", "clash",
    "mark", "bounds", "answers", "keep",
    "quoting", "timing",
}  # fmt: skip
IMPURE_IMPORTS = {
    "logging", "os", "pathlib", "random", "requests", "secrets", "shutil", "socket", "subprocess",
    "tempfile", "threading", "time", "datetime",
}  # fmt: skip

LAYERS = [
    {"bounds", "__init__"},
    {"errors"},
    {"deadline", "state", "endpoint", "pointer", "masking", "patterns", "files"},
    {"listing", "operations", "mark", "operatorlog", "answers", "allowance", "quoting", "timing"},
    {"row", "keep"},
    {"diff", "observed", "simulate", "documents", "validate", "transport"},
    {"clients"},
    {"change", "yamlscalar"},
    {"plan", "yamltree"},
    {"configfile", "declared", "keyfile", "configparts"},
    {"configcheck", "settings"},
    {"config"},
    {"naming", "clash"},
    {"desired", "safety", "proxy", "backends"},
    {"apply", "probe"},
    {"planlog", "render"},
    {"progress", "attend"},
    {"reconcile"},
    {"signals", "demo"},
    {"commands"},
    {"cli"},
    {"__main__"},
]
"""A module imports only from layers above its own in this list (types of the configuration, which
are no code, excepted)."""


def name_of(module: str) -> str:
    """Return the layer name of a module: packages count as one."""
    return module.split("/", maxsplit=1)[0].removesuffix(".py")


def imports(module: str, *, with_types: bool = False) -> set[tuple[int, str]]:
    """Return (level, name) of everything a module imports when it is run."""
    found: set[tuple[int, str]] = set()

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            for_types = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)
            if for_types and not with_types:
                continue
            if isinstance(child, ast.Import):
                found.update((0, alias.name.split(".")[0]) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                if child.module:
                    found.add((child.level, child.module.split(".")[0]))
                else:
                    found.update((child.level, alias.name) for alias in child.names)
            visit(child)

    visit(ast.parse((ENGINE / module).read_text()))
    return found


@pytest.mark.parametrize("module", MODULES)
def test_a_library_is_imported_in_its_home_alone(module: str) -> None:
    for level, name in imports(module, with_types=True):
        if level == 0 and name not in sys.stdlib_module_names:
            assert module in HOMES.get(name, set()) or name == "schemas"


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_one_way(module: str) -> None:
    def layer(name: str) -> int:
        found = [number for number, names in enumerate(LAYERS) if name in names]
        assert found, f"{name} is not in the table of layers"
        return found[0]

    own = name_of(module)
    depth = module.count("/") + 1
    for level, name in imports(module):
        if level == depth and name != own and not name.startswith("__"):
            assert layer(name) < layer(own), f"{module} imports {name}"


@pytest.mark.parametrize("name", sorted(PURE))
def test_the_core_is_pure(name: str) -> None:
    tree = ast.parse((ENGINE / f"{name}.py").read_text())
    assert not {found for _, found in imports(f"{name}.py")} & IMPURE_IMPORTS
    calls = {
        n.func.id
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
    }
    assert not calls & {"open", "print", "input"}


@pytest.mark.parametrize("module", MODULES)
def test_modules_and_functions_stay_small(module: str) -> None:
    text = (ENGINE / module).read_text()
    assert text.count("\n") <= 260, f"{module} is too long"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= 45, f"{module}: {node.name} has {length} lines"


@pytest.mark.parametrize("module", MODULES)
def test_nothing_inherits_from_our_own_classes_except_errors(module: str) -> None:
    tree = ast.parse((ENGINE / module).read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and module != "errors.py":
            bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
            allowed = {"Exception", "AuthBase", "Protocol", "ThreadingHTTPServer", "ValueError"}
            assert bases <= allowed | {"BaseHTTPRequestHandler"}, f"{module}: {node.name} {bases}"
