"""The command line as a person types it, and mistypes it."""

from __future__ import annotations

import pytest
from invoke.program import Program

from longshore.tasks import namespace


def answer(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """The exit code, stdout and stderr of a command line that runs no task."""
    with pytest.raises(SystemExit) as ended:
        Program(namespace=namespace, binary="inv[oke]").run(["invoke", *arguments])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.mark.parametrize(
    ("arguments", "message", "see"),
    [
        ("release --ys", "release has no flag --ys; did you mean --yes?", "release --help"),
        ("release --xyzzy", "release has no flag --xyzzy", "release --help"),
        ("release -x", "release has no flag -x", "release --help"),
        ("release --tag=v1.0.0 --rebiuld", "release has no flag --rebiuld; did you mean --rebuild?", "release --help"),
        ("build --no-pus", "build has no flag --no-pus; did you mean --no-push?", "build --help"),
        ("restart web --hlp", "restart has no flag --hlp; did you mean --help?", "restart --help"),
        ("show --jsn", "show has no flag --jsn; did you mean --json?", "show --help"),
        ("release --bump", "release needs a value for --bump (-b)", "release --help"),
        ("release --bump --yes -t", "release needs a value for --bump (-b)", "release --help"),
        ("release -f", "invoke needs a value for --config (-f)", "--help"),
        ("history --limit many", "history needs a number for --limit, not 'many'", "history --help"),
        ("promote staging", "promote needs --to", "promote --help"),
        ("promote", "promote needs --from and --to", "promote --help"),
        ("lock.free", "lock.free needs --id", "lock.free --help"),
        ("apply web", "apply takes no argument 'web', and there is no task of this name", "apply --help"),
        ("status drift extra", "drift takes no argument 'extra', and there is no task of this name", "drift --help"),
        ("relese", "invoke has no task 'relese'; did you mean release?", "--list"),
        ("lock.fre", "invoke has no task 'lock.fre'; did you mean lock.free?", "--list"),
        ("xyzzy", "invoke has no task 'xyzzy'", "--list"),
        ("--foo release", "invoke has no flag --foo", "--help"),
    ],
)
def test_a_mistyped_command_line(arguments: str, message: str, see: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, *arguments.split()) == (2, "", f"error: {message}\n  → See: invoke {see}\n")


@pytest.mark.parametrize("task", [str(context.name) for context in namespace.to_contexts()])
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_every_task_shows_its_help(task: str, flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Also one that lacks an argument, for which Invoke would take ``--help``: ``lock.take --help`` took a lock."""
    code, out, err = answer(capsys, task, flag)
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: inv[oke] [--core-opts] {task} ")
    assert "`" not in out


def test_the_help_names_the_value_of_a_flag(capsys: pytest.CaptureFixture[str]) -> None:
    text = answer(capsys, "release", "--help")[1]
    for flag in ("-t VERSION, --tag=VERSION", "--allow-destroy=ADDRESS", "--wait-lock=DURATION", "-y, --yes "):
        assert f"\n  {flag}" in text
    assert "--limit=NUMBER" in answer(capsys, "history", "--help")[1]
    assert "--[no-]push " in answer(capsys, "build", "--help")[1]


@pytest.mark.parametrize("task", [str(context.name) for context in namespace.to_contexts()])
def test_every_flag_has_help(task: str) -> None:
    context = next(context for context in namespace.to_contexts() if context.name == task)
    for flag, text in context.help_tuples():
        assert text, flag
        assert not str(text).endswith(".")


def test_an_argument_is_utf_8_whatever_the_locale(capsys: pytest.CaptureFixture[str]) -> None:
    assert "has no task 'hör'" in answer(capsys, "h\udcc3\udcb6r")[2]
    code, out, err = answer(capsys, "lock.take", "--why", "\udcff")
    assert (code, out) == (2, "")
    assert err == "error: the argument '\\udcff' is not encoded in UTF-8\n  → Type it in a terminal that uses UTF-8.\n"
