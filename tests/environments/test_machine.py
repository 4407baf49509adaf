"""Plays `invoke status` and `invoke plan` on the real sandbox, on one machine after another."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.project import ACCOUNT, INVOKE, Project, invoke_yaml, make
from tests.environments.entries import Entry, read

pytestmark = [pytest.mark.e2e, pytest.mark.terraform, pytest.mark.long]

_ENDPOINT = "INVOKE_LONGSHORE_APPLICATIONS_STOREFRONT_ENVIRONMENTS_SANDBOX_ENDPOINT"
_PENDING_CHANGE = 'variables = { ECS_PENDING = "a change that every plan must show" }\n'
_REFUSALS = (1, 2, 5)


@dataclass(frozen=True)
class Ending:
    """How the two commands ended: the exit code, the document of `status`, and everything that they printed."""

    code: int
    status: Any
    text: str

    @property
    def changes(self) -> str:
        """The changes of the plan, on one line, without the letters that an ASCII terminal cannot show."""
        text = re.sub(r"[^ -~]+|\\x..|\\u....|\?", "?", " ".join(self.text.split()))
        shown = re.search(r"Changes: (.*?) worker may take", text)
        return shown[1] if shown else ""


@dataclass
class Machine:
    """A project, and a home folder that each entry finds empty."""

    project: Project
    home: Path
    keys: dict[str, str]

    def play(self, entry: Entry) -> Ending:
        """Plays an entry, and removes its files again."""
        written = [self._write(name, text) for name, text in entry.files.items()]
        try:
            return self._run(self._environ(entry), entry.umask)
        finally:
            for path in written:
                path.unlink(missing_ok=True)
            shutil.rmtree(self.home)
            self.home.mkdir()

    def usual(self, entry: Entry) -> Ending:
        """How the commands end where an entry is not set."""
        return self._run(self._environ(Entry(entry.name, "none", "passed on", "", entry.group)), "")

    def _environ(self, entry: Entry) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "LANG") if name in os.environ}
        environ = {**kept, "HOME": str(self.home)}
        if entry.group == "AWS":  # credentials and endpoint from outside, as with AWS itself
            environ[_ENDPOINT] = self.keys["AWS_ENDPOINT_URL"]
            if not entry.without_keys:
                environ |= {name: self.keys[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
        environ |= {name: value.replace("~", str(self.home)) for name, value in entry.variables.items()}
        if entry.programs:
            environ["PATH"] = f"{self._programs(entry)}:{environ['PATH']}"
        return environ

    def _programs(self, entry: Entry) -> Path:
        folder = self.home / "bin"
        folder.mkdir()
        for name, script in entry.programs.items():
            (folder / name).write_text(script.replace("{real}", str(shutil.which(name))))
            (folder / name).chmod(0o755)
        return folder

    def _write(self, name: str, text: str) -> Path:
        path = self.home / name[2:] if name.startswith("~/") else self.project.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def _run(self, environ: dict[str, str], umask: str) -> Ending:
        done = subprocess.run(
            [*INVOKE, "status", "--json", "plan"],
            cwd=self.project.folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=120,
            check=False,
            umask=int(umask, 8) if umask else -1,
        )
        assert "Traceback" not in done.stderr, done.stderr
        status = json.JSONDecoder().raw_decode(done.stdout)[0] if done.stdout.startswith("{") else None
        for service in (status or {}).get("services", ()):
            service["url"] = ""  # only the sandbox knows it
        return Ending(done.returncode, status, done.stdout + done.stderr)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A released project that has one change pending, in a repository whose .gitignore is GitHub's for Terraform."""
    project = make(tmp_path_factory.mktemp("machine"))
    home = tmp_path_factory.mktemp("home")
    project.write("invoke.yaml", invoke_yaml())
    project.write(".gitignore", "*.auto.tfvars\n*_override.tf\n.terraform/\n.terraform.lock.hcl\n")
    project.commit(".", "First")
    try:
        project.invoke("sandbox.up")
        project.invoke("bootstrap", "--yes")
        file = project.folder / "environments" / "sandbox.tfvars"
        assert "variables = {" not in file.read_text()
        file.write_text(file.read_text() + _PENDING_CHANGE)
        yield Machine(project, home, project.state().environment())
    finally:
        project.invoke("sandbox.down", expect=None)


@pytest.fixture(scope="module")
def usual(machine: Machine) -> dict[str, Ending]:
    """The ending where nothing is set, in the sandbox and with credentials from outside."""
    endings = {group: machine.usual(Entry("", "none", "passed on", "", group)) for group in ("AWS", "other")}
    for ending in endings.values():
        assert ending.code == 20, ending.text
        assert ending.changes.count("environment PENDING: (none)") == 3, ending.text
        assert ending.changes.count("storefront-sandbox-") == 3, ending.text
        assert ending.status
    assert endings["AWS"].status == endings["other"].status
    return endings


@pytest.mark.parametrize("entry", [entry for entry in read() if entry.played], ids=lambda entry: entry.name)
def test_each_machine_shows_the_same_or_a_refusal_that_names_the_reason(
    machine: Machine, usual: dict[str, Ending], entry: Entry
) -> None:
    ending = machine.play(entry)
    if entry.refused:
        assert ending.code in _REFUSALS, ending.text
        assert entry.refused in ending.text
    else:
        assert ending.code == 20, ending.text
        assert (ending.status, ending.changes) == (usual["other"].status, usual["other"].changes), ending.text


def test_a_terraform_with_other_credentials_is_named_in_a_warning(machine: Machine, usual: dict[str, Ending]) -> None:
    """A wrapper that signs in again is enough: the two halves of a release are then different identities."""
    role = machine.project.client("iam").list_roles()["Roles"][0]["Arn"]
    keys = machine.project.client("sts").assume_role(RoleArn=role, RoleSessionName="wrapper")["Credentials"]
    names = {"AWS_ACCESS_KEY_ID": "AccessKeyId", "AWS_SECRET_ACCESS_KEY": "SecretAccessKey"}
    exports = "".join(
        f"export {name}={keys[key]}\n" for name, key in {**names, "AWS_SESSION_TOKEN": "SessionToken"}.items()
    )
    wrapper = f'#!/bin/sh\n{exports}exec {{real}} "$@"\n'
    ending = machine.play(Entry("", "none", "passed on", "", "other", programs={"terraform": wrapper}))
    assert (ending.code, ending.changes) == (usual["other"].code, usual["other"].changes), ending.text
    planned = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.rpartition('/')[2]}/wrapper"
    assert ending.text.count(f"warning: Terraform planned as {planned}, but Longshore acts as ") == 1, ending.text
