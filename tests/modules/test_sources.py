"""Rules for the text of every ``.tf`` file and the files of every module; runs without Terraform."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT

SOURCES = sorted(
    file
    for part in ("terraform", "examples/terraform")
    for file in (ROOT / part).rglob("*.tf")
    if ".terraform" not in file.parts
)
TEXTS = {source: source.read_text() for source in SOURCES}
FOLDERS = sorted({file.parent for file in SOURCES})
LONGEST = 200
# Patterns that must not occur, with the reason.
FORBIDDEN = {
    r"\bendpoints\b": "AWS_ENDPOINT_URL sets another endpoint",
    r"\bskip_(?!destroy\b)": "provider settings that only tests need",
    r"local-exec": "a plan must show everything that an apply does",
    r"\btrack_latest\b": "a revision that Terraform did not register would turn every plan into a replacement",
    r"wait_for_steady_state": "it reports success after a rollback",
    r"\bcreate\s*=": "no switches: leave out a module instead",
}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT)).removeprefix("terraform/")


def test_stacks_modules_and_examples_are_collected() -> None:
    names = {_name(folder) for folder in FOLDERS}
    assert {"app", "foundation", "modules/registry", "modules/ledger", "modules/cluster", "modules/service"} <= names
    assert {
        f"examples/terraform/{name}" for name in ("complete", "existing", "own-root", "own-root/foundation")
    } <= names


@pytest.mark.parametrize("folder", FOLDERS, ids=_name)
def test_every_module_has_the_standard_files(folder: Path) -> None:
    expected = ["main.tf", "variables.tf", "outputs.tf", "versions.tf", "README.md"]
    assert [name for name in expected if not (folder / name).is_file()] == []
    assert list((folder / "tests").glob("*.tftest.hcl"))


def test_sources_are_short_and_have_no_forbidden_settings() -> None:
    assert [_name(source) for source, text in TEXTS.items() if len(text.splitlines()) > LONGEST] == []
    matches = [
        (source, reason) for source, text in TEXTS.items() for p, reason in FORBIDDEN.items() if re.search(p, text)
    ]
    assert [f"{_name(source)}: {reason}" for source, reason in matches] == []


def test_no_source_names_a_partition() -> None:
    """Regions in China and GovCloud have other ARNs, and other hosts in China."""
    # Principals are the same in all of them.
    named = re.compile(r"arn:aws:|(?<!events)(?<!ecs-tasks)(?<!codebuild)(?<!sts)\.amazonaws\.com")
    lines = ((source, line) for source, text in TEXTS.items() for line in text.splitlines())
    code = ((source, line) for source, line in lines if not line.lstrip().startswith(("error_message", "#")))
    assert [f"{_name(source)}: {line}" for source, line in code if named.search(line)] == []


def test_every_variable_and_output_has_a_description() -> None:
    blocks = _blocks("(?:variable|output)")
    assert [f"{file}: {name}" for file, name, body in blocks if not body.startswith("  description = ")] == []


def test_no_module_call_has_depends_on() -> None:
    """``depends_on`` makes its data sources unknown during the plan, and an unchanged revision is registered again."""
    assert [f"{file}: {name}" for file, name, body in _blocks("module") if "\n  depends_on" in body] == []


def _blocks(kind: str) -> Iterator[tuple[str, str, str]]:
    """The file, name and body of each block of a kind."""
    pattern = re.compile(rf'^{kind} "(\w+)" \{{\n(.*?)^\}}', re.MULTILINE | re.DOTALL)
    return ((_name(source), name, body) for source, text in TEXTS.items() for name, body in pattern.findall(text))


def test_modules_accept_the_provider_that_the_stacks_pin() -> None:
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
def test_rules_that_a_mocked_provider_cannot_test(rule: str) -> None:
    assert [source for source in SOURCES if rule in source.read_text()]


def test_the_outputs_of_a_cluster_depend_on_its_capacity_providers() -> None:
    """Otherwise, a service with a strategy would be created before, or deleted after, its capacity providers."""
    text = (ROOT / "terraform/modules/cluster/outputs.tf").read_text()
    dependencies = re.findall(r"depends_on += \[(.*)\]", text)
    assert dependencies == ["aws_ecs_cluster_capacity_providers.this"] * text.count("output ")


@pytest.mark.parametrize("folder", FOLDERS, ids=_name)
def test_every_validation_has_a_failing_run(folder: Path) -> None:
    """A variable has at least as many expected failures as validations; the test does not see which one fails."""
    tests = "\n".join(file.read_text() for file in folder.glob("tests/*.tftest.hcl"))
    expected = " ".join(re.findall(r"expect_failures = \[(.*?)\]", tests, re.DOTALL))
    text = "\n".join(file.read_text() for file in folder.glob("*.tf"))
    validations = {
        name: body.count("  validation {")
        for name, body in re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL)
    }
    assert [n for n, count in validations.items() if len(re.findall(rf"\bvar\.{n}\b", expected)) < count] == []
