"""Invoke's own options that our tasks would ignore: refused, because a release would take place all the same.

They apply to the shell commands of a task, and our tasks run none. Options that work are left untouched: `--config`,
`--collection`, `--search-root`, `--no-dedupe`, `--debug`, `--write-pyc`, and those of `--list`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from invoke.program import Program

from longshore.tasks.common import LetteredTask
from longshore.tasks.parser import NO_DRY_RUN, MistypedError

_UPDATE_CONFIG = Program.update_config

_DRY = "dry"
_WITH_DRY_RUN = ("release", "promote", "prune")
"""The tasks with ``--dry-run``."""

_LEAVE_OUT = "Leave it out"
_INSTEAD = {
    "warn-only": f"{_LEAVE_OUT}: a failure always ends with its exit code.",
    "hide": f"{_LEAVE_OUT}. To hide the progress, redirect stderr: 2>/dev/null",
    "echo": f"{_LEAVE_OUT}: every step is shown.",
    "pty": f"{_LEAVE_OUT}: whether this is a terminal is detected.",
    "command-timeout": "Set the deadlines in invoke.yaml: docs/configuration.md",
    "prompt-for-sudo-password": f"{_LEAVE_OUT}: no task uses sudo.",
}
"""What to do instead of each flag of Invoke that is ignored."""

_VARIABLES = {"INVOKE_RUN_DRY": _DRY, "INVOKE_TIMEOUTS_COMMAND": "command-timeout"}
"""Variables of Invoke on which a person would rely: a dry run, and an end after some time."""


def install() -> None:
    """Makes Invoke refuse the options before one of our tasks runs; it has no setting for this."""
    Program.update_config = _update_config  # type: ignore[method-assign, assignment]


def _update_config(program: Program, merge: bool = True) -> None:
    """Refuses the options, before Invoke asks for a password."""
    ours = [str(task.name) for task in program.tasks if isinstance(program.collection[task.name], LetteredTask)]
    if ours:
        _refuse(ours[0], [*_flags(program), *_variables()])
    _UPDATE_CONFIG(program, merge)
    if ours and program.config.run.dry:
        _refuse(ours[0], [("the setting run.dry of a configuration file of Invoke", _DRY)])


def _flags(program: Program) -> Iterator[tuple[str, str]]:
    """The flags that were given, as they are spelled, with their names."""
    for name in (_DRY, *_INSTEAD):
        argument: Any = program.args[name]
        if argument.value:
            yield " ".join((f"--{name}", *(f"(-{letter})" for letter in argument.names if len(letter) == 1))), name


def _variables() -> Iterator[tuple[str, str]]:
    for variable, name in _VARIABLES.items():
        if os.environ.get(variable, "") not in ("", "0"):
            yield variable, name


def _refuse(task: str, given: list[tuple[str, str]]) -> None:
    if not given:
        return
    named = ", ".join(spelled for spelled, _ in given)
    hints = dict.fromkeys(_hint(task, name) for _, name in given)
    raise MistypedError(
        f"error: {task} would ignore {named}: Invoke applies it to shell commands, and {task} runs none\n"
        + "\n".join(f"  → {hint}" for hint in hints)
    )


def _hint(task: str, name: str) -> str:
    if name != _DRY:
        return _INSTEAD[name]
    if task in _WITH_DRY_RUN:
        return f"See: invoke {task} --dry-run"
    return f"See: {NO_DRY_RUN[task]}" if task in NO_DRY_RUN else f"{_LEAVE_OUT}: {task} has no dry run."
