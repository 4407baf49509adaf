"""What the stand-in keeps: workspaces with variables and states, uploaded configurations, and runs."""

from __future__ import annotations

import secrets
import string
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FINAL = frozenset({"applied", "planned_and_finished", "errored", "discarded", "canceled", "policy_soft_failed"})
_LETTERS = string.ascii_letters + string.digits


def new_id(kind: str) -> str:
    """An id as Terraform Cloud's are: ``ws-``, ``run-``, ``cv-`` and 16 letters and digits."""
    return f"{kind}-" + "".join(secrets.choice(_LETTERS) for _ in range(16))


@dataclass
class Log:
    """A log that grows in a file; served between STX and ETX. ``cut`` is one that never shows its end."""

    file: Path
    done: bool = False
    cut: bool = False

    def read(self, offset: int, limit: int) -> bytes:
        """The bytes from an offset on."""
        content = self.file.read_bytes() if self.file.exists() else b""
        whole = b"\x02" + content[: len(content) // 2 if self.cut else None]
        return (whole + (b"\x03" if self.done and not self.cut else b""))[offset : offset + limit]


@dataclass
class Configuration:
    """A configuration version: ``archive`` is None until it is uploaded."""

    id: str
    workspace: str
    speculative: bool = False
    archive: Path | None = None


@dataclass
class Run:
    """A run. ``asked`` is what somebody wants of it: confirm, discard or cancel; ``fault`` what is scripted for it."""

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
    asked: str = ""
    policy: str = ""
    created: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    seen: list[str] = field(default_factory=lambda: ["pending"])

    def __post_init__(self) -> None:
        self.plan, self.apply = self.id.replace("run-", "plan-"), self.id.replace("run-", "apply-")
        self.plan_log = Log(self.folder / "plan.log", cut="log_cut" in self.fault)
        self.apply_log = Log(self.folder / "apply.log")

    @property
    def final(self) -> bool:
        """Whether nothing will come of it any more."""
        return self.status in FINAL

    @property
    def confirmable(self) -> bool:
        """Whether its plan waits to be applied."""
        return self.status == "policy_checked" and not self.asked

    @property
    def discardable(self) -> bool:
        """Whether it can be ended before its apply."""
        return self.status in ("pending", "planned", "cost_estimated", "policy_checked", "policy_override")

    @property
    def cancelable(self) -> bool:
        """Whether what it does can be stopped."""
        return not self.final and not self.discardable

    def becomes(self, status: str) -> None:
        """Goes on to a state."""
        self.status = status
        self.seen.append(status)


@dataclass
class StateVersion:
    """A state, with its outputs as Terraform writes them."""

    id: str
    run: str
    outputs: dict[str, dict[str, Any]]


@dataclass
class Workspace:
    """A workspace; ``attributes`` is what its owner has set."""

    id: str
    organization: str
    folder: Path
    attributes: dict[str, Any]
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    states: list[StateVersion] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.attributes["name"])

    @property
    def state_file(self) -> Path:
        """Where its state is kept."""
        return self.folder / "terraform.tfstate"


class Store:
    """Everything, in memory; files lie in a folder. Whoever changes anything holds `changed`, and tells the others."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.changed = threading.Condition(threading.RLock())
        self.workspaces: dict[str, Workspace] = {}
        self.configurations: dict[str, Configuration] = {}
        self.runs: dict[str, Run] = {}
        self.scripted: list[str] = []

    def workspace_named(self, organization: str, name: str) -> Workspace | None:
        """A workspace by its name."""
        found = (w for w in self.workspaces.values() if (w.organization, w.name) == (organization, name))
        return next(found, None)

    def add_workspace(self, organization: str, attributes: dict[str, Any]) -> Workspace:
        """A new workspace."""
        workspace = Workspace(made := new_id("ws"), organization, self.directory / made, attributes)
        workspace.folder.mkdir(parents=True)
        self.workspaces[made] = workspace
        return workspace

    def runs_of(self, workspace: str) -> list[Run]:
        """The runs of a workspace, oldest first."""
        return [run for run in self.runs.values() if run.workspace == workspace]

    def queue(self, workspace: str) -> list[Run]:
        """The runs that have the workspace or wait for it: those that plan only do neither."""
        return [run for run in self.runs_of(workspace) if not run.final and not run.plan_only]

    def position(self, run: Run) -> int:
        """A run's place in the queue; 0 for the one that has the workspace, and for those that don't queue."""
        queue = self.queue(run.workspace)
        held = run.fault == "queued" and run.status == "pending"
        return queue.index(run) + held if run in queue else 0

    def latest(self, workspace: str) -> Configuration | None:
        """The configuration that was uploaded last."""
        uploaded = [c for c in self.configurations.values() if c.workspace == workspace and c.archive]
        return uploaded[-1] if uploaded else None

    def take_fault(self, kinds: frozenset[str]) -> str:
        """The next scripted fault of these kinds, which is used up; empty where there is none."""
        found = next((fault for fault in self.scripted if fault in kinds), "")
        if found:
            self.scripted.remove(found)
        return found

    def logs(self) -> Iterator[tuple[str, Log]]:
        """All logs by the id of their plan or apply."""
        for run in self.runs.values():
            yield run.plan, run.plan_log
            yield run.apply, run.apply_log
