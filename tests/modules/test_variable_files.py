"""Longshore reads variable files as the real Terraform does, and Terraform reads the files that Longshore writes."""

from __future__ import annotations

import json
import os
import subprocess
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from longshore.terraform import hcl, variable_files
from tests.commands.test_import_env import ORIGINAL, Project
from tests.terraform.test_hcl import BEFORE, NAMES, READ, TEXTS

ROOT = """
variable "variables" {
  type = map(string)
}

output "variables" {
  value = var.variables
}
"""

pytestmark = pytest.mark.terraform
Read = Callable[[Path], dict[str, Any]]


def terraform(folder: Path, *arguments: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    result = subprocess.run(
        ["terraform", *arguments], cwd=folder, env=inherited | {"CHECKPOINT_DISABLE": "1"}, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """Reads a variable file with Terraform, by planning a root module without providers."""
    folder = tmp_path_factory.mktemp("root")
    (folder / "main.tf").write_text(ROOT)
    terraform(folder, "init", "-input=false")

    def planned(file: Path) -> dict[str, Any]:
        terraform(folder, "plan", "-input=false", "-no-color", f"-var-file={file}", "-out=saved")
        shown = json.loads(terraform(folder, "show", "-json", "saved"))
        return dict(shown["planned_values"]["outputs"]["variables"]["value"])

    return planned


def test_every_form_of_value_is_read_as_terraform_does(read: Read, tmp_path: Path) -> None:
    file = tmp_path / "a.tfvars"
    sources = "".join(f"  ECS_{number} = {source}\n" for number, source in enumerate(READ))
    file.write_bytes(f"variables = {{\n{sources}}}\n".encode())
    assert read(file) == variable_files.read([file])["variables"]


def test_every_form_of_json_is_read_as_terraform_does(read: Read, tmp_path: Path) -> None:
    file = tmp_path / "a.tfvars.json"
    file.write_text('{"variables": {"A": "${x} $${y} %{z}", "B": 1.50, "C": true, "D": null, "E": 1e3, "F": -0.5}}')
    assert read(file) == variable_files.read([file])["variables"]


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.dictionaries(NAMES, TEXTS, min_size=25, max_size=50), st.sampled_from(["a.tfvars", "a.tfvars.json"]))
def test_terraform_reads_the_written_values(read: Read, tmp_path: Path, entries: dict[str, str], name: str) -> None:
    (tmp_path / name).write_text("{}" if name.endswith("json") else "")
    variable_files.add([tmp_path / name], "variables", entries)
    assert read(tmp_path / name) == {key: unicodedata.normalize("NFC", value) for key, value in entries.items()}


def test_written_files_are_formatted(tmp_path: Path) -> None:
    project = Project(tmp_path, a_tfvars='variables = {\n  ECS_A = "a" # first\n  ECS_LONGER_NAME = "b"\n}\n')
    terraform(tmp_path, "fmt", "a.tfvars")
    project.import_env(ORIGINAL, write=True)
    (tmp_path / "printed.tfvars").write_text(f"variables = {{\n{hcl.lines({'ECS_A': 'a', 'for': '${b}'})}}}\n")
    # In these two, fmt would change existing lines, which Longshore leaves unchanged.
    aligned = {"variables = {}\nc = 2\n", 'variables = { A = "a"\n  C = "c" }\n'}
    assert aligned < set(BEFORE)
    for number, text in enumerate(set(BEFORE) - aligned):
        file = tmp_path / f"before-{number}.tfvars"
        file.write_text(text)
        terraform(tmp_path, "fmt", file.name)
        file.write_text(hcl.with_entries(file.read_text(), "variables", {"ECS_LONG_NAME": "b", "ECS_C": "c"}))
    terraform(tmp_path, "fmt", "-check", "-diff", ".")
