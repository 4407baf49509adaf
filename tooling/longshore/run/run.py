"""A run in progress: its recorder, the contract it works on, the deployments it started, and its time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from longshore.config.contract import Contract
from longshore.rollout.pauses import brief
from longshore.rollout.tracking import ServiceLook, TrackedDeployment
from longshore.run import hook_waits
from longshore.run.limits import Limits
from longshore.run.recorder import Recorder


@dataclass(kw_only=True)
class Run(Recorder):
    """A run in progress.

    Attributes:
        contract: the revisions that Terraform registered last; an apply replaces it.
        resumed: another process began this run; its side effects are looked up instead of repeated.
        tracked: the deployment that each service was updated by, by the key of the service.
        ends_at: the deadline of the run, by its clock; it starts with the first change.
        limits: the deadlines of its services; None until the first is asked for.
        waited_until: the end of the last wait at a lifecycle hook, by its clock.
    """

    contract: Contract
    resumed: bool = False
    tracked: dict[str, TrackedDeployment] = field(default_factory=dict)
    ends_at: float = math.inf
    limits: Limits | None = None
    waited_until: float = -math.inf

    def start_deadline(self, seconds: float) -> None:
        """Starts the deadline of the run: building, and waiting for approval, do not count."""
        self.ends_at = self.clock.now() + seconds

    def left(self, seconds: float) -> float:
        """The seconds that a part of the run may take: these, or fewer if the run has fewer left."""
        return max(0.0, min(seconds, self.ends_at - self.clock.now()))

    def watched(self, look: ServiceLook) -> None:
        """Shows a service that is being watched, and keeps the state of its deployment.

        The time for which a service waits at a lifecycle hook moves the deadline of the run; if several services wait
        at the same time, it counts once.
        """
        if look.held:
            since, until = look.held
            self.ends_at += max(0.0, until - max(since, self.waited_until))
            self.waited_until = max(self.waited_until, until)
        self.console.service(look.service, brief(look.paused) if look.paused else "")
        for key, deployment in self.tracked.items():
            if deployment.move.service == look.service.name:
                self.tracked[key] = look.tracked
                hook_waits.show(self, key, look)

    @property
    def begun(self) -> bool:
        """Whether an earlier process of this run has changed something: then it was approved."""
        outcomes = {*self.result.facts.services, *self.result.facts.schedules}
        return self.resumed and outcomes - {"not moved"} != set()
