"""The tables of the READMEs match the variables and outputs; runs without Terraform."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scripts.readmes.tables import BEGIN, END, folders, with_tables

from tests.paths import ROOT

FOLDERS = folders(ROOT / "terraform")

VARIABLES = """variable "tasks" {
  description = "Some <tasks>, \\"by name\\"; a | b."
  type = map(object({
    kind    = string
    default = optional(string, "none")
  }))

  validation {
    condition     = length(var.tasks) > 0
    error_message = "tasks"
  }
}

variable "tags" {
  description = "Tags."
  type        = map(string)
  default     = {}
}
"""
OUTPUTS = """output "arn" {
  description = "The ARN."
  value       = one([
    for each in [] : each
  ])
}
"""
TABLES = f"""{BEGIN}

## Inputs

| input | type | default | |
|---|---|---|---|
| `tasks` | `map(object)` | required | Some &lt;tasks&gt;, "by name"; a \\| b. |
| `tags` | `map(string)` | `{{}}` | Tags. |

## Outputs

| output | |
|---|---|
| `arn` | The ARN. |

{END}"""


@pytest.fixture
def module(tmp_path: Path) -> Path:
    (tmp_path / "variables.tf").write_text(VARIABLES)
    (tmp_path / "outputs.tf").write_text(OUTPUTS)
    return tmp_path


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_the_tables_are_up_to_date(folder: Path) -> None:
    readme = (folder / "README.md").read_text()
    assert readme == with_tables(folder, readme), "run: make readmes"
    declared = re.findall(
        r'^(?:variable|output) "(\w+)"', "\n".join(f.read_text() for f in folder.glob("*.tf")), re.MULTILINE
    )
    generated = readme.partition(BEGIN)[2].partition(END)[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", generated, re.MULTILINE)) == sorted(declared)


def test_tables_are_appended_to_a_readme_without_tables(module: Path) -> None:
    assert with_tables(module, "# module\n\nProse.\n") == f"# module\n\nProse.\n\n{TABLES}\n"


def test_only_the_existing_tables_are_replaced(module: Path) -> None:
    before = f"# module\n\n{BEGIN}\n| `gone` |\n{END}\n\nProse after it.\n"
    assert with_tables(module, before) == f"# module\n\n{TABLES}\n\nProse after it.\n"


def test_a_single_mark_is_rejected(module: Path) -> None:
    with pytest.raises(ValueError, match="of the two marks"):
        with_tables(module, f"# module\n\n{BEGIN}\nProse that would be lost.\n")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('  description = "Tags."\n', "", "tags: it has no description"),
        ("  default     = {}\n", "  default = {\n    a = 1\n  }\n", "tags: its default has several lines"),
    ],
)
def test_a_missing_description_and_a_multiline_default_are_rejected(
    module: Path, before: str, after: str, message: str
) -> None:
    (module / "variables.tf").write_text(VARIABLES.replace(before, after))
    with pytest.raises(ValueError, match=message):
        with_tables(module, "# module\n")
