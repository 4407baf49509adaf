"""The end of a task that fails: an exit code, a message, and one document if it was asked for."""

from __future__ import annotations

import errno
import io
import json
from pathlib import Path
from signal import SIGHUP, SIGINT, SIGTERM, Signals, getsignal, raise_signal
from types import SimpleNamespace
from typing import Any, cast

import pytest
from invoke.context import Context
from invoke.exceptions import Exit

from longshore.commands.dry_run import Forecast
from longshore.errors import InternalError, LeaveAtOnce, LockedError
from longshore.result import ReleaseResult
from longshore.signals import explained
from longshore.tasks import sandbox
from longshore.tasks.common import foresee, perform
from longshore.tasks.exits import exits
from longshore.terminal import bugs
from longshore.terminal.console import Console
from longshore.verdict import Cause, Verdict
from tests.fakes.samples import result


def exit_code_of(error: BaseException, *, as_json: bool = False) -> int:
    with pytest.raises(Exit) as caught, exits(as_json=as_json):
        raise error
    return int(caught.value.code)


@pytest.mark.parametrize(
    ("signal", "code"),
    [
        (KeyboardInterrupt(), 130),
        (LeaveAtOnce(SIGINT), 130),
        (LeaveAtOnce(SIGTERM), 143),
        (LeaveAtOnce(SIGHUP), 129),
    ],
)
def test_a_signal_decides_the_exit_code(signal: BaseException, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(signal) == code
    assert capsys.readouterr() == ("", "error: interrupted\n")


@pytest.mark.parametrize(("number", "code"), [(SIGINT, 130), (SIGTERM, 143), (SIGHUP, 129)])
def test_a_signal_ends_every_task_with_a_message_and_a_document(
    number: Signals, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    before = getsignal(number)
    with pytest.raises(Exit) as caught, exits(as_json=True), explained("nothing was changed", "Run: invoke drift"):
        raise_signal(number)
    out, err = capsys.readouterr()
    message = f"interrupted by {number.name}: nothing was changed"
    assert caught.value.code == code
    assert json.loads(out) == {"verdict": None, "message": message, "hint": "Run: invoke drift", "exit_code": code}
    assert err == f"error: {message}\n  → Run: invoke drift\n"
    assert getsignal(number) is before


def test_an_error_without_a_record_is_a_document_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN", "canary-canary")
    assert exit_code_of(LockedError("locked by canary-canary", "Wait."), as_json=True) == 3
    out, err = capsys.readouterr()
    assert json.loads(out) == {"verdict": None, "message": "locked by (masked)", "hint": "Wait.", "exit_code": 3}
    assert err == "error: locked by (masked)\n  → Wait.\n"


def test_an_error_without_json_prints_nothing_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(LockedError("locked")) == 3
    assert capsys.readouterr().out == ""


def test_a_bug_is_one_message_with_a_file_to_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN", "canary-canary")
    with pytest.raises(Exit) as ended, exits(as_json=True, root=tmp_path):
        raise KeyError("ser\x1bvice canary-canary")
    out, err = capsys.readouterr()
    document = json.loads(out)
    (file,) = (tmp_path / ".longshore" / "errors").iterdir()
    assert ended.value.code == document["exit_code"] == 1
    assert document["message"].startswith("KeyError: 'ser\\x1bvice (masked)' (test_exits.py, line ")
    assert document["hint"] == f"This is a bug in Longshore: please report it with this message and {file}."
    assert err == f"error: {document['message']}\n  → {document['hint']}\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "in test_a_bug_is_one_message" in file.read_text()
    assert "canary" not in file.read_text()
    assert (tmp_path / ".longshore" / ".gitignore").read_text() == "*\n"


def test_a_secret_at_the_end_of_a_truncated_message_is_masked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN", "canary-canary")
    with pytest.raises(Exit), exits(root=tmp_path):
        raise ValueError("x" * 480 + "canary-canary" + "x" * 100)
    assert "canary" not in capsys.readouterr().err


def test_the_traceback_of_a_bug_is_shown_if_no_file_can_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".longshore").touch()
    with pytest.raises(Exit), exits(root=tmp_path):
        raise RecursionError
    err = capsys.readouterr().err
    assert err.endswith("please report it with this message and the traceback, which LONGSHORE_DEBUG=1 shows.\n")
    monkeypatch.setenv(bugs.DEBUG, "1")
    with pytest.raises(Exit), exits(root=tmp_path):
        raise RecursionError
    assert capsys.readouterr().err.startswith("Traceback (most recent call last):\n")


def test_a_bug_that_ends_a_run_has_the_exit_code_of_the_run(tmp_path: Path) -> None:
    bug = InternalError("KeyError: 'x'")
    bug.exit_code = 11
    with pytest.raises(Exit) as ended, exits(root=tmp_path):
        raise bug
    assert ended.value.code == 11


def test_an_error_of_the_operating_system_names_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Exit) as ended, exits(root=tmp_path):
        (tmp_path / "missing" / "file").write_text("")
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith(
        f"error: {tmp_path}/missing/file: No such file or directory (pathlib.py, "
    )
    assert not (tmp_path / ".longshore").exists()


