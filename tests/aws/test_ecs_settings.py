"""The settings of a service, from answers as AWS gives them (names are invented)."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from longshore.aws.circuit_breaker import CircuitBreaker
from longshore.aws.ecs_settings import EarlySuccess, ServiceSettings, settings_of
from longshore.aws.ecs_types import service_of

MODEL = botocore.session.get_session().get_service_model("ecs")

RECORDED: dict[str, Any] = {
    "serviceName": "web",
    "status": "ACTIVE",
    "taskDefinition": "web:7",
    "desiredCount": 2,
    "runningCount": 2,
    "pendingCount": 0,
    "schedulingStrategy": "REPLICA",
    "deploymentController": {"type": "ECS"},
    "loadBalancers": [{"targetGroupArn": "arn:tg", "containerName": "web", "containerPort": 80}],
    "deploymentConfiguration": {
        "deploymentCircuitBreaker": {
            "enable": True,
            "rollback": True,
            "resetOnHealthyTask": True,
            "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 50},
        },
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
        "alarms": {"alarmNames": [], "rollback": False, "enable": False},
    },
}
"""The shape of update-service in aws-cli's examples, with the circuit breaker's settings of 2026-07."""


def configured(**settings: Any) -> dict[str, Any]:
    return RECORDED | {"deploymentConfiguration": RECORDED["deploymentConfiguration"] | settings}


def test_a_service_as_the_modules_create_it_has_the_defaults() -> None:
    breaker = CircuitBreaker(enabled=True, rolls_back=True)
    assert settings_of(RECORDED) == ServiceSettings(breaker=breaker, target_groups=("arn:tg",))


def test_an_old_answer_lacks_fields_and_means_the_defaults() -> None:
    """cloud-custodian's recordings before 2020 have no controller, no strategy and no circuit breaker."""
    old = {"serviceName": "web", "deploymentConfiguration": {"maximumPercent": 200, "minimumHealthyPercent": 100}}
    assert settings_of(old) == ServiceSettings()
    assert settings_of({}) == ServiceSettings()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (RECORDED | {"deploymentController": {"type": "CODE_DEPLOY"}}, {"controller": "CODE_DEPLOY"}),
        (RECORDED | {"deploymentController": {"type": "EXTERNAL"}}, {"controller": "EXTERNAL"}),
        (RECORDED | {"schedulingStrategy": "DAEMON"}, {"scheduling": "DAEMON"}),
        (RECORDED | {"resourceManagementType": "ECS"}, {"managed_by": "ECS"}),
        (configured(strategy="CANARY"), {"strategy": "CANARY"}),
        (configured(maximumPercent=150, minimumHealthyPercent=50), {"maximum": 150, "minimum_healthy": 50}),
        (RECORDED | {"healthCheckGracePeriodSeconds": 60}, {"grace": 60}),
        (RECORDED | {"healthCheckGracePeriodSeconds": None}, {}),
        (
            RECORDED | {"capacityProviderStrategy": [{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}]},
            {"capacity_providers": ("FARGATE_SPOT",)},
        ),
        (
            # create-service in aws-cli's examples, behind a Classic Load Balancer
            RECORDED
            | {"loadBalancers": [{"loadBalancerName": "classic", "containerName": "web", "containerPort": 80}]},
            {"classic_load_balancers": ("classic",), "target_groups": ()},
        ),
        (
            configured(
                lifecycleHooks=[
                    {"targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP", "POST_SCALE_UP"]},
                    {"hookTargetArn": "arn:function", "roleArn": "arn:role", "lifecycleStages": ["POST_SCALE_UP"]},
                ]
            ),
            {"hooks": ("PAUSE at PRE_SCALE_UP, POST_SCALE_UP", "AWS_LAMBDA arn:function at POST_SCALE_UP")},
        ),
        (
            configured(
                earlySuccessCriteria={
                    "enable": True,
                    "healthyPercent": 60,
                    "sourceServiceRevisionCleanup": "DEFERRED",
                }
            ),
            {"early_success": EarlySuccess(60, "DEFERRED")},
        ),
        (configured(earlySuccessCriteria={"enable": False}), {}),
        (configured(alarms={"alarmNames": ["slow", "errors"], "enable": True}), {"alarms": ("slow", "errors")}),
        (configured(alarms={"alarmNames": ["slow"], "enable": False, "rollback": True}), {}),
        (
            configured(
                deploymentCircuitBreaker={
                    "enable": True,
                    "rollback": False,
                    "resetOnHealthyTask": False,
                    "thresholdConfiguration": {"type": "COUNT", "value": 5},
                }
            ),
            {"breaker": CircuitBreaker(enabled=True, resets=False, threshold_type="COUNT", threshold_value=5)},
        ),
    ],
)
def test_a_setting_is_read_from_the_answer(raw: dict[str, Any], expected: dict[str, Any]) -> None:
    usual: dict[str, Any] = {
        "breaker": CircuitBreaker(enabled=True, rolls_back=True),
        "target_groups": ("arn:tg",),
    }
    assert service_of(raw).settings == ServiceSettings(**{**usual, **expected})


def test_a_service_of_an_external_controller_needs_no_task_definition() -> None:
    raw = {key: value for key, value in RECORDED.items() if key != "taskDefinition"}
    assert service_of(raw).task_definition == ""


@pytest.mark.parametrize(
    ("shape", "fields"),
    [
        (
            "Service",
            "deploymentController deploymentConfiguration schedulingStrategy resourceManagementType loadBalancers"
            " healthCheckGracePeriodSeconds capacityProviderStrategy",
        ),
        ("DeploymentController", "type"),
        ("DeploymentConfiguration", "strategy lifecycleHooks deploymentCircuitBreaker earlySuccessCriteria alarms"),
        ("DeploymentConfiguration", "minimumHealthyPercent maximumPercent"),
        ("LoadBalancer", "loadBalancerName targetGroupArn"),
        ("CapacityProviderStrategyItem", "capacityProvider"),
        ("DeploymentLifecycleHook", "targetType hookTargetArn lifecycleStages"),
        ("DeploymentCircuitBreaker", "enable rollback resetOnHealthyTask thresholdConfiguration"),
        ("ThresholdConfiguration", "type value"),
        ("DeploymentEarlySuccessCriteria", "enable healthyPercent sourceServiceRevisionCleanup"),
        ("DeploymentAlarms", "alarmNames enable"),
        ("ServiceDeploymentAlarms", "triggeredAlarmNames"),
    ],
)
def test_the_fields_have_the_names_of_the_model(shape: str, fields: str) -> None:
    structure: Any = MODEL.shape_for(shape)
    assert set(fields.split()) <= set(structure.members)


@pytest.mark.parametrize(
    ("enumeration", "supported"),
    [
        ("DeploymentControllerType", "ECS"),
        ("DeploymentStrategy", "ROLLING"),
        ("SchedulingStrategy", "REPLICA"),
        ("ResourceManagementType", "CUSTOMER"),
    ],
)
def test_the_supported_values_are_those_of_the_model(enumeration: str, supported: str) -> None:
    shape: Any = MODEL.shape_for(enumeration)
    assert supported in shape.enum
