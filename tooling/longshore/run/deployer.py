"""The part of a run that updates services, and waits for their deployments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from longshore.aws.ecs import Ecs
from longshore.clock import Clock
from longshore.config.settings import Deadlines
from longshore.environment.environment import Environment
from longshore.errors import DeadlineError, RolloutError
from longshore.result import Failure
from longshore.rollout import deployments, watch
from longshore.rollout.baseline import Baseline
from longshore.rollout.tracking import Move, TrackedDeployment
from longshore.run import hook_waits
from longshore.run.failures import diagnosis_of
from longshore.run.limits import Limits
from longshore.run.run import Run


@dataclass(frozen=True)
class Deployer:
    """Updates services within the deadlines of an environment.

    Attributes:
        ecs: the services.
        clock: time.
        deadlines: the seconds that each step may take, from invoke.yaml.
        diagnose: explains the failed tasks of a deployment, by the names of its cluster and service and by its id.
        limits: makes the limits of the services, which warn if AWS could not be read.
    """

    ecs: Ecs
    clock: Clock
    deadlines: Deadlines
    diagnose: Callable[[str, str, str], Failure]
    limits: Callable[[Callable[[str], None]], Limits]

    @classmethod
    def of(cls, env: Environment) -> Deployer:
        """The deployer of an environment."""

        def diagnose(cluster: str, service: str, deployment: str) -> Failure:
            return diagnosis_of(env, cluster).of_service(service, deployment)

        return cls(env.aws.ecs, env.clock, env.target.env.deadlines, diagnose, partial(Limits.of_environment, env))

    def limits_of(self, run: Run) -> Limits:
        """The limits of the services of a run, which are read once for the run and its rollback."""
        if run.limits is None:
            run.limits = self.limits(run.warn)
        return run.limits

    def show_limits(self, run: Run) -> None:
        """Shows how long each service may take, and why."""
        for line in self.limits_of(run).describe(run.contract):
            run.console.say(line)

    def deadline_of(self, run: Run, key: str, move: Move) -> float:
        """The seconds that a service has to reach the revision of a move, and to leave its own."""
        limits, service = self.limits_of(run), run.result.services[key]
        revisions = {running.task_definition for running in (service.before, service.after) if running}
        limit = limits.of(run.contract, key, revisions=revisions | {move.task_definition}, count=move.count)
        limits.given[service.name] = limit
        return limit.seconds

    def start(self, run: Run, move: Move, deadline: float, baseline: Baseline | None) -> TrackedDeployment:
        """Updates a service to a revision, and returns the deployment that ECS has started.

        Raises:
            SupersededError: another process has deployed since the baseline was recorded; the service was not moved.
            UnknownOutcomeError: the running deployment could not be attributed; the service was not moved.
        """
        cluster, clock = run.contract.cluster, self.clock
        return deployments.start(self.ecs, cluster, move, deadline, baseline=baseline, clock=clock)

    def wait(self, run: Run, tracked: Sequence[TrackedDeployment]) -> None:
        """Waits for deployments to complete.

        Raises:
            RolloutError: one failed, or was not completed at its deadline.
            UnknownOutcomeError: ECS could not be read at the deadline.
        """
        with advised(run, tracked):
            try:
                watch.wait(self.ecs, run.contract.cluster, tracked, self.clock, run.watched)
            except RolloutError as error:
                hook_waits.explain(run, error)
                raise

    def refuse_late(self, run: Run, purpose: str, service: str = "") -> None:
        """Refuses to start an action if the deadline of the run has passed.

        Raises:
            DeadlineError: names the action.
        """
        if run.left(1.0) < 1.0:
            raise DeadlineError(
                f"the deadline of the release ({self.deadlines.release:.0f} s) passed before {purpose}",
                "Raise deadlines.release in invoke.yaml if releases of this application need longer.",
                service,
            )


@contextmanager
def advised(run: Run, tracked: Sequence[TrackedDeployment]) -> Iterator[None]:
    """If a deadline passes in the block, the error also says where the deadline comes from, and how to raise it."""
    try:
        yield
    except DeadlineError as error:
        limit = run.limits.given.get(error.service) if run.limits else None
        given = [deployment.deadline for deployment in tracked if deployment.move.service == error.service]
        if limit and given:
            error.hint = f"{error.hint} {limit.advise(given[0])}"
        raise
