"""ECS without Docker: services and tasks, and a runtime that the test scripts and whose clock it drives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from longshore.sandbox.ecs.fleet import RUNNING, Container, Deployment, Health, Service, Task
from longshore.sandbox.ecs.orchestrator import Orchestrator
from longshore.sandbox.ecs.runtime import ContainerReport, Launch, Report
from longshore.sandbox.ecs.target_health import PASSED, Check, Outcome

CLUSTER_ARN = "arn:aws:ecs:eu-central-1:123456789012:cluster/shop"


def definition(family: str = "web", **container: Any) -> dict[str, Any]:
    return {"family": family, "containerDefinitions": [{"name": family, "image": "shop/app:v1", **container}]}


def deployment(number: int, *, primary: bool = True, completed: bool = False, retry_at: float = 0.0) -> Deployment:
    result = Deployment(f"ecs-svc/{number}", f"web:{number}", definition(), created_at=0.0, updated_at=0.0)
    result.primary, result.completed, result.retry_at = primary, completed, retry_at
    result.status = "SUCCESSFUL" if completed else "IN_PROGRESS"
    return result


def service(desired: int, minimum: int = 100, maximum: int = 200, deployments: Sequence[Deployment] = ()) -> Service:
    percents = {"minimumHealthyPercent": minimum, "maximumPercent": maximum}
    result = Service(
        name="web",
        arn=CLUSTER_ARN.replace(":cluster/", ":service/") + "/web",
        cluster="shop",
        cluster_arn=CLUSTER_ARN,
        desired=desired,
        created_at=0.0,
        settings={"deploymentConfiguration": percents, "loadBalancers": [], "serviceRegistries": []},
    )
    result.deployments = list(deployments)
    result.history = list(deployments)
    return result


def task(name: str, number: int, status: str = RUNNING, health: Health | None = None, *, leaving: bool = False) -> Task:
    """A task of deployment `number`; with a health check if `health` is given."""
    container = Container("web", "shop/app:v1", checked=health is not None, health=health or "UNKNOWN")
    result = Task(name, f"arn/{name}", "shop", f"web:{number}", definition(), [container], 0.0, "service:web")
    result.service, result.deployment = "web", f"ecs-svc/{number}"
    result.last_status, result.settled = status, True
    result.desired_status = "STOPPED" if leaving else RUNNING
    return result


class Script:
    """A scripted runtime: the reports of each task are decided when it starts, and made when they are due.

    Args:
        outcome: returns the reports that follow a launch, each with the seconds after the start.
    """

    def __init__(self, outcome: Callable[[Launch], list[tuple[float, Report]]], stopping: float = 1.0) -> None:
        self.outcome = outcome
        self.stopping = stopping
        self.now = 0.0
        self.started: list[str] = []
        self.stopped: list[str] = []
        self.withdrawn: list[tuple[str, str]] = []
        self.closed = False
        self.answer: Callable[[str], Outcome] = lambda _: PASSED
        self.checked: list[tuple[str, str, int]] = []
        self.routed: list[tuple[str, bool]] = []
        self._due: list[tuple[float, Report]] = []

    def start(self, launch: Launch) -> None:
        self.started.append(launch.task)
        self._due += [(self.now + after, report) for after, report in self.outcome(launch)]

    def stop(self, task: str) -> None:
        self.stopped.append(task)
        self._due = [(when, report) for when, report in self._due if report.task != task]
        self._due += [(self.now, Report(task, "STOPPING")), (self.now + self.stopping, Report(task, "STOPPED"))]

    def check(self, task: str, container: str, port: int, check: Check) -> None:
        self.checked.append((task, container, port))
        self._due.append((self.now, Report(task, checks=[(check.group, self.answer(task))])))

    def route(self, task: str, *, healthy: bool) -> None:
        self.routed.append((task, healthy))

    def withdraw(self, cluster: str, service: str) -> None:
        self.withdrawn.append((cluster, service))

    def poll(self, now: float) -> list[Report]:
        self.now = now
        due = sorted((entry for entry in self._due if entry[0] <= now), key=lambda entry: entry[0])
        self._due = [entry for entry in self._due if entry[0] > now]
        return [report for _, report in due]

    def close(self) -> None:
        self.closed = True


def runs(launch: Launch, after: float = 1.0) -> list[tuple[float, Report]]:
    """The task starts and stays up."""
    name = launch.definition["containerDefinitions"][0]["name"]
    return [
        (after / 2, Report(launch.task, "PENDING")),
        (after, Report(launch.task, "RUNNING", containers=[ContainerReport(name, "RUNNING")], reachable=True)),
    ]


def crashes(launch: Launch, after: float = 1.0, lasting: float = 0.5) -> list[tuple[float, Report]]:
    """The task starts, and its container exits with code 1."""
    name = launch.definition["containerDefinitions"][0]["name"]
    end = ContainerReport(name, "STOPPED", exit_code=1)
    last = Report(
        launch.task, "STOPPED", "EssentialContainerExited", "Essential container in task exited", False, [end]
    )
    return [*runs(launch, after), (after + lasting, last)]


def never_starts(launch: Launch, after: float = 0.5) -> list[tuple[float, Report]]:
    """The image cannot be pulled."""
    name = launch.definition["containerDefinitions"][0]["name"]
    failed = ContainerReport(name, reason="CannotPullContainerError: not found")
    return [(after, Report(launch.task, "STOPPED", "TaskFailedToStart", "Task failed to start", False, [failed]))]


class World:
    """A control loop with a scripted runtime, and a clock that only `pass_time` moves."""

    def __init__(self, outcome: Callable[[Launch], list[tuple[float, Report]]] = runs) -> None:
        self.time = 1_000_000.0
        self.runtime = Script(outcome)
        self.runtime.now = self.time
        self.checks: dict[str, Check] = {}
        self.orchestrator = Orchestrator(self.runtime, lambda: self.time, find_check=self.checks.get)

    def add(self, web: Service, number: str = "web:1") -> Service:
        self.orchestrator.fleet.services[web.cluster, web.name] = web
        self.deploy(web, number)
        return web

    def deploy(self, web: Service, task_definition: str, **container: Any) -> Deployment:
        self.orchestrator.deploy(web, task_definition, definition(**container), None)
        return web.primary

    def step(self, seconds: float = 0.25) -> None:
        self.orchestrator.step()
        self.time += seconds

    def pass_time(self, seconds: float) -> None:
        for _ in range(int(seconds / 0.25)):
            self.step()

    def live(self, web: Service) -> list[Task]:
        return self.orchestrator.fleet.live_of(web)

    def messages(self, web: Service) -> list[str]:
        return [str(event["message"]) for event in web.events]
