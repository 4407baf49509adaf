"""When the effects of calls and failures show: as recorded, and as settings where AWS says nothing."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass
class Timing:
    """Times in seconds; each can be changed while the sandbox runs.

    Attributes:
        settling: after which a task with neither port nor health check counts; AWS waits for 40.
        rollback_window: for which PRIMARY shows FAILED before its rollback begins. Recorded: the two events are 1 ms
            apart, so 0.
        failure_hidden: after the rollback began, for which the failed deployment still shows IN_PROGRESS, ACTIVE
            beside PRIMARY. Recorded: up to 106 s.
        listed_after: after UpdateService, until its service deployment exists. Recorded: 1.6 s (the examples of the
            aws command line).
        rollback_reported_after: after the rollback began, until the service deployment shows it. Not known.
        empty_for: until a deployment without tasks completes. Recorded: 87 s.
        network_first_checks: 1 if a new target of a Network Load Balancer must pass HealthyThresholdCount checks, 0 if
            one is enough. AWS says that one is enough for an Application Load Balancer, and is silent about the other.
        rollback_keeps_id: 1 if the rollback's deployment has the id of the deployment that it returns to, 0 if it has a
            new one. Recorded once with the old id, and with a new date of creation.
        early_success_hidden: 1 if the rolloutState of a deployment that has succeeded early is IN_PROGRESS until the
            service is steady, 0 if it is COMPLETED at once. Not known.
        deferred_cleanup: after an early success, until DEFERRED stops the old tasks. AWS tries for up to two weeks.
        alarm_bake: for which alarms are watched after the tasks have been replaced. AWS computes it from the alarms,
            and it is less than five minutes.
        alarm_rollback_announced: 1 if the reason of the rollback's rolloutState names it as the circuit breaker's
            does, after an alarm. Not known.
        exits_counted: 1 if a task that exits after it was RUNNING counts for the circuit breaker. AWS names tasks that
            do not reach RUNNING, and tasks whose health checks fail, so 0.
        idle_revision_scales: 1 if a deployment without tasks, which is being replaced, takes part when the count is
            raised; 0 if only its successor starts tasks. Not known.
        empty_log_pages: the number of empty pages with which a log stream begins that is read from its end. Recorded
            for a stream that was hours old.
        hooks_on_rollback: 1 if a rollback waits at pause hooks as a deployment does, 0 if not. AWS names two stages at
            which hooks run on a rollback, and neither takes a pause hook.
    """

    settling: float = 1.0
    rollback_window: float = 0.0
    failure_hidden: float = 8.0
    listed_after: float = 1.6
    rollback_reported_after: float = 1.0
    empty_for: float = 1.0
    network_first_checks: float = 0.0
    rollback_keeps_id: float = 0.0
    early_success_hidden: float = 0.0
    deferred_cleanup: float = 1.0
    alarm_bake: float = 3.0
    alarm_rollback_announced: float = 0.0
    exits_counted: float = 0.0
    idle_revision_scales: float = 0.0
    empty_log_pages: float = 0.0
    hooks_on_rollback: float = 0.0

    def set(self, name: str, value: float) -> None:
        """Changes a setting.

        Raises:
            ValueError: there is no such setting, or the value is negative.
        """
        if name not in SETTINGS:
            raise ValueError(f"{name}: unknown setting; the settings are {', '.join(SETTINGS)}")
        if value < 0:
            raise ValueError(f"{name}: {value} is less than 0")
        setattr(self, name, value)


SETTINGS = tuple(field.name for field in fields(Timing))
