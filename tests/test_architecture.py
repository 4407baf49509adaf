"""The rules of the package's structure (docs/decisions.md)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import longshore

PACKAGE = Path(longshore.__file__).parent
FILES = {str(path.relative_to(PACKAGE)): path for path in sorted(PACKAGE.rglob("*.py"))}
VERBS = {"version", "image", "plan", "migrate", "rollout", "verify", "status", "remote_build"}
LAYERS = [
    {"tasks", "program"},
    {"resume", "promote", "remote_release"},
    {"sandboxes", "preview", "drift", "doctor", "importing", "release", "rollback", "apply", "scale", "restart"}
    | {"bootstrap", "prune", "report", "locking"},
    {"undo", "ways"},
    {"moves", "applying", "schedules", "minimums"},
    {"baseline"},
    {"preflight"},
    {"builds", "targeted", "steady"},
    {"run"},
    {"images"},
    {"needed", "builders"},
    {"environment", "order", "reservation"},
    VERBS | {"actor", "agreement", "diagnosis"},
    {
        "ledger",
        "aws",
        "terraform",
        "driver",
        "cloud",
        "access",
        "docker",
        "engine",
        "source",
        "health",
        "variable_files",
    },
    {"contract", "target", "config", "result", "console", "live", "difference", "masking", "hcl"}
    | {"clock", "signals", "usage", "errors", "process", "streams"},
]


def imported(path: Path) -> set[str]:
    """What a file imports at run time; imports for types alone, under TYPE_CHECKING, don't count."""
    tree = ast.parse(path.read_text())
    for_types = [n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    apart = {id(inner) for block in for_types for inner in ast.walk(block)}
    names: set[str] = set()
    for node in (node for node in ast.walk(tree) if id(node) not in apart):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def ours(path: Path) -> set[str]:
    """The modules of ours that a file imports at run time, by their first name below the package."""
    known = {name.removesuffix(".py").split("/")[0] for name in FILES}
    parts = {name.split(".")[1] for name in imported(path) if name.startswith("longshore.")}
    return parts & known


def layer(module: str) -> int:
    return next(number for number, modules in enumerate(LAYERS) if module in modules)


@pytest.mark.parametrize(
    ("library", "folder"),
    [
        ("boto3", "aws/"),
        ("botocore", "aws/"),
        ("python_terraform", "terraform.py"),
        ("hcl2", "hcl.py"),
        ("lark", "hcl.py"),
        ("urllib3", "cloud/"),
    ],
)
def test_one_place_imports_it(library: str, folder: str) -> None:
    users = [name for name, path in FILES.items() if any(i.split(".")[0] == library for i in imported(path))]
    assert [name for name in users if not name.startswith((folder, "sandbox/"))] == []


@pytest.mark.parametrize("name", [n for n in FILES if not n.startswith(("sandbox/", "__init__"))])
def test_imports_point_downwards(name: str) -> None:
    module = name.removesuffix(".py").split("/")[0]
    upwards = {other for other in ours(FILES[name]) - {"sandbox", module} if layer(other) < layer(module)}
    assert upwards == set()


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_verbs_do_not_import_each_other(verb: str) -> None:
    assert ours(FILES[f"{verb}.py"]) & (VERBS - {verb}) == set()


def test_only_the_access_and_its_tasks_know_the_sandbox() -> None:
    users = {name for name, path in FILES.items() if not name.startswith("sandbox/") and "sandbox" in ours(path)}
    assert users == {"access.py", "sandboxes.py"}


def test_only_the_console_prints() -> None:
    def prints(path: Path) -> bool:
        calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
        return any(isinstance(call.func, ast.Name) and call.func.id == "print" for call in calls)

    assert [name for name, path in FILES.items() if prints(path)] == []


@pytest.mark.parametrize("name", [n for n in FILES if not n.startswith("sandbox/")])
def test_nothing_is_kept_at_module_level(name: str) -> None:
    """Assignments at the top of a file are constants or types; nothing there is made to be changed."""
    tree = ast.parse(FILES[name].read_text())
    globals_ = [node for node in ast.walk(tree) if isinstance(node, ast.Global)]
    assert globals_ == []
