"""Runs terraform. The only importer of python_terraform, which builds the argument lists (docs/decisions.md)."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from python_terraform import IsFlagged
from python_terraform import Terraform as Arguments

from longshore.config.target import Stack
from longshore.errors import LeaveAtOnce, StalePlanError, TerraformError, UnsavedStateError
from longshore.masking import Masks

MINIMUM = (1, 10)
"""`use_lockfile` of the S3 backend came with Terraform 1.10."""
_FOLLOW_SECONDS = 0.05
_PRIVATE = 0o600
_SHOWN = 4000
_ERRORED = "errored.tfstate"
"""The file into which Terraform writes a state that it can't save, in the root's folder."""
_QUIET_EVENTS = frozenset({"version", "planned_change", "refresh_start", "refresh_complete", "apply_start", "outputs"})

OnEvent = Callable[[str], None]


@dataclass(frozen=True)
class SavedPlan:
    """A plan file, of mode 0600: it holds every variable in clear text."""

    file: Path
    changed: bool


@dataclass(frozen=True)
class Purpose:
    """What a plan is made for.

    Attributes:
        plan_only: nobody will apply it.
        back: it is made after a roll-back, whose verdict does not wait for long.
        wanted: asked now and then while it waits for its turn: whether anybody still needs it.
        targets: addresses; nothing but these, and what they depend on, is planned. Everything if empty.
        refresh_only: change no resource, only write down what is there, and the outputs that follow from it.
    """

    plan_only: bool = False
    back: bool = False
    wanted: Callable[[], bool] = lambda: True
    targets: Sequence[str] = ()
    refresh_only: bool = False


APPLIED = Purpose()


@dataclass(frozen=True)
class Output:
    """What terraform said, here or in a log of Terraform Cloud's, and its exit code."""

    code: int
    lines: list[str]

    @property
    def events(self) -> Iterator[dict[str, Any]]:
        """The lines that are JSON objects."""
        for line in self.lines:
            if line.startswith("{"):
                try:
                    yield json.loads(line)
                except json.JSONDecodeError:
                    continue

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines)

    def explanation(self, masks: Masks) -> str:
        """Terraform's own errors, one a paragraph; the end of the output where there are none."""
        found = [e["diagnostic"] for e in self.events if e.get("diagnostic", {}).get("severity") == "error"]
        return "\n".join(_paragraph(diagnostic) for diagnostic in found) or self.end(masks)

    def end(self, masks: Masks) -> str:
        """The end of the output, masked before it is cut: a part of a secret is not recognised any more."""
        return masks.mask(self.text)[-_SHOWN:]


