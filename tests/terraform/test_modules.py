"""Every module and stack passes Terraform's own checks and its own tests, with a mocked provider."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = sorted(str(file.parent.relative_to(ROOT)) for file in (ROOT / "terraform").rglob("versions.tf"))

pytestmark = pytest.mark.terraform


def _environment(tmp: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TF_", "AWS_"))}
    config = ROOT / ".longshore" / "terraform.rc"
    if not config.is_file():
        config = Path(os.environ.get("TF_CLI_CONFIG_FILE", ""))
    cache = tmp / "plugins"
    cache.mkdir()
    return {
        **kept,
        **({"TF_CLI_CONFIG_FILE": str(config)} if config.is_file() else {}),
        "CHECKPOINT_DISABLE": "1",
        "TF_PLUGIN_CACHE_DIR": str(cache),
        # Without a lock file, which no copy has, Terraform would not take a provider from the cache.
        "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "1",
    }


class Copy:
    """A copy of the sources, so that what terraform writes beside them stays out of the tree."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environment = _environment(root)
        for part in ("terraform", "environments"):
            shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))

    def run(self, folder: str, *arguments: str) -> None:
        done = subprocess.run(
            ["terraform", *arguments],
            cwd=self.root / folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy(tmp_path_factory.mktemp("terraform"))


def test_everything_is_formatted(copy: Copy) -> None:
    copy.run(".", "fmt", "-check", "-diff", "-recursive")


@pytest.mark.parametrize("folder", FOLDERS)
def test_it_is_valid_and_its_own_tests_pass(copy: Copy, folder: str) -> None:
    copy.run(folder, "init", "-backend=false", "-input=false", "-no-color")
    copy.run(folder, "validate", "-no-color")
    copy.run(folder, "test", "-no-color")
