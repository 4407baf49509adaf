"""Invoke's own options: a task of ours refuses those that it would ignore."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from invoke.collection import Collection
from invoke.config import Config
from invoke.context import Context
from invoke.program import Program
from invoke.tasks import task as plain_task

from longshore.run.options import ReleaseOptions
from longshore.tasks import namespace, parser
from longshore.tasks.common import task

RAN: list[str] = []


@task()
def release(c: Context, *, options: ReleaseOptions) -> None:
    """Releases."""
    RAN.append("release")


@task()
def status(c: Context) -> None:
    """Shows."""
    RAN.append("status")


@plain_task
def lint(c: Context) -> None:
    """A task of the project's own, for which Invoke's options work."""
    RAN.append("lint")


@pytest.fixture(autouse=True)
def ran() -> Iterator[list[str]]:
    yield RAN
    RAN.clear()


def run(words: str) -> int:
    """The exit code of a command line of a project with tasks of ours and of its own."""
    try:
        Program(namespace=Collection(release, status, lint)).run(["invoke", *words.split()])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@pytest.mark.parametrize("words", ["--dry release", "-R release", "release --dry", "release -R", "lint -R release"])
def test_a_dry_run_of_invoke_releases_nothing(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert (run(words), RAN) == (2, [])
    assert capsys.readouterr() == (
        "",
        "error: release would ignore --dry (-R): Invoke applies it to shell commands, and release runs none\n"
        "  → See: invoke release --dry-run\n",
    )


@pytest.mark.parametrize(
    ("flag", "hint"),
    [
        ("--warn-only", "a failure always ends with its exit code"),
        ("-w", "a failure always ends with its exit code"),
        ("--hide=both", "2>/dev/null"),
        ("--echo", "every step is shown"),
        ("--pty", "is detected"),
        ("-p", "is detected"),
        ("-T 60", "Set the deadlines in invoke.yaml"),
        ("--prompt-for-sudo-password", "no task uses sudo"),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(flag: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (f"{flag} release", f"release {flag}"):
        assert (run(words), RAN) == (2, [])
        assert hint in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", ["--write-pyc status", "--list-depth 2 status", "-F json status", "-R lint", "lint -w"]
)
def test_an_option_that_works_or_belongs_to_another_task_is_left_alone(words: str) -> None:
    assert run(words) == 0
    assert RAN in (["status"], ["lint"])


@pytest.mark.parametrize(
    ("variable", "value", "code"),
    [
        ("INVOKE_RUN_DRY", "1", 2),
        ("INVOKE_RUN_DRY", "0", 0),
        ("INVOKE_TIMEOUTS_COMMAND", "60", 2),
        ("INVOKE_RUN_ECHO", "1", 0),
        ("INVOKE_RUN_PTY", "1", 0),
        ("INVOKE_RUN_WARN", "1", 0),
    ],
)
def test_a_variable_of_invoke_is_refused_if_somebody_would_rely_on_it(
    variable: str, value: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Preferences for other tasks of the same person are none of our business."""
    monkeypatch.setenv(variable, value)
    assert run("release") == code
    assert (variable in capsys.readouterr().err) == bool(code)


def test_a_configuration_file_that_wants_a_dry_run_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "invoke.yaml"
    file.write_text("run: {dry: true}\n")
    assert run(f"-f {file} release") == 2
    assert "the setting run.dry of a configuration file" in capsys.readouterr().err
    assert RAN == []
    assert Config().run.dry is False


@pytest.mark.parametrize("name", sorted(parser.NO_DRY_RUN))
def test_a_task_without_a_dry_run_names_the_command_that_shows_it(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        Program(namespace=namespace).run(["invoke", name, "--dry-run"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"error: {name} has no --dry-run\n  → See: {parser.NO_DRY_RUN[name]}\n"
