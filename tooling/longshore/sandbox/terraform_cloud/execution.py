"""Executes terraform for a run, with the uploaded configuration, the workspace's variables and its state."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from longshore.sandbox.terraform_cloud.model import Log, Run, Workspace

_OVERRIDE = "terraform_cloud_override.tf"
_VARIABLES = "zz_terraform_cloud.auto.tfvars"

_SESSION = ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE")
"""Variables of the operator's own session, whose credentials a run must not get."""


class Execution(Protocol):
    """Executes the plans and applies of runs."""

    def plan(self, workspace: Workspace, run: Run, archive: Path) -> bool | None:
        """Plan, and return whether there are changes; None if the plan failed."""

    def apply(self, workspace: Workspace, run: Run) -> bool:
        """Apply the plan, and return whether it succeeded."""

    def interrupt(self, run: Run) -> None:
        """Interrupt the plan or apply of a run, as Ctrl-C does."""


@dataclass
class Terraform:
    """Executes the real terraform.

    Args:
        environ: variables for terraform, such as AWS's endpoint.
        binary: the program.
    """

    environ: Mapping[str, str]
    binary: str = "terraform"
    _processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def plan(self, workspace: Workspace, run: Run, archive: Path) -> bool | None:
        """Unpack the configuration, initialise it and plan."""
        source = run.folder / "source"
        source.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as configuration:
            configuration.extractall(source, filter="data")
        root = self._root(workspace, run)
        if not root.is_dir():
            _write(run.plan_log, f"Error: the folder {workspace.attributes.get('working-directory')} does not exist")
            return None
        backend = json.dumps(str(workspace.state_file))
        (root / _OVERRIDE).write_text(
            f'terraform {{\n  backend "local" {{\n    path = {backend}\n  }}\n}}\n', encoding="utf-8"
        )
        (root / _VARIABLES).write_text("".join(_assignments(workspace, run)), encoding="utf-8")
        _write(run.plan_log, "Initializing plugins and modules...")
        if self._run(workspace, run, run.plan_log, ["init", "-input=false", "-no-color"]):
            return None
        options = [*(["-destroy"] if run.destroy else []), *(["-lock=false"] if run.plan_only else [])]
        command = [
            "plan",
            "-input=false",
            "-json",
            "-detailed-exitcode",
            f"-out={run.folder / 'plan.tfplan'}",
            *options,
        ]
        code = self._run(workspace, run, run.plan_log, command)
        if code not in (0, 2):
            return None
        plan_json = Log(run.folder / "plan.json")
        if self._run(workspace, run, plan_json, ["show", "-json", str(run.folder / "plan.tfplan")]):
            return None
        return code == 2

    def apply(self, workspace: Workspace, run: Run) -> bool:
        """Apply the saved plan."""
        command = ["apply", "-input=false", "-json", str(run.folder / "plan.tfplan")]
        return self._run(workspace, run, run.apply_log, command) == 0

    def interrupt(self, run: Run) -> None:
        """Send SIGINT once: terraform saves its state before it ends."""
        process = self._processes.get(run.id)
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)

    def _run(self, workspace: Workspace, run: Run, log: Log, command: list[str]) -> int:
        with log.file.open("ab") as output:
            process = subprocess.Popen(
                [self.binary, *command],
                cwd=self._root(workspace, run),
                env=self._environment(workspace, run),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                umask=0o077,  # the state and the plan have every value in clear text
            )
            self._processes[run.id] = process
            return process.wait()

    @staticmethod
    def _root(workspace: Workspace, run: Run) -> Path:
        return run.folder / "source" / str(workspace.attributes.get("working-directory") or ".")

    def _environment(self, workspace: Workspace, run: Run) -> dict[str, str]:
        variables = {
            str(variable["key"]): str(variable["value"])
            for variable in workspace.variables.values()
            if variable.get("category") == "env"
        }
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("TF_CLI_ARGS") and name not in _SESSION
        }
        return {
            **inherited,
            **self.environ,
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
            "TF_DATA_DIR": str(run.folder / "data"),
            **variables,
        }


def _assignments(workspace: Workspace, run: Run) -> list[str]:
    """The workspace's variables and the run's, which take precedence and are HCL already."""
    values = {
        str(v["key"]): str(v["value"]) if v.get("hcl") else json.dumps(v["value"])
        for v in workspace.variables.values()
        if v.get("category") == "terraform"
    }
    values |= {variable["key"]: variable["value"] for variable in run.variables}
    return [f"{key} = {value}\n" for key, value in values.items()]


def _write(log: Log, line: str) -> None:
    with log.file.open("a", encoding="utf-8") as output:
        output.write(f"{line}\n")
