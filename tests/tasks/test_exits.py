"""The end of a task that fails: an exit code, a message, and one document if it was asked for."""

from __future__ import annotations

import json
from signal import SIGHUP, SIGINT, SIGTERM

import pytest
from invoke.exceptions import Exit

from longshore.errors import LeaveAtOnce, LockedError
from longshore.tasks.exits import exits


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
        (LeaveAtOnce(SIGHUP), 143),
    ],
)
def test_a_signal_decides_the_exit_code(signal: BaseException, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(signal) == code
    assert capsys.readouterr() == ("", "error: interrupted\n")


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
