"""The entries of machine.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

FILE = Path(__file__).with_name("machine.toml")


@dataclass(frozen=True)
class Entry:
    """One thing that a machine may have set; the head of machine.toml explains the keys."""

    name: str
    program: Literal["terraform", "docker", "git", "none"]
    treatment: Literal["passed on", "left out", "replaced", "refused"]
    why: str
    group: str
    variables: dict[str, str] = field(default_factory=dict)
    becomes: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    programs: dict[str, str] = field(default_factory=dict)
    umask: str = ""
    refused: str = ""
    without_keys: bool = False
    played: bool = True

    def __post_init__(self) -> None:
        assert bool(self.refused) == (self.treatment == "refused"), self.name
        assert self.program == "none" or self.variables, self.name


def read() -> list[Entry]:
    """All entries, in the order of the page."""
    groups = tomllib.loads(FILE.read_text())["groups"]
    return [Entry(group=group["title"], **entry) for group in groups for entry in group["entries"]]
