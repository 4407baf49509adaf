"""The settings of a service that decide whether and how Longshore can release it, as frozen values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from longshore.aws.circuit_breaker import CircuitBreaker, circuit_breaker_of, percentage_of


@dataclass(frozen=True)
class EarlySuccess:
    """The early success criteria: a deployment succeeds before all tasks have been replaced.

    Attributes:
        healthy_percent: the share of the desired count that must be healthy.
        cleanup: BLOCKING if old tasks are removed before the deployment is successful, DEFERRED if afterwards.
    """

    healthy_percent: int
    cleanup: str


@dataclass(frozen=True)
class ServiceSettings:
    """The settings of a service that the state of its deployments depends on.

    Each default is the one that AWS applies, and the meaning of an answer without the field: recordings of services
    that are older than a field lack it. The names are those of botocore 1.44's model, which has all of them.
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_Service.html
    https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeploymentConfiguration.html

    Attributes:
        controller: the deployment controller: ECS, CODE_DEPLOY or EXTERNAL.
        strategy: ROLLING, BLUE_GREEN, LINEAR or CANARY.
        scheduling: REPLICA, or DAEMON for one task on each instance.
        managed_by: CUSTOMER, or ECS for a service of Express Mode.
        classic_load_balancers: the names of its Classic Load Balancers.
        target_groups: the ARNs of its target groups.
        hooks: its lifecycle hooks, one text each: kind, function and stages.
        breaker: its circuit breaker.
        early_success: its early success criteria; None if they are not enabled.
        minimum_healthy: the percentage of the desired count, rounded up, that ECS keeps healthy.
        maximum: the percentage of the desired count, rounded down, up to which tasks run during a deployment.
        grace: the seconds after the start of a task in which ECS ignores failed health checks.
        capacity_providers: the names in its capacity provider strategy; empty if it has a launch type.
        alarms: the names of the alarms that ECS watches during a deployment; empty if that is not enabled.
    """

    controller: str = "ECS"
    strategy: str = "ROLLING"
    scheduling: str = "REPLICA"
    managed_by: str = "CUSTOMER"
    classic_load_balancers: tuple[str, ...] = ()
    target_groups: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    breaker: CircuitBreaker = field(default_factory=CircuitBreaker)
    early_success: EarlySuccess | None = None
    alarms: tuple[str, ...] = ()
    minimum_healthy: int = 100
    maximum: int = 200
    grace: float = 0.0
    capacity_providers: tuple[str, ...] = ()

    @property
    def old_tasks_stay(self) -> bool:
        """Whether a deployment may succeed before ECS has stopped the old tasks."""
        return self.early_success is not None and self.early_success.cleanup == "DEFERRED"

    def enough(self, count: int) -> int:
        """The number of healthy tasks that a service with this count needs: the share that ECS itself keeps.

        ECS replaces tasks on Spot, scales, and balances zones at any time; after an early success, it starts the rest
        of the tasks outside of the deployment. Early success needs at least the same share.
        https://docs.aws.amazon.com/AmazonECS/latest/developerguide/early-success-criteria.html
        """
        return max(1, percentage_of(count, self.minimum_healthy)) if count else 0


def settings_of(raw: Any) -> ServiceSettings:
    """The settings of a service of DescribeServices or UpdateService."""
    configuration = raw.get("deploymentConfiguration") or {}
    alarms = configuration.get("alarms") or {}
    load_balancers = raw.get("loadBalancers") or []
    return ServiceSettings(
        controller=(raw.get("deploymentController") or {}).get("type", "ECS"),
        strategy=configuration.get("strategy", "ROLLING"),
        scheduling=raw.get("schedulingStrategy", "REPLICA"),
        managed_by=raw.get("resourceManagementType", "CUSTOMER"),
        classic_load_balancers=tuple(b["loadBalancerName"] for b in load_balancers if b.get("loadBalancerName")),
        target_groups=tuple(b["targetGroupArn"] for b in load_balancers if b.get("targetGroupArn")),
        hooks=tuple(_hooks(configuration)),
        breaker=circuit_breaker_of(configuration.get("deploymentCircuitBreaker") or {}),
        early_success=_early_success(configuration.get("earlySuccessCriteria") or {}),
        alarms=tuple(alarms.get("alarmNames") or ()) if alarms.get("enable") else (),
        minimum_healthy=configuration.get("minimumHealthyPercent", 100),
        maximum=configuration.get("maximumPercent", 200),
        grace=raw.get("healthCheckGracePeriodSeconds") or 0.0,
        capacity_providers=tuple(p["capacityProvider"] for p in raw.get("capacityProviderStrategy") or []),
    )


def _hooks(configuration: Any) -> Iterator[str]:
    for hook in configuration.get("lifecycleHooks") or []:
        # A hook without a type invokes a function (API reference, DeploymentLifecycleHook).
        kind, function = hook.get("targetType", "AWS_LAMBDA"), hook.get("hookTargetArn", "")
        stages = ", ".join(hook.get("lifecycleStages") or [])
        yield " ".join(filter(None, [kind, function, f"at {stages}" if stages else ""]))


def _early_success(raw: Any) -> EarlySuccess | None:
    if not raw.get("enable"):
        return None
    return EarlySuccess(raw.get("healthyPercent", 100), raw.get("sourceServiceRevisionCleanup", "BLOCKING"))
