"""The counts below which autoscaling does not go."""

from __future__ import annotations

from longshore import targeted
from longshore.errors import AwsError
from longshore.result import Cause
from longshore.run import Run


def keep(run: Run) -> None:
    """Sets the counts below which autoscaling shall not go, of services that run.

    Terraform makes scalable targets with 0: AWS would start what is not released yet (docs/decisions.md). A release
    sets those that are 0 still, and leaves alone what a person has set; an apply sets what differs. What could not be
    set leaves the record incomplete: the services run.
    """
    for key, service in run.contract.services.items():
        after = run.result.services[key].after
        if service.min_capacity and after and after.count:
            try:
                _keep(run, key, service.name, service.min_capacity)
            except AwsError as error:
                run.result.cause = Cause.RECORD
                run.warn(
                    f"autoscaling could not be told to keep at least {service.min_capacity} tasks of {service.name}:"
                    f" {error.message} (then: invoke release --resume)"
                )


def lift(run: Run, key: str) -> None:
    """Lets autoscaling keep no task of a service that goes back to none: its next registration would start some."""
    service = run.contract.services.get(key)
    if service is None or not service.min_capacity:
        return
    scaling = run.env.aws.scaling
    try:
        if scaling.minimum(run.contract.cluster, service.name):
            with run.effect(f"set the minimum of {key}", "0"):
                scaling.keep(run.contract.cluster, service.name, 0)
    except AwsError as error:
        run.warn(f"autoscaling could not be told to keep no task of {service.name}: {error.message}")


def others(run: Run) -> list[str]:
    """What an apply would set of the counts that autoscaling keeps, by what is registered last; one line each."""
    said = []
    for key, service in run.contract.services.items():
        if service.min_capacity and run.result.services[key].before.count:
            try:
                minimum = run.env.aws.scaling.minimum(run.contract.cluster, service.name)
            except AwsError:
                continue  # it is asked for again, and said, when it is set
            if minimum not in (None, service.min_capacity):
                said.append(f"{service.name}: autoscaling keeps at least {minimum} → {service.min_capacity} tasks")
    return said


def _keep(run: Run, key: str, name: str, wanted: int) -> None:
    scaling, cluster = run.env.aws.scaling, run.contract.cluster
    minimum = scaling.minimum(cluster, name)
    if minimum is None and targeted.alone(run):
        return  # the change that brings autoscaling was left for later
    if minimum is None:
        raise AwsError("it does not know the service")
    if minimum != wanted and (not minimum or run.result.kind == "apply"):
        with run.effect(f"set the minimum of {key}", str(wanted)):
            scaling.keep(cluster, name, wanted)
        run.env.console.detail(f"{name}: autoscaling keeps at least {wanted} tasks (was {minimum})")
