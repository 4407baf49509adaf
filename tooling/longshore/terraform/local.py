"""Terraform on this machine, one process for each command.

python_terraform builds the argument lists. It runs nothing: it would read the output through a pipe, and a pipe that
breaks because Longshore was killed ends terraform in the middle of an apply (docs/decisions.md).
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from python_terraform import IsFlagged
from python_terraform import Terraform as Arguments

from longshore.config.target import Stack
from longshore.errors import StalePlanError, TerraformError
from longshore.masking import Masks
from longshore.private_files import private_folder
from longshore.signals import Deferral, deferred
from longshore.terraform import unshared_files
from longshore.terraform.driver import PLAN_DEFAULTS, ApplyStage, OnEvent, OnStage, PlanOptions, SavedPlan, Variables
from longshore.terraform.output import Output
from longshore.terraform.process_environment import process_environment
from longshore.terraform.terraform_process import TerraformProcess
from longshore.terraform.unsaved_state import UnsavedState, sole_apply

_MINIMUM_VERSION = (1, 10)
"""`use_lockfile` of the S3 backend came with Terraform 1.10."""
_INSTALL = "Install Terraform 1.10 or later and put it on PATH."
_RELEASED = "Remove dev_overrides from your CLI configuration (TF_CLI_CONFIG_FILE, or ~/.terraformrc)."
_PRIVATE = 0o600


@dataclass(frozen=True)
class Terraform:
    """The driver of one stack that runs a terraform binary.

    Args:
        stack: the root, its variable files, and the settings of its backend.
        binary: the program, which must be on PATH.
        environ: the process environment: endpoint and credentials of this environment.
        cli_config: a CLI configuration, used if the file exists (``make setup`` writes one if a mirror needs it).
        lock_timeout: seconds to wait for the state lock.
        masks: values that must not appear in messages.
        variables: variables of Terraform that select the workspace; those of `environ` are left out.
        inspect: is given each plan that is shown, and may refuse it.
        say: shows that terraform was told to stop, or that its apply waits for another one.
    """

    stack: Stack
    binary: str
    environ: Mapping[str, str] = field(repr=False)
    cli_config: Path | None = None
    lock_timeout: float = 60
    masks: Masks = field(default_factory=Masks, repr=False)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    inspect: Callable[[Mapping[str, Any]], object] = bool
    say: Callable[[str], None] = field(default=lambda _: None, repr=False)

    @property
    def unsaved(self) -> UnsavedState:
        """A state of this stack that could not be saved."""
        return UnsavedState(self.stack, self.binary, self._lineage)

    def refuse_unsaved(self) -> None:
        """Looks for the copy, and for the file that terraform itself leaves in the root's folder."""
        self.unsaved.refuse()

    def set_up(self) -> list[str]:
        """Does nothing: a run needs only the binary and the state."""
        return []

    def check(self, *, before_setup: bool = False) -> str:  # noqa: ARG002 - the same checks apply
        """The version of the binary, which must be 1.10 or later."""
        self.refuse_unsaved()
        if not self.stack.directory.is_dir():
            raise TerraformError(
                f"there is no folder {self.stack.directory} to run terraform in",
                "Check terraform.dir and terraform.foundation.dir in invoke.yaml.",
            )
        if shutil.which(self.binary, path=self.environ.get("PATH")) is None:
            raise TerraformError(f"cannot find the program {self.binary!r} (setting terraform.binary)", _INSTALL)
        version = str(self._document("version", json=IsFlagged).get("terraform_version", "unknown"))
        if tuple(int(part) for part in re.findall(r"[0-9]{1,9}", version)[:2]) < _MINIMUM_VERSION:
            raise TerraformError(f"{self.binary} is version {version}, which is too old", _INSTALL)
        return version

    def init(self) -> None:
        """Runs ``terraform init`` (1.6 s), unless nothing that it depends on has changed since the last time."""
        if self.stack.backend:  # `terraform workspace select` in this folder would select another state
            (self.stack.data_dir / "environment").unlink(missing_ok=True)
        stamp = self.stack.data_dir / "longshore-init"
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == self._init_digest():
            return
        self.stack.data_dir.mkdir(parents=True, exist_ok=True)
        self._checked(
            "init",
            hint="If the state bucket does not exist yet, run: invoke bootstrap",
            input=False,
            reconfigure=IsFlagged,
            no_color=IsFlagged,
            backend_config=str(self._backend_file()) if self.stack.backend else None,
        )
        stamp.write_text(self._init_digest(), encoding="utf-8")

    @contextmanager
    def plan(self, variables: Variables | None = None, options: PlanOptions = PLAN_DEFAULTS) -> Iterator[SavedPlan]:
        """Runs ``terraform plan``, and keeps the plan in a private file until the block ends."""
        self.refuse_unsaved()
        self.init()
        if not self.variables:  # the copy for a workspace is made for this machine
            unshared_files.refuse(self.stack, self._folders())
        with private_folder("plan") as folder:
            file = folder.path / "plan.tfplan"
            output = self._checked(
                "plan",
                on_event=options.on_event,
                input=False,
                json=IsFlagged,
                lock_timeout=f"{self.lock_timeout:.0f}s",
                lock=False if options.plan_only else None,
                out=str(file),
                destroy=IsFlagged if options.destroy else None,
                refresh_only=IsFlagged if options.refresh_only else None,
                target=list(options.targets),
                var_file=self._variable_files(variables or {}, folder.path),
            )
            if overrides := output.provider_overrides():
                raise TerraformError(f"terraform would use a provider under development:\n{overrides}", _RELEASED)
            changed = output.changed(refresh_only=options.refresh_only)
            if changed is None or not file.is_file():
                raise self._failure("plan", output, hint=self._run_by_hand("plan"))
            file.chmod(_PRIVATE)
            yield SavedPlan(file, changed)

    def show(self, plan: SavedPlan) -> dict[str, Any]:
        """The plan as ``terraform show -json`` prints it (format version 1)."""
        document = self._document("show", str(plan.file), json=IsFlagged)
        self.inspect(document)
        return document

    def state(self) -> dict[str, Any]:
        """The state as ``terraform show -json`` prints it (format version 1)."""
        self.init()
        return self._document("show", json=IsFlagged)

    def apply(self, plan: SavedPlan, on_event: OnEvent | None = None, on_stage: OnStage = bool) -> dict[str, Any]:
        """Runs ``terraform apply``; moves a state that could not be saved out of the root's folder."""
        on_wait = partial(self.say, f"waiting for another terraform apply in {self.stack.directory} to end")
        with deferred() as deferral, sole_apply(self.stack.directory, on_wait, deferral.check) as lock:
            self.refuse_unsaved()  # another apply may have failed during the wait for the folder
            deferral.check()
            on_stage(ApplyStage.STARTED)
            output = self._run(
                deferral,
                "apply",
                str(plan.file),
                inherits=lock,
                on_event=on_event,
                json=IsFlagged,
                input=False,
                lock_timeout=f"{self.lock_timeout:.0f}s",
            )
            if output.code:
                raise self._apply_error(output)
            on_stage(ApplyStage.ENDED)
        return output.values()

    def unlock(self, lock_id: str) -> None:
        """Runs ``terraform force-unlock``."""
        self.init()
        self._checked("force-unlock", lock_id, force=IsFlagged)

    def outputs(self) -> dict[str, Any]:
        """The values that ``terraform output -json`` prints."""
        self.init()
        outputs = self._document("output", json=IsFlagged)
        return {name: output.get("value") for name, output in outputs.items() if isinstance(output, dict)}

    def _apply_error(self, output: Output) -> Exception:
        explanation = output.explanation(self.masks)
        stale = StalePlanError if "Saved plan is stale" in explanation else TerraformError
        return self.unsaved.take(explanation) or self._failure("apply", output, stale)

    def _lineage(self) -> str:
        """The lineage of the saved state; empty if it cannot be read."""
        try:
            self.init()
            return str(self._document("state pull").get("lineage") or "")
        except TerraformError:
            return ""

    @property
    def _program(self) -> str:
        """The absolute path of the binary, because a relative one, or a relative folder in PATH, is meant from here."""
        path = shutil.which(self.binary, path=self.environ.get("PATH"))
        return str(Path(path).absolute()) if path else self.binary

    def _run_by_hand(self, command: str) -> str:
        return f"{self.binary} printed no JSON. Check that it is Terraform: {self.binary} {command} -json"

    def _document(self, *command: str, **options: Any) -> dict[str, Any]:
        """The JSON object that a command prints.

        Raises:
            TerraformError: it failed, or printed none.
        """
        output = self._checked(*command, **options)
        document = output.document()
        if document is None:
            raise self._failure(command[0], output, hint=self._run_by_hand(command[0]))
        return document

    def _checked(self, *command: str, hint: str = "", **options: Any) -> Output:
        """As `_run`.

        Raises:
            TerraformError: the exit code is not 0.
        """
        with deferred() as deferral:
            output = self._run(deferral, *command, **options)
            if output.code:
                raise self._failure(command[0], output, hint=hint)
            return output

    def _failure(
        self, command: str, output: Output, error: type[TerraformError] = TerraformError, hint: str = ""
    ) -> TerraformError:
        explanation = output.explanation(self.masks)
        return error(f"terraform {command} of {self.stack.name} failed:\n{explanation}", hint or output.hint)

    def _run(
        self,
        deferral: Deferral,
        *command: str,
        on_event: OnEvent | None = None,
        inherits: Sequence[int] = (),
        **options: Any,
    ) -> Output:
        """The output of a command with options, in the form that python_terraform takes them."""

        def on_stop() -> None:
            self.say(f"terraform {command[0]} of {self.stack.name} was told to stop; waiting for it to end")

        arguments = self._builder().generate_cmd_string(*command, **options)
        environ = {**process_environment(self.environ, self.stack.data_dir, self.cli_config), **self.variables}
        try:
            process = TerraformProcess(arguments, self.stack.directory, environ, inherits)
            return process.run(deferral, on_event, on_stop)
        except OSError as error:
            raise TerraformError(
                f"cannot run {self.binary!r} (setting terraform.binary): {error.strerror}", _INSTALL
            ) from error

    def _builder(self) -> Arguments:
        # `state` names a file that does not exist, or the constructor would read a local state file.
        return Arguments(terraform_bin_path=self._program, state=str(self.stack.data_dir / "no-state"))

    def _variable_files(self, variables: Variables, folder: Path) -> list[str]:
        files = [str(file) for file in self.stack.var_files]
        if not variables:
            return files
        # A file, not -var: every user sees a command line. The last one overrides the others.
        last = folder / "variables.tfvars.json"
        last.touch(mode=_PRIVATE)
        last.write_text(json.dumps(dict(variables)), encoding="utf-8")
        return [*files, str(last)]

    def _backend_file(self) -> Path:
        file = self.stack.data_dir / "backend.tfbackend"
        file.touch(mode=_PRIVATE)
        file.write_text(
            "".join(f"{key} = {json.dumps(value)}\n" for key, value in sorted(self.stack.backend.items())),
            encoding="utf-8",
        )
        return file

    def _folders(self) -> list[Path]:
        """The root and its modules, which are known after an init."""
        modules, folders = self.stack.data_dir / "modules" / "modules.json", {self.stack.directory}
        with suppress(OSError, ValueError, LookupError, TypeError):  # Terraform writes the file again
            known = json.loads(modules.read_text(encoding="utf-8"))["Modules"]
            folders |= {self.stack.directory / module["Dir"] for module in known}
        return sorted(folders)

    def _init_digest(self) -> str:
        digest = hashlib.sha256(json.dumps(dict(self.stack.backend), sort_keys=True).encode())
        for folder in self._folders():
            for file in sorted({*folder.glob("*.tf"), *folder.glob("*.tf.json"), *folder.glob(".terraform.lock.hcl")}):
                digest.update(file.read_bytes())
        return digest.hexdigest()
