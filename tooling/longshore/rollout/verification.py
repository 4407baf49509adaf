"""Verifies a roll-out: the revision and digest of every task, and the answers of the health URLs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from longshore.aws.ecs_types import Service, Task
from longshore.clock import Clock
from longshore.config.contract import Contract
from longshore.errors import UnknownOutcomeError, VerifyError
from longshore.masking import Masks
from longshore.result import ImageResult
from longshore.rollout import health
from longshore.rollout.expected_text import ExpectedText
from longshore.rollout.looks import looks
from longshore.rollout.ports import RunningTasks

REQUEST_SECONDS = 5.0
STREAK = 3
"""The number of good answers in a row that a health URL must give: an old task may still answer now and then."""

SURE_AFTER = 3
"""The number of looks that must agree before a wrong task is reported: a read of ECS may be out of date."""

_STILL_RUNS = "still runs"
_STARTING = ("PROVISIONING", "PENDING", "ACTIVATING")
_LEAVING = ("DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED", "DELETED")
"""The states of a task before and after RUNNING.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-lifecycle-explanation.html
"""


@dataclass(frozen=True)
class Expectation:
    """The revision (ARN) that a service must run, and the image of each container.

    ``idle``: the service may have no tasks. ``count`` is the recorded number of tasks, if there is one: tasks with
    which the service is scaled out afterwards need not run.
    """

    service: str
    task_definition: str
    images: Mapping[str, ImageResult]
    idle: bool = False
    count: int | None = None


@dataclass(frozen=True)
class _Difference:
    """A task or container that differs from the expectation; waiting does not help if it is ``permanent``."""

    service: str
    text: str
    permanent: bool


@dataclass(frozen=True)
class Verified:
    """The tasks that were verified.

    Attributes:
        notes: about each task that was not judged, for people.
        mixed: the names of the services with old tasks that an early success has left behind, and that may answer.
    """

    notes: list[str] = field(default_factory=list)
    mixed: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Wanted:
    """The answers that health URLs must give.

    Attributes:
        version: the released version; None if it is unknown.
        mixed: the names of the services with old tasks that may answer as well.
    """

    version: str | None
    mixed: Collection[str] = ()


@dataclass(frozen=True)
class _Comparison:
    """The tasks of services, compared with the expectation."""

    differences: list[_Difference] = field(default_factory=list)
    verified: Verified = field(default_factory=Verified)


def tasks(ecs: RunningTasks, cluster: str, expected: Sequence[Expectation], clock: Clock, deadline: float) -> Verified:
    """Verifies that every task runs the intended revision, from the digests that were built.

    Enough tasks must be healthy: the share of the desired count that ECS itself maintains, and at least one. Tasks that
    are only starting prove nothing: ECS replaces tasks on Spot, scales, and balances zones at any time. Nor do tasks
    that are stopping, or tasks of an earlier revision if the service lets a deployment succeed before they stop.

    A missing task or digest may still appear, and a failed read may succeed: both are tried again until the deadline.
    A wrong revision or digest must be seen in several looks.

    Args:
        ecs: reads services and their tasks.
        cluster: name of the cluster.
        expected: the expectation for each service.
        clock: time.
        deadline: seconds from now.

    Returns:
        The tasks that were not judged.

    Raises:
        VerifyError: lists every difference.
        UnknownOutcomeError: ECS could not be read at the deadline.
    """
    differences: list[_Difference] = []
    unread, same = "", 0
    for look in looks(lambda: _compare_all(ecs, cluster, expected), clock, deadline, longest=2.0):
        unread = look.unread
        if look.seen is None:
            continue
        if not look.seen.differences:
            return look.seen.verified
        same = same + 1 if look.seen.differences == differences else 1
        differences = look.seen.differences
        if same >= SURE_AFTER and all(difference.permanent for difference in differences):
            break
    if unread:
        raise UnknownOutcomeError(f"could not determine within {deadline:.0f} s whether the right tasks run: {unread}")
    listed = "\n".join(f"  {difference.text}" for difference in differences)
    raise VerifyError(f"the running tasks differ from the release:\n{listed}", service=differences[0].service)


def _compare_all(ecs: RunningTasks, cluster: str, expected: Sequence[Expectation]) -> _Comparison:
    services = ecs.services(cluster, [expectation.service for expectation in expected]) if expected else {}
    comparison = _Comparison()
    for expectation in expected:
        service = services[expectation.service]
        _compare(service, ecs.tasks(cluster, service.name), expectation, comparison)
    return comparison


def _compare(service: Service, tasks: Sequence[Task], expected: Expectation, comparison: _Comparison) -> None:
    """Adds the tasks of a service to a comparison."""
    differences: list[_Difference] = []
    healthy = 0
    for task in tasks:
        wrong = list(_differences(task, expected))
        if reason := _not_judged(task, service, expected):
            comparison.verified.notes.append(f"{service.name}: task {task.id} {reason}")
            if reason.startswith(_STILL_RUNS):
                comparison.verified.mixed.add(service.name)
        else:
            differences += wrong
            healthy += not wrong and task.health != "UNHEALTHY"
    wanted = service.desired if expected.count is None else min(service.desired, expected.count)
    enough = max(1, service.settings.enough(wanted))
    if healthy < enough and not differences and not expected.idle:
        text = _too_few(healthy, enough) if tasks else "no task runs"
        differences.append(_Difference(service.name, f"{service.name}: {text}", permanent=False))
    comparison.differences.extend(differences)


def _too_few(healthy: int, enough: int) -> str:
    """A sentence about the healthy tasks of the release, of which there are too few."""
    number = {0: "no healthy task runs", 1: "only 1 healthy task runs"}.get(
        healthy, f"only {healthy} healthy tasks run"
    )
    return f"{number} the release; at least {enough} {'is' if enough == 1 else 'are'} needed"


def _not_judged(task: Task, service: Service, expected: Expectation) -> str:
    """Why a task proves nothing about the release; empty if it does."""
    if task.desired_status == "STOPPED" or task.last_status in _LEAVING:
        return "is stopping"
    if task.task_definition == expected.task_definition:
        wrong = any(difference.permanent for difference in _differences(task, expected))
        return "is still starting" if task.last_status in _STARTING and not wrong else ""
    settled = service.primary is not None and service.primary.task_definition == expected.task_definition
    if service.settings.old_tasks_stay and settled:
        return f"{_STILL_RUNS} {task.task_definition}; ECS stops it later (early success criteria)"
    return ""


def _differences(task: Task, expected: Expectation) -> Iterator[_Difference]:
    service = expected.service
    if task.task_definition != expected.task_definition:
        yield _Difference(service, f"{service}: task {task.id} runs {task.task_definition}", permanent=True)
    for container in task.containers:
        image = expected.images.get(container.name)
        if image and image.digest and not image.runs_as(container.digest):
            place, actual = f"container {container.name} of task {task.id}", container.digest or "an unknown digest"
            text = f"{service}: {place} runs {actual}, not {image.digest}"
            yield _Difference(service, text, permanent=container.digest is not None)


def urls(
    contract: Contract,
    base_url: Callable[[str, str], str | None],
    wanted: Wanted,
    deadline: float,
    clock: Clock,
    masks: Masks,
) -> list[str]:
    """Verifies that the contract's health URLs answer as expected, several times in a row.

    The body must contain the version, or ``expect_text`` if the contract has one; ``{version}`` in it is filled in. A
    text with a version is not required if the version is unknown. Where old tasks may answer as well, the good answers
    need not be in a row.

    Args:
        contract: the contract.
        base_url: the URL of a service of a cluster; None if it is unknown.
        wanted: the answers that they must give.
        deadline: seconds for each URL.
        clock: time.
        masks: hides secrets in the answers.

    Returns:
        The URLs that were checked; a service without a base URL is skipped.

    Raises:
        VerifyError: a URL did not answer as expected before the deadline; the message has its last answer.
    """
    checked: list[str] = []
    for check in contract.verify:
        name = contract.services[check.service].name
        base = base_url(contract.cluster, name)
        if base is None:
            continue
        url = base.rstrip("/") + check.path
        text = ExpectedText.of(check.expect_text, wanted.version)
        ask = partial(health.ask, url, check.expect_status, text, REQUEST_SECONDS, masks)
        _wait_for_streak(url, ask, deadline, clock, name, in_a_row=name not in wanted.mixed)
        checked.append(url)
    return checked


def _wait_for_streak(
    url: str, ask: Callable[[], str | None], deadline: float, clock: Clock, service: str, *, in_a_row: bool
) -> None:
    streak = requests = 0
    last = "was not asked"
    for pace in clock.polls(deadline, longest=2.0):
        problem = ask()
        requests += 1
        streak = streak + 1 if not problem else 0 if in_a_row else streak
        last = problem or last
        if streak >= STREAK:
            return
        if streak:
            pace.hurry()
    times = "once" if requests == 1 else f"{requests} times"
    raise VerifyError(
        f"{url} {last} (asked {times} in {deadline:.0f} s)",
        f"Request the URL yourself, and read the logs of {service}.",
        service,
        f"{url} {last}",
    )
