"""A terraform that a signal stops: it is told once, saves its state, and ends before Longshore does."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGTERM, Signals
from typing import Any

import pytest

from longshore.config.target import Stack
from longshore.errors import TerraformError
from longshore.signals import StoppedBySignal, stopping
from longshore.terraform.driver import SavedPlan
from longshore.terraform.local import Terraform
from tests.fakes.stoppable_terraform import StoppableTerraform


@pytest.fixture
def program(tmp_path: Path) -> StoppableTerraform:
    folder = tmp_path / "bin"
    folder.mkdir()
    return StoppableTerraform(folder)


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def terraform(program: StoppableTerraform, said: list[str], tmp_path: Path) -> Terraform:
    (tmp_path / "root").mkdir()
    stack = Stack("test", tmp_path / "root", (), tmp_path / "own" / "terraform", {})
    return Terraform(stack, str(program.binary), {"PATH": os.environ["PATH"]}, say=said.append)


CALLS: dict[str, Callable[[Terraform], Any]] = {
    "version": Terraform.check,
    "init": Terraform.init,
    "plan": lambda terraform: terraform.plan().__enter__(),
    "show": Terraform.state,
    "output": Terraform.outputs,
    "apply": lambda terraform: terraform.apply(SavedPlan(Path("plan"), changed=True)),
    "force-unlock": lambda terraform: terraform.unlock("1d9d"),
}


@pytest.mark.parametrize("command", CALLS)
def test_a_signal_stops_terraform_and_takes_effect_when_it_has_ended(
    command: str, terraform: Terraform, program: StoppableTerraform, said: list[str]
) -> None:
    program.works_on(command, [SIGTERM])
    with pytest.raises(StoppedBySignal) as caught, stopping():
        CALLS[command](terraform)
    assert (program.ended, program.alive) == ([f"stopped {command}"], False)
    assert "execution halted" in caught.value.message
    assert said == [f"terraform {command} of test was told to stop; waiting for it to end"]


@pytest.mark.parametrize("number", [SIGINT, SIGTERM, SIGHUP])
def test_further_signals_do_not_interrupt_terraform_while_it_saves_its_state(
    terraform: Terraform,
    program: StoppableTerraform,
    said: list[str],
    number: Signals,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("longshore.signals._ONE_REQUEST", 0.0)  # each signal counts, however soon it comes
    program.works_on("apply", [number], at_end=[number, SIGTERM, SIGINT])
    with pytest.raises(StoppedBySignal) as caught, stopping():
        CALLS["apply"](terraform)
    assert (program.ended, program.alive) == (["stopped apply"], False)
    assert caught.value.name == number.name
    assert len(said) == 1


def test_the_plan_of_an_interrupted_command_is_removed(terraform: Terraform, program: StoppableTerraform) -> None:
    folders: list[Path] = []
    program.works_on("show", [SIGINT])
    with pytest.raises(StoppedBySignal), stopping(), terraform.plan() as saved:
        folders.append(saved.file.parent)
        terraform.show(saved)
    assert not folders[0].exists()


def test_an_error_in_the_reader_of_the_output_stops_terraform(
    terraform: Terraform, program: StoppableTerraform
) -> None:
    (program.folder / "terraform").write_text(
        program.binary.read_text().replace("turns=", 'echo "{\\"@message\\": \\"a line\\"}"; turns=')
    )
    program.works_on("apply")

    def fail(_text: str) -> None:
        raise TerraformError("a mistake of ours")

    with pytest.raises(TerraformError, match="a mistake of ours"):
        terraform.apply(SavedPlan(Path("plan"), changed=True), fail)
    assert (program.ended, program.alive) == (["stopped apply"], False)
