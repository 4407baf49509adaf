"""SIGINT, SIGTERM, SIGHUP and SIGKILL at each step of each command: what is left, who ends it, and the next command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGKILL, SIGTERM, Signals
from typing import Any

import pytest

from tests.fakes.stoppable_terraform import StoppableTerraform
from tests.paths import ROOT
from tests.signals.child import LEASE, env_of, record_releases

TERRAFORM = {
    "plan": ("version", "init", "output", "plan", "show"),
    "drift": ("version", "init", "output", "plan", "show"),
    "bootstrap": ("version", "init", "plan", "show", "apply"),
    "destroy": ("version", "init", "plan", "show", "apply"),
    "prune": ("version", "init", "output"),
    "promote": ("version",),
}
"""The commands of terraform at which each command is interrupted."""

LEFT = {
    ("bootstrap", "init"): "nothing of foundation was applied",
    ("bootstrap", "plan"): "nothing of foundation was applied",
    ("bootstrap", "show"): "nothing of foundation was applied",
    ("bootstrap", "apply"): "part of foundation was applied",
    ("destroy", "init"): "nothing was destroyed",
    ("destroy", "plan"): "nothing was destroyed",
    ("destroy", "show"): "nothing was destroyed",
    ("destroy", "apply"): "part of test was destroyed",
    ("prune", "init"): "nothing was removed",
    ("prune", "output"): "nothing was removed",
    ("prune", "registry"): "some of these tags may have been removed",
}
"""The effects that the message names; "nothing was changed" at every other point."""

NEXT = {"bootstrap": "invoke bootstrap -e test", "destroy": "invoke destroy -e test", "prune": "again"}
LOCKING = ("bootstrap", "destroy", "prune")
WORKS = {"promote": 2}
"""The exit code of the next command: a promotion ends at its next check here. 0 for every other command."""

POINTS = [
    *((command, at) for command, steps in TERRAFORM.items() for at in steps),
    ("prune", "registry"),
]
SIGNALS = {SIGINT: 130, SIGTERM: 143, SIGHUP: 129}


@dataclass
class Project:
    """A project in which a command is interrupted."""

    folder: Path
    command: str
    terraform: StoppableTerraform

    def start(self) -> subprocess.Popen[str]:
        (self.folder / "tmp").mkdir(exist_ok=True)
        return subprocess.Popen(
            [sys.executable, "-m", "tests.signals.child", self.command, str(self.folder)],
            cwd=ROOT,
            env=os.environ | {"TMPDIR": str(self.folder / "tmp")},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def interrupt(self, number: Signals) -> tuple[int, dict[str, Any], str]:
        """Starts the command, sends a signal where it waits, and returns exit code, document and text."""
        with self.start() as process:
            wait_until((self.terraform.folder / "ready").exists)
            process.send_signal(number)
            out, err = process.communicate(timeout=60)
        return process.returncode, json.loads(out[out.index("{") :]) if "{" in out else {}, err

    def run(self, command: str) -> tuple[int, str]:
        self.command = command
        with self.start() as process:
            _, err = process.communicate(timeout=60)
        return process.returncode, err

    @property
    def lock(self) -> dict[str, Any]:
        ledger = self.folder / "ledger.json"
        items = {tuple(key): item for key, item in json.loads(ledger.read_text())} if ledger.exists() else {}
        lock: dict[str, Any] = items.get(("lock#test", "lock"), {"owner": ""})
        return lock

    @property
    def private_files(self) -> list[Path]:
        """Plans, variables and outputs of terraform that are still on disk."""
        return [file for file in (self.folder / "tmp").rglob("*") if file.is_file() and file.name != "in-use"]


def wait_until(met: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not met():
        assert time.monotonic() < end
        time.sleep(0.01)


def project(folder: Path, command: str, at: str, seconds: float = 10) -> Project:
    for name in ("bin", "root", "foundation"):
        (folder / name).mkdir()
    for name in ("test", "staging"):
        if command in ("prune", "promote"):
            record_releases(env_of(folder, name))
    terraform = StoppableTerraform(folder / "bin", seconds)
    if at == "registry":
        (folder / "slow-registry").touch()
    else:
        terraform.works_on(at)
    return Project(folder, command, terraform)


def check_interrupted(play: Project, at: str, number: Signals) -> None:
    command = play.command
    code, document, err = play.interrupt(number)
    left = LEFT.get((command, at), "nothing was changed")
    assert code == document["exit_code"] == SIGNALS[number], err
    assert document["message"].startswith(f"interrupted by {number.name}: {left}")
    assert NEXT.get(command, "Run the same command again.") in document["hint"] or left == "nothing was changed"
    if at != "registry":
        assert "execution halted" in document["message"], "the output of terraform is shown"
        assert "was told to stop; waiting for it to end" in err
        assert (play.terraform.ended, play.terraform.alive) == ([f"stopped {at}"], False)
    assert play.lock["owner"] == ""
    assert play.private_files == []
    assert play.run(command)[0] == WORKS.get(command, 0)


@pytest.mark.scenario
@pytest.mark.parametrize("number", [SIGTERM, SIGINT])
def test_a_bootstrap_that_is_cancelled_leaves_no_terraform_plan_or_lock(tmp_path: Path, number: Signals) -> None:
    check_interrupted(project(tmp_path, "bootstrap", "apply"), "apply", number)


@pytest.mark.long
@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize(("command", "at"), POINTS)
def test_a_signal_ends_each_command_at_each_step(tmp_path: Path, command: str, at: str, number: Signals) -> None:
    check_interrupted(project(tmp_path, command, at), at, number)


@pytest.mark.long
@pytest.mark.parametrize(("command", "at"), POINTS)
def test_after_kill_9_terraform_ends_by_itself_and_the_next_command_works(
    tmp_path: Path, command: str, at: str
) -> None:
    play = project(tmp_path, command, at, seconds=1)
    assert play.interrupt(SIGKILL)[0] == -SIGKILL
    holds = command in LOCKING and at != "version"
    assert bool(play.lock["owner"]) == holds
    if at != "registry":
        wait_until(lambda: play.terraform.ended)
        assert play.terraform.ended == [f"finished {at}"], "terraform was not stopped half-way"
        wait_until(lambda: not play.terraform.alive)
    if holds:
        code, err = play.run(command)
        assert code == 3
        assert "invoke lock.free --id 1-" in err
        assert f"watches the lock for {LEASE:.0f} s" in err
        assert play.run("free")[0] == 0
    assert play.run(command)[0] == WORKS.get(command, 0)
    assert play.private_files == []
    assert play.lock["owner"] == ""


@pytest.mark.long
@pytest.mark.parametrize("command", ["bootstrap", "destroy"])
def test_a_second_signal_does_not_lose_the_state(tmp_path: Path, command: str) -> None:
    play = project(tmp_path, command, "apply")
    play.terraform.works_on("apply", [SIGTERM], at_end=[SIGHUP, SIGINT, SIGTERM, SIGINT])
    with play.start() as process:
        out, _ = process.communicate(timeout=60)
    assert process.returncode == SIGNALS[SIGTERM]
    assert "execution halted" in out
    assert (play.terraform.ended, play.terraform.alive) == (["stopped apply"], False)
    assert play.lock["owner"] == ""
    assert play.run(command)[0] == 0
