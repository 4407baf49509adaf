"""Looks whether what runs is what was released: revision, digest, and the answer of the health URL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from longshore.aws.ecs_types import Task
from longshore.clock import Clock
from longshore.config.contract import Contract
from longshore.errors import UnknownOutcomeError, VerifyError
from longshore.masking import Masks
from longshore.rollout import health
from longshore.rollout.looks import looks
from longshore.rollout.ports import RunningTasks

REQUEST_SECONDS = 5.0
STREAK = 3
"""So many good answers in a row: behind a load balancer an old task may still answer now and then."""

SURE_AFTER = 3
"""So many looks with the same finding: reads of ECS may be a moment old."""


@dataclass(frozen=True)
class Expectation:
    """What a service must run: the revision's ARN, the digest of each container's image, and whether any task."""

    service: str
    task_definition: str
    digests: Mapping[str, str]
    idle: bool = False


@dataclass(frozen=True)
class _Finding:
    service: str
    text: str
    for_good: bool


def tasks(ecs: RunningTasks, cluster: str, expected: Sequence[Expectation], clock: Clock, deadline: float) -> None:
    """Every task of the services runs the intended revision, from the digests that were built.

    A task or a digest that is missing may still come, and a read may fail: both are looked for again until the
    deadline. What is wrong in several looks is wrong.

    Args:
        ecs: the tasks.
        cluster: name of the cluster.
        expected: what must run, for each service.
        clock: time.
        deadline: seconds from now.

    Raises:
        VerifyError: lists every task that does not.
        UnknownOutcomeError: at the deadline ECS could not be read.
    """
    findings: list[_Finding] = []
    unread, same = "", 0
    for look in looks(lambda: _look(ecs, cluster, expected), clock, deadline, longest=2.0):
        unread = look.unread
        if look.seen is None:
            continue
        if not look.seen:
            return
        same, findings = (same + 1 if look.seen == findings else 1), look.seen
        if same >= SURE_AFTER and all(finding.for_good for finding in findings):
            break
    if unread:
        raise UnknownOutcomeError(f"whether the right tasks run after {deadline:.0f} s is not known: {unread}")
    listed = "\n".join(f"  {finding.text}" for finding in findings)
    raise VerifyError(f"what runs is not what was released:\n{listed}", service=findings[0].service)


def _look(ecs: RunningTasks, cluster: str, expected: Sequence[Expectation]) -> list[_Finding]:
    return [finding for one in expected for finding in _findings(ecs.tasks(cluster, one.service), one)]


def _findings(tasks: Sequence[Task], expected: Expectation) -> Iterator[_Finding]:
    """What is not as it must be, each with whether it is wrong for good."""
    service = expected.service
    if not tasks and not expected.idle:
        yield _Finding(service, f"{service}: no task runs", for_good=False)
    for task in tasks:
        if task.task_definition != expected.task_definition:
            yield _Finding(service, f"{service}: task {task.id} runs {task.task_definition}", for_good=True)
        for container in task.containers:
            wanted = expected.digests.get(container.name)
            if wanted and container.digest != wanted:
                place = f"{service}: container {container.name} of task {task.id}"
                text = f"{place} runs {container.digest or 'an unknown digest'}, not {wanted}"
                yield _Finding(service, text, for_good=container.digest is not None)


def urls(
    contract: Contract,
    base_url: Callable[[str, str], str | None],
    version: str,
    deadline: float,
    clock: Clock,
    masks: Masks,
) -> list[str]:
    """The contract's paths answer as they should, with this version, several times in a row.

    The version must be in the body, unless ``expect_text`` says which text must; ``{version}`` in it is filled in.

    Returns:
        The URLs that were asked; what could not be asked for want of a base URL is left out.

    Raises:
        VerifyError: a URL did not answer so before the deadline; says what it answered.
    """
    asked: list[str] = []
    for check in contract.verify:
        name = contract.services[check.service].name
        base = base_url(contract.cluster, name)
        if base is None:
            continue
        url = base.rstrip("/") + check.path
        text = (check.expect_text or "{version}").replace("{version}", version)
        ask = partial(health.ask, url, check.expect_status, text, REQUEST_SECONDS, masks)
        _until_right(url, ask, deadline, clock, name)
        asked.append(url)
    return asked


def _until_right(url: str, ask: Callable[[], str | None], deadline: float, clock: Clock, service: str) -> None:
    streak = asked = 0
    last = "was not asked"
    for pace in clock.polls(deadline, longest=2.0):
        finding = ask()
        asked += 1
        streak = 0 if finding else streak + 1
        last = finding or last
        if streak >= STREAK:
            return
        if streak:
            pace.hurry()
    times = "once" if asked == 1 else f"{asked} times"
    raise VerifyError(
        f"{url} {last} (asked {times} in {deadline:.0f} s)",
        "Ask the URL yourself, and read the task's log.",
        service,
        f"{url} {last}",
    )
