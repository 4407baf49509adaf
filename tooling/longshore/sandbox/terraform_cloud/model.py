"""The stand-in's workspaces with variables and states, its uploaded configurations and its runs."""

from __future__ import annotations

import secrets
import string
import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FINAL = frozenset({"applied", "planned_and_finished", "errored", "discarded", "canceled", "policy_soft_failed"})
_LETTERS = string.ascii_letters + string.digits


def new_id(kind: str) -> str:
    """A new id in Terraform Cloud's form: ``ws-``, ``run-``, ``cv-`` and 16 letters and digits."""
    return f"{kind}-" + "".join(secrets.choice(_LETTERS) for _ in range(16))


@dataclass
class Log:
    """A log that grows in a file, and is served between STX and ETX; a ``cut`` one never shows its end."""

    file: Path
    done: bool = False
    cut: bool = False

    def read(self, offset: int, limit: int) -> bytes:
        """The bytes from an offset."""
        content = self.file.read_bytes() if self.file.exists() else b""
        log = b"\x02" + content[: len(content) // 2 if self.cut else None]
        return (log + (b"\x03" if self.done and not self.cut else b""))[offset : offset + limit]


@dataclass
class Configuration:
    """A configuration version; ``archive`` is None until it is uploaded."""

    id: str
    workspace: str
    speculative: bool = False
    archive: Path | None = None


@dataclass
class Run:
    """A run. ``requested`` is confirm, discard or cancel, once a user asks for it; ``fault`` is its scripted fault."""

    id: str
    workspace: str
    configuration: str
    folder: Path
    message: str
    variables: list[dict[str, str]]
    plan_only: bool
    destroy: bool
    fault: str = ""
    status: str = "pending"
    has_changes: bool = False
    requested: str = ""
    policy: str = ""
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    seen: list[str] = field(default_factory=lambda: ["pending"])

    def __post_init__(self) -> None:
        self.plan, self.apply = self.id.replace("run-", "plan-"), self.id.replace("run-", "apply-")
        self.plan_log = Log(self.folder / "plan.log", cut="log_cut" in self.fault)
        self.apply_log = Log(self.folder / "apply.log")

    @property
    def final(self) -> bool:
        """Whether it has ended."""
        return self.status in FINAL

    @property
    def confirmable(self) -> bool:
        """Whether its plan is waiting to be applied."""
        return self.status == "policy_checked" and not self.requested

    @property
    def discardable(self) -> bool:
        """Whether it can be discarded: it is waiting, and has not been applied."""
        return self.status in ("pending", "planned", "cost_estimated", "policy_checked", "policy_override")

    @property
    def cancelable(self) -> bool:
        """Whether it can be cancelled: it is executing."""
        return not self.final and not self.discardable

    def enter(self, status: str) -> None:
        """Enter a status."""
        self.status = status
        self.seen.append(status)


@dataclass
class StateVersion:
    """A version of a workspace's state, with its outputs as Terraform writes them."""

    id: str
    run: str
    outputs: dict[str, dict[str, Any]]


@dataclass
class Workspace:
    """A workspace; ``attributes`` are those that its owner has set."""

    id: str
    organization: str
    folder: Path
    attributes: dict[str, Any]
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    states: list[StateVersion] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The workspace's name."""
        return str(self.attributes["name"])

    @property
    def state_file(self) -> Path:
        """The file of the workspace's state."""
        return self.folder / "terraform.tfstate"


class Store:
    """All workspaces, configurations and runs. Hold `changed` to change any of them, and notify it afterwards."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.changed = threading.Condition(threading.RLock())
        self.workspaces: dict[str, Workspace] = {}
        self.configurations: dict[str, Configuration] = {}
        self.runs: dict[str, Run] = {}
        self.scripted: list[str] = []

    def workspace_named(self, organization: str, name: str) -> Workspace | None:
        """A workspace by its name; None if there is none."""
        named = (w for w in self.workspaces.values() if (w.organization, w.name) == (organization, name))
        return next(named, None)

    def add_workspace(self, organization: str, attributes: dict[str, Any]) -> Workspace:
        """Create a workspace."""
        workspace = Workspace(identity := new_id("ws"), organization, self.directory / identity, attributes)
        workspace.folder.mkdir(mode=0o700, parents=True)
        self.workspaces[identity] = workspace
        return workspace

    def runs_of(self, workspace: str) -> list[Run]:
        """The runs of a workspace, oldest first."""
        return [run for run in self.runs.values() if run.workspace == workspace]

    def queue(self, workspace: str) -> list[Run]:
        """The runs that hold the workspace or wait for it; plan-only runs do neither."""
        return [run for run in self.runs_of(workspace) if not run.final and not run.plan_only]

    def position(self, run: Run) -> int:
        """A run's position in the queue; 0 for the run that holds the workspace, and for runs that do not queue."""
        queue = self.queue(run.workspace)
        blocked = run.fault == "queued" and run.status == "pending"
        return queue.index(run) + blocked if run in queue else 0

    def latest(self, workspace: str) -> Configuration | None:
        """The configuration that was uploaded last; None if there is none."""
        uploaded = [c for c in self.configurations.values() if c.workspace == workspace and c.archive]
        return uploaded[-1] if uploaded else None

    def take_fault(self, kinds: Collection[str]) -> str:
        """Remove and return the next scripted fault of these kinds; empty if there is none."""
        next_fault = next((fault for fault in self.scripted if fault in kinds), "")
        if next_fault:
            self.scripted.remove(next_fault)
        return next_fault

    def logs(self) -> Iterator[tuple[str, Log]]:
        """All logs, by the id of their plan or apply."""
        for run in self.runs.values():
            yield run.plan, run.plan_log
            yield run.apply, run.apply_log
