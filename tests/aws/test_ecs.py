from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from longshore.aws.circuit_breaker import CircuitBreaker
from longshore.aws.ecs import DEPLOYMENT_PAGES, Ecs
from longshore.aws.ecs_settings import ServiceSettings
from longshore.aws.ecs_types import CapacityProvider, Container, Placement
from longshore.errors import AwsError, NoCapacityError
from tests.fakes import samples
from tests.fakes.clients import scripted
from tests.fakes.samples import WHEN

DESCRIBED = {
    "serviceName": "web",
    "status": "ACTIVE",
    "taskDefinition": "web:1",
    "desiredCount": 1,
    "runningCount": 1,
    "pendingCount": 0,
}
"""A service as DescribeServices shows it."""


def test_tasks_of_a_family_are_filtered_by_status_only() -> None:
    client, script = scripted("ecs")
    for status in ("RUNNING", "STOPPED"):
        script.add_response(
            "list_tasks",
            {"taskArns": [status]},
            {"cluster": "shop", "family": "shop-migrate", "desiredStatus": status},
        )
        described = {"taskArn": status, "taskDefinitionArn": "shop-migrate:1", "lastStatus": status, "startedBy": "ann"}
        script.add_response("describe_tasks", {"tasks": [described]}, {"cluster": "shop", "tasks": [status]})
    assert [(task.arn, task.started_by) for task in Ecs(client).tasks_of_family("shop", "shop-migrate")] == [
        ("RUNNING", "ann"),
        ("STOPPED", "ann"),
    ]
    script.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("providers", "placed"),
    [
        ((), {"launchType": "FARGATE"}),
        (
            (CapacityProvider("FARGATE_SPOT", 3, 0), CapacityProvider("FARGATE", 1, 1)),
            {
                "capacityProviderStrategy": [
                    {"capacityProvider": "FARGATE_SPOT", "weight": 3, "base": 0},
                    {"capacityProvider": "FARGATE", "weight": 1, "base": 1},
                ]
            },
        ),
    ],
)
def test_a_task_uses_its_capacity_providers_or_its_launch_type(
    providers: tuple[CapacityProvider, ...], placed: dict[str, object]
) -> None:
    client, script = scripted("ecs")
    request = {
        "cluster": "shop",
        "taskDefinition": "shop-migrate:1",
        "count": 1,
        "clientToken": "a",
        "startedBy": "ann",
    }
    network = {"subnets": ["subnet-1"], "securityGroups": [], "assignPublicIp": "DISABLED"}
    described = {"taskArn": "arn", "taskDefinitionArn": "shop-migrate:1", "lastStatus": "PROVISIONING"}
    script.add_response(
        "run_task",
        {"tasks": [described]},
        request | placed | {"networkConfiguration": {"awsvpcConfiguration": network}},
    )
    started = Ecs(client).run_task(
        "shop",
        "shop-migrate:1",
        placement=Placement("FARGATE", providers, ("subnet-1",)),
        client_token="a",
        started_by="ann",
    )
    assert started.arn == "arn"


REVISION = "arn:aws:ecs:eu-central-1:123456789012:service-revision/shop/web/"


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ([("ours", 0.2, ""), ("before", -0.5, "")], "ours"),
        ([("before", -0.5, "")], None),
        ([("other", 3.0, ""), ("ours", 0.0, "")], "ours"),
        ([("older", -3.0, "")], None),
        ([("other", 9.0, "")], None),
        ([], None),
        # as aws-cli's example has it: a service deployment is created 1.6 s after its revision; AWS promises no number
        ([("ours", 1.615, "42"), ("older", -90.0, "7")], "ours"),
        ([("ours", 5.1, "42"), ("other", 0.0, "43")], "ours"),
        ([("ours", -1.5, "42")], "ours"),
        ([("other", 0.0, "43")], None),
        ([("other", 0.0, "142")], None),
        ([("other", 0.0, "43"), ("without", 0.0, "")], None),
    ],
)
def test_a_service_deployment_is_found_by_its_digits_and_else_by_its_creation_date(
    listed: list[tuple[str, float, str]], expected: str | None
) -> None:
    client, script = scripted("ecs")
    shown = [
        {"serviceDeploymentArn": arn, "createdAt": WHEN + timedelta(seconds=age)}
        | ({"targetServiceRevisionArn": REVISION + digits} if digits else {})
        for arn, age, digits in listed
    ]
    script.add_response("list_service_deployments", {"serviceDeployments": shown})
    assert Ecs(client).find_deployment("shop", "web", "ecs-svc/42", WHEN, "before") == expected


