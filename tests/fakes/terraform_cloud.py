"""Fakes of Terraform Cloud: a transport with prepared responses, and the sandbox's service in this process."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from longshore.clock import Clock
from longshore.config.target import Workspace
from longshore.masking import Masks
from longshore.sandbox.terraform_cloud.application import Application
from longshore.sandbox.terraform_cloud.model import Log, Run, Store
from longshore.sandbox.terraform_cloud.model import Workspace as StoredWorkspace
from longshore.sandbox.terraform_cloud.worker import Worker
from longshore.terraform.cloud.api import Api, Response
from longshore.terraform.cloud.runs import Notifier, Runs
from longshore.terraform.cloud.workspaces import WorkspaceState

HOST = "https://cloud.example.com"
TOKEN = "token-of-the-test"
ADDRESS = Workspace("cloud.example.com", "acme", "shop-test")


class FakeTime:
    """A clock that moves only during sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += max(seconds, 0.001)

    def clock(self, check: Callable[[], None] = lambda: None) -> Clock:
        return Clock(lambda: self.now, self.sleep, check)


@dataclass
class FakeTransport:
    """A transport that returns the prepared responses of a call in order, the last one again and again.

    It refuses calls that the test did not prepare.
    """

    responses: dict[str, list[Response]] = field(default_factory=dict)
    calls: list[tuple[str, str, Any]] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict, repr=False)

    def reply(self, call: str, *documents: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Prepares responses to a call such as ``GET runs/run-1``: documents, or bytes."""
        bodies = [body if isinstance(body, bytes) else json.dumps(body).encode() for body in documents or (b"",)]
        self.responses.setdefault(call, []).extend(Response(status, headers or {}, body) for body in bodies)

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        path = urlsplit(url).path.removeprefix("/api/v2/")
        key = f"{method} {path}"
        self.tokens[key] = headers.get("Authorization", "")
        self.calls.append((method, path, json.loads(body) if body and body.startswith(b"{") else body))
        if key not in self.responses:
            raise AssertionError(f"the test did not expect {key}")
        remaining = self.responses[key]
        response = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        if response.status == 0:
            raise OSError(response.body.decode() or "no response")
        return response

    def paths(self, method: str = "POST") -> list[str]:
        return [path for called, path, _ in self.calls if called == method]


def run(status: str, **actions: bool) -> dict[str, Any]:
    """The document of a run."""
    attributes = {
        "status": status,
        "message": "Longshore: shop-test [abc]",
        "position-in-queue": 0,
        "has-changes": True,
        "actions": {f"is-{name}": value for name, value in actions.items()},
    }
    related = {"plan": {"data": {"id": "plan-1"}}, "apply": {"data": {"id": "apply-1"}}}
    return {"data": {"id": "run-1", "type": "runs", "attributes": attributes, "relationships": related}}


@dataclass
class Messages:
    """The messages that operators saw."""

    progress: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def workspace_state(**changes: Any) -> WorkspaceState:
    given = {
        "id": "ws-1",
        "address": ADDRESS,
        "mode": "remote",
        "auto_apply": False,
        "directory": "terraform/app",
        "connected": False,
        "structured": True,
        "version": "1.11.4",
        "readable": True,
    }
    return WorkspaceState(**{**given, **changes})


def runs(fake: FakeTransport, clock: Clock, messages: Messages | None = None) -> Runs:
    messages = messages or Messages()
    return Runs(
        Api(HOST, TOKEN, fake, clock),
        workspace_state(),
        clock,
        Notifier(messages.progress.append, messages.warnings.append),
        Masks(),
    )


_CHANGE = {"actions": ["create"], "before": None, "after": {"family": "web"}}
PLAN = {
    "resource_changes": [
        {"address": "aws_ecs_task_definition.web", "type": "aws_ecs_task_definition", "change": _CHANGE}
    ]
}


@dataclass
class ScriptedExecution:
    """An Execution without terraform: a plan with a tag changes a task definition, and an apply writes the state."""

    changes: bool | None = True
    applies: bool = True
    tags: list[str] = field(default_factory=list)
    configurations: list[bytes] = field(default_factory=list)
    before_plan: Callable[[], None] = lambda: None

    def plan(self, workspace: StoredWorkspace, run: Run, archive: Path) -> bool | None:
        self.before_plan()
        self.configurations.append(archive.read_bytes())
        tag = next((variable["value"] for variable in run.variables if variable["key"] == "image_tag"), "")
        event = {"@message": "Plan: 1 to add", "type": "change_summary"}
        planned = {"resource": {"addr": "aws_ecs_task_definition.web", "resource_type": "aws_ecs_task_definition"}}
        change = {
            "@message": "web: Plan to replace",
            "type": "planned_change",
            "change": planned | {"action": "replace"},
        }
        error = {"@message": "Error", "type": "diagnostic", "diagnostic": {"severity": "error", "summary": "no region"}}
        lines: list[dict[str, Any]] = (
            [{"@message": "Error"}, error] if self.changes is None else [change, event] if tag else [event]
        )
        _write(run.plan_log, lines)
        (run.folder / "plan.json").write_text(json.dumps(PLAN))
        (run.folder / "tag").write_text(tag)
        return None if self.changes is None else self.changes and bool(tag)

    def apply(self, workspace: StoredWorkspace, run: Run) -> bool:
        tag = (run.folder / "tag").read_text()
        self.tags.append(tag)
        error = {"@message": "x", "type": "diagnostic", "diagnostic": {"severity": "error", "summary": "no capacity"}}
        _write(run.apply_log, [{"@message": "web: Creating..."}] if self.applies else [error])
        outputs = {"release": {"value": {"image_tag": tag}}, "secret": {"value": "s3cret!", "sensitive": True}}
        workspace.state_file.write_text(json.dumps({"outputs": outputs}))
        return self.applies

    def interrupt(self, run: Run) -> None:
        """There is no process to interrupt."""


def _write(log: Log, lines: list[dict[str, Any]]) -> None:
    log.file.write_text("Initializing plugins and modules...\n" + "".join(f"{json.dumps(line)}\n" for line in lines))


@dataclass
class StandIn:
    """The sandbox's Terraform Cloud, called in this process without a socket."""

    store: Store
    application: Application
    calls: list[str] = field(default_factory=list)

    def __call__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response:
        parts = urlsplit(url)
        self.calls.append(f"{method} {parts.path}")
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "HTTP_HOST": parts.netloc,
            "wsgi.input": io.BytesIO(body or b""),
            "CONTENT_LENGTH": str(len(body or b"")),
            "HTTP_AUTHORIZATION": headers.get("Authorization", ""),
        }
        answered: list[Any] = []
        content = b"".join(self.application(environ, lambda status, given: answered.extend([status, given])))
        return Response(int(answered[0][:3]), {name.lower(): value for name, value in answered[1]}, content)


def stand_in(folder: Path, execution: ScriptedExecution) -> StandIn:
    store = Store(folder)
    return StandIn(store, Application(store, Worker(store, execution), TOKEN))


def quick_clock(check: Callable[[], None] = lambda: None) -> Clock:
    """Real time, because threads work in parallel, with short sleeps."""
    return Clock(time.monotonic, lambda seconds: time.sleep(min(seconds, 0.01)), check)
