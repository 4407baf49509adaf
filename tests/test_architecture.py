"""The rules of the package's structure (docs/decisions.md)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import longshore

PACKAGE = Path(longshore.__file__).parent
FILES = {str(path.relative_to(PACKAGE)): path for path in sorted(PACKAGE.rglob("*.py"))}
ROOMS = [
    {"program"},
    {"tasks"},
    {"commands"},
    {"run"},
    {"images", "rollout"},
    {"environment"},
    {"terraform"},
    {"config", "ledger", "aws"},
    {"root"},
]
"""A package imports only packages to its right, which stand below it here; those on one line don't know each other."""

ROOT = {"errors", "result", "clock", "signals", "masking", "process", "git", "console", "live_display", "safe_output"}
"""The modules that belong to no package: plain words that all of them use."""


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


def room(module: str) -> str:
    """The package of a module, by its path or its dotted name below ``longshore``."""
    first = module.removesuffix(".py").replace("/", ".").split(".")[0]
    return "root" if first in ROOT else first


def rooms_used(path: Path) -> set[str]:
    """The packages of ours that a file imports at run time."""
    names = {name.removeprefix("longshore.") for name in imported(path) if name.startswith("longshore.")}
    return {room(name) for name in names}


def number(name: str) -> int | None:
    """Where a package stands; None for the sandbox, which stands apart, and for what is no package."""
    return next((number for number, names in enumerate(ROOMS) if name in names), None)


@pytest.mark.parametrize(
    ("library", "folder"),
    [
        ("boto3", "aws/"),
        ("botocore", "aws/"),
        ("python_terraform", "terraform/local.py"),
        ("hcl2", "terraform/hcl.py"),
        ("lark", "terraform/hcl.py"),
        ("urllib3", "terraform/cloud/"),
    ],
)
def test_one_place_imports_it(library: str, folder: str) -> None:
    users = [name for name, path in FILES.items() if any(i.split(".")[0] == library for i in imported(path))]
    assert [name for name in users if not name.startswith((folder, "sandbox/"))] == []


@pytest.mark.parametrize("name", [n for n in FILES if not n.startswith(("sandbox/", "__init__"))])
def test_a_package_imports_only_packages_to_its_right(name: str) -> None:
    own = room(name)
    place = number(own)
    others = {other: number(other) for other in rooms_used(FILES[name]) - {own}}
    assert {other for other, at in others.items() if place is not None and at is not None and at <= place} == set()


def test_only_the_access_and_its_tasks_know_the_sandbox() -> None:
    users = {name for name, path in FILES.items() if not name.startswith("sandbox/") and "sandbox" in rooms_used(path)}
    assert users == {"environment/access.py", "tasks/sandboxes.py"}


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