class Full(io.StringIO):
    """A stream on a full disk."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


LOST = "error: the result could not be written to standard output: No space left on device\n"


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize(
    ("verdict", "cause", "code"),
    [
        (Verdict.SUCCEEDED, None, 0),
        (Verdict.ROLLED_BACK, Cause.ROLLOUT, 8),
        (Verdict.ROLLBACK_FAILED, Cause.ROLLOUT, 9),
    ],
)
def test_a_full_disk_does_not_change_the_exit_code_of_a_run(
    verdict: Verdict, cause: Cause | None, code: int, *, as_json: bool
) -> None:
    err = io.StringIO()
    environment = SimpleNamespace(console=Console(Full(), err, io.StringIO(), interactive=False))
    ended: ReleaseResult = result(verdict=verdict, cause=cause, message="it crashed")
    caught = 0
    try:
        with exits(as_json=as_json):
            perform(cast(Any, environment), lambda _: ended, as_json=as_json)
    except Exit as end:
        caught = int(end.code)
    assert caught == code
    assert err.getvalue() == ("" if code == 0 else "error: it crashed\n") + LOST


def test_a_full_disk_does_not_change_the_exit_code_of_a_dry_run(capsys: pytest.CaptureFixture[str]) -> None:
    environment = SimpleNamespace(console=Console(Full(), io.StringIO(), io.StringIO(), interactive=False))
    forecast = Forecast(result(), (), True, (), [LockedError("locked")])
    with pytest.raises(Exit) as caught, exits(as_json=True):
        foresee(cast(Any, environment), lambda _: forecast, as_json=True)
    assert caught.value.code == 3


def test_a_full_disk_does_not_change_the_exit_code_of_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout", Full())
    assert exit_code_of(LockedError("locked"), as_json=True) == 3
    assert capsys.readouterr().err == f"error: locked\n{LOST}"


@pytest.mark.parametrize(("clear", "code"), [(True, 0), (False, 1)])
def test_a_full_disk_does_not_change_the_exit_code_of_a_changed_fault(
    code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, clear: bool
) -> None:
    status = SimpleNamespace(aws=[], settings={"rollback_window": 1.0}, terraform_cloud=[])
    control = SimpleNamespace(change_faults=lambda *_, **__: None, fault_status=lambda _: status)
    monkeypatch.setattr(sandbox, "_control", lambda: control)
    monkeypatch.setattr(sandbox, "_running", lambda _: (None, None))
    monkeypatch.setattr("sys.stdout", Full())
    caught = 0
    try:
        sandbox.fault(Context(), clear=clear, json=True)
    except Exit as end:
        caught = int(end.code)
    assert caught == code
    assert capsys.readouterr().err.startswith(LOST)


def test_a_command_that_only_reads_fails_if_its_result_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Exit) as caught, exits():
        Console(Full()).result("v1.0.3")
    assert caught.value.code == 1
    assert capsys.readouterr().err == LOST


def test_an_error_is_shown_without_a_secret_that_the_task_has_learned(capsys: pytest.CaptureFixture[str]) -> None:
    """The console that shows the error is not the one of the environment."""
    with pytest.raises(Exit), exits(as_json=True):
        Console().masks.hide(["canary-7f3a9c"])
        raise LockedError("the value canary-7f3a9c is wrong", "Replace canary-7f3a9c.")
    shown = capsys.readouterr()
    assert "canary" not in shown.out + shown.err
    assert json.loads(shown.out)["message"] == "the value (masked) is wrong"
    assert Console().masks.mask("canary-7f3a9c") == "canary-7f3a9c"
