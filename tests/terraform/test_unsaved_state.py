"""A state that could not be saved belongs to one environment, although all use the root's folder."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import threading
from dataclasses import replace
from pathlib import Path
from signal import SIGTERM, raise_signal

import pytest

from longshore.config.target import Stack
from longshore.errors import UnsavedStateError
from longshore.signals import StoppedBySignal, stopping
from longshore.terraform.driver import ApplyStage, SavedPlan
from longshore.terraform.local import Terraform
from longshore.terraform.unsaved_state import UnsavedState, sole_apply
from tests.fakes.stoppable_terraform import StoppableTerraform

PLAN = SavedPlan(Path("plan"), changed=True)


class Root:
    """A root that several environments use; each has a state with the lineage of its name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "root"
        self.folder.mkdir()
        self.left = self.folder / "errored.tfstate"
        self.own = folder / ".longshore" / "shop"

    def stack(self, name: str, *, shared: bool = False) -> Stack:
        return Stack(name, self.folder, (), self.own / name / "terraform", {}, shared=shared)

    def unsaved(self, name: str, lineage: str | None = None) -> UnsavedState:
        return UnsavedState(self.stack(name), "terraform", lambda: name if lineage is None else lineage)

    def leave(self, lineage: str) -> None:
        self.left.write_text(json.dumps({"lineage": lineage, "serial": 7}))


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root(tmp_path)


def refused(unsaved: UnsavedState) -> UnsavedStateError:
    with pytest.raises(UnsavedStateError) as caught:
        unsaved.refuse()
    return caught.value


def test_a_file_is_taken_only_by_the_environment_whose_lineage_it_has(root: Root) -> None:
    root.leave("staging")
    error = refused(root.unsaved("production"))
    assert "may not belong to production" in error.message
    assert "staging" not in error.message + error.hint
    assert "invoke state.unlock -a APPLICATION -e ENVIRONMENT" in error.hint
    assert "state push" not in error.hint
    assert root.left.exists()
    error = refused(root.unsaved("staging"))
    kept = root.own / "staging" / "staging.errored.tfstate"
    assert f"The unsaved state of staging is in {kept}" in error.message
    assert f"-chdir={root.folder} state push {kept}" in error.hint
    assert (kept.exists(), root.left.exists()) == (True, False)
    root.unsaved("production").refuse()
    assert str(kept) in refused(root.unsaved("staging")).message


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"lineage": ""}', '{"lineage": null}'])
def test_a_file_that_cannot_be_compared_is_not_claimed(root: Root, content: str) -> None:
    root.left.write_text(content)
    for lineage in ("staging", "", "None"):
        assert "may not belong to" in refused(root.unsaved("staging", lineage)).message
    root.leave("staging")
    assert "may not belong to" in refused(root.unsaved("staging", "")).message


def test_the_unsaved_state_of_the_foundation_is_found_from_every_environment(root: Root) -> None:
    names = ("staging", "production")
    kept = {UnsavedState(root.stack("foundation", shared=True), "terraform", str).kept for _ in names}
    assert kept == {root.own / "foundation.errored.tfstate"}


def terraform_of(root: Root, name: str, program: StoppableTerraform) -> Terraform:
    return Terraform(root.stack(name), str(program.binary), {"PATH": os.environ["PATH"]})


@pytest.fixture
def program(tmp_path: Path) -> StoppableTerraform:
    (tmp_path / "bin").mkdir()
    return StoppableTerraform(tmp_path / "bin")


def test_an_apply_does_not_start_beside_the_file_of_another_environment(
    root: Root, program: StoppableTerraform
) -> None:
    root.leave("staging")
    with pytest.raises(UnsavedStateError, match="may not belong to production"):
        terraform_of(root, "production", program).apply(PLAN)
    assert "apply" not in program.calls
    assert root.left.exists()


def test_a_state_that_an_interrupted_apply_could_not_save_is_moved_at_once(
    root: Root, program: StoppableTerraform
) -> None:
    program.works_on("apply", [15])
    program.leaves({"lineage": "anything"})
    with pytest.raises(StoppedBySignal) as caught, stopping():
        terraform_of(root, "staging", program).apply(PLAN)
    caught.value.explain("part of staging was applied", "Run it again.")
    kept = root.own / "staging" / "staging.errored.tfstate"
    assert f"The unsaved state of staging is in {kept}" in caught.value.message
    assert "state push" in caught.value.hint
    assert (kept.exists(), root.left.exists(), program.alive) == (True, False, False)


def test_a_signal_ends_the_wait_for_another_apply_and_nothing_is_applied(
    root: Root, program: StoppableTerraform
) -> None:
    said, stages = list[str](), list[ApplyStage]()

    def say(text: str) -> None:
        said.append(text)
        raise_signal(SIGTERM)

    terraform = replace(terraform_of(root, "staging", program), say=say)
    with (
        sole_apply(root.folder, lambda: None),
        pytest.raises(StoppedBySignal) as caught,
        stopping(),
    ):
        terraform.apply(PLAN, on_stage=stages.append)
    assert said == [f"waiting for another terraform apply in {root.folder} to end"]
    assert (stages, program.calls) == ([], [])
    assert caught.value.message == "interrupted by SIGTERM"


def test_the_stages_of_an_apply_tell_how_much_a_signal_left(root: Root, program: StoppableTerraform) -> None:
    stages: list[ApplyStage] = []
    program.works_on("apply", [SIGTERM])
    with pytest.raises(StoppedBySignal), stopping():
        terraform_of(root, "staging", program).apply(PLAN, on_stage=stages.append)
    assert stages == [ApplyStage.STARTED]
    terraform_of(root, "staging", program).apply(PLAN, on_stage=stages.append)
    assert stages == [ApplyStage.STARTED, ApplyStage.STARTED, ApplyStage.ENDED]


def test_two_applies_of_one_root_do_not_run_at_once(root: Root) -> None:
    waited, entered, order = threading.Event(), threading.Event(), list[str]()

    def second() -> None:
        with sole_apply(root.folder, waited.set):
            order.append("second")
            entered.set()

    with sole_apply(root.folder, lambda: None):
        thread = threading.Thread(target=second)
        thread.start()
        assert waited.wait(10)
        order.append("first")
        assert not entered.is_set()
    thread.join(10)
    assert order == ["first", "second"]


def test_a_terraform_that_outlives_longshore_keeps_the_root(root: Root) -> None:
    with sole_apply(root.folder, lambda: None) as (descriptor,):
        inherited = os.dup(descriptor)  # as a child process gets it
    other = os.open(root.folder, os.O_RDONLY)
    with pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(inherited)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(other)


def test_on_a_file_system_without_locks_the_apply_runs(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_descriptor: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with sole_apply(root.folder, lambda: None) as inherited:
        assert inherited == []