@dataclass(frozen=True)
class Terraform:
    """One stack, run by one binary.

    Args:
        stack: the root, its variable files, and the settings of its backend.
        binary: the program, looked up on PATH.
        environ: the process environment: endpoint and credentials of this environment.
        cli_config: a CLI configuration to use if it exists (``make setup`` writes one where a mirror needs it).
        lock_timeout: seconds to wait for the state's lock.
        masks: what is not to be shown of Terraform's output.
    """

    stack: Stack
    binary: str
    environ: Mapping[str, str] = field(repr=False)
    cli_config: Path | None = None
    lock_timeout: float = 60
    masks: Masks = field(default_factory=Masks, repr=False)

    @property
    def unsaved(self) -> Path:
        """Where a state is kept that could not be saved; mode 0600, for it holds everything in clear text."""
        return self.stack.data_dir.parent / f"{self.stack.name}.{_ERRORED}"

    def refuse_unsaved(self) -> None:
        """Refuses to go on from a state that is older than what is there.

        Raises:
            UnsavedStateError: a state was not saved; says where it is, and how to save it.
        """
        for file in (self.unsaved, self.stack.directory / _ERRORED):
            if file.exists():
                raise self._not_saved(file, "an earlier terraform could not save its state")

    def set_up(self) -> list[str]:
        """Nothing is needed but the binary and the state."""
        return []

    def check(self, *, before_setup: bool = False) -> str:  # noqa: ARG002 - the same is needed
        """The version of the binary.

        Raises:
            TerraformError: it is missing, or older than 1.10; or the stack's folder is missing.
            UnsavedStateError: as `refuse_unsaved`.
        """
        self.refuse_unsaved()
        if not self.stack.directory.is_dir():
            raise TerraformError(
                f"there is no folder {self.stack.directory} to run terraform in",
                "Look at terraform.dir and terraform.foundation.dir in invoke.yaml.",
            )
        if shutil.which(self.binary, path=self.environ.get("PATH")) is None:
            raise TerraformError(
                f"there is no program {self.binary!r} (setting terraform.binary)",
                "Install Terraform 1.10 or later and put it on PATH.",
            )
        version = str(json.loads(self._run(["version"], json=IsFlagged).text)["terraform_version"])
        if tuple(int(part) for part in re.findall(r"\d+", version)[:2]) < MINIMUM:
            raise TerraformError(f"{self.binary} is version {version}", "Install Terraform 1.10 or later.")
        return version

    def init(self) -> None:
        """Readies the stack; skipped when nothing it depends on has changed since the last time (1.6 s)."""
        stamp = self.stack.data_dir / "longshore-init"
        if stamp.is_file() and stamp.read_text() == self._init_digest():
            return
        self.stack.data_dir.mkdir(parents=True, exist_ok=True)
        backend = str(self._backend_file()) if self.stack.backend else None
        run = self._run(["init"], input=False, reconfigure=IsFlagged, no_color=IsFlagged, backend_config=backend)
        if run.code:
            raise TerraformError(
                f"terraform init of {self.stack.directory} failed:\n{run.end(self.masks)}",
                "If the state bucket does not exist yet, run: invoke bootstrap",
            )
        stamp.write_text(self._init_digest())

    @contextmanager
    def plan(
        self,
        variables: Mapping[str, Any] | None = None,
        *,
        destroy: bool = False,
        on_event: OnEvent | None = None,
        purpose: Purpose = APPLIED,
    ) -> Iterator[SavedPlan]:
        """Makes a plan and keeps it in a private file for as long as the block lasts.

        Args:
            variables: values that beat the variable files.
            destroy: plan the end of everything in the stack.
            on_event: gets Terraform's messages as they come.
            purpose: what it is made for.
        """
        self.refuse_unsaved()
        self.init()
        with tempfile.TemporaryDirectory(prefix="longshore-plan-") as folder:
            file = Path(folder) / "plan.tfplan"
            with self._variables(variables or {}) as var_files:
                run = self._run(
                    ["plan"],
                    on_event,
                    input=False,
                    json=IsFlagged,
                    detailed_exitcode=IsFlagged,
                    lock_timeout=f"{self.lock_timeout:.0f}s",
                    out=str(file),
                    destroy=IsFlagged if destroy else None,
                    refresh_only=IsFlagged if purpose.refresh_only else None,
                    target=list(purpose.targets),
                    var_file=var_files,
                )
            if run.code not in (0, 2):
                raise TerraformError(
                    f"terraform plan of {self.stack.name} failed:\n{run.explanation(self.masks)}", _hint(run)
                )
            file.chmod(_PRIVATE)
            yield SavedPlan(file, changed=run.code == 2)

    def show(self, plan: SavedPlan) -> dict[str, Any]:
        """The plan as Terraform's JSON representation (format version 1)."""
        run = self._run(["show", "-json", str(plan.file)])
        if run.code:
            raise TerraformError(f"terraform show of a plan of {self.stack.name} failed:\n{run.end(self.masks)}")
        return dict(json.loads(run.text))

    def state(self) -> dict[str, Any]:
        """What the state holds, as Terraform's JSON representation of a state (format version 1)."""
        self.init()
        run = self._run(["show", "-json"])
        if run.code:
            raise TerraformError(f"terraform show of {self.stack.name} failed:\n{run.end(self.masks)}", _hint(run))
        return dict(json.loads(run.text))

    def apply(self, plan: SavedPlan, on_event: OnEvent | None = None) -> dict[str, Any]:
        """Applies exactly this plan.

        Returns:
            The values of all outputs that are not sensitive.

        Raises:
            StalePlanError: the state has changed since; nothing was done.
            UnsavedStateError: the state could not be saved; it is kept.
            TerraformError: any other failure; some of the plan may have been done.
        """
        run = self._run(
            ["apply", "-json", "-input=false", f"-lock-timeout={self.lock_timeout:.0f}s", str(plan.file)], on_event
        )
        if run.code:
            explanation = run.explanation(self.masks)
            left = self.stack.directory / _ERRORED
            if left.exists():
                shutil.move(left, self.unsaved)
                self.unsaved.chmod(_PRIVATE)
                raise self._not_saved(self.unsaved, f"terraform could not save its state:\n{explanation}")
            error = StalePlanError if "Saved plan is stale" in explanation else TerraformError
            raise error(f"terraform apply of {self.stack.name} failed:\n{explanation}", _hint(run))
        outputs = [event["outputs"] for event in run.events if event.get("type") == "outputs"]
        return {name: output.get("value") for name, output in (outputs[-1] if outputs else {}).items()}

    def unlock(self, lock_id: str) -> None:
        """Takes the lock of the state away from a terraform that has died.

        Raises:
            TerraformError: it has another id, or could not be taken away.
        """
        self.init()
        run = self._run(["force-unlock", "-force", lock_id])
        if run.code:
            raise TerraformError(f"terraform force-unlock of {self.stack.name} failed:\n{run.end(self.masks)}")

    def outputs(self) -> dict[str, Any]:
        """The values of all outputs in the state."""
        self.init()
        run = self._run(["output"], json=IsFlagged)
        if run.code:
            raise TerraformError(f"terraform output of {self.stack.name} failed:\n{run.end(self.masks)}", _hint(run))
        return {name: output["value"] for name, output in json.loads(run.text).items()}

    def _not_saved(self, file: Path, why: str) -> UnsavedStateError:
        return UnsavedStateError(
            f"{why}\nWhat it had done is in {file}",
            f"Save it: TF_DATA_DIR={self.stack.data_dir} {self.binary} -chdir={self.stack.directory} state push {file}"
            " (if the state is locked, before that: invoke state.unlock), then delete that file.",
        )

    def _run(self, command: Sequence[str], on_event: OnEvent | None = None, **options: Any) -> Output:
        # `state` points at nothing: the constructor would read a local state file if it found one.
        builder = Arguments(terraform_bin_path=self.binary, state=str(self.stack.data_dir / "no-state"))
        arguments = builder.generate_cmd_string(command[0], *command[1:], **options)
        # Output goes to a file that is followed, not through a pipe: were this process killed, terraform would meet
        # a closed pipe in the middle of an apply and leave its state half written.
        with tempfile.NamedTemporaryFile(prefix="longshore-terraform-") as output:
            process = subprocess.Popen(
                arguments,
                cwd=self.stack.directory,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            with Path(output.name).open("rb") as reader:
                return Output(*_follow(process, reader, on_event))

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in self.environ.items()
            if not name.startswith("TF_CLI_ARGS") and name != "TF_VAR_image_tag"
        }
        config = self.cli_config if self.cli_config and self.cli_config.is_file() else None
        named = kept.pop("TF_CLI_CONFIG_FILE", None)
        if config is None and named and Path(named).is_file():
            config = Path(named)
        return {
            **kept,
            **({"TF_CLI_CONFIG_FILE": str(config)} if config else {}),
            "TF_IN_AUTOMATION": "1",
            "TF_DATA_DIR": str(self.stack.data_dir),
            "CHECKPOINT_DISABLE": "1",
        }

    @contextmanager
    def _variables(self, variables: Mapping[str, Any]) -> Iterator[list[str]]:
        builder = Arguments(state=str(self.stack.data_dir / "no-state"))
        files = [str(file) for file in self.stack.var_files]
        try:
            # Last on the command line, so that it wins over the variable files.
            yield [*files, builder.temp_var_files.create(dict(variables))] if variables else files
        finally:
            builder.temp_var_files.clean_up()

    def _backend_file(self) -> Path:
        file = self.stack.data_dir / "backend.tfbackend"
        file.touch(mode=_PRIVATE)
        file.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in sorted(self.stack.backend.items())))
        return file

    def _init_digest(self) -> str:
        modules = self.stack.data_dir / "modules" / "modules.json"
        folders = {self.stack.directory}
        if modules.is_file():
            folders |= {self.stack.directory / m["Dir"] for m in json.loads(modules.read_text())["Modules"]}
        digest = hashlib.sha256(json.dumps(dict(self.stack.backend), sort_keys=True).encode())
        for folder in sorted(folders):
            for file in sorted([*folder.glob("*.tf"), *folder.glob(".terraform.lock.hcl")]):
                digest.update(file.read_bytes())
        return digest.hexdigest()


