"""Faults as an operator types them: ``--operation ecs:UpdateService --kind throttle --times 3``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from longshore.errors import UsageError
from longshore.sandbox.api import operations

_TERRAFORM_CLOUD = "cloud:"
_NUMBERS = ("times", "skip", "every")
_SECONDS = ("seconds", "window")

Value = str | int | float


@dataclass(frozen=True)
class FaultSpec:
    """The changes to a sandbox's faults that an operator asked for.

    Attributes:
        aws: the fields of one fault of the AWS API (`longshore.sandbox.api.faults.Fault`); empty for none.
        terraform_cloud: faults of the next runs and calls of the stand-in for Terraform Cloud, in their order.
        rollback_window: seconds for which a deployment shows FAILED before ECS rolls it back; None to leave it.
    """

    aws: Mapping[str, Value] = field(default_factory=dict)
    terraform_cloud: tuple[str, ...] = ()
    rollback_window: float | None = None


def parse(options: Mapping[str, str | None]) -> FaultSpec:
    """The changes that the options ask for.

    Args:
        options: `window` and the fields of a fault as they were typed; None for those that were not given. An
            `operation` such as ``cloud:policy_soft`` is a fault of Terraform Cloud.


    Raises:
        UsageError: an option is not a number, or AWS has no such operation; the message names the option.
    """
    values = {name: _value(name, text) for name, text in options.items() if text is not None}
    window = values.pop("window", None)
    rollback_window = None if window is None else float(window)
    operation = str(values.get("operation", ""))
    if operation.startswith(_TERRAFORM_CLOUD):
        fault = operation.removeprefix(_TERRAFORM_CLOUD)
        return FaultSpec(terraform_cloud=(fault,) * int(values.get("times", 1)), rollback_window=rollback_window)
    if values:
        operations.check(operation)
    return FaultSpec(values, rollback_window=rollback_window)


def _value(name: str, text: str) -> Value:
    if name not in _NUMBERS + _SECONDS:
        return text
    try:
        return int(text) if name in _NUMBERS else float(text)
    except ValueError:
        expected = "a whole number" if name in _NUMBERS else "a number of seconds"
        raise UsageError(f"{name}: {text!r} is not {expected}") from None
