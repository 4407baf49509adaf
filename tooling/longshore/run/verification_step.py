"""The verification of a run: the services stay healthy, every task is the released one, and the health URLs answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from longshore.errors import RolloutError, SupersededError
from longshore.result import HealthCheck, Running
from longshore.rollout import verification, watch
from longshore.rollout.failed_tasks import summarized
from longshore.rollout.verification import Expectation, Wanted
from longshore.run.deployer import Deployer
from longshore.run.run import Run
from longshore.run.waves import record_failed

BaseUrl: TypeAlias = Callable[[str, str], str | None]
"""The URL under which a service of a cluster answers, by their names; None if there is none."""


def verify(run: Run, deployer: Deployer, base_url: BaseUrl) -> None:
    """Watches the services for the bake time, checks every task, and asks the health URLs of those that have tasks.

    Raises:
        RolloutError: a service did not stay healthy, a task is not the released one, or a URL answered wrongly.
        UnknownOutcomeError: ECS could not be read until the deadline.
    """
    expected = {key: after for key, service in run.result.services.items() if (after := service.after)}
    _bake(run, deployer)
    expectations = [_expectation(run, key, after) for key, after in expected.items()]
    deadline = deployer.deadlines.verify
    verified = verification.tasks(deployer.ecs, run.contract.cluster, expectations, deployer.clock, deadline)
    for note in verified.notes:
        run.detail(note)
    version, masks = run.result.version, run.console.masks
    wanted = Wanted(version, verified.mixed)
    served = [check for check in run.contract.verify if _may_have_tasks(expected.get(check.service))]
    asking = run.contract.model_copy(update={"verify": served})
    urls = verification.urls(asking, base_url, wanted, deadline, deployer.clock, masks)
    for url in urls:
        run.detail(f"{url} answers with {version}")
    run.result.checks = [HealthCheck(**check.model_dump()) for check in served] if urls else []
    _warn_unverified(run, expected, unasked=bool(served) and not urls)


def _may_have_tasks(after: Running | None) -> bool:
    return after is None or after.count > 0


def _bake(run: Run, deployer: Deployer) -> None:
    """Waits until the services have been healthy for the bake time."""
    tracked, cluster = list(run.tracked.values()), run.contract.cluster
    blamed = ""
    try:
        watch.bake(deployer.ecs, cluster, tracked, deployer.deadlines.bake, deployer.clock, run.watched)
    except RolloutError as error:
        blamed = error.service
        if isinstance(error, SupersededError):
            services = {key: deployment.move.service for key, deployment in run.tracked.items()}
            record_failed(run.result, {key: name for key, name in services.items() if name == blamed}, error)
        raise
    finally:
        _warn_failed(run, deployer, blamed)


def _warn_failed(run: Run, deployer: Deployer, blamed: str) -> None:
    """Warns of new tasks that failed under watch; those of the service to blame are explained with its failure."""
    for tracked in run.tracked.values():
        name = tracked.move.service
        if tracked.failed and name != blamed:
            log = deployer.diagnose(run.contract.cluster, name, tracked.deployment).log
            run.warn(summarized(name, tracked.failed) + "".join(f"; its log ends with: {line}" for line in log[-1:]))


def _expectation(run: Run, key: str, after: Running) -> Expectation:
    service = run.contract.services[key]
    images = run.result.images
    by_container = {name: images[image] for name, image in service.containers.items() if image in images}
    return Expectation(service.name, after.task_definition, by_container, idle=not after.count, count=after.count)


def _warn_unverified(run: Run, expected: dict[str, Running], *, unasked: bool) -> None:
    if unasked:
        run.warn("no health URL was asked: set base_url of the environment in invoke.yaml")
    if idle := [run.contract.services[key].name for key, after in expected.items() if not after.count]:
        run.warn(f"not verified (0 tasks): {', '.join(idle)}")
