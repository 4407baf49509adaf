"""The minimum counts of autoscaling: Terraform creates them as 0, and a release sets them as in the contract."""

from __future__ import annotations

from collections.abc import Mapping

from longshore.aws.autoscaling import Scaling
from longshore.errors import AwsError
from longshore.result import ServiceResult
from longshore.run import plan_scope
from longshore.run.recorder import Recorder
from longshore.run.run import Run

_UNKNOWN_SERVICE = "there is no autoscaling target (create it: invoke apply --allow-infra)"


def set_minimum(run: Run, scaling: Scaling) -> None:
    """Sets the minimum counts of services that have tasks.

    Terraform creates scalable targets with a minimum of 0: with more, AWS would start tasks before the first release
    (docs/decisions.md). A release sets the minimums that are still 0, and keeps those that an operator has set; an
    apply sets every one that differs. A release sets no minimum above the count of a service that was running before:
    AWS would raise the count. A minimum that could not be set leaves the record incomplete: the services run.
    """
    for key, service in run.contract.services.items():
        record = run.result.services.get(key)
        if not (service.min_capacity and record and record.after and record.after.count):
            continue
        if problem := _set_if_needed(run, scaling, key, service.min_capacity):
            run.record_facts(record_incomplete=True)
            run.warn(f"could not set autoscaling's minimum of {service.name} to {service.min_capacity}: {problem}")


def clear_minimum(run: Run, scaling: Scaling, key: str) -> None:
    """Sets to 0 the minimum of a service whose count is rolled back to 0.

    With a higher minimum, the next registration of its scalable target would start tasks.
    """
    service = run.contract.services.get(key)
    if service is None or not service.min_capacity:
        return
    cluster = run.contract.cluster
    try:
        if scaling.minimum(cluster, service.name):
            _set(run, scaling, cluster, service.name, key, 0)
    except AwsError as error:
        run.warn(f"could not set autoscaling's minimum of {service.name} to 0: {error.message}")


def describe_changes(run: Run, scaling: Scaling, planned: Mapping[str, int]) -> list[str]:
    """The minimum counts that an apply would set, by its plan or by the contract; one line each."""
    lines = []
    for key, service in run.contract.services.items():
        wanted = planned.get(key, service.min_capacity)
        if wanted and run.result.services[key].before.count:
            try:
                minimum = scaling.minimum(run.contract.cluster, service.name)
            except AwsError:
                continue  # it is read again, and reported, when it is set
            if minimum not in (None, wanted):
                lines.append(f"{service.name}: autoscaling's minimum {minimum} → {wanted} tasks")
    return lines


def _would_raise(service: ServiceResult, minimum: int) -> bool:
    return service.standing != "new" and service.after is not None and service.after.count < minimum


def _set_if_needed(run: Run, scaling: Scaling, key: str, wanted: int) -> str:
    """Sets the minimum of a service if needed; returns the reason if that failed, else an empty string."""
    cluster, name = run.contract.cluster, run.contract.services[key].name
    try:
        minimum = scaling.minimum(cluster, name)
        if minimum is None:
            # With --only-release, the change that registers the service with autoscaling is still pending.
            return "" if plan_scope.only_task_definitions(run.result) else _UNKNOWN_SERVICE
        applies = run.result.kind == "apply"
        if not minimum and not applies and _would_raise(run.result.services[key], wanted):
            run.warn(f"autoscaling's minimum of {name} stays 0: {wanted} would raise its count (then: invoke apply)")
        elif minimum != wanted and (not minimum or applies):
            _set(run, scaling, cluster, name, key, wanted)
            run.detail(f"{name}: autoscaling keeps at least {wanted} tasks (was {minimum})")
    except AwsError as error:
        return f"{error.message} (then: invoke release --resume)"
    return ""


def _set(recorder: Recorder, scaling: Scaling, cluster: str, name: str, key: str, minimum: int) -> None:
    with recorder.effect(f"set the minimum of {key}", str(minimum)):
        scaling.set_minimum(cluster, name, minimum)
