"""The variables of a machine that other programs get: passed on, left out, replaced, or refused."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from longshore import git
from longshore.environment import access
from longshore.errors import ConfigError
from longshore.images.docker import Docker
from longshore.process import Completed, OnLine
from longshore.terraform.process_environment import process_environment
from tests.environments.entries import Entry, read

ENTRIES = read()
AT_THE_BORDER = [entry for entry in ENTRIES if entry.program != "none"]


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name not in ("PATH", "HOME", "PYTEST_CURRENT_TEST")]:
        monkeypatch.delenv(name)


def of_terraform(folder: Path, _monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    target: Any = SimpleNamespace(
        root=folder, region="eu-central-1", environment="test", env=SimpleNamespace(endpoint=None, base_url=None)
    )
    return process_environment(access.resolve(target).process_environment(), folder / "data", None)


def of_docker(_folder: Path, _monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    environs: list[Mapping[str, str]] = []

    def run(command: Sequence[str], environ: Mapping[str, str], on_line: OnLine | None, stdin: str) -> Completed:
        environs.append({**os.environ, **environ})
        return Completed(0, "")

    Docker(run).build(["."], lambda line: None, {})
    return environs[0]


def of_git(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    environs: list[Mapping[str, str]] = []

    def run(command: Sequence[str], *, env: Mapping[str, str], **_options: Any) -> subprocess.CompletedProcess[str]:
        environs.append(env)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(git, "subprocess", SimpleNamespace(run=run))
    git.untracked(folder, ["x"])
    return environs[0]


PROGRAMS: dict[str, Callable[[Path, pytest.MonkeyPatch], Mapping[str, str]]] = {
    "terraform": of_terraform,
    "docker": of_docker,
    "git": of_git,
}


@pytest.mark.parametrize("entry", AT_THE_BORDER, ids=lambda entry: entry.name)
def test_a_variable_is_treated_as_the_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, entry: Entry) -> None:
    look = PROGRAMS[entry.program]
    usual = look(tmp_path, monkeypatch)
    for name, value in entry.variables.items():
        monkeypatch.setenv(name, value)
    if entry.refused:
        with pytest.raises(ConfigError) as refused:
            look(tmp_path, monkeypatch)
        assert entry.refused in refused.value.message
        return
    given = look(tmp_path, monkeypatch)
    kept = entry.variables if entry.treatment == "passed on" else entry.becomes
    assert {**usual, **kept} == given


def test_each_entry_has_a_name_of_its_own() -> None:
    names = [entry.name for entry in ENTRIES]
    assert sorted(set(names)) == sorted(names)
