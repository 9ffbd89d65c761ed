"""Who may import whom, how large a module may be, and what pure means."""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

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
    "mark", "bounds", "answers", "keep", "listed",
    "quoting", "timing", "patterns", "settings", "configcheck", "configparts", "configsize",
    "declared", "yamltree", "yamlscalar",
}  # fmt: skip
IMPURE_IMPORTS = {
    "logging", "os", "pathlib", "random", "requests", "secrets", "shutil", "socket", "subprocess",
    "tempfile", "threading", "time", "datetime",
}  # fmt: skip

LAYERS = [
    {"bounds", "__init__"},
    {"errors"},
    {"deadline", "state", "pointer", "masking", "patterns", "files"},
    {
        "endpoint",
        "listing",
        "operations",
        "mark",
        "operatorlog",
        "answers",
        "allowance",
        "quoting",
        "timing",
    },
    {"row", "keep", "listed"},
    {"diff", "observed", "documents", "validate", "transport"},
    {"clients"},
    {"change", "simulate", "yamlscalar"},
    {"plan", "yamltree"},
    {"configfile", "declared", "keyfile", "configparts"},
    {"settings", "configsize"},
    {"configcheck"},
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

    visit(tree(module))
    return found


@cache
def tree(module: str) -> ast.Module:
    """Return what a module says."""
    return ast.parse((ENGINE / module).read_text())


def test_a_library_is_imported_in_its_home_alone() -> None:
    imported = [
        (module, name)
        for module in MODULES
        for level, name in imports(module, with_types=True)
        if level == 0 and name not in sys.stdlib_module_names | {"schemas"}
    ]
    assert [one for one in imported if one[0] not in HOMES.get(one[1], ())] == []


def test_imports_go_one_way() -> None:
    def layer(name: str) -> int:
        found = [number for number, names in enumerate(LAYERS) if name in names]
        assert found, f"{name} is not in the table of layers"
        return found[0]

    upwards = [
        (module, name)
        for module in MODULES
        for level, name in imports(module)
        if level == module.count("/") + 1
        and name != name_of(module)
        and not name.startswith("__")
        and layer(name) >= layer(name_of(module))
    ]
    assert upwards == []


def test_the_core_is_pure() -> None:
    impure = []
    for name in sorted(PURE):
        found = {imported for _, imported in imports(f"{name}.py")} & IMPURE_IMPORTS
        calls = {
            n.func.id
            for n in ast.walk(tree(f"{name}.py"))
            if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)
        }
        impure += [(name, what) for what in found | calls & {"open", "print", "input"}]
    assert impure == []


def test_modules_and_functions_stay_small() -> None:
    long = []
    for module in MODULES:
        lines = (ENGINE / module).read_text().count("\n")
        long += [(module, lines)] if lines > 260 else []
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.FunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                long += [(f"{module}: {node.name}", lines)] if lines > 45 else []
    assert long == []


def test_nothing_inherits_from_our_own_classes_except_errors() -> None:
    allowed = {"Exception", "AuthBase", "Protocol", "ThreadingHTTPServer", "ValueError"}
    allowed |= {"BaseHTTPRequestHandler"}
    inherited = []
    for module in set(MODULES) - {"errors.py"}:
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.ClassDef):
                bases = {base.id for base in node.bases if isinstance(base, ast.Name)} - allowed
                inherited += [(module, node.name, base) for base in bases]
    assert inherited == []
