"""One build: its phases in order, and the consequences of a failed phase."""

from __future__ import annotations

import logging
import shutil
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from longshore.sandbox.codebuild import buildspec, roles, variables
from longshore.sandbox.codebuild.build_host import BuildHost
from longshore.sandbox.codebuild.build_log import BuildLog
from longshore.sandbox.codebuild.build_record import FAILED, FAULT, PHASES, STOPPED, SUCCEEDED, TIMED_OUT, BuildRecord
from longshore.sandbox.codebuild.buildspec import Buildspec, BuildspecError
from longshore.sandbox.codebuild.outcomes import Outcome
from longshore.sandbox.codebuild.roles import RoleError
from longshore.sandbox.codebuild.shell import Interrupted, Shell
from longshore.sandbox.codebuild.source import SourceError, Sources
from longshore.sandbox.codebuild.variables import MissingValueError

TIMED_OUT_CONTEXT = ("BUILD_TIMED_OUT", "Build has timed out. ")


class Failed(Exception):  # noqa: N818 - named as CodeBuild names it
    """A phase fails, and the build with it; the arguments are code and message of the phase's context."""


@dataclass
class BuildRequest:
    """A build that was requested.

    Attributes:
        record: its document.
        region: the region where it runs.
        outcome: its prescribed outcome.
        webhook: the variables that a webhook adds.
        minute: seconds in a minute of its time-outs.
        artifacts: the type of its artifacts.
        stop: set by StopBuild.
    """

    record: BuildRecord
    region: str
    outcome: Outcome
    webhook: Mapping[str, str] = field(default_factory=dict)
    minute: float = 60.0
    artifacts: str = "NO_ARTIFACTS"
    stop: threading.Event = field(default_factory=threading.Event)


