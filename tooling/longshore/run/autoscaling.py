"""The counts below which autoscaling does not go."""

from __future__ import annotations

from collections.abc import Mapping

from longshore.errors import AwsError
from longshore.result import Cause
from longshore.run import plan_scope
from longshore.run.run import Run


def set_minimum(run: Run) -> None:
    """Sets the counts below which autoscaling shall not go, of services that run.

    Terraform makes scalable targets with 0: AWS would start what is not released yet (docs/decisions.md). A release
    sets those that are 0 still, and leaves alone what a person has set; an apply sets what differs. What could not be
    set leaves the record incomplete: the services run.
    """
    for key, service in run.contract.services.items():
        one = run.result.services.get(key)
        if service.min_capacity and one and one.after and one.after.count:
            try:
                known = _keep(run, key, service.name, service.min_capacity)
                said = "" if known else "it does not know the service (make it again: invoke apply --allow-infra)"
            except AwsError as error:
                said = f"{error.message} (then: invoke release --resume)"
            if said:
                run.result.cause = Cause.RECORD
                wanted = f"at least {service.min_capacity} tasks of {service.name}"
                run.warn(f"autoscaling could not be told to keep {wanted}: {said}")


def clear_minimum(run: Run, key: str) -> None:
    """Lets autoscaling keep no task of a service that goes back to none: its next registration would start some."""
    service = run.contract.services.get(key)
    if service is None or not service.min_capacity:
        return
    try:
        if run.env.aws.scaling.minimum(run.contract.cluster, service.name):
            _set(run, key, service.name, 0)
    except AwsError as error:
        run.warn(f"autoscaling could not be told to keep no task of {service.name}: {error.message}")


def describe_changes(run: Run, planned: Mapping[str, int]) -> list[str]:
    """What an apply would set of the counts that autoscaling keeps, by its plan or the contract; one line each."""
    said = []
    for key, service in run.contract.services.items():
        wanted = planned.get(key, service.min_capacity)
        if wanted and run.result.services[key].before.count:
            try:
                minimum = run.env.aws.scaling.minimum(run.contract.cluster, service.name)
            except AwsError:
                continue  # it is asked for again, and said, when it is set
            if minimum not in (None, wanted):
                said.append(f"{service.name}: autoscaling keeps at least {minimum} → {wanted} tasks")
    return said


def _keep(run: Run, key: str, name: str, wanted: int) -> bool:
    """Sets a minimum where it is to be set; whether autoscaling knows the service, or need not know it yet."""
    minimum = run.env.aws.scaling.minimum(run.contract.cluster, name)
    if minimum is None:
        return plan_scope.only_task_definitions(run)  # the change that brings autoscaling was left for later
    if minimum != wanted and (not minimum or run.result.kind == "apply"):
        _set(run, key, name, wanted)
        run.env.console.detail(f"{name}: autoscaling keeps at least {wanted} tasks (was {minimum})")
    return True


def _set(run: Run, key: str, name: str, minimum: int) -> None:
    with run.effect(f"set the minimum of {key}", str(minimum)):
        run.env.aws.scaling.set_minimum(run.contract.cluster, name, minimum)