def test_the_newest_service_deployment_is_found_in_any_order() -> None:
    client, script = scripted("ecs")
    shown = [{"serviceDeploymentArn": f"of-{age}", "createdAt": WHEN + timedelta(seconds=age)} for age in (5, 9, 1)]
    script.add_response(
        "list_service_deployments",
        {"serviceDeployments": shown},
        {"cluster": "shop", "service": "web", "maxResults": 100},
    )
    assert Ecs(client).newest_deployment("shop", "web") == "of-9"


def test_all_pages_of_service_deployments_are_read_because_no_order_is_documented() -> None:
    client, script = scripted("ecs")
    asked = {"cluster": "shop", "service": "web", "maxResults": 100}
    pages = [(9, 1), (), (7, 12), (3,)]
    for number, ages in enumerate(pages):
        shown = [{"serviceDeploymentArn": f"of-{age}", "createdAt": WHEN + timedelta(seconds=age)} for age in ages]
        token = {"nextToken": f"page-{number + 1}"} if number < 3 else {}
        script.add_response("list_service_deployments", {"serviceDeployments": shown} | token, dict(asked))
        asked |= token
    history = Ecs(client).deployment_history("shop", "web")
    assert [deployment.arn for deployment in history] == ["of-12", "of-9", "of-7", "of-3", "of-1"]
    script.assert_no_pending_responses()


def test_the_pages_of_service_deployments_are_bounded() -> None:
    client, script = scripted("ecs")
    shown = [{"serviceDeploymentArn": "of-1", "createdAt": WHEN}]
    for _ in range(DEPLOYMENT_PAGES):
        script.add_response("list_service_deployments", {"serviceDeployments": shown, "nextToken": "more"})
    assert len(Ecs(client).deployment_history("shop", "web")) == DEPLOYMENT_PAGES
    script.assert_no_pending_responses()


def test_a_service_deployment_names_its_revision_in_a_list_and_in_detail() -> None:
    """Shapes of the examples of aws-cli: list-service-deployments.rst and describe-service-deployments.rst."""
    common = {"serviceDeploymentArn": "one", "createdAt": WHEN, "status": "SUCCESSFUL"}
    client, script = scripted("ecs")
    listed = common | {"targetServiceRevisionArn": f"{REVISION}42"}
    described = common | {"targetServiceRevision": {"arn": f"{REVISION}42", "runningTaskCount": 1}}
    script.add_response("list_service_deployments", {"serviceDeployments": [listed]})
    script.add_response("describe_service_deployments", {"serviceDeployments": [described]})
    brief, detail = Ecs(client).deployment_history("shop", "web")[0], Ecs(client).service_deployments(["one"])["one"]
    assert brief == detail
    assert (brief.deploys("ecs-svc/42"), brief.deploys("ecs-svc/2"), brief.deploys("ours")) == (True, False, None)


@pytest.mark.parametrize(
    ("code", "reason", "failed"),
    [
        ("EssentialContainerExited", "Essential container in task exited", True),
        ("TaskFailedToStart", "CannotPullContainerError", True),
        ("ServiceSchedulerInitiated", "Task failed container health checks", True),
        ("ServiceSchedulerInitiated", "Scaling activity initiated by (deployment ecs-svc/1)", False),
        ("UserInitiated", "Task stopped by user", False),
        ("SpotInterruption", "Your Spot Task was interrupted.", False),
        ("TerminationNotice", "The instance is being terminated.", False),
        ("InfrastructureHealth", "The host of the task is impaired.", False),
        ("ServiceSchedulerInitiated", "Availability Zone rebalancing initiated by (deployment ecs-svc/1)", False),
    ],
)
def test_a_task_that_was_stopped_on_purpose_has_not_failed(code: str, reason: str, failed: bool) -> None:  # noqa: FBT001
    stopped = samples.task(Container("web", "app", None, 143, ""), last_status="STOPPED", stop_code=code)
    assert bool(replace(stopped, stopped_reason=reason).failure()) is failed


