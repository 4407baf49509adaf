from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from longshore.sandbox.ecs.runtime import Launch, Report
from longshore.sandbox.ecs.scripted_runtime import OTHER_DIGEST, ScriptedRuntime
from longshore.sandbox.ecs.start_errors import cannot_start
from longshore.sandbox.ecs.task_script import TaskScript, nth, parse
from tests.sandbox.ecs_world import definition


def launch(task: str = "t1", family: str = "web", revision: int = 2, **container: object) -> Launch:
    return Launch(task, "shop", family, family, definition(family, **container), revision=revision)


def told(runtime: ScriptedRuntime, *times: float) -> list[tuple[float, str]]:
    """The reports, each with its time: the status, or another change."""
    return [(time, _said(report)) for time in times for report in runtime.poll(time)]


def _said(report: Report) -> str:
    if report.status:
        return report.status
    return ", ".join(container.health or "?" for container in report.containers)


def scripted(text: str, **rest: object) -> ScriptedRuntime:
    return ScriptedRuntime(lambda _family, _revision: parse(text), **rest)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("runs", TaskScript()),
        ("hangs", TaskScript()),
        ("runs after 3 s", TaskScript(starts_after=3)),
        ("exits 3 at start", TaskScript(exits=3)),
        ("exits 0 after 2.5 s", TaskScript(exits=0, exits_after=2.5)),
        ("flaps every 6 s", TaskScript(exits=1, exits_after=6)),
        ("cannot pull", TaskScript(pulls=False)),
        ("killed for memory after 2 s", TaskScript(exits=137, exits_after=2, out_of_memory=True)),
        ("never listens", TaskScript(listens=False)),
        ("never starts", TaskScript(starts_after=None)),
        ("unhealthy after 4 s", TaskScript(unhealthy_after=4)),
        ("vanishes after 2 s", TaskScript(vanishes_after=2)),
        ("runs another image", TaskScript(other_image=True)),
        ("answers 500", TaskScript(answers="500")),
        (
            'exits 1 at start, says "one, two; three", says "four"',
            TaskScript(exits=1, says=("one, two; three", "four")),
        ),
    ],
)
def test_a_script_is_parsed(text: str, script: TaskScript) -> None:
    assert parse(text) == (script,)


def test_each_task_has_its_script_and_the_last_one_applies_to_all_others() -> None:
    behaviours = parse("exits 1 at start; runs")
    assert [nth(behaviours, number).exits for number in range(4)] == [1, None, None, None]
    assert parse("heals after 2 failures") == (TaskScript(exits=1), TaskScript(exits=1), TaskScript())


def test_an_unknown_phrase_is_refused_and_the_valid_ones_are_listed() -> None:
    with pytest.raises(ValueError, match="unknown phrase 'sulks'; the phrases are: runs"):
        parse("runs, sulks")


def test_a_task_that_runs_reports_its_digest_and_its_health() -> None:
    runtime = scripted("runs after 1 s", digest={"shop/app:v1": "sha256:1"}.__getitem__)
    runtime.start(launch(healthCheck={"command": ["true"]}))
    assert told(runtime, 0, 0.9, 1, 1.4) == [(0, "PENDING"), (1, "RUNNING")]
    assert told(runtime, 1.5) == [(1.5, "HEALTHY")]
    again = scripted("runs, runs another image")
    again.start(launch())
    reports = again.poll(1)
    assert (reports[-1].reachable, reports[-1].containers[0].image_digest) == (True, OTHER_DIGEST)


@pytest.mark.parametrize(
    ("text", "code", "stop_code", "reason", "statuses"),
    [
        (
            "exits 3 at start",
            3,
            "EssentialContainerExited",
            "",
            [(0, "PENDING"), (1, "STOPPING"), (1, "STOPPED")],
        ),
        (
            "exits 3 after 2 s",
            3,
            "EssentialContainerExited",
            "",
            [(0, "PENDING"), (1, "RUNNING"), (3, "STOPPING"), (3, "STOPPED")],
        ),
        (
            "killed for memory after 2 s",
            137,
            "EssentialContainerExited",
            "OutOfMemoryError: Container killed due to memory usage",
            [(0, "PENDING"), (1, "RUNNING"), (3, "STOPPING"), (3, "STOPPED")],
        ),
        (
            "cannot pull",
            None,
            "TaskFailedToStart",
            "CannotPullContainerError: Error response from daemon: manifest for shop/app:v1 not found: "
            "manifest unknown: Requested image not found",
            [(0, "PENDING"), (1, "STOPPING"), (1, "STOPPED")],
        ),
    ],
)
def test_the_end_of_a_task_is_reported_with_awss_messages(
    text: str, code: int | None, stop_code: str, reason: str, statuses: Sequence[tuple[float, str]]
) -> None:
    runtime = scripted(text)
    runtime.start(launch())
    reports = [(time, report) for time in (0.0, 1.0, 3.0, 9.0) for report in runtime.poll(time)]
    assert [(time, report.status) for time, report in reports if report.status] == statuses
    stopping = next(report for _, report in reports if report.status == "STOPPING")
    assert stopping.stop_code == stop_code
    assert [(c.exit_code, c.reason) for c in stopping.containers] == [(code, reason)]


