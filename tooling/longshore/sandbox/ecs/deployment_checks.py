"""The mistakes in a deployment configuration that CreateService and UpdateService refuse.

The source of a text stands beside it, as in definition_checks.py.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from longshore.sandbox.ecs.definitions import ecs_error

Parameters = Mapping[str, Any]


def check_deployment(configuration: Parameters, alarms: Collection[str]) -> None:
    """Refuse a deployment configuration that AWS refuses, or whose alarms do not exist.

    Args:
        configuration: of the service, after the call.
        alarms: the names of all alarms.

    Raises:
        ServiceException: InvalidParameterException.
    """
    if configuration["minimumHealthyPercent"] == configuration["maximumPercent"] == 0:
        _refuse("Both maximumPercent and minimumHealthyPercent cannot be 0.")  # text unknown
    _check_threshold(configuration["deploymentCircuitBreaker"].get("thresholdConfiguration") or {})
    _check_early_success(configuration.get("earlySuccessCriteria") or {}, configuration["minimumHealthyPercent"])
    _check_alarms(configuration.get("alarms") or {}, alarms)


def _check_threshold(threshold: Parameters) -> None:
    """Whether AWS has these bounds is unknown; a percentage of 0 would fail every deployment. Texts unknown."""
    for name in ("type", "value"):
        if threshold.get(name) is None:
            _refuse(f"thresholdConfiguration.{name} can not be blank.")
    value = threshold["value"]
    if value < 1:
        _refuse("thresholdConfiguration.value can not be less than 1.")
    if threshold["type"] != "COUNT" and value > 100:
        _refuse("thresholdConfiguration.value must be between 1 and 100 for a percentage.")


def _check_early_success(criteria: Parameters, minimum: int) -> None:
    """The rules are those of the API's DeploymentEarlySuccessCriteria; the texts are unknown."""
    if not criteria.get("enable"):
        return
    for name in ("healthyPercent", "sourceServiceRevisionCleanup"):
        if criteria.get(name) is None:
            _refuse(f"earlySuccessCriteria.{name} must be specified when earlySuccessCriteria is enabled.")
    if not minimum <= criteria["healthyPercent"] <= 100:
        _refuse("earlySuccessCriteria.healthyPercent must be between minimumHealthyPercent and 100.")


def _check_alarms(configured: Parameters, existing: Collection[str]) -> None:
    """Whether AWS refuses an unknown alarm is unknown; here it could never go off. Texts unknown."""
    if not configured.get("enable"):
        return
    names = configured.get("alarmNames") or []
    if not names:
        _refuse("alarmNames can not be empty when alarms are enabled.")
    if unknown := [name for name in names if name not in existing]:
        _refuse(f"The following CloudWatch alarms do not exist: {', '.join(unknown)}")


def _refuse(message: str) -> NoReturn:
    raise ecs_error("InvalidParameterException", message)
