"""The rules of the package's structure (docs/decisions.md)."""

from __future__ import annotations

import ast
import re
from functools import cache
from graphlib import TopologicalSorter
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
    {"terminal"},
    {"root"},
]
"""A package imports only packages to its right, which stand below it here; those on one line don't know each other."""

ROOT = {"errors", "result", "verdict", "clock", "signals", "masking", "private_files", "process", "proxies", "git"}
"""The modules that belong to no package: plain words that every package may use."""

APART = {"sandbox", "__init__"}
"""What stands beside the row: the sandbox is another program, which shares the root with the tool."""


@cache
def tree_of(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text())


@cache
def imported(path: Path, *, for_types: bool = False) -> set[str]:
    """What a file imports at run time; with ``for_types`` what it imports under TYPE_CHECKING as well."""
    tree = tree_of(path)
    blocks = [n for n in tree.body if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"]
    apart = {id(inner) for block in blocks for inner in ast.walk(block)} if not for_types else set()
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


def number(name: str) -> int:
    """Where a package stands in the row."""
    return next(number for number, names in enumerate(ROOMS) if name in names)


@pytest.mark.parametrize(
    ("library", "places"),
    [
        ("boto3", "aws/"),
        ("botocore", "aws/"),
        ("python_terraform", "terraform/local.py"),
        ("hcl2", "terraform/hcl.py"),
        ("lark", "terraform/hcl.py"),
        ("urllib3", ("terraform/cloud/", "rollout/health.py")),
    ],
)
def test_one_place_imports_it(library: str, places: str | tuple[str, ...]) -> None:
    users = [name for name, path in FILES.items() if any(i.split(".")[0] == library for i in imported(path))]
    assert [name for name in users if not name.startswith(places) and not name.startswith("sandbox/")] == []


def test_every_module_belongs_to_a_package_or_to_the_root() -> None:
    assert {room(name) for name in FILES} == set.union(*ROOMS, APART)


@pytest.mark.parametrize("package", sorted(set.union(*ROOMS)))
def test_a_package_imports_only_packages_to_its_right(package: str) -> None:
    files = [path for name, path in FILES.items() if room(name) == package]
    used = set.union(*(rooms_used(path) for path in files)) - {package} - APART
    assert {other for other in used if number(other) <= number(package)} == set()


def test_only_the_access_and_its_tasks_know_the_sandbox() -> None:
    users = {name for name, path in FILES.items() if room(name) != "sandbox" and "sandbox" in rooms_used(path)}
    assert users == {"environment/access.py", "tasks/sandbox.py"}


def test_the_sandbox_knows_only_the_root() -> None:
    used = set.union(*(rooms_used(path) for name, path in FILES.items() if room(name) == "sandbox"))
    assert used - {"sandbox", "root", "longshore"} == set()


def test_no_module_is_imported_by_what_it_imports() -> None:
    """Imports for types alone count here: a circle of them is a circle for the reader."""
    modules = {".".join(("longshore", *Path(name).with_suffix("").parts)).removesuffix(".__init__"): path
               for name, path in FILES.items()}  # fmt: skip
    uses = {
        module: {
            name for name in imported(path, for_types=True) if name in modules and modules[name].stem != "__init__"
        }
        for module, path in modules.items()
    }
    TopologicalSorter(uses).prepare()  # raises CycleError, which names the circle


def test_only_the_console_prints() -> None:
    def prints(path: Path) -> bool:
        calls = (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call))
        return any(isinstance(call.func, ast.Name) and call.func.id == "print" for call in calls)

    assert [name for name, path in FILES.items() if prints(path)] == []


def test_every_text_is_utf_8_whatever_the_locale() -> None:
    """With LC_ALL=C, or in an older locale, Python decodes files and the output of programs as something else."""

    def without(call: ast.Call) -> bool:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        modes = [word.value for word in call.args if isinstance(word, ast.Constant) and isinstance(word.value, str)]
        given = {keyword.arg for keyword in call.keywords}
        opens = name in {"open", "fdopen"} and any(re.fullmatch(r"[rwax]t?\+?", mode) for mode in modes)
        opens |= isinstance(call.func, ast.Name) and name == "open" and not modes
        reads = name in {"read_text", "write_text"} or opens or bool(given & {"text", "universal_newlines"})
        return reads and "encoding" not in given

    calls = [(name, n) for name, path in FILES.items() for n in ast.walk(tree_of(path)) if isinstance(n, ast.Call)]
    assert [f"{name}:{call.lineno}" for name, call in calls if without(call)] == []


def test_nothing_is_kept_at_module_level() -> None:
    """Assignments at the top of a file are constants or types; nothing there is made to be changed."""
    files = {name: path for name, path in FILES.items() if not name.startswith("sandbox/")}
    nodes = ((name, node) for name, path in files.items() for node in ast.walk(tree_of(path)))
    assert [f"{name}:{node.lineno}" for name, node in nodes if isinstance(node, ast.Global)] == []


def test_the_package_can_be_seen_at_a_glance() -> None:
    assert len([path for path in PACKAGE.iterdir() if path.name != "__pycache__"]) <= 25


def test_files_and_functions_are_short() -> None:
    lengths = {name: len(path.read_text().splitlines()) for name, path in FILES.items() if room(name) != "sandbox"}
    assert {name: length for name, length in lengths.items() if length > 300} == {}
    nodes = ((name, node) for name, path in FILES.items() for node in ast.walk(tree_of(path)))
    functions = [(name, node) for name, node in nodes if isinstance(node, ast.FunctionDef)]
    assert [f"{name}: {f.name}" for name, f in functions if (f.end_lineno or 0) - f.lineno >= 40] == []