class Build:
    """A running build.

    Args:
        request: the build that was requested.
        host: the host of all builds.
        sources: the sources of all builds.
        log: the build's log.
        grace: seconds between SIGTERM and SIGKILL when it is stopped.
    """

    def __init__(
        self, request: BuildRequest, host: BuildHost, sources: Sources, log: BuildLog, grace: float = 5.0
    ) -> None:
        self._request = request
        self._record = request.record
        self._host = host
        self._sources = sources
        self._log = log
        self._grace = grace
        self._deadline = time.monotonic() + self._record["queuedTimeoutInMinutes"] * request.minute
        self._shell: Shell | None = None
        self._spec = Buildspec({})
        self._status = SUCCEEDED

    def run(self) -> None:
        """Carry out the build, from QUEUED to COMPLETED; raises nothing."""
        try:
            status = self._run_commands() if self._request.outcome.runs else self._follow_outcome()
        except Interrupted:
            status = self._interrupted()
        except Exception:
            logging.getLogger(__name__).exception("build %s failed inside the sandbox", self._record.id)
            self._record.leave(FAULT, "INTERNAL_SERVICE_ERROR", "the sandbox failed: check its server.log")
            status = FAULT
        try:
            self._clean_up()
        finally:
            self._record.finish(status)

    def _run_commands(self) -> str:
        try:
            self._prepare()
        except Failed as failed:
            code, message = failed.args
            self._complete(self._record["currentPhase"], FAILED, code, message)
            self._skip_through("FINALIZING")
            return FAILED
        phase: str | None = "INSTALL"
        while phase:
            phase = self._phase(phase)
        return self._status

    def _prepare(self) -> None:
        """Carry out QUEUED, PROVISIONING and DOWNLOAD_SOURCE, and start the shell of the commands."""
        try:
            credentials = roles.credentials(
                self._record["serviceRole"], self._record.id.rpartition(":")[2], self._request.region
            )
        except RoleError as error:
            raise Failed("ACCESS_DENIED", str(error)) from error
        self._record.leave(SUCCEEDED)
        self._deadline = time.monotonic() + self._record["timeoutInMinutes"] * self._request.minute
        self._skip_through("PROVISIONING")
        self._log.mask(tuple(credentials.values()))
        self._record.enter("DOWNLOAD_SOURCE")
        for line in ("Waiting for agent ping", "Waiting for DOWNLOAD_SOURCE", "Phase is DOWNLOAD_SOURCE"):
            self._log.write_line(line)
        environ = self._host.environment(self._record, self._request.region, credentials) | dict(self._request.webhook)
        environ |= self._download()
        values = self._values()
        self._log.mask(values.secret)
        folder = self._host.folder(self._record)
        mark = f"CODEBUILD_BUILD_ID={self._record.id}"
        # a project's variable must not override CodeBuild's own
        own = {name: value for name, value in values.values.items() if not name.startswith("CODEBUILD_")}
        self._shell = Shell(folder, folder / "src", environ | own, self._log.output, mark, self._grace)
        self._log.write_line(f"Phases found in YAML: {len(self._spec.phases)}")
        for name, phase in self._spec.phases.items():
            self._log.write_line(f" {name.upper()}: {len(phase.commands)} commands")
        self._complete("DOWNLOAD_SOURCE", SUCCEEDED)

    def _download(self) -> dict[str, str]:
        """Download the source, read the buildspec, and return further variables."""
        record, folder = self._record, self._host.folder(self._record) / "src"
        self._log.write_line(f"CODEBUILD_SRC_DIR={folder}")
        try:
            commit = self._sources.download(record["source"], record.get("sourceVersion", ""), folder)
        except SourceError as error:
            raise Failed("CLIENT_ERROR", str(error)) from error
        commit_shown = self._request.outcome.resolved_source_version or commit
        if commit_shown:
            record.set(resolvedSourceVersion=commit_shown)
        try:
            self._spec = buildspec.parse(self._buildspec())
        except BuildspecError as error:
            raise Failed("YAML_FILE_ERROR", str(error)) from error
        return {"CODEBUILD_RESOLVED_SOURCE_VERSION": commit} if commit else {}

    def _buildspec(self) -> str:
        spec = self._record["source"].get("buildspec") or "buildspec.yml"
        if buildspec.is_inline(spec):
            return str(spec)
        if spec.startswith("arn:"):
            try:
                return self._sources.file(spec).decode(errors="replace")
            except SourceError as error:
                raise Failed("YAML_FILE_ERROR", str(error)) from error
        path = self._host.folder(self._record) / "src" / spec
        self._log.write_line(f"YAML location is {path}")
        try:
            return path.read_text(errors="replace", encoding="utf-8")
        except OSError as error:
            raise Failed("YAML_FILE_ERROR", f"stat {path}: no such file or directory") from error

    def _values(self) -> variables.Values:
        self._log.write_line("Processing environment variables")
        merged = self._record["environment"]["environmentVariables"]
        try:
            return variables.resolve(merged, self._spec, self._host.account_id, self._request.region)
        except MissingValueError as error:
            raise Failed(error.code, str(error)) from error

    def _phase(self, name: str) -> str | None:
        """Carry out a phase from INSTALL on, and return the next phase; None after the last.

        A failure in INSTALL or PRE_BUILD leads to FINALIZING, one in BUILD to POST_BUILD, unless the buildspec has
        `on-failure` (AWS CodeBuild User Guide, "Build phase transitions"). AWS does not document whether a build
        succeeds if a failed phase has CONTINUE; here it fails.
        """
        next_phase = next(iter(PHASES[PHASES.index(name) + 1 :]), None)
        self._record.enter(name)
        if name == "UPLOAD_ARTIFACTS":
            self._artifacts()
        elif name == "FINALIZING":
            self._export()
            self._record.leave(SUCCEEDED)
        else:
            failure = self._commands(name.lower())
            if failure:
                phase = self._spec.phases[name.lower()]
                continues = phase.on_failure == "CONTINUE" or (not phase.on_failure and name in ("BUILD", "POST_BUILD"))
                shown = FAILED if continues or not phase.on_failure else "FAILED_WITH_ABORT"
                self._complete(name, FAILED, *failure, shown=shown)
                return next_phase if continues else "FINALIZING"
            self._complete(name, SUCCEEDED)
        return next_phase

    def _commands(self, name: str) -> tuple[str, str] | None:
        """Run the commands of a phase and its `finally`; return code and message of the first failure."""
        phase = self._spec.phases.get(name, buildspec.Phase())
        self._log.write_line(f"Entering phase {name.upper()}")
        failure = self._commands_until_one_fails(phase.commands)
        last = self._commands_until_one_fails(phase.finally_)
        return failure or last

    def _commands_until_one_fails(self, commands: tuple[str, ...]) -> tuple[str, str] | None:
        for command in commands:
            self._log.write_line(f"Running command {command}")
            code = self._execute(command)
            if code:
                self._log.write_line(f"Command did not exit successfully {command} exit status {code}")
                if self._status == SUCCEEDED:
                    self._status = FAILED
                    self._execute("export CODEBUILD_BUILD_SUCCEEDING=0")
                message = f"Error while executing command: {command}. Reason: exit status {code}"
                return "COMMAND_EXECUTION_ERROR", message
        return None

    def _execute(self, command: str) -> int:
        assert self._shell  # noqa: S101 - created in _prepare
        return self._shell.run(command, self._is_over)

    def _artifacts(self) -> None:
        if self._request.artifacts == "NO_ARTIFACTS":
            self._complete("UPLOAD_ARTIFACTS", SUCCEEDED)
            return
        self._status = FAILED
        message = "the sandbox does not upload artifacts; use artifacts of type NO_ARTIFACTS"
        self._complete("UPLOAD_ARTIFACTS", FAILED, "CLIENT_ERROR", message)

    def _export(self) -> None:
        """Record the exported variables, also of a failed build; a variable that is not set is omitted."""
        if self._shell is None:
            return
        values = {name: self._shell.variable(name) for name in self._spec.exported}
        exported = [{"name": name, "value": value} for name, value in values.items() if value is not None]
        self._record.set(exportedEnvironmentVariables=exported)

    def _skip_through(self, phase: str) -> None:
        """Pass a phase in which nothing happens."""
        self._record.enter(phase)
        self._record.leave(SUCCEEDED)

    def _complete(self, name: str, status: str, code: str = "", message: str = "", shown: str = "") -> None:
        self._record.leave(status, code, message)
        self._log.write_line(f"Phase complete: {name} State: {shown or status}")
        self._log.write_line(f"Phase context status code: {code} Message: {message}")

    def _is_over(self) -> bool:
        """Whether the build was stopped, or has timed out."""
        stopped = self._request.stop.is_set() and not self._request.outcome.unstoppable
        return stopped or time.monotonic() > self._deadline

    def _interrupted(self) -> str:
        status = STOPPED if self._request.stop.is_set() else TIMED_OUT
        self._record.leave(status, *(() if status == STOPPED else TIMED_OUT_CONTEXT))
        return status

    def _clean_up(self) -> None:
        """End all processes, remove the folder and flush the log, before the build counts as complete."""
        if self._shell:
            self._shell.close()
        shutil.rmtree(self._host.folder(self._record), ignore_errors=True)
        self._log.close()

    def _follow_outcome(self) -> str:
        """Carry out a build with a prescribed outcome, which runs no commands."""
        outcome = self._request.outcome
        for phase in PHASES[1 : PHASES.index(outcome.phase) + 1]:
            self._record.leave(SUCCEEDED)
            self._record.enter(phase)
        if outcome.phase != "QUEUED":
            self._deadline = time.monotonic() + self._record["timeoutInMinutes"] * self._request.minute
        if PHASES.index(outcome.phase) > PHASES.index("DOWNLOAD_SOURCE"):
            commit = self._sources.resolve(self._record["source"], self._record.get("sourceVersion", ""))
            self._record.set(resolvedSourceVersion=outcome.resolved_source_version or commit)
        for line in outcome.log:
            self._log.output(f"{line}\n".encode())
        until = time.monotonic() + outcome.seconds
        while outcome.stays or time.monotonic() < until:
            if self._is_over():
                raise Interrupted
            time.sleep(0.02)
        self._complete(outcome.phase, outcome.status, outcome.code, outcome.message)
        return outcome.status
