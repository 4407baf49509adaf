"""What holds for the text of every ``.tf`` file and for the shape of every module; needs no terraform."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.paths import ROOT

SOURCES = sorted(
    file
    for part in ("terraform", "examples/terraform")
    for file in (ROOT / part).rglob("*.tf")
    if ".terraform" not in file.parts
)
FOLDERS = sorted({file.parent for file in SOURCES})
LONGEST = 200
# Each with the reason for which it has no place in production's files.
FORBIDDEN = {
    r"\bendpoints\b": "AWS_ENDPOINT_URL alone points at another endpoint",
    r"\bskip_(?!destroy\b)": "settings of the provider that only tests would need",
    r"local-exec": "a plan must show everything that an apply does",
    r"\btrack_latest\b": "a foreign revision would make every plan a replacement",
    r"wait_for_steady_state": "it reports success after a roll-back",
    r"\bcreate\s*=": "no switches: what is not wanted is not written",
}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT)).removeprefix("terraform/")


def test_the_stacks_and_modules_are_found() -> None:
    names = {_name(folder) for folder in FOLDERS}
    assert {"app", "foundation", "modules/registry", "modules/ledger", "modules/cluster", "modules/service"} <= names
    assert {
        f"examples/terraform/{name}" for name in ("complete", "existing", "own-root", "own-root/foundation")
    } <= names


@pytest.mark.parametrize("folder", FOLDERS, ids=_name)
def test_every_module_has_its_files(folder: Path) -> None:
    expected = ["main.tf", "variables.tf", "outputs.tf", "versions.tf", "README.md"]
    assert [name for name in expected if not (folder / name).is_file()] == []
    assert list((folder / "tests").glob("*.tftest.hcl"))


@pytest.mark.parametrize("source", SOURCES, ids=_name)
def test_no_source_is_long_or_written_for_tests(source: Path) -> None:
    text = source.read_text()
    assert len(text.splitlines()) <= LONGEST
    assert [reason for pattern, reason in FORBIDDEN.items() if re.search(pattern, text)] == []


@pytest.mark.parametrize("source", SOURCES, ids=_name)
def test_every_variable_and_output_is_described(source: Path) -> None:
    blocks = re.findall(r'^(?:variable|output) "(\w+)" \{\n(.*?)^\}', source.read_text(), re.MULTILINE | re.DOTALL)
    assert [name for name, body in blocks if not body.startswith("  description = ")] == []


@pytest.mark.parametrize("source", SOURCES, ids=_name)
def test_no_module_waits_as_a_whole(source: Path) -> None:
    """With ``depends_on`` its look-ups are left open in a plan, and a revision is registered for nothing."""
    blocks = re.findall(r'^module "(\w+)" \{\n(.*?)^\}', source.read_text(), re.MULTILINE | re.DOTALL)
    assert [name for name, body in blocks if "\n  depends_on" in body] == []


def test_modules_take_what_the_stacks_pin() -> None:
    pins = {
        _name(folder): re.findall(
            r'source\s*= "hashicorp/aws"\n\s*version = "(.+)"', (folder / "versions.tf").read_text()
        )
        for folder in FOLDERS
    }
    roots = {name: pin for name, pin in pins.items() if not name.startswith("modules/")}
    assert roots == {name: ["~> 5.100"] for name in roots}
    assert {tuple(pin) for name, pin in pins.items() if name.startswith("modules/")} <= {(">= 5.100, < 7",), ()}


@pytest.mark.parametrize("rule", ["skip_destroy = true", "ignore_changes = [task_definition, desired_count]"])
def test_the_rules_that_a_mocked_provider_cannot_show(rule: str) -> None:
    assert [source for source in SOURCES if rule in source.read_text()]


def test_a_cluster_is_given_out_with_its_capacity_providers() -> None:
    """A service whose strategy names one would else be made beside it, and AWS refuses it; so it does at the end."""
    text = (ROOT / "terraform/modules/cluster/outputs.tf").read_text()
    waits = re.findall(r"depends_on += \[(.*)\]", text)
    assert waits == ["aws_ecs_cluster_capacity_providers.this"] * text.count("output ")


@pytest.mark.parametrize("folder", FOLDERS, ids=_name)
def test_every_validation_has_a_run_that_it_refuses(folder: Path) -> None:
    """As many refusals of a variable as it has validations; that each is met is for their author to see to."""
    tests = "\n".join(file.read_text() for file in folder.glob("tests/*.tftest.hcl"))
    refused = " ".join(re.findall(r"expect_failures = \[(.*?)\]", tests, re.DOTALL))
    text = "\n".join(file.read_text() for file in folder.glob("*.tf"))
    validations = {
        name: body.count("  validation {")
        for name, body in re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL)
    }
    assert [n for n, count in validations.items() if len(re.findall(rf"\bvar\.{n}\b", refused)) < count] == []
