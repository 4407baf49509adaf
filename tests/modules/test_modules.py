"""Every module, stack and example passes Terraform's own checks and its own tests, with a mocked provider."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.modules.plans import environment
from tests.paths import ROOT

FOLDERS = sorted(
    str(file.parent.relative_to(ROOT))
    for part in ("terraform", "examples/terraform")
    for file in (ROOT / part).rglob("versions.tf")
)
VARIABLE_FILES = sorted(file.name for file in (ROOT / "environments").glob("*.tfvars"))
QUICK = ("terraform/app", "terraform/foundation", "terraform/modules/task_definition", "terraform/modules/releaser")
"""Tested by ``make test``: the stacks, which use all modules, and the two largest modules."""
INIT = ("init", "-backend=false", "-input=false", "-no-color")

pytestmark = pytest.mark.terraform


@dataclass(frozen=True)
class Copy:
    """A copy of the sources, which keeps Terraform's files out of the working tree."""

    root: Path
    environment: dict[str, str]

    def run(self, folder: str, *arguments: str) -> None:
        result = subprocess.run(
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
        assert result.returncode == 0, result.stdout


@contextmanager
def _provider(program: Path, log: Path) -> Iterator[str]:
    """One provider process for all commands, because each start takes seconds.

    Yields:
        The value of TF_REATTACH_PROVIDERS that the provider prints
        (https://developer.hashicorp.com/terraform/plugin/debugging#starting-a-provider-in-debug-mode).
    """
    with log.open("wb") as output:
        process = subprocess.Popen([program, "-debug"], stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 120
        while not (printed := re.search(r"TF_REATTACH_PROVIDERS='(.+)'", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield printed[1]
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    root = tmp_path_factory.mktemp("terraform")
    for part in ("terraform", "environments", "examples/terraform"):
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
    alone = Copy(root, environment())
    alone.run("terraform/foundation", *INIT)
    installed = root / "terraform/foundation/.terraform/providers/registry.terraform.io/hashicorp/aws"
    (program,) = installed.glob("*/*/terraform-provider-aws*")
    with _provider(program, root / "provider.log") as attached:
        yield Copy(root, {**alone.environment, "TF_REATTACH_PROVIDERS": attached})


def test_all_files_are_formatted(copy: Copy) -> None:
    copy.run(".", "fmt", "-check", "-diff", "-recursive")


@pytest.mark.parametrize(
    "folder", [pytest.param(folder, marks=() if folder in QUICK else pytest.mark.long) for folder in FOLDERS]
)
def test_it_is_valid_and_its_tests_pass(copy: Copy, folder: str) -> None:
    copy.run(folder, *INIT)
    copy.run(folder, "validate", "-no-color")
    copy.run(folder, "test", "-no-color")


@pytest.mark.parametrize("file", VARIABLE_FILES)
def test_every_variable_file_is_valid_for_its_stack(copy: Copy, file: str) -> None:
    stack = "terraform/foundation" if file == "foundation.tfvars" else "terraform/app"
    test = copy.root / stack / "tests" / "shipped.tftest.hcl"
    test.write_text('mock_provider "aws" {\n  source = "../testing"\n}\n\nrun "plan" {\n  command = plan\n}\n')
    copy.run(stack, *INIT)
    copy.run(stack, "test", "-no-color", "-filter=tests/shipped.tftest.hcl", f"-var-file=../../environments/{file}")
    test.unlink()
