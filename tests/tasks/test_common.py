"""The decorator of every task."""

from __future__ import annotations

import pytest
from invoke.collection import Collection
from invoke.context import Context
from invoke.program import Program

from longshore.run.options import ReleaseOptions
from longshore.tasks.common import task

GIVEN: list[tuple[ReleaseOptions, bool]] = []


@task()
def release(c: Context, *, options: ReleaseOptions, json: bool = False) -> None:
    """Takes every option."""
    GIVEN.append((options, json))


@task()
def restart(c: Context, *, options: ReleaseOptions) -> None:
    """Takes some options."""
    GIVEN.append((options, False))


def run(words: str) -> tuple[ReleaseOptions, bool]:
    """The options that a task gets for a command line."""
    Program(namespace=Collection(release, restart)).run(["invoke", *words.split()], exit=False)
    return GIVEN.pop()


def test_flags_become_options() -> None:
    assert run("release") == (ReleaseOptions(), False)
    assert run("release --tag v1.0.0 -y --allow-destroy a --allow-destroy=b --wait-lock 5m --json") == (
        ReleaseOptions(tag="v1.0.0", yes=True, allow_destroy=("a", "b"), wait_lock="5m"),
        True,
    )
    assert run("release --continue test-000001") == (ReleaseOptions(continued="test-000001"), False)
    assert run("restart --yes --wait-lock 1h") == (ReleaseOptions(yes=True, wait_lock="1h"), False)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("release --tag v1.0.0 --rebuild", "--tag releases an existing image and cannot be combined with --rebuild"),
        ("restart --wait-lock soon", "--wait-lock 'soon' is not a duration"),
        ("restart --tag v1.0.0", "restart has no flag --tag"),
    ],
)
def test_flags_that_are_refused(words: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        Program(namespace=Collection(release, restart)).run(["invoke", *words.split()])
    out, err = capsys.readouterr()
    assert (ended.value.code, out, err.splitlines()[0]) == (2, "", f"error: {message}")
    assert GIVEN == []
