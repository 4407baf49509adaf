"""What a task that ends otherwise than well leaves behind: an exit code, and one document where one was wanted."""

from __future__ import annotations

import json
import signal

import pytest
from invoke.exceptions import Exit

from longshore.errors import LeaveAtOnce, LockedError
from longshore.tasks.exits import exits


def ended(error: BaseException, *, as_json: bool = False) -> int:
    with pytest.raises(Exit) as caught, exits(as_json=as_json):
        raise error
    return int(caught.value.code)


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (KeyboardInterrupt(), 130),
        (LeaveAtOnce(signal.SIGINT), 130),
        (LeaveAtOnce(signal.SIGTERM), 143),
        (LeaveAtOnce(signal.SIGHUP), 143),
    ],
)
def test_the_code_follows_the_signal(order: BaseException, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(order) == code
    assert capsys.readouterr() == ("", "error: interrupted\n")


def test_where_there_is_no_record_there_is_a_document_all_the_same(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPLOY_TOKEN", "canary-canary")
    assert ended(LockedError("locked by canary-canary", "Wait."), as_json=True) == 3
    out, err = capsys.readouterr()
    assert json.loads(out) == {"verdict": None, "message": "locked by (masked)", "hint": "Wait.", "exit_code": 3}
    assert err == "error: locked by (masked)\n  → Wait.\n"


def test_without_json_nothing_is_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(LockedError("locked")) == 3
    assert capsys.readouterr().out == ""
