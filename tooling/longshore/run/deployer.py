"""The part of a run that updates services, and waits for their deployments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from longshore.aws.ecs import Ecs
from longshore.clock import Clock
from longshore.config.settings import Deadlines
from longshore.environment.environment import Environment
from longshore.errors import DeadlineError
from longshore.rollout import deployments, watch
from longshore.rollout.baseline import Baseline
from longshore.rollout.deployments import Move, TrackedDeployment
from longshore.run.run import Run


@dataclass(frozen=True)
class Deployer:
    """Updates services within the deadlines of an environment.

    Attributes:
        ecs: the services.
        clock: time.
        deadlines: the seconds that each step may take, from invoke.yaml.
    """

    ecs: Ecs
    clock: Clock
    deadlines: Deadlines

    @classmethod
    def of(cls, env: Environment) -> Deployer:
        """The deployer of an environment."""
        return cls(env.aws.ecs, env.clock, env.target.env.deadlines)

    def deadline_of(self, key: str) -> float:
        """The seconds that a service has to reach its revision."""
        return self.deadlines.services.get(key, self.deadlines.rollout)

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
        watch.wait(self.ecs, run.contract.cluster, tracked, self.clock, run.watched)

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
