"""Environments with clients that the test gives: nothing reaches AWS, Terraform or Docker."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longshore.aws.sts import Caller
from longshore.config.settings import load
from longshore.config.target import select
from longshore.environment.environment import Environment
from longshore.terminal.console import Console
from tests.fakes.samples import ACTOR, moved_clock

ACCOUNT = "123456789012"
SHOP: dict[str, Any] = {
    "region": "eu-central-1",
    "terraform": {"dir": ".", "var_files": ["test.tfvars"]},
    "environments": {"test": {"account": ACCOUNT}},
}
"""The settings of the application `shop`."""


@dataclass
class Identity:
    """The caller, in place of longshore.aws.sts."""

    account: str = ACCOUNT

    def caller(self) -> Caller:
        return Caller(self.account, ACTOR.arn)


class InstalledTerraform:
    """A Terraform that passes the checks before a run."""

    def check(self) -> str:
        return "1.11.4"


def environment(
    folder: Path, name: str = "test", *, settings: dict[str, Any] = SHOP, console: Console | None = None, **given: Any
) -> Environment:
    """An environment of `shop`, with an empty variable file.

    Args:
        folder: of the project.
        name: of the environment.
        settings: of the application.
        console: by default one that nobody reads.
        given: its other attributes, such as ``ledger`` and ``aws``, by name.
    """
    (folder / "test.tfvars").touch()
    target = select(load({"applications": {"shop": settings}}), folder, None, name)
    console = console or Console(io.StringIO(), io.StringIO(), io.StringIO(), interactive=False)
    env = Environment(target, console, moved_clock())
    env.__dict__.update(given)  # the attributes that it would compute on first use
    return env
