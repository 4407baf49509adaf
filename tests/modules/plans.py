"""Plans by the real Terraform and the real provider, for tests that read the planned values."""

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
    """The environment variables of Terraform in a test: none of the user's, except the provider mirror."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))}
    config = ROOT / ".longshore" / "terraform.rc"
    if not config.is_file():
        config = Path(os.environ.get("TF_CLI_CONFIG_FILE", ""))
    mirror = {"TF_CLI_CONFIG_FILE": str(config)} if config.is_file() else {}
    return {**kept, **mirror, "CHECKPOINT_DISABLE": "1"}


@dataclass(frozen=True)
class Root:
    """A root module in a copy of the sources, and the endpoint of the AWS API that it uses."""

    folder: Path
    endpoint: str

    @classmethod
    def copied(cls, folder: str, to: Path, endpoint: str, files: Mapping[str, str] | None = None) -> Root:
        """Copies the sources, to keep Terraform's files out of the working tree, and initialises the root module.

        Args:
            folder: the path of the root module below the project.
            to: the folder of the copy.
            endpoint: the URL of the AWS API.
            files: additional files of the root module, such as another backend: text by name.
        """
        for part in ("terraform", "environments", "tests/modules/permissions"):
            shutil.copytree(ROOT / part, to / part, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        root = cls(to / folder, endpoint)
        for name, text in (files or {}).items():
            (root.folder / name).write_text(text)
        result = root.run("init", "-input=false", "-no-color")
        assert result.returncode == 0, result.stdout
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
        """Every planned resource, with its address, type and values."""
        result = self.run("plan", "-input=false", "-no-color", "-out=saved.tfplan", *arguments)
        assert result.returncode == 0, result.stdout
        shown = self.run("show", "-json", "saved.tfplan")
        assert shown.returncode == 0, shown.stdout
        return list(_resources(json.loads(shown.stdout)["planned_values"]["root_module"]))


def _resources(module: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from _resources(child)