def test_a_task_has_the_dates_of_its_life() -> None:
    """The shape is that of AWS's example of DescribeTasks, with invented values."""
    client, script = scripted("ecs")
    shared = {"taskArn": "arn", "taskDefinitionArn": "web:2", "lastStatus": "STOPPED", "desiredStatus": "STOPPED"}
    dates = {"createdAt": WHEN, "startedAt": WHEN + timedelta(seconds=20), "stoppingAt": WHEN + timedelta(seconds=27)}
    for more in ({}, {"stoppedAt": WHEN + timedelta(seconds=31)}):
        script.add_response("describe_tasks", {"tasks": [{**shared, **dates, **more, "healthStatus": "UNHEALTHY"}]})
    stopping, stopped = (Ecs(client).describe_tasks("shop", ["arn"])[0] for _ in range(2))
    assert (stopping.lifetime, stopped.lifetime) == (7, 11)
    assert (stopped.desired_status, stopped.health) == ("STOPPED", "UNHEALTHY")
    assert replace(stopped, started_at=None).lifetime == 31
    assert replace(stopped, stopped_at=None).lifetime == 0


@pytest.mark.parametrize(
    ("deploying", "rolls_back"),
    [
        ({}, False),
        ({"deploymentCircuitBreaker": {"enable": True, "rollback": True}}, True),
        ({"deploymentCircuitBreaker": {"enable": True, "rollback": False}}, False),
        ({"alarms": {"alarmNames": ["errors"], "enable": True, "rollback": True}}, True),
        ({"alarms": {"alarmNames": ["errors"], "enable": False, "rollback": True}}, False),
        (
            {
                "deploymentCircuitBreaker": {"enable": True, "rollback": False},
                "alarms": {"alarmNames": ["errors"], "enable": True, "rollback": True},
            },
            True,
        ),
    ],
)
def test_ecs_rolls_back_by_its_circuit_breaker_or_by_alarms(
    deploying: dict[str, object],
    rolls_back: bool,  # noqa: FBT001
) -> None:
    client, script = scripted("ecs")
    current = "arn:aws:ecs:…:service-deployment/shop/web/one"
    described = {**DESCRIBED, "deploymentConfiguration": deploying, "currentServiceDeployment": current}
    script.add_response("describe_services", {"services": [described]}, {"cluster": "shop", "services": ["web"]})
    service = Ecs(client).services("shop", ["web"])["web"]
    assert (service.rolls_back, service.current_deployment) == (rolls_back, current)


def test_a_stopped_task_is_described_until_it_is_final() -> None:
    client, script = scripted("ecs")
    states = [{"a": "STOPPED", "b": "DEPROVISIONING"}, {"b": "STOPPED", "c": "STOPPED"}, {}]
    for described in states:
        listed = {"cluster": "shop", "serviceName": "web", "desiredStatus": "STOPPED"}
        script.add_response(
            "list_tasks", {"taskArns": ["a", "b", "c"] if "c" in described or not described else ["a", "b"]}, listed
        )
        if described:
            tasks = [
                {"taskArn": arn, "taskDefinitionArn": "web:1", "lastStatus": status, "createdAt": WHEN}
                for arn, status in described.items()
            ]
            script.add_response("describe_tasks", {"tasks": tasks}, {"cluster": "shop", "tasks": list(described)})
    ecs = Ecs(client)
    seen = [{task.arn: task.last_status for task in ecs.stopped_tasks("shop", "web")} for _ in states]
    assert seen == [
        {"a": "STOPPED", "b": "DEPROVISIONING"},
        {"a": "STOPPED", "b": "STOPPED", "c": "STOPPED"},
        {"a": "STOPPED", "b": "STOPPED", "c": "STOPPED"},
    ]
    script.assert_no_pending_responses()


