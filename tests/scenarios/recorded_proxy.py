"""A proxy before the sandbox that answers as recordings of AWS do; it shares nothing with the sandbox's own model.

It reads what the sandbox says now, and rewrites single answers: each read shows a change later than the others, the
rollback has the id of the deployment that it returns to, the reason of each failed task has ids of its own, and the
first page of a log is empty. The shapes are those of the conformance suite (tests/conformance/recordings):
"ECS rolls back: PRIMARY names the breaker, the failed deployment is still ACTIVE and in progress", "a rollback may have
the id of the earlier deployment, with a new moment", "a secret that may not be read: the reason has the task's id and a
request id", and "an empty page is not the end".
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

Document = dict[str, Any]

_SIGNED_AGAIN = {"authorization", "connection", "content-length", "host", "x-amz-content-sha256", "x-amz-date"}
_HOP_BY_HOP = {"connection", "content-length", "date", "server", "transfer-encoding"}
_FIRST_PAGE = {"nextForwardToken": "f/before-the-first", "nextBackwardToken": "b/after-the-last"}
_DENIED = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable"
    " to retrieve secret from asm: service call has been retried 1 time(s): failed to fetch secret"
    " arn:aws:secretsmanager:eu-central-1:123456789012:secret:basket from secrets manager: AccessDeniedException: User:"
    " arn:aws:sts::123456789012:assumed-role/execution/{task} is not authorized to perform:"
    " secretsmanager:GetSecretValue status code: 400, request id: {request}"
)


@dataclass(frozen=True)
class Lags:
    """Seconds after which each read shows a change.

    Attributes:
        failed: DescribeServices shows the failed deployment as FAILED beside its rollback.
        listed: ListServiceDeployments lists a service deployment.
        reported: a service deployment shows that it is rolled back, or was stopped.
        current: DescribeServices names another service deployment as the current one.
    """

    failed: float = 0.0
    listed: float = 0.0
    reported: float = 0.0
    current: float = 0.0


@dataclass
class Recorded:
    """What the proxy makes of the sandbox's answers.

    Attributes:
        now: the clock of the sandbox.
        lags: of the reads.
        old_id: whether the rollback has the id of the deployment that it returns to.
        rollbacks: the id of each rollback that it has seen, and the id that it shows instead.
    """

    now: Callable[[], float]
    lags: Lags
    old_id: bool
    rollbacks: dict[str, str] = field(default_factory=dict)
    _began: dict[str, float] = field(default_factory=dict)
    _completed: dict[str, str] = field(default_factory=dict)
    _current: dict[str, list[tuple[float, str]]] = field(default_factory=dict)
    _ended: dict[str, float] = field(default_factory=dict)

    def rewrite(self, operation: str, answer: Document) -> None:
        """Changes an answer to what a recording would have at this time."""
        match operation:
            case "DescribeServices":
                for service in answer["services"]:
                    self._service(service)
            case "ListServiceDeployments":
                shown = [d for d in answer["serviceDeployments"] if self._is_over(d["createdAt"], self.lags.listed)]
                answer["serviceDeployments"] = shown
                self._service_deployments(shown)
            case "DescribeServiceDeployments":
                self._service_deployments(answer["serviceDeployments"])
            case "DescribeTasks":
                for task in answer["tasks"]:
                    self._task(task)

    def _is_over(self, since: float, lag: float) -> bool:
        return self.now() - since >= lag

    def _service(self, service: Document) -> None:
        deployments = service["deployments"]
        primary = next(d for d in deployments if d["status"] == "PRIMARY")
        if "rolling back to deploymentId" in primary["rolloutStateReason"]:
            self._began[primary["id"]] = primary["createdAt"]
            old = self._completed[primary["taskDefinition"]]
            self.rollbacks[primary["id"]] = old if self.old_id else primary["id"]
        if primary["id"] in self.rollbacks:
            began = self._began[primary["id"]]
            for failed in (d for d in deployments if d["rolloutState"] == "FAILED"):
                if not self._is_over(began, self.lags.failed):
                    reason = f"ECS deployment {failed['id']} in progress."
                    failed |= {"status": "ACTIVE", "rolloutState": "IN_PROGRESS", "rolloutStateReason": reason}
            self._give_old_id(service, primary)
        elif primary["rolloutState"] == "COMPLETED":
            self._completed.setdefault(primary["taskDefinition"], primary["id"])
        self._show_current(service)

    def _give_old_id(self, service: Document, primary: Document) -> None:
        """The rollback takes over the id, and the tasks that the deployment with this id still runs."""
        shown = self.rollbacks[primary["id"]]
        if shown == primary["id"]:
            return
        taken_over = [d for d in service["deployments"] if d["id"] == shown]
        primary["runningCount"] += sum(deployment["runningCount"] for deployment in taken_over)
        primary["rolloutStateReason"] = primary["rolloutStateReason"].replace(primary["id"], shown)
        primary["id"] = shown
        service["deployments"] = [d for d in service["deployments"] if d not in taken_over]

    def _show_current(self, service: Document) -> None:
        current = service.get("currentServiceDeployment")
        seen = self._current.setdefault(service["serviceName"], [])
        if current and (not seen or seen[-1][1] != current):
            seen.append((self.now(), current))
        shown = [arn for since, arn in seen if self._is_over(since, self.lags.current)] or [arn for _, arn in seen[:1]]
        if shown:
            service["currentServiceDeployment"] = shown[-1]

    def _service_deployments(self, shown: list[Document]) -> None:
        for deployment in shown:
            if deployment["status"].startswith(("ROLLBACK_", "STOP")):
                since = self._ended.setdefault(deployment["serviceDeploymentArn"], self.now())
                if not self._is_over(since, self.lags.reported):
                    deployment["status"] = "IN_PROGRESS"
                    for name in ("statusReason", "rollback", "finishedAt", "stoppedAt"):
                        deployment.pop(name, None)

    def _task(self, task: Document) -> None:
        if task.get("startedBy") in self.rollbacks:
            task["startedBy"] = self.rollbacks[task["startedBy"]]
        if task.get("stopCode") == "EssentialContainerExited" and task.get("startedBy", "").startswith("ecs-svc/"):
            name = task["taskArn"].rpartition("/")[2]
            request = uuid.uuid5(uuid.NAMESPACE_OID, name)
            task |= {"stopCode": "TaskFailedToStart", "stoppedReason": _DENIED.format(task=name, request=request)}
            for container in task["containers"]:
                container.pop("exitCode", None)


@contextmanager
def proxy(upstream: str, recorded: Recorded, credentials: Credentials) -> Iterator[str]:
    """The URL at which the sandbox answers as recorded, while the block lasts.

    A signature covers the Host header, so each request is signed again, with these credentials.
    """
    address = urlsplit(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            operation = self.headers.get("x-amz-target", "").rpartition(".")[2]
            first = operation == "GetLogEvents" and "nextToken" not in json.loads(body)
            if operation == "GetLogEvents":
                body = _without_first_token(body)
            status, headers, data = self._ask(body)
            if status == 200 and operation:
                answer = json.loads(data or b"{}")
                recorded.rewrite(operation, answer)
                data = json.dumps({"events": [], **_FIRST_PAGE} if first else answer).encode()
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _ask(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            connection = HTTPConnection(str(address.hostname), address.port)
            try:
                kept = {k: v for k, v in self.headers.items() if k.lower() not in _SIGNED_AGAIN}
                request = AWSRequest(self.command, upstream + self.path, kept, body)
                scope = self.headers["authorization"].partition("Credential=")[2].split("/")
                SigV4Auth(credentials, scope[3], scope[2]).add_auth(request)
                connection.request(self.command, self.path, body, dict(request.headers.items()))
                answer = connection.getresponse()
                return answer.status, answer.getheaders(), answer.read()
            finally:
                connection.close()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), name="recorded", daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _without_first_token(body: bytes) -> bytes:
    asked = json.loads(body)
    if asked.get("nextToken") in _FIRST_PAGE.values():
        del asked["nextToken"]
    return json.dumps(asked).encode()
