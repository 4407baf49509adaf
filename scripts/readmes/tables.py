"""The inputs and outputs of a stack or module, read from its formatted ``.tf`` files without running Terraform."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

BEGIN = "<!-- make readmes writes what follows, from variables and outputs -->"
END = "<!-- make readmes ends here -->"

_BLOCK = r'^{kind} "(\w+)" \{{\n(.*?)^\}}'


def folders(root: Path) -> list[Path]:
    """The folders of all stacks and modules."""
    return sorted(file.parent for file in root.rglob("versions.tf") if ".terraform" not in file.parts)


def with_tables(folder: Path, readme: str) -> str:
    """A README with current tables: between the marks, or at its end if it has none.

    Raises:
        ValueError: only one mark is there, or a description or default cannot be read.
    """
    written = f"{BEGIN}\n{''.join(_sections(folder))}\n{END}"
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if bool(begin) != bool(end):
        raise ValueError(f"{folder.name}/README.md: only one of the two marks of the tables is there; remove it")
    return f"{before}{written}{after}" if begin else f"{readme.rstrip()}\n\n{written}\n"


def _sections(folder: Path) -> Iterator[str]:
    inputs = [_input(name, body) for name, body in _blocks(folder, "variable")]
    outputs = [f"| `{name}` | {_description(name, body)} |" for name, body in _blocks(folder, "output")]
    if inputs:
        yield "\n".join(["\n## Inputs\n", "| input | type | default | |", "|---|---|---|---|", *inputs, ""])
    if outputs:
        yield "\n".join(["\n## Outputs\n", "| output | |", "|---|---|", *outputs, ""])


def _blocks(folder: Path, kind: str) -> Iterator[tuple[str, str]]:
    # variables.tf comes before variables_….tf, and in a file the order is the author's.
    for file in sorted(folder.glob("*.tf"), key=lambda file: file.stem):
        yield from re.findall(_BLOCK.format(kind=kind), file.read_text(), re.MULTILINE | re.DOTALL)


def _input(name: str, body: str) -> str:
    value = _argument(body, "default")
    default = f"`{value}`" if value else "required"
    if default.endswith(("{`", "[`")):
        raise ValueError(f"variable {name}: its default has several lines; the table has room for one only")
    return f"| `{name}` | `{_short(_argument(body, 'type'))}` | {default} | {_description(name, body)} |"


def _short(type_: str) -> str:
    """A type without the attributes of its objects: ``map(object({`` is ``map(object)``."""
    if not type_.endswith("({"):
        return type_
    outer = type_.removesuffix("({")
    return outer + ")" * outer.count("(")


def _description(name: str, body: str) -> str:
    quoted = re.fullmatch(r'"(.*)"', _argument(body, "description"))
    if not quoted:
        raise ValueError(f"{name}: it has no description on one line")
    text = quoted[1].replace('\\"', '"').replace("|", "\\|")
    # Markdown would read angle brackets as HTML.
    return re.sub(r"<([^<>]+)>", r"&lt;\1&gt;", text)


def _argument(body: str, name: str) -> str:
    """The first line of an argument's value; empty if the block has no such argument."""
    argument = re.search(rf"^  {name}\s*= (.*)$", body, re.MULTILINE)
    return argument[1] if argument else ""