def test_on_fargate_the_reason_of_a_failed_pull_is_the_tasks() -> None:
    """Recorded: tests/conformance/recordings/ecs.tasks.toml, whose text is that of AWS's page."""
    runtime = scripted("cannot pull")
    runtime.start(replace(launch(), launch_type="FARGATE"))
    stopping = next(report for report in [*runtime.poll(0.0), *runtime.poll(1.0)] if report.status == "STOPPING")
    assert (stopping.stop_code, stopping.containers) == ("TaskFailedToStart", [])
    assert stopping.reason == (
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): "
        "failed to resolve ref shop/app:v1: shop/app:v1: not found"
    )


def test_a_task_may_never_start_listen_or_become_healthy() -> None:
    pending, deaf, sick = scripted("never starts"), scripted("never listens"), scripted("unhealthy after 0.2 s")
    for runtime in (pending, deaf, sick):
        runtime.start(launch(healthCheck={"command": ["true"]}))
    assert told(pending, 0, 999) == [(0, "PENDING")]
    assert not any(report.reachable for report in deaf.poll(999))
    assert told(sick, 999) == [(999, "PENDING"), (999, "RUNNING"), (999, "UNHEALTHY")]


def test_a_task_that_vanishes_reports_nothing_more() -> None:
    forgotten: list[str] = []
    runtime = scripted("vanishes after 2 s", forget=forgotten.append)
    runtime.start(launch())
    assert told(runtime, 1, 2) == [(1, "PENDING"), (1, "RUNNING")]
    assert (told(runtime, 3), forgotten) == ([], ["t1"])
    runtime.stop("t1")
    assert not told(runtime, 9)


def test_a_stopped_task_drops_the_rest_of_its_script() -> None:
    runtime = scripted("exits 1 after 5 s")
    runtime.start(launch())
    assert told(runtime, 1) == [(1, "PENDING"), (1, "RUNNING")]
    runtime.stop("t1")
    assert told(runtime, 1, 2, 9) == [(1, "STOPPING"), (2, "STOPPED")]
    assert runtime.stopped == ["t1"]


def test_each_revision_counts_its_own_tasks() -> None:
    runtime = ScriptedRuntime(lambda _family, revision: parse("exits 1 at start; runs" if revision == 2 else "runs"))
    for task, revision in (("a", 1), ("b", 2), ("c", 2)):
        runtime.start(launch(task, revision=revision))
    assert {report.task for report in runtime.poll(1) if report.status == "STOPPED"} == {"b"}
    assert [runtime.script_of(task).exits for task in "abc"] == [None, 1, None]


class Lines:
    """Log lines in memory; the log group may be missing."""

    def __init__(self, *, missing: bool = False) -> None:
        self.missing = missing
        self.written: list[tuple[str, tuple[str, ...], float]] = []

    def prepare(self, launch: Launch) -> None:
        if self.missing:
            raise cannot_start("web", "no log group")

    def write(self, launch: Launch, lines: Sequence[str], now: float) -> None:
        self.written.append((launch.task, tuple(lines), now))


def test_lines_are_written_when_the_task_runs() -> None:
    lines = Lines()
    runtime = scripted('runs after 1 s, exits 1 at start, says "boom"', lines=lines)
    runtime.start(launch())
    runtime.poll(0.5)
    assert lines.written == []
    assert [report.status for report in runtime.poll(2)] == ["STOPPING", "STOPPED"]
    assert lines.written == [("t1", ("boom",), 1.0)]


def test_a_task_without_its_log_group_does_not_start() -> None:
    runtime = scripted("runs", lines=Lines(missing=True))
    runtime.start(launch())
    stopping = next(report for report in runtime.poll(2) if report.status == "STOPPING")
    assert (stopping.stop_code, stopping.containers[0].reason) == (
        "TaskFailedToStart",
        "CannotStartContainerError: Error response from daemon: no log group",
    )
