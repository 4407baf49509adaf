"""Every command, with streams that are closed or full, and with other settings of locale and Python, does the same."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from longshore.tasks import namespace
from tests.tasks.test_tasks import YAML

PROGRAMS = {
    "invoke": [sys.executable, "-m", "invoke"],
    "longshore": [sys.executable, "-c", "from longshore.program import main; main()"],
}
ARGUMENTS = {
    "ci.engine": ["--mistyped"],  # it would start an engine
    "sandbox.up": ["--mistyped"],  # and this one a sandbox
    "ci.exports": ["result.json"],
    "lock.free": ["1"],
    "lock.take": ["deploy by hand"],
    "promote": ["sandbox", "aws"],
    "push": ["v1.0.0"],
    "scale": ["web=1"],
    "show": ["sandbox-000001"],
}
COMMANDS = [[name, *ARGUMENTS.get(name, [])] for name in sorted(namespace.task_names)] + [["--list"]]
VARIABLES = {
    "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C",
    "PYTHONWARNINGS": "error", "PYTHONOPTIMIZE": "1", "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1",
    "COLUMNS": "0", "LINES": "-1", "TERM": "", "NO_COLOR": "1", "FORCE_COLOR": "1", "HOME": "",
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "tasks.py").write_text("from longshore.tasks import namespace\n")
    (tmp_path / "invoke.yaml").write_text(YAML)
    (tmp_path / "result.json").write_text('{"exit_code": 8, "message": "größer → kleiner"}', encoding="utf-8")
    return tmp_path


@cache
def kept() -> dict[str, str]:
    left_out = ("AWS_", "INVOKE_", "PYTHON", "LC_", "LANG", "COLUMNS", "LINES")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return environ | {"PYTHONPATH": os.pathsep.join(sys.path), "AWS_EC2_METADATA_DISABLED": "true", "LC_ALL": "C.UTF-8"}


def run(
    folder: Path, command: list[str], redirection: str = "", program: str = "invoke", **environ: str
) -> tuple[int, str, str]:
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", *PROGRAMS[program], *command],
        cwd=folder,
        env={**kept(), **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.mark.long  # four processes each
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_neither_streams_nor_settings_change_a_command(project: Path, command: list[str]) -> None:
    code, *texts = run(project, command)
    only_prints = command[0] == "ci.exports"
    assert run(project, command, "<&- >&- 2>&-", "longshore")[0] == code
    assert run(project, command, ">/dev/full 2>/dev/full")[0] == (1 if only_prints else code)
    other, *others = run(project, command, **VARIABLES)
    assert (other, *map(_ascii, others)) == (code, *map(_ascii, texts))


def _ascii(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode()
