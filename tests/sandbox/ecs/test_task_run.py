"""A task whose start fails in any way ends: without Docker, on a host that fails where the test says."""

from __future__ import annotations

import logging
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest
from docker.errors import APIError

from longshore.sandbox.ecs.runtime import Launch, Report
from longshore.sandbox.ecs.task_run import TaskRun, Tools

FAILURES = [
    (KeyError("data"), "The sandbox could not start the task: KeyError: 'data'"),
    (RuntimeError("unexpected"), "The sandbox could not start the task: RuntimeError: unexpected"),
    (APIError("no space left"), "CannotCreateContainerError: Error response from daemon: no space left"),
]
STEPS = ("pull", "volumes", "network", "create")


class Host:
    """A host whose named step fails, and which may fail to remove containers too."""

    def __init__(self, step: str, error: Exception, *, removes: bool = True) -> None:
        self.removed: list[str] = []
        self._removes = removes
        for name in ("pull", "network", "create"):
            setattr(self, name, lambda *_, **_given: None)
        self.volumes: Any = lambda *_: {}
        setattr(self, step, self._fail)
        self._error = error

    def _fail(self, *_: Any, **_given: Any) -> None:
        raise self._error

    def remove(self, task: str) -> None:
        if not self._removes:
            raise self._error
        self.removed.append(task)


def play(host: Host, **definition: Any) -> tuple[TaskRun, list[Report]]:
    reports: list[Report] = []
    content = {"family": "web", "containerDefinitions": [{"name": "web", "image": "shop/app:v1"}], **definition}
    values = cast(Any, SimpleNamespace(of=lambda *_: {}))
    tools = Tools(cast(Any, host), cast(Any, None), cast(Any, None), values, values, "eu-central-1", reports.append)
    return TaskRun(Launch("t1", "shop", "web", "web", content), tools), reports


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(("error", "reason"), FAILURES, ids=[type(error).__name__ for error, _ in FAILURES])
def test_a_task_whose_start_fails_is_stopped_with_a_reason(step: str, error: Exception, reason: str) -> None:
    host = Host(step, error)
    run, reports = play(host)
    run.start()
    assert [report.status for report in reports] == ["PENDING", "STOPPING", "STOPPED"]
    assert (reports[1].stop_code, reports[1].reason) == ("TaskFailedToStart", reason)
    assert host.removed == ["t1"]


def test_a_definition_that_the_sandbox_cannot_read_stops_the_task() -> None:
    containers = [{"name": "web", "image": "i", "dependsOn": [{"condition": "START"}]}]
    run, reports = play(Host("pull", KeyError("x")), containerDefinitions=containers)
    run.start()
    assert (reports[-1].status, reports[-2].stop_code) == ("STOPPED", "TaskFailedToStart")


def test_a_task_ends_even_if_its_containers_cannot_be_removed(caplog: pytest.LogCaptureFixture) -> None:
    run, reports = play(Host("create", RuntimeError("engine"), removes=False))
    with caplog.at_level(logging.ERROR):
        run.start()
    assert reports[-1].status == "STOPPED"
    assert "the containers of task t1 were not removed" in caplog.text


def test_stopping_a_task_whose_start_failed_returns_at_once() -> None:
    run, reports = play(Host("volumes", KeyError("data")))
    run.start()
    ending = threading.Thread(target=run.end)
    ending.start()
    ending.join(timeout=2)
    assert not ending.is_alive()
    assert [report.status for report in reports].count("STOPPED") == 1
