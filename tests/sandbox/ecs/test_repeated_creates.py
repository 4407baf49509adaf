"""A call that creates something takes effect, loses its response, and is repeated by the client.

ECS's page on idempotency promises that CreateService succeeds with the same token and parameters:
https://docs.aws.amazon.com/AmazonECS/latest/APIReference/ECS_Idempotency.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from longshore.sandbox import control
from longshore.sandbox.state import State
from tests.sandbox.ecs.test_answers import Play, play, stage
from tests.sandbox.moto_api import SECRET, Api, aws
from tests.sandbox.test_control import STATE

__all__ = ["play", "stage"]

RETRIES = Config(retries={"total_max_attempts": 3, "mode": "standard"})


def retrying(service: str, endpoint: str, operation: str) -> Any:
    """A client that repeats calls as boto3 does by default, and whose next call of an operation loses its response."""
    state = State(**{**STATE.__dict__, "endpoint": endpoint, "secret_access_key": SECRET})
    control.add_fault(state, {"operation": f"{service}:{operation}", "kind": "lost", "times": 1})
    return aws(service, endpoint, config=RETRIES)


def attempts(answer: dict[str, Any]) -> int:
    return int(answer["ResponseMetadata"]["RetryAttempts"]) + 1


@pytest.mark.parametrize("token", [{}, {"clientToken": "of-this-apply"}])
def test_a_repeated_create_service_returns_the_one_service(play: Play, token: dict[str, str]) -> None:
    definition = play.register()
    ecs = retrying("ecs", play.client.meta.endpoint_url, "CreateService")
    given = {"cluster": play.cluster, "serviceName": "web", "taskDefinition": definition, "desiredCount": 2}
    answer = ecs.create_service(**given, **token)
    assert attempts(answer) == 2
    assert ecs.list_services(cluster=play.cluster)["serviceArns"] == [answer["service"]["serviceArn"]]
    play.pass_time(3)
    assert len(play.service()["deployments"]) == 1
    assert len(play.tasks()) == 2


def test_a_repeated_create_cluster_returns_the_cluster_as_it_is(play: Play) -> None:
    name, endpoint = f"{play.cluster}-new", play.client.meta.endpoint_url
    ecs = retrying("ecs", endpoint, "CreateCluster")
    tags = [{"key": "a", "value": "b"}]
    answer = ecs.create_cluster(clusterName=name, tags=tags)
    assert attempts(answer) == 2
    play.client.put_cluster_capacity_providers(
        cluster=name, capacityProviders=["FARGATE"], defaultCapacityProviderStrategy=[{"capacityProvider": "FARGATE"}]
    )
    again = ecs.create_cluster(clusterName=name)["cluster"]
    assert (again["clusterArn"], again["capacityProviders"]) == (answer["cluster"]["clusterArn"], ["FARGATE"])
    assert [arn for arn in ecs.list_clusters()["clusterArns"] if arn.endswith(f"/{name}")] == [again["clusterArn"]]
    ecs.delete_cluster(cluster=name)
    assert ecs.create_cluster(clusterName=name)["cluster"]["status"] == "ACTIVE"


def test_a_repeated_registration_makes_another_revision(play: Play) -> None:
    ecs = retrying("ecs", play.client.meta.endpoint_url, "RegisterTaskDefinition")
    container = {"name": "web", "image": "shop/app:v1", "memory": 64}
    answer = ecs.register_task_definition(family=f"{play.cluster}-job", containerDefinitions=[container])
    assert (attempts(answer), answer["taskDefinition"]["revision"]) == (2, 2)


def create_repository(client: Any) -> None:
    client.create_repository(repositoryName="repeated/creates")


def create_role(client: Any) -> None:
    client.create_role(RoleName="repeated-creates", AssumeRolePolicyDocument="{}")


def create_group(client: Any) -> None:
    client.create_log_group(logGroupName="/repeated/creates")


@pytest.mark.parametrize(
    ("service", "operation", "create"),
    [
        ("ecr", "CreateRepository", lambda client: client.create_repository(repositoryName="late/answers")),
        (
            "iam",
            "CreateRole",
            lambda client: client.create_role(RoleName="late-answers", AssumeRolePolicyDocument="{}"),
        ),
        ("logs", "CreateLogGroup", lambda client: client.create_log_group(logGroupName="/late/answers")),
    ],
)
def test_a_call_that_the_client_repeats_on_its_own_takes_effect_once(
    api: Api, service: str, operation: str, create: Callable[[Any], Any]
) -> None:
    client, decisions = api.client(service, config=RETRIES), [0]  # repeat at once, though it was answered
    client.meta.events.register_first(
        f"needs-retry.{service}.{operation}", lambda **_: decisions.pop() if decisions else None
    )
    answer = create(client)
    assert (attempts(answer), decisions) == (2, [])


@pytest.mark.parametrize(
    ("service", "operation", "create", "code"),
    [
        ("ecr", "CreateRepository", create_repository, "RepositoryAlreadyExistsException"),
        ("iam", "CreateRole", create_role, "EntityAlreadyExists"),
        ("logs", "CreateLogGroup", create_group, "ResourceAlreadyExistsException"),
    ],
)
def test_other_calls_fail_when_they_are_repeated(
    api: Api, service: str, operation: str, create: Callable[[Any], None], code: str
) -> None:
    """As on AWS (their models' errors), so an apply whose answer was late must import what exists."""
    client = retrying(service, api.endpoint, operation)
    with pytest.raises(ClientError) as error:
        create(client)
    assert error.value.response["Error"]["Code"] == code
    assert attempts(error.value.response) == 2  # type: ignore[arg-type]
