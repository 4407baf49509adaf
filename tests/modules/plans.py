"""Plans by the real terraform and the real provider, for tests that read what they render."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.paths import ROOT

REGION = "eu-central-1"


def environment() -> dict[str, str]:
    """The environment of every terraform that a test runs: nothing of the user's own but where providers lie."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))}
    config = ROOT / ".longshore" / "terraform.rc"
    if not config.is_file():
        config = Path(os.environ.get("TF_CLI_CONFIG_FILE", ""))
    named = {"TF_CLI_CONFIG_FILE": str(config)} if config.is_file() else {}
    return {**kept, **named, "CHECKPOINT_DISABLE": "1"}


@dataclass(frozen=True)
class Root:
    """A root in a copy of the sources, at an endpoint that speaks AWS's API."""

    folder: Path
    endpoint: str

    @classmethod
    def copied(cls, folder: str, to: Path, endpoint: str, files: Mapping[str, str] | None = None) -> Root:
        """Copies the sources, so that what terraform writes beside them stays out of the tree, and initialises.

        Args:
            folder: the root, below the project.
            to: where the copy lies.
            endpoint: what answers for AWS.
            files: text by name of what the root has besides, such as another backend.
        """
        for part in ("terraform", "environments", "tests/modules/permissions"):
            shutil.copytree(ROOT / part, to / part, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        root = cls(to / folder, endpoint)
        for name, text in (files or {}).items():
            (root.folder / name).write_text(text)
        done = root.run("init", "-input=false", "-no-color")
        assert done.returncode == 0, done.stdout
        return root

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        key = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_ENDPOINT_URL": self.endpoint}
        return subprocess.run(
            ["terraform", *arguments],
            cwd=self.folder,
            env=environment() | key,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )

    def plan(self, *arguments: str) -> list[dict[str, Any]]:
        """Every resource that a plan would make, with its address, type and values."""
        done = self.run("plan", "-input=false", "-no-color", "-out=saved.tfplan", *arguments)
        assert done.returncode == 0, done.stdout
        shown = self.run("show", "-json", "saved.tfplan")
        assert shown.returncode == 0, shown.stdout
        return list(_resources(json.loads(shown.stdout)["planned_values"]["root_module"]))


def _resources(module: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from _resources(child)