def test_a_stopped_task_that_ecs_no_longer_lists_is_forgotten() -> None:
    client, script = scripted("ecs")
    script.add_response("list_tasks", {"taskArns": ["a"]})
    stopped = {"taskArn": "a", "taskDefinitionArn": "web:1", "lastStatus": "STOPPED", "createdAt": WHEN}
    script.add_response("describe_tasks", {"tasks": [stopped]})
    script.add_response("list_tasks", {"taskArns": []})
    ecs = Ecs(client)
    assert [len(ecs.stopped_tasks("shop", "web")) for _ in range(2)] == [1, 0]


def test_the_alarms_that_ended_a_service_deployment_are_read() -> None:
    client, script = scripted("ecs")
    described = {
        "serviceDeploymentArn": "arn:one",
        "status": "ROLLBACK_IN_PROGRESS",
        "createdAt": WHEN,
        "alarms": {"status": "TRIGGERED", "alarmNames": ["errors", "slow"], "triggeredAlarmNames": ["errors"]},
    }
    script.add_response("describe_service_deployments", {"serviceDeployments": [described]})
    assert Ecs(client).service_deployments(["arn:one"])["arn:one"].alarms == ("errors",)


def start(reasons: list[str], retried: int = 0) -> AwsError:
    """The error of a RunTask that answers with these failures."""
    client, script = scripted("ecs")
    failures = [
        {"arn": "arn:aws:ecs:eu-central-1:123456789012:container-instance/shop/0", "reason": r} for r in reasons
    ]
    answer = {"tasks": [], "failures": failures, "ResponseMetadata": {"RetryAttempts": retried}}
    script.add_response("run_task", answer)
    placement = Placement("FARGATE", (), ())
    with pytest.raises(AwsError, match=r"RunTask failed for arn:") as caught:
        Ecs(client).run_task("shop", "shop-migrate:1", placement=placement, client_token="a", started_by="ann")
    return caught.value


@pytest.mark.parametrize(
    "reason",
    [
        "Capacity is unavailable at this time. Please try again later or in a different availability zone",
        "RESOURCE:CPU",
        "RESOURCE:MEMORY",
        "RESOURCE:ENI",
        "RESOURCE:GPU",
        "AGENT",
    ],
)
def test_a_task_without_capacity_may_be_started_later(reason: str) -> None:
    """The reasons are those of AWS's page "API failure reasons"."""
    error = start([reason, "RESOURCE:CPU"])
    assert isinstance(error, NoCapacityError)
    assert (error.certain, error.ambiguous) == (True, False)


@pytest.mark.parametrize("reason", ["ATTRIBUTE", "MISSING", "INACTIVE", "LOCATION", "", "something new"])
def test_a_task_that_is_refused_for_another_reason_is_not(reason: str) -> None:
    error = start(["RESOURCE:CPU", reason])
    assert not isinstance(error, NoCapacityError)
    assert not error.transient


def test_an_answer_to_a_repeated_call_says_nothing_of_the_first() -> None:
    error = start(["AGENT"], retried=1)
    assert isinstance(error, NoCapacityError)
    assert not error.certain


def test_the_rules_of_a_deployment_are_read_from_the_service() -> None:
    client, script = scripted("ecs")
    deploying = {
        "minimumHealthyPercent": 50,
        "deploymentCircuitBreaker": {
            "enable": True,
            "rollback": True,
            "resetOnHealthyTask": False,
            "thresholdConfiguration": {"type": "COUNT", "value": 4},
        },
        "earlySuccessCriteria": {
            "enable": True,
            "healthyPercent": 60,
            "sourceServiceRevisionCleanup": "DEFERRED",
        },
    }
    for configuration in (deploying, {}):
        script.add_response(
            "describe_services", {"services": [{**DESCRIBED, "deploymentConfiguration": configuration}]}
        )
    own, usual = (Ecs(client).services("shop", ["web"])["web"] for _ in range(2))
    breaker = CircuitBreaker(enabled=True, rolls_back=True, resets=False, threshold_type="COUNT", threshold_value=4)
    settings = own.settings
    assert (settings.breaker, settings.minimum_healthy, settings.old_tasks_stay) == (breaker, 50, True)
    assert usual.settings == ServiceSettings()