def _follow(process: subprocess.Popen[bytes], reader: BinaryIO, on_event: OnEvent | None) -> tuple[int, list[str]]:
    follower = _Lines(reader, on_event)
    order: BaseException | None = None
    while process.poll() is None:
        try:
            follower.read()
            time.sleep(_FOLLOW_SECONDS)
        except (KeyboardInterrupt, LeaveAtOnce) as caught:
            # One signal, then patience: terraform saves its state before it ends.
            if order is None:
                process.send_signal(signal.SIGINT)
            order = order or caught
    follower.read(last=True)
    if order:
        raise order
    return process.returncode, follower.lines


@dataclass
class _Lines:
    reader: BinaryIO
    on_event: OnEvent | None
    lines: list[str] = field(default_factory=list)
    pending: bytes = b""

    def read(self, *, last: bool = False) -> None:
        *complete, self.pending = (self.pending + self.reader.read()).split(b"\n")
        for raw in [*complete, *([self.pending] if last and self.pending else [])]:
            line = raw.decode(errors="replace")
            self.lines.append(line)
            if self.on_event and (said := message(line)):
                self.on_event(said)


def message(line: str) -> str:
    """What a person wants to read of a line; empty for an event that only repeats the plan."""
    try:
        event = json.loads(line)
        return "" if event.get("type") in _QUIET_EVENTS else str(event.get("@message", line))
    except (json.JSONDecodeError, AttributeError):
        return line


def _paragraph(diagnostic: Mapping[str, Any]) -> str:
    where = diagnostic.get("address") or diagnostic.get("range", {}).get("filename", "")
    place = f" ({where})" if where else ""
    return f"  {diagnostic['summary']}{place}: {diagnostic.get('detail', '')}".rstrip(": ")


def _hint(run: Output) -> str:
    if "Error acquiring the state lock" in run.text:
        return "Another terraform holds the state's lock: wait for it. If it has died: invoke state.unlock"
    if "could not be found" in run.text or "ResourceNotFound" in run.text or "NoSuchBucket" in run.text:
        return "If this environment was never set up, run: invoke bootstrap"
    return ""
