"""The responses of ECS, over HTTP, with a scripted runtime instead of Docker."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.model import ListShape, Shape, StructureShape
from docker import DockerClient

from longshore.sandbox import ecs
from longshore.sandbox.api.aws_api import AwsApi, moto_application
from longshore.sandbox.api.credentials import AccessKeys
from longshore.sandbox.api.request_log import RequestLog
from longshore.sandbox.cloud import Cloud
from longshore.sandbox.ecs.breaker import NO_CANDIDATE, ROLLED_BACK, TRIPPED
from longshore.sandbox.ecs.orchestrator import Orchestrator
from longshore.sandbox.ecs.runtime import ContainerReport, Launch, Report
from longshore.sandbox.ecs.timing import Timing
from longshore.sandbox.serving import listen, serve
from tests.fakes.clients import put_alarm
from tests.sandbox.ecs_world import Script, crashes, never_starts, runs
from tests.sandbox.moto_api import KEY, SECRET, aws

ACCOUNT = "123456789012"
PREFIX = f"arn:aws:ecs:eu-central-1:{ACCOUNT}"


class LoadBalancers:
    """Load balancers without targets."""

    def open(self, cluster: str, service: str, port: int) -> str:
        return f"http://127.0.0.1/{cluster}/{service}/{port}"

    def register(self, cluster: str, service: str, target: tuple[str, int], *, healthy: bool = True) -> None:
        raise AssertionError("a scripted task has no target")

    def deregister(self, cluster: str, service: str, target: tuple[str, int], timeout: float) -> None:
        raise AssertionError("a scripted task has no target")

    def close(self, cluster: str, service: str) -> None:
        raise AssertionError("the runtime closes load balancers")


@dataclass
class Play:
    """An ECS whose clock and control loop the test drives, and a new cluster."""

    ecs: ecs.Ecs
    runtime: Script
    client: Any
    clock: list[float]
    cluster: str

    def register(self, family: str | None = None, **container: Any) -> str:
        """Register a task definition of one container, and return its ARN."""
        family = family or f"{self.cluster}-web"
        containers = [{"name": "web", "image": "shop/app:v1", "memory": 64, **container}]
        answer = self.client.register_task_definition(family=family, containerDefinitions=containers)
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    def create(self, count: int = 2, name: str = "web", **rest: Any) -> dict[str, Any]:
        """Create a service, and return it."""
        rest = {"taskDefinition": rest.get("taskDefinition") or self.register()} | rest
        answer = self.client.create_service(cluster=self.cluster, serviceName=name, desiredCount=count, **rest)
        return dict(answer["service"])

    def update(self, name: str = "web", **rest: Any) -> dict[str, Any]:
        """Update a service, and return it."""
        return dict(self.client.update_service(cluster=self.cluster, service=name, **rest)["service"])

    def service(self, name: str = "web") -> dict[str, Any]:
        """The service, from DescribeServices."""
        answer = self.client.describe_services(cluster=self.cluster, services=[name])
        assert answer["failures"] == []
        return dict(answer["services"][0])

    def tasks(self, **filters: Any) -> list[dict[str, Any]]:
        """The tasks, from ListTasks."""
        arns = self.client.list_tasks(cluster=self.cluster, **filters)["taskArns"]
        return list(self.client.describe_tasks(cluster=self.cluster, tasks=arns)["tasks"]) if arns else []

    def deployments(self, *arns: str) -> list[dict[str, Any]]:
        """The service deployments, from DescribeServiceDeployments."""
        return list(self.client.describe_service_deployments(serviceDeploymentArns=arns)["serviceDeployments"])

    def pass_time(self, seconds: float) -> None:
        """Move the clock, with a step of the control loop each quarter of a second."""
        for _ in range(int(seconds * 4) + 1):
            self.ecs.orchestrator.step()
            self.clock[0] += 0.25


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    runtime, clock = Script(runs), [1_700_000_000.0]
    docker = DockerClient(base_url="tcp://127.0.0.1:1", version="1.41")  # no test may use it
    cloud = Cloud(tmp_path_factory.mktemp("cloud"), "eu-central-1", ACCOUNT, "127.0.0.1:5999", LoadBalancers(), docker)
    installed = ecs.install(cloud, runtime, lambda: clock[0])
    with listen(0) as listener:
        server = serve(AwsApi(moto_application(), AccessKeys(KEY, SECRET), RequestLog(), installed.status), listener)
        yield Play(installed, runtime, aws("ecs", f"http://127.0.0.1:{server.port}"), clock, "")
        server.shutdown()
        server.server_close()
    docker.close()


@pytest.fixture
def play(stage: Play) -> Play:
    stage.runtime.outcome = runs
    for name, value in asdict(Timing()).items():
        stage.ecs.orchestrator.timing.set(name, value)
    stage.cluster = f"c{uuid.uuid4().hex[:8]}"
    stage.client.create_cluster(clusterName=stage.cluster)
    return stage


def code_of(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    answer = error.value.response["Error"]
    return answer["Code"], answer["Message"]


# Services


def test_create_service_responds_like_aws(play: Play) -> None:
    definition = play.register()
    answer = play.create(taskDefinition=definition.rpartition("/")[2])
    (deployment,) = answer["deployments"]
    assert answer["serviceArn"] == f"{PREFIX}:service/{play.cluster}/web"
    assert answer["clusterArn"] == f"{PREFIX}:cluster/{play.cluster}"
    assert answer["taskDefinition"] == deployment["taskDefinition"] == definition
    assert "networkConfiguration" not in answer
    assert answer["availabilityZoneRebalancing"] == "DISABLED"
    assert answer["deploymentConfiguration"]["maximumPercent"] == 200
    assert answer["deploymentConfiguration"]["minimumHealthyPercent"] == 100
    assert deployment["id"].startswith("ecs-svc/")
    assert deployment["id"].removeprefix("ecs-svc/").isdecimal()
    assert (deployment["status"], deployment["rolloutState"]) == ("PRIMARY", "IN_PROGRESS")
    assert (answer["status"], answer["desiredCount"], answer["runningCount"]) == ("ACTIVE", 2, 0)


def test_repeating_create_service_returns_the_existing_service(play: Play) -> None:
    definition = play.register()
    first = play.create(taskDefinition=definition)
    again = play.create(taskDefinition=definition)
    assert again["serviceArn"] == first["serviceArn"]
    assert [one["id"] for one in again["deployments"]] == [one["id"] for one in first["deployments"]]
    with pytest.raises(ClientError, match="Creation of service was not idempotent"):
        play.create(3, taskDefinition=definition)


def test_a_service_starts(play: Play) -> None:
    play.create()
    play.pass_time(3)
    service = play.service()
    (deployment,) = service["deployments"]
    counts = [(part["desiredCount"], part["runningCount"], part["pendingCount"]) for part in (service, deployment)]
    assert counts == [(2, 2, 0)] * 2
    assert (deployment["rolloutState"], deployment["failedTasks"]) == ("COMPLETED", 0)
    assert deployment["rolloutStateReason"] == f"ECS deployment {deployment['id']} completed."
    assert service["events"][0]["message"] == "(service web) has reached a steady state."
    assert [event["createdAt"] for event in service["events"]] == sorted(
        (event["createdAt"] for event in service["events"]), reverse=True
    )


def test_a_service_without_tasks_completes(play: Play) -> None:
    play.ecs.orchestrator.timing.empty_for = 87.0
    play.create(0)
    play.pass_time(80)
    assert play.service()["deployments"][0]["rolloutState"] == "IN_PROGRESS"
    play.pass_time(10)
    assert play.service()["deployments"][0]["rolloutState"] == "COMPLETED"
    assert play.tasks() == []


def test_updating_to_a_short_name_returns_the_new_deployment_with_full_arns(play: Play) -> None:
    first = play.create()["deployments"][0]
    play.pass_time(3)
    definition = play.register()
    answer = play.update(taskDefinition=definition.rpartition("/")[2])
    assert answer["taskDefinition"] == definition
    assert [(entry["status"], entry["taskDefinition"]) for entry in answer["deployments"]] == [
        ("PRIMARY", definition),
        ("ACTIVE", first["taskDefinition"]),
    ]
    assert answer["deployments"][1]["id"] == first["id"] != answer["deployments"][0]["id"]
    play.pass_time(8)
    (deployment,) = play.service()["deployments"]
    assert (deployment["id"], deployment["rolloutState"]) == (answer["deployments"][0]["id"], "COMPLETED")
    assert {task["taskDefinitionArn"] for task in play.tasks()} == {definition}
    assert {task["startedBy"] for task in play.tasks()} == {deployment["id"]}


def test_changing_only_the_count_or_percentages_starts_no_deployment(play: Play) -> None:
    before = play.create()["deployments"][0]["id"]
    play.pass_time(3)
    answer = play.update(
        desiredCount=3,
        taskDefinition=play.service()["taskDefinition"],
        deploymentConfiguration={"maximumPercent": 150, "minimumHealthyPercent": 50},
    )
    assert [entry["id"] for entry in answer["deployments"]] == [before]
    assert answer["deploymentConfiguration"]["maximumPercent"] == 150
    play.pass_time(3)
    assert play.service()["runningCount"] == 3
    assert play.service()["deployments"][0]["rolloutState"] == "COMPLETED"


@pytest.mark.parametrize(("idle_revision_scales", "revisions"), [(0.0, {"new"}), (1.0, {"new", "old"})])
def test_a_first_count_starts_no_tasks_of_the_revision_that_it_replaces(
    play: Play, idle_revision_scales: float, revisions: set[str]
) -> None:
    """A bootstrapped service has no tasks, so none of its tasks has to be replaced."""
    play.ecs.orchestrator.timing.idle_revision_scales = idle_revision_scales
    old = play.create(0)["taskDefinition"]
    play.pass_time(3)
    new = play.register()
    play.update(taskDefinition=new, desiredCount=2)
    play.pass_time(0.25)
    assert {"old" if task["taskDefinitionArn"] == old else "new" for task in play.tasks()} == revisions
    play.pass_time(8)
    assert {task["taskDefinitionArn"] for task in play.tasks()} == {new}


@pytest.mark.parametrize(("counts", "old_tasks"), [((4,), 2), ((2, 4), 4)], ids=["with the revision", "afterwards"])
def test_a_scale_out_during_a_rollout_is_that_of_both_revisions(
    play: Play, counts: tuple[int, ...], old_tasks: int
) -> None:
    """https://aws.amazon.com/about-aws/whats-new/2025/11/amazon-ecs-service-availability-rolling-deployments"""
    play.create(2)
    play.pass_time(3)
    play.runtime.outcome = lambda launch: runs(launch, 60.0 if launch.revision == 2 else 1.0)
    definition = play.register()
    for count in counts:
        play.update(taskDefinition=definition, desiredCount=count)
    play.pass_time(5)
    new, old = play.service()["deployments"]
    assert (new["desiredCount"], new["pendingCount"], old["runningCount"]) == (4, 4, old_tasks)


def test_force_new_deployment_deploys_the_same_revision(play: Play) -> None:
    before = play.create()
    play.pass_time(3)
    answer = play.update(forceNewDeployment=True)
    assert len(answer["deployments"]) == 2
    assert answer["taskDefinition"] == before["taskDefinition"]
    play.pass_time(8)
    assert [entry["id"] for entry in play.service()["deployments"]] == [answer["deployments"][0]["id"]]


def test_a_deployment_whose_image_cannot_be_pulled_stays_in_progress(play: Play) -> None:
    play.create()
    play.pass_time(3)
    play.runtime.outcome = never_starts
    play.update(taskDefinition=play.register())
    play.pass_time(6)
    new, old = play.service()["deployments"]
    assert (new["rolloutState"], new["runningCount"], old["runningCount"]) == ("IN_PROGRESS", 0, 2)
    assert new["failedTasks"] >= 2
    stopped = play.tasks(serviceName="web", desiredStatus="STOPPED")
    assert {(task["stopCode"], task["stoppedReason"]) for task in stopped} == {
        ("TaskFailedToStart", "Task failed to start")
    }
    assert {task["containers"][0]["reason"] for task in stopped} == {"CannotPullContainerError: not found"}
    assert not any("exitCode" in task["containers"][0] for task in stopped)


def test_a_service_scaled_above_zero_is_deleted_by_force_only(play: Play) -> None:
    play.create(1)
    play.pass_time(3)
    with pytest.raises(ClientError) as error:
        play.client.delete_service(cluster=play.cluster, service="web")
    assert code_of(error)[0] == "InvalidParameterException"
    deleted = play.client.delete_service(cluster=play.cluster, service="web", force=True)["service"]
    assert (deleted["status"], deleted["desiredCount"]) == ("DRAINING", 0)
    with pytest.raises(ClientError) as error:
        play.client.delete_cluster(cluster=play.cluster)
    assert code_of(error)[0] == "ClusterContainsServicesException"
    play.pass_time(3)
    assert play.service()["status"] == "INACTIVE"
    assert play.client.list_services(cluster=play.cluster)["serviceArns"] == []
    with pytest.raises(ClientError) as error:
        play.update(desiredCount=1)
    assert code_of(error)[0] == "ServiceNotActiveException"
    assert play.create(1)["status"] == "ACTIVE"


def test_missing_services_are_failures_in_a_successful_response(play: Play) -> None:
    play.create(0)
    answer = play.client.describe_services(cluster=play.cluster, services=["nope", "web"])
    assert [service["serviceName"] for service in answer["services"]] == ["web"]
    assert answer["failures"] == [{"arn": f"{PREFIX}:service/{play.cluster}/nope", "reason": "MISSING"}]


def test_services_are_listed_in_pages_of_ten(play: Play) -> None:
    definition = play.register()
    for number in range(12):
        play.create(0, name=f"s{number}", taskDefinition=definition)
    first = play.client.list_services(cluster=play.cluster)
    assert len(first["serviceArns"]) == 10
    pages = play.client.get_paginator("list_services").paginate(cluster=play.cluster, PaginationConfig={"PageSize": 5})
    names = [arn.rpartition("/")[2] for page in pages for arn in page["serviceArns"]]
    assert sorted(names) == sorted(f"s{number}" for number in range(12))


def test_tags_are_returned_on_request(play: Play) -> None:
    play.create(0, tags=[{"key": "app", "value": "shop"}])
    plain, asked = (
        play.client.describe_services(cluster=play.cluster, services=["web"], include=include)["services"][0]
        for include in ([], ["TAGS"])
    )
    assert "tags" not in plain
    assert asked["tags"] == [{"key": "app", "value": "shop"}]


def test_tags_of_services_can_be_changed(play: Play) -> None:
    arn = play.create(0, tags=[{"key": "app", "value": "shop"}])["serviceArn"]
    play.client.tag_resource(resourceArn=arn, tags=[{"key": "app", "value": "store"}, {"key": "team", "value": "a"}])
    play.client.untag_resource(resourceArn=arn, tagKeys=["team"])
    assert play.client.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "app", "value": "store"}]


def test_tasks_get_the_tags_that_the_call_asks_for(play: Play) -> None:
    containers = [{"name": "web", "image": "shop/app:v1", "memory": 64}]
    tags = [{"key": "team", "value": "a"}]
    play.client.register_task_definition(family=play.cluster, containerDefinitions=containers, tags=tags)
    both: dict[str, Any] = {
        "taskDefinition": play.cluster,
        "propagateTags": "TASK_DEFINITION",
        "enableECSManagedTags": True,
    }
    managed = {"key": "aws:ecs:clusterName", "value": play.cluster}
    assert run(play, **both)["tags"] == [*tags, managed]
    assert run(play, **both, tags=[{"key": "team", "value": "b"}])["tags"] == [{"key": "team", "value": "b"}, managed]
    play.create(1, **both)
    play.pass_time(1)
    (task,) = [task["taskArn"] for task in play.tasks(serviceName="web")]
    (described,) = play.client.describe_tasks(cluster=play.cluster, tasks=[task], include=["TAGS"])["tasks"]
    assert described["tags"] == [*tags, managed, {"key": "aws:ecs:serviceName", "value": "web"}]


def test_awsvpc_requires_a_network_configuration_which_gets_defaults(play: Play) -> None:
    containers = [{"name": "web", "image": "shop/app:v1", "memory": 64}]
    play.client.register_task_definition(
        family=play.cluster, containerDefinitions=containers, networkMode="awsvpc", cpu="256", memory="512"
    )
    with pytest.raises(ClientError) as error:
        play.create(taskDefinition=play.cluster)
    assert code_of(error)[0] == "InvalidParameterException"
    network = {"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d"]}}
    answer = play.create(taskDefinition=play.cluster, networkConfiguration=network, launchType="FARGATE")
    expected = {"subnets": ["subnet-0a1b2c3d"], "securityGroups": [], "assignPublicIp": "DISABLED"}
    assert answer["networkConfiguration"] == {"awsvpcConfiguration": expected}
    assert answer["platformVersion"] == "LATEST"


def test_the_answer_to_update_service_has_a_deployment_that_wants_no_tasks_yet(play: Play) -> None:
    """Recorded: PRIMARY wants 0 tasks at first, until the scheduler has considered it."""
    created = play.create(2)
    assert (created["desiredCount"], created["deployments"][0]["desiredCount"]) == (2, 0)
    play.pass_time(3)
    new, old = play.update(taskDefinition=play.register())["deployments"]
    assert (new["desiredCount"], new["runningCount"], new["rolloutState"]) == (0, 0, "IN_PROGRESS")
    assert old["desiredCount"] == 2
    play.pass_time(0.25)
    assert play.service()["deployments"][0]["desiredCount"] == 2


def test_a_service_shows_what_aws_fills_in(play: Play) -> None:
    """Recorded: the resolved platform of a deployment on Fargate, a grace period of 0, the service-linked role."""
    play.create(1, name="plain")
    plain = play.service("plain")
    role = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
    assert (plain["healthCheckGracePeriodSeconds"], plain["roleArn"]) == (0, role)
    assert plain["createdBy"] == f"arn:aws:iam::{ACCOUNT}:role/sandbox"
    assert "platformFamily" not in plain
    fargate = {"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256", "memory": "512"}
    container = {"name": "web", "image": "shop/app:v1"}
    play.client.register_task_definition(family=play.cluster, containerDefinitions=[container], **fargate)
    network = {"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d"]}}
    service = play.create(taskDefinition=play.cluster, networkConfiguration=network, launchType="FARGATE")
    assert (service["platformVersion"], service["platformFamily"]) == ("LATEST", "Linux")
    (deployment,) = service["deployments"]
    assert (deployment["platformVersion"], deployment["platformFamily"]) == ("1.4.0", "Linux")


def test_a_task_has_an_interface_a_zone_and_the_times_of_its_pulls(play: Play) -> None:
    """The names are those of the examples of the aws command line (describe-tasks)."""
    container = {"name": "web", "image": "shop/app:v1", "memory": 64, "cpu": 32}
    play.client.register_task_definition(family=play.cluster, containerDefinitions=[container], networkMode="awsvpc")
    network = {"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d"]}}
    started = play.client.run_task(cluster=play.cluster, taskDefinition=play.cluster, networkConfiguration=network)
    play.pass_time(3)
    (task,) = play.tasks()
    assert task["taskArn"] == started["tasks"][0]["taskArn"]
    (attachment,) = task["attachments"]
    details = {detail["name"]: detail["value"] for detail in attachment["details"]}
    assert (attachment["type"], attachment["status"]) == ("ElasticNetworkInterface", "ATTACHED")
    assert details["subnetId"] == "subnet-0a1b2c3d"
    assert details.keys() >= {"networkInterfaceId", "macAddress", "privateIPv4Address"}
    (shown,) = task["containers"]
    assert shown["networkInterfaces"] == [
        {"attachmentId": attachment["id"], "privateIpv4Address": details["privateIPv4Address"]}
    ]
    assert (shown["cpu"], shown["memory"]) == ("32", "64")
    assert task["overrides"]["containerOverrides"] == [{"name": "web"}]
    assert task["availabilityZone"] == "eu-central-1a"
    assert task["createdAt"] <= task["pullStartedAt"] < task["pullStoppedAt"] <= task["startedAt"]
    assert play.tasks()[0]["attachments"] == task["attachments"]


# Service deployments


def test_service_deployments_show_the_history(play: Play) -> None:
    play.create()
    play.pass_time(3)
    play.update(taskDefinition=play.register())
    play.pass_time(0.25)
    play.update(forceNewDeployment=True)
    play.pass_time(1.75)
    listed = play.client.list_service_deployments(cluster=play.cluster, service="web")["serviceDeployments"]
    assert [entry["status"] for entry in listed] == ["PENDING", "STOPPED", "SUCCESSFUL"]
    assert play.service()["currentServiceDeployment"] == listed[0]["serviceDeploymentArn"]
    play.pass_time(8)
    arns = [entry["serviceDeploymentArn"] for entry in listed]
    missing = arns[0][:-3] + "000"
    answer = play.client.describe_service_deployments(serviceDeploymentArns=[*arns, missing])
    assert [entry["status"] for entry in answer["serviceDeployments"]] == ["SUCCESSFUL", "STOPPED", "SUCCESSFUL"]
    assert answer["failures"] == [{"arn": missing, "reason": "MISSING"}]
    latest = answer["serviceDeployments"][0]
    assert latest["targetServiceRevision"]["runningTaskCount"] == 2
    revision = latest["targetServiceRevision"]["arn"]
    (described,) = play.client.describe_service_revisions(serviceRevisionArns=[revision])["serviceRevisions"]
    assert described["taskDefinition"] == play.service()["taskDefinition"]
    assert revision.rpartition("/")[2] == play.service()["deployments"][0]["id"].rpartition("/")[2]


def test_a_service_deployment_appears_after_the_answer_of_update_service(play: Play) -> None:
    """Recorded: it was created 1.6 s after its revision (the examples of the aws command line)."""
    play.create()
    play.pass_time(3)
    before = play.service()["currentServiceDeployment"]
    answer = play.update(taskDefinition=play.register())
    assert answer["currentServiceDeployment"] == before
    find = partial(play.client.list_service_deployments, cluster=play.cluster, service="web")
    assert [entry["serviceDeploymentArn"] for entry in find()["serviceDeployments"]] == [before]
    play.pass_time(1.75)
    newest, _ = find()["serviceDeployments"]
    assert newest["targetServiceRevisionArn"].rpartition("/")[2] == answer["deployments"][0]["id"].rpartition("/")[2]
    assert (newest["createdAt"] - answer["deployments"][0]["createdAt"]).total_seconds() >= 1.6
    assert play.service()["currentServiceDeployment"] == newest["serviceDeploymentArn"]


def test_service_deployments_are_filtered_and_paged(play: Play) -> None:
    play.create(0)
    for _ in range(4):
        play.pass_time(2)
        play.update(forceNewDeployment=True)
    play.pass_time(2)
    find = partial(play.client.list_service_deployments, cluster=play.cluster, service="web")
    assert len(find(status=["SUCCESSFUL"])["serviceDeployments"]) == 5
    first = find(maxResults=3)
    second = find(maxResults=3, nextToken=first["nextToken"])
    times = [entry["createdAt"] for page in (first, second) for entry in page["serviceDeployments"]]
    assert (len(times), "nextToken" in second) == (5, False)
    assert times == sorted(times, reverse=True)
    assert len(find(createdAt={"after": times[1]})["serviceDeployments"]) == 2


BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}


def only_the_first_runs(launch: Launch) -> list[tuple[float, Report]]:
    return (runs if launch.revision == 1 else never_starts)(launch)


def test_during_the_window_the_service_deployment_waits_for_its_rollback(play: Play) -> None:
    play.create(deploymentConfiguration=BREAKER)
    play.pass_time(4)
    play.runtime.outcome = only_the_first_runs
    play.ecs.orchestrator.timing.rollback_window = 60.0
    play.update(taskDefinition=play.register())
    play.pass_time(6)
    (waiting,) = play.deployments(play.service()["currentServiceDeployment"])
    assert (waiting["status"], "statusReason" in waiting) == ("IN_PROGRESS", False)
    assert play.service()["deployments"][0]["rolloutStateReason"] == TRIPPED
    assert waiting["deploymentCircuitBreaker"]["status"] == "TRIGGERED"
    assert waiting["deploymentCircuitBreaker"]["threshold"] == 3
    assert "rollback" not in waiting
    assert [(d["status"], d["rolloutState"]) for d in play.service()["deployments"]] == [
        ("PRIMARY", "FAILED"),
        ("ACTIVE", "COMPLETED"),
    ]


def test_a_deployment_configuration_is_shown_with_all_defaults_as_recorded(play: Play) -> None:
    breaker = {"resetOnHealthyTask": True, "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 50}}
    play.create()
    assert play.service()["deploymentConfiguration"] == {
        "alarms": {"alarmNames": [], "enable": False, "rollback": False},
        "bakeTimeInMinutes": 0,
        "deploymentCircuitBreaker": {"enable": False, "rollback": False, **breaker},
        "maximumPercent": 200,
        "minimumHealthyPercent": 100,
        "strategy": "ROLLING",
    }


def test_a_call_that_names_a_part_of_the_circuit_breaker_keeps_the_others(play: Play) -> None:
    on = {"enable": True, "rollback": True}
    own = {"resetOnHealthyTask": False, "thresholdConfiguration": {"type": "COUNT", "value": 7}}
    play.create(deploymentConfiguration={"deploymentCircuitBreaker": {**on, **own}})
    play.update(deploymentConfiguration={"deploymentCircuitBreaker": {**on, "rollback": False}})
    shown = play.service()["deploymentConfiguration"]["deploymentCircuitBreaker"]
    assert shown == {"enable": True, "rollback": False, **own}


def test_an_alarm_that_cloudwatch_sets_to_alarm_fails_a_deployment(play: Play) -> None:
    cloudwatch = aws("cloudwatch", play.client.meta.endpoint_url)
    names = [f"{play.cluster}-errors"]
    put_alarm(cloudwatch, names[0])
    play.create(deploymentConfiguration={"alarms": {"alarmNames": names, "enable": True, "rollback": True}})
    play.pass_time(2)
    cloudwatch.set_alarm_state(AlarmName=names[0], StateValue="ALARM", StateReason="a test")
    play.pass_time(1)
    (failed,) = play.deployments(play.service()["currentServiceDeployment"])
    assert (failed["status"], failed["statusReason"]) == ("ROLLBACK_FAILED", NO_CANDIDATE)
    assert failed["alarms"] == {"status": "TRIGGERED", "alarmNames": names, "triggeredAlarmNames": names}
    assert "alarm detected." in play.service()["events"][0]["message"]


@pytest.mark.scenario  # takes longer than the fast tests may
@pytest.mark.parametrize("keeps_id", [False, True])
def test_during_a_rollback_the_failed_deployment_still_shows_in_progress(play: Play, *, keeps_id: bool) -> None:
    """Recorded: PRIMARY says that it rolls back; the failed deployment is ACTIVE, and FAILED only minutes later."""
    timing = play.ecs.orchestrator.timing
    timing.failure_hidden, timing.rollback_reported_after, timing.rollback_keeps_id = 30.0, 8.0, float(keeps_id)
    good = play.create(deploymentConfiguration=BREAKER)
    play.pass_time(4)
    play.runtime.outcome = only_the_first_runs
    bad = play.update(taskDefinition=play.register())
    failed = bad["deployments"][0]["id"]
    while (service := play.service())["deployments"][0]["id"] == failed:
        play.ecs.orchestrator.step()
        play.clock[0] += 0.25
    rollback, shown = service["deployments"][:2]
    assert rollback["rolloutStateReason"].startswith("ECS deployment circuit breaker: rolling back to deploymentId ")
    assert (rollback["id"] == good["deployments"][0]["id"]) is keeps_id
    assert rollback["createdAt"] > shown["createdAt"]
    assert (shown["id"], shown["status"], shown["rolloutState"]) == (failed, "ACTIVE", "IN_PROGRESS")
    assert shown["rolloutStateReason"] == f"ECS deployment {failed} in progress."
    assert play.deployments(service["currentServiceDeployment"])[0]["status"] == "IN_PROGRESS"
    play.pass_time(9)
    (reported,) = play.deployments(service["currentServiceDeployment"])
    assert (reported["status"][:9], reported["statusReason"]) == ("ROLLBACK_", ROLLED_BACK)
    assert [d["rolloutState"] for d in play.service()["deployments"]] == ["COMPLETED", "IN_PROGRESS"]
    play.pass_time(25)
    assert [d["rolloutState"] for d in play.service()["deployments"]] == ["COMPLETED"]
    assert len(play.tasks()) == 2


def test_a_rollback_is_part_of_the_service_deployment_that_failed(play: Play) -> None:
    good = play.create(deploymentConfiguration=BREAKER)
    play.pass_time(4)
    play.runtime.outcome = only_the_first_runs
    bad = play.update(taskDefinition=play.register())
    play.pass_time(15)
    after = play.service()
    assert after["taskDefinition"] == good["taskDefinition"]
    (ended,) = play.deployments(after["currentServiceDeployment"])
    assert ended["targetServiceRevision"]["arn"].endswith(bad["deployments"][0]["id"].rpartition("/")[2])
    assert (ended["status"], ended["rollback"]["reason"]) == ("ROLLBACK_SUCCESSFUL", ROLLED_BACK)
    (revision,) = play.client.describe_service_revisions(serviceRevisionArns=[ended["rollback"]["serviceRevisionArn"]])[
        "serviceRevisions"
    ]
    assert revision["taskDefinition"] == good["taskDefinition"]
    listed = play.client.list_service_deployments(cluster=play.cluster, service="web")["serviceDeployments"]
    assert [entry["status"] for entry in listed] == ["ROLLBACK_SUCCESSFUL", "SUCCESSFUL"]


def test_stopping_a_service_deployment_rolls_it_back(play: Play) -> None:
    first = play.create()
    play.pass_time(4)
    play.update(taskDefinition=play.register())
    play.pass_time(1.75)
    arn = play.service()["currentServiceDeployment"]
    for _ in range(2):  # once more while it stops is accepted
        assert play.client.stop_service_deployment(serviceDeploymentArn=arn)["serviceDeploymentArn"] == arn
        assert [entry["status"] for entry in play.deployments(arn)] == ["ROLLBACK_REQUESTED"]
    play.pass_time(8)
    assert [entry["status"] for entry in play.deployments(arn)] == ["ROLLBACK_SUCCESSFUL"]
    assert play.service()["taskDefinition"] == first["taskDefinition"]


def test_invalid_stops_of_deployments_are_refused(play: Play) -> None:
    play.create()
    play.pass_time(1.75)
    arn = play.service()["currentServiceDeployment"]
    stop = play.client.stop_service_deployment
    with pytest.raises(ClientError) as error:
        stop(serviceDeploymentArn=arn, stopType="ABORT")
    assert code_of(error)[0] == "InvalidParameterException"
    with pytest.raises(ClientError) as error:
        stop(serviceDeploymentArn=arn[:-4] + "none")
    assert code_of(error)[0] == "ServiceDeploymentNotFoundException"
    play.pass_time(4)
    with pytest.raises(ClientError) as error:
        stop(serviceDeploymentArn=arn)
    assert code_of(error)[0] == "ConflictException"


PAUSE = {"targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"], "timeoutConfiguration": {"timeoutInMinutes": 5}}


def paused(play: Play) -> dict[str, Any]:
    """The service deployment of a service that waits at a pause hook."""
    play.create()
    play.pass_time(4)
    play.update(taskDefinition=play.register(), deploymentConfiguration={"lifecycleHooks": [PAUSE]})
    play.pass_time(3)
    (deployment,) = play.deployments(play.service()["currentServiceDeployment"])
    return deployment


@pytest.mark.parametrize(
    ("action", "status", "ends"),
    [({}, "SUCCEEDED", "SUCCESSFUL"), ({"action": "ROLLBACK"}, "FAILED", "ROLLBACK_SUCCESSFUL")],
)
def test_a_deployment_waits_at_a_pause_hook_until_it_is_continued(
    play: Play, action: dict[str, str], status: str, ends: str
) -> None:
    deployment = paused(play)
    (hook,) = deployment["lifecycleHookDetails"]
    assert (deployment["status"], deployment["lifecycleStage"]) == ("IN_PROGRESS", "PRE_SCALE_UP")
    assert (hook["targetType"], hook["status"], hook["timeoutAction"]) == ("PAUSE", "AWAITING_ACTION", "ROLLBACK")
    arn = deployment["serviceDeploymentArn"]
    answer = play.client.continue_service_deployment(serviceDeploymentArn=arn, hookId=hook["hookId"], **action)
    assert answer["serviceDeploymentArn"] == arn
    (continued,) = play.deployments(arn)
    assert [hook["status"] for hook in continued["lifecycleHookDetails"]] == [status]
    play.pass_time(20)
    assert [entry["status"] for entry in play.deployments(arn)] == [ends]


def test_a_deployment_that_waits_can_be_stopped(play: Play) -> None:
    arn = paused(play)["serviceDeploymentArn"]
    play.client.stop_service_deployment(serviceDeploymentArn=arn)
    play.pass_time(20)
    assert [entry["status"] for entry in play.deployments(arn)] == ["ROLLBACK_SUCCESSFUL"]


def test_invalid_answers_to_a_hook_are_refused(play: Play) -> None:
    deployment = paused(play)
    (hook,) = deployment["lifecycleHookDetails"]
    arn, identity = deployment["serviceDeploymentArn"], hook["hookId"]
    go_on = play.client.continue_service_deployment
    refusals = []
    for given in ({"serviceDeploymentArn": arn[:-4] + "none"}, {"hookId": "other"}, {"action": "WAIT"}, {}, {}):
        try:
            go_on(**{"serviceDeploymentArn": arn, "hookId": identity, **given})
        except ClientError as refused:
            refusals.append(refused.response["Error"]["Code"])
    wrong = "InvalidParameterException"
    assert refusals == ["ServiceDeploymentNotFoundException", wrong, wrong, wrong], "the last one answers it again"
    play.pass_time(20)
    with pytest.raises(ClientError) as error:
        go_on(serviceDeploymentArn=arn, hookId=identity)
    assert "SUCCESSFUL" in code_of(error)[1]


# Tasks


def run(play: Play, **rest: Any) -> dict[str, Any]:
    rest = {"taskDefinition": rest.get("taskDefinition") or play.register(f"{play.cluster}-migrate")} | rest
    answer = play.client.run_task(cluster=play.cluster, **rest)
    assert answer["failures"] == []
    return dict(answer["tasks"][0])


def described(play: Play, task: dict[str, Any]) -> dict[str, Any]:
    return dict(play.client.describe_tasks(cluster=play.cluster, tasks=[task["taskArn"]])["tasks"][0])


def test_capacity_providers_replace_the_launch_type(play: Play) -> None:
    instances = f"{play.cluster}-instances"
    play.client.create_capacity_provider(name=instances, autoScalingGroupProvider={"autoScalingGroupArn": "arn"})
    play.client.put_cluster_capacity_providers(
        cluster=play.cluster, capacityProviders=["FARGATE_SPOT", instances], defaultCapacityProviderStrategy=[]
    )
    networked = fargate(play)
    spot = [{"capacityProvider": "FARGATE_SPOT", "weight": 1, "base": 0}]
    task = run(play, capacityProviderStrategy=spot, **networked)
    assert (task["launchType"], task["capacityProviderName"]) == ("FARGATE", "FARGATE_SPOT")
    assert run(play, capacityProviderStrategy=[{"capacityProvider": instances}])["launchType"] == "EC2"
    with pytest.raises(ClientError, match="both a launch type and capacity provider strategy"):
        run(play, capacityProviderStrategy=spot, launchType="FARGATE", **networked)


def test_a_cluster_has_a_default_strategy(play: Play) -> None:
    networked = fargate(play)
    default = [{"capacityProvider": "FARGATE", "weight": 1}, {"capacityProvider": "FARGATE_SPOT", "weight": 3}]
    play.client.put_cluster_capacity_providers(
        cluster=play.cluster, capacityProviders=["FARGATE", "FARGATE_SPOT"], defaultCapacityProviderStrategy=default
    )
    assert run(play, **networked)["capacityProviderName"] == "FARGATE_SPOT"
    assert "capacityProviderName" not in run(play, launchType="FARGATE", **networked)
    service = play.create(1, **networked)
    assert "launchType" not in service
    assert [item["capacityProvider"] for item in service["capacityProviderStrategy"]] == ["FARGATE", "FARGATE_SPOT"]
    play.pass_time(1)
    (task,) = play.tasks(serviceName="web")
    assert task["capacityProviderName"] == "FARGATE_SPOT"
    assert play.create(1, **networked)["serviceArn"] == service["serviceArn"]


def fargate(play: Play) -> dict[str, Any]:
    """A task definition that fits Fargate, and a network, as parameters of RunTask and CreateService."""
    containers = [{"name": "web", "image": "shop/app:v1"}]
    play.client.register_task_definition(
        family=f"{play.cluster}-fargate", containerDefinitions=containers, networkMode="awsvpc", cpu="256", memory="512"
    )
    network = {"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d"]}}
    return {"taskDefinition": f"{play.cluster}-fargate", "networkConfiguration": network}


def test_a_one_off_task_runs_until_it_exits(play: Play) -> None:
    def migrates(launch: Launch) -> list[tuple[float, Report]]:
        end = ContainerReport("web", "STOPPED", exit_code=3)
        started = ContainerReport("web", "RUNNING", runtime_id="f00", image_digest="sha256:1", ports=((8080, 32768),))
        reason = "Essential container in task exited"
        return [
            (1.0, Report(launch.task, "PENDING")),
            (2.0, Report(launch.task, "RUNNING", containers=[started])),
            (3.0, Report(launch.task, "STOPPING", "EssentialContainerExited", reason, containers=[end])),
            (4.0, Report(launch.task, "STOPPED")),
        ]

    play.runtime.outcome = migrates
    task = run(play, startedBy="release-1")
    assert (task["lastStatus"], task["desiredStatus"], task["startedBy"]) == ("PROVISIONING", "RUNNING", "release-1")
    assert task["group"] == f"family:{play.cluster}-migrate"
    seen: list[str] = []
    for _ in range(20):
        play.pass_time(0)
        status = described(play, task)["lastStatus"]
        seen += [status] if status not in seen[-1:] else []
    assert seen == ["PROVISIONING", "PENDING", "RUNNING", "STOPPING", "STOPPED"]
    ended = described(play, task)
    assert (ended["stopCode"], ended["stoppedReason"]) == (
        "EssentialContainerExited",
        "Essential container in task exited",
    )
    assert ended["createdAt"] < ended["startedAt"] < ended["stoppingAt"] < ended["stoppedAt"]
    (container,) = ended["containers"]
    assert (container["exitCode"], container["imageDigest"], container["runtimeId"]) == (3, "sha256:1", "f00")
    binding = {"bindIP": "127.0.0.1", "containerPort": 8080, "hostPort": 32768, "protocol": "tcp"}
    assert container["networkBindings"] == [binding]


def test_a_client_token_starts_one_task(play: Play) -> None:
    definition = play.register(f"{play.cluster}-migrate")
    first, again = (run(play, taskDefinition=definition, clientToken="r1") for _ in range(2))
    assert first["taskArn"] == again["taskArn"]
    assert len(play.tasks()) == 1
    with pytest.raises(ClientError) as error:
        run(play, taskDefinition=definition, clientToken="r1", count=2)
    assert code_of(error)[0] == "ConflictException"
    assert run(play, taskDefinition=definition)["taskArn"] != first["taskArn"]


def test_overrides_reach_the_runtime_and_the_response(play: Play) -> None:
    overrides = {"containerOverrides": [{"name": "web", "command": ["migrate"], "environment": []}]}
    launches: list[Launch] = []

    def noted(launch: Launch) -> list[tuple[float, Report]]:
        launches.append(launch)
        return runs(launch)

    play.runtime.outcome = noted
    task = run(play, overrides=overrides)
    play.pass_time(0)
    assert task["overrides"]["containerOverrides"] == overrides["containerOverrides"]
    (own,) = [launch for launch in launches if launch.cluster == play.cluster]
    assert own.overrides["containerOverrides"] == overrides["containerOverrides"]
    with pytest.raises(ClientError) as error:
        run(play, overrides={"containerOverrides": [{"name": "nope", "command": ["x"]}]})
    assert code_of(error)[0] == "InvalidParameterException"


def test_stop_task_gives_its_reason(play: Play) -> None:
    task = run(play)
    play.pass_time(2)
    stopped = play.client.stop_task(cluster=play.cluster, task=task["taskArn"], reason="deadline")["task"]
    assert (stopped["desiredStatus"], stopped["lastStatus"]) == ("STOPPED", "RUNNING")
    play.pass_time(2)
    ended = described(play, task)
    assert (ended["lastStatus"], ended["stopCode"], ended["stoppedReason"]) == ("STOPPED", "UserInitiated", "deadline")
    with pytest.raises(ClientError) as error:
        play.client.stop_task(cluster=play.cluster, task="0" * 32)
    assert code_of(error) == ("InvalidParameterException", "The referenced task was not found.")


def test_tasks_are_listed_by_service_family_starter_and_status(play: Play) -> None:
    service = play.create(2)
    play.pass_time(3)
    play.runtime.outcome = partial(crashes, lasting=0.25)
    one_off = run(play, startedBy="r1")
    play.pass_time(3)
    of_service = {task["taskArn"] for task in play.tasks(serviceName="web")}
    assert len(of_service) == 2
    assert {task["taskArn"] for task in play.tasks(serviceName=service["serviceArn"])} == of_service
    assert {task["taskArn"] for task in play.tasks(startedBy=service["deployments"][0]["id"])} == of_service
    assert {task["taskArn"] for task in play.tasks(family=f"{play.cluster}-web")} == of_service
    assert {task["taskArn"] for task in play.tasks()} == of_service
    assert [task["taskArn"] for task in play.tasks(desiredStatus="STOPPED")] == [one_off["taskArn"]]
    assert [task["taskArn"] for task in play.tasks(startedBy="r1", desiredStatus="STOPPED")] == [one_off["taskArn"]]
    with pytest.raises(ClientError) as error:
        play.tasks(serviceName="nope")
    assert code_of(error)[0] == "ServiceNotFoundException"


def test_tasks_are_listed_in_pages(play: Play) -> None:
    play.create(7)
    play.pass_time(1)
    pages = play.client.get_paginator("list_tasks").paginate(cluster=play.cluster, PaginationConfig={"PageSize": 3})
    arns = [page["taskArns"] for page in pages]
    assert [len(page) for page in arns] == [3, 3, 1]
    assert len({arn for page in arns for arn in page}) == 7


def test_missing_tasks_are_failures_in_a_successful_response(play: Play) -> None:
    answer = play.client.describe_tasks(cluster=play.cluster, tasks=["0" * 32])
    assert answer["tasks"] == []
    assert answer["failures"] == [{"arn": f"{PREFIX}:task/{play.cluster}/{'0' * 32}", "reason": "MISSING"}]


# Clusters and task definitions


def test_a_cluster_counts_its_running_tasks_and_services(play: Play) -> None:
    play.create(2)
    play.pass_time(3)
    (cluster,) = play.client.describe_clusters(clusters=[play.cluster])["clusters"]
    assert (cluster["runningTasksCount"], cluster["pendingTasksCount"], cluster["activeServicesCount"]) == (2, 0, 1)


@pytest.mark.parametrize("operation", ["list_services", "list_tasks"])
def test_an_unknown_cluster_is_an_error(play: Play, operation: str) -> None:
    with pytest.raises(ClientError) as error:
        getattr(play.client, operation)(cluster="nope")
    assert code_of(error) == ("ClusterNotFoundException", "Cluster not found.")


def test_a_deleted_cluster_refuses_services(play: Play) -> None:
    definition = play.register()
    play.client.delete_cluster(cluster=play.cluster)
    with pytest.raises(ClientError) as error:
        play.create(taskDefinition=definition)
    assert code_of(error)[0] == "ClusterNotFoundException"


def test_unknown_services_and_task_definitions_are_errors(play: Play) -> None:
    with pytest.raises(ClientError) as error:
        play.update(desiredCount=1)
    assert code_of(error) == ("ServiceNotFoundException", "Service not found.")
    with pytest.raises(ClientError) as error:
        play.create(taskDefinition="nope")
    assert code_of(error) == ("ClientException", "TaskDefinition not found.")
    with pytest.raises(ClientError) as error:
        play.client.describe_task_definition(taskDefinition="nope:1")
    assert code_of(error) == ("ClientException", "Unable to describe task definition.")


@pytest.mark.parametrize(
    ("operation", "parameters"),
    [
        ("start_task", {"taskDefinition": "web", "containerInstances": ["i"]}),
        ("create_task_set", {"service": "web", "taskDefinition": "web"}),
        ("register_container_instance", {}),
    ],
)
def test_operations_that_moto_would_only_record_are_refused(
    play: Play, operation: str, parameters: dict[str, Any]
) -> None:
    with pytest.raises(ClientError, match=r"The sandbox does not play ecs:\w+\."):
        getattr(play.client, operation)(cluster=play.cluster, **parameters)


def test_capacity_providers_are_described_without_names(play: Play) -> None:
    group = {"autoScalingGroupArn": "arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:1:a/b"}
    play.client.create_capacity_provider(name=f"{play.cluster}-cp", autoScalingGroupProvider=group)
    providers = play.client.describe_capacity_providers()["capacityProviders"]
    assert f"{play.cluster}-cp" in [provider["name"] for provider in providers]


def test_an_inactive_revision_cannot_be_started_and_is_not_the_latest(play: Play) -> None:
    family = f"{play.cluster}-web"
    first, second = play.register(), play.register()
    play.client.deregister_task_definition(taskDefinition=second)
    with pytest.raises(ClientError) as error:
        play.create(taskDefinition=second)
    assert code_of(error) == ("ClientException", "TaskDefinition is inactive")
    described = play.client.describe_task_definition(taskDefinition=family)["taskDefinition"]
    assert described["taskDefinitionArn"] == first
    assert play.create(0, taskDefinition=family)["taskDefinition"] == first


def test_the_number_of_a_deleted_revision_is_not_given_again(play: Play) -> None:
    """ "The revision value always increases by one" (ECS API, TaskDefinition)."""
    arns = [play.register("job") for _ in range(2)]
    for arn in arns:
        play.client.deregister_task_definition(taskDefinition=arn)
    assert play.client.delete_task_definitions(taskDefinitions=arns)["failures"] == []
    assert [play.register("job").rpartition(":")[2] for _ in range(2)] == ["3", "4"]
    described = play.client.describe_task_definition(taskDefinition="job:3")["taskDefinition"]
    assert (described["revision"], described["taskDefinitionArn"]) == (3, arns[0].replace("job:1", "job:3"))
    with pytest.raises(ClientError, match="Unable to describe task definition"):
        play.client.describe_task_definition(taskDefinition=arns[0])


def test_container_instances_are_missing(play: Play) -> None:
    arn = f"arn:aws:ecs:eu-central-1:{ACCOUNT}:container-instance/{play.cluster}/{'0' * 32}"
    answer = play.client.describe_container_instances(cluster=play.cluster, containerInstances=[arn])
    assert (answer["containerInstances"], [failure["reason"] for failure in answer["failures"]]) == ([], ["MISSING"])
    assert play.client.list_container_instances(cluster=play.cluster)["containerInstanceArns"] == []


def test_task_definitions_are_listed_by_revision_as_a_number(play: Play) -> None:
    family = f"{play.cluster}-web"
    arns = [play.register() for _ in range(11)]
    find = partial(play.client.list_task_definitions, familyPrefix=family)
    assert find()["taskDefinitionArns"] == arns
    latest = find(sort="DESC", maxResults=2)
    assert latest["taskDefinitionArns"] == [arns[10], arns[9]]
    following = find(sort="DESC", maxResults=2, nextToken=latest["nextToken"])
    assert following["taskDefinitionArns"] == [arns[8], arns[7]]


def test_a_task_definition_keeps_every_field(play: Play) -> None:
    container: dict[str, Any] = {
        "name": "web",
        "image": "shop/app:v1",
        "cpu": 256,
        "memory": 512,
        "essential": True,
        "command": ["web"],
        "environment": [{"name": "A", "value": "1"}],
        "secrets": [{"name": "S", "valueFrom": "/shop/secret"}],
        "portMappings": [{"containerPort": 8080, "hostPort": 0, "protocol": "tcp"}],
        "mountPoints": [{"sourceVolume": "data", "containerPath": "/data", "readOnly": True}],
        "volumesFrom": [],
        "stopTimeout": 5,
        "linuxParameters": {"initProcessEnabled": True},
        "dependsOn": [{"containerName": "side", "condition": "HEALTHY"}],
        "healthCheck": {"command": ["CMD", "true"], "interval": 5, "timeout": 2, "retries": 3, "startPeriod": 1},
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {"awslogs-group": "/shop", "awslogs-region": "eu-central-1"},
        },
    }
    volume = {
        "name": "data",
        "dockerVolumeConfiguration": {"scope": "shared", "autoprovision": True, "driver": "local"},
    }
    side = {"name": "side", "image": "shop/side:v1", "memory": 64, "healthCheck": {"command": ["CMD", "true"]}}
    role = "arn:aws:iam::123456789012:role/execution"
    given = {"family": play.cluster, "containerDefinitions": [container, side], "volumes": [volume]}
    given["executionRoleArn"] = role
    play.client.register_task_definition(**given, tags=[{"key": "a", "value": "b"}])
    answer = play.client.describe_task_definition(taskDefinition=play.cluster, include=["TAGS"])
    kept = answer["taskDefinition"]
    assert kept["containerDefinitions"][0] == container
    assert kept["volumes"] == [volume]
    assert answer["tags"] == [{"key": "a", "value": "b"}]
    assert "registeredAt" in kept


# Shapes


def unknown_fields(shape: Shape, value: Any, path: str = "") -> list[str]:
    """The fields of a value that the model lacks, which moto silently drops."""
    if isinstance(shape, StructureShape):
        members = shape.members
        strange = [f"{path}.{name}" for name in value if name not in members]
        fields = [(members[name], item, f"{path}.{name}") for name, item in value.items() if name in members]
        return strange + [found for entry in fields for found in unknown_fields(*entry)]
    if isinstance(shape, ListShape):
        return [found for item in value for found in unknown_fields(shape.member, item, path)]
    return []


def test_every_field_of_every_response_is_in_the_model(play: Play) -> None:
    model = botocore.session.get_session().get_service_model("ecs")
    containers = [{"name": "web", "image": "shop/app:v1", "memory": 64}]
    networked = play.client.register_task_definition(
        family=f"{play.cluster}-web", containerDefinitions=containers, networkMode="awsvpc"
    )["taskDefinition"]["taskDefinitionArn"]
    network = {"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d"]}}
    play.create(tags=[{"key": "a", "value": "b"}], networkConfiguration=network, taskDefinition=networked)
    play.pass_time(3)
    play.runtime.outcome = only_the_first_runs
    play.update(taskDefinition=play.register(), deploymentConfiguration=BREAKER)
    run(play)
    play.pass_time(15)
    play.runtime.outcome = runs
    play.update(forceNewDeployment=True, taskDefinition=play.register(), desiredCount=3)
    play.pass_time(1.75)
    here, services, tasks, deployments = (
        {"cluster": play.cluster},
        play.ecs.services,
        play.ecs.tasks,
        play.ecs.deployments,
    )
    listed = deployments.list_deployments(here | {"service": "web"})
    described = deployments.describe(
        {"serviceDeploymentArns": [entry["serviceDeploymentArn"] for entry in listed["serviceDeployments"]]}
    )
    revisions = [entry["targetServiceRevision"]["arn"] for entry in described["serviceDeployments"]]
    arns = tasks.list_tasks(here)["taskArns"] + tasks.list_tasks(here | {"desiredStatus": "STOPPED"})["taskArns"]
    answers = {
        "ListServiceDeployments": listed,
        "StopServiceDeployment": deployments.stop(
            {"serviceDeploymentArn": listed["serviceDeployments"][0]["serviceDeploymentArn"]}
        ),
        "DescribeServiceDeployments": described,
        "DescribeServiceRevisions": deployments.revisions({"serviceRevisionArns": revisions}),
        "DescribeServices": services.describe(here | {"services": ["web", "nope"], "include": ["TAGS"]}),
        "ListServices": services.list_services(here),
        "DescribeTasks": tasks.describe(here | {"tasks": [*arns, "nope"], "include": ["TAGS"]}),
        "RunTask": tasks.run(here | {"taskDefinition": f"{play.cluster}-web"}),
        "StopTask": tasks.stop(here | {"task": arns[0]}),
        "UpdateService": services.update(here | {"service": "web", "desiredCount": 1}),
        "DeleteService": services.delete(here | {"service": "web", "force": True}),
    }
    for operation, answer in answers.items():
        shape = model.operation_model(operation).output_shape
        assert shape is not None
        assert unknown_fields(shape, answer, operation) == []
        assert all(answer[name] != [] for name in answer if name != "failures")


def test_status_shows_urls_and_tasks(play: Play) -> None:
    definition = play.register(portMappings=[{"containerPort": 8080, "hostPort": 0}])
    play.create(1, taskDefinition=definition)
    play.create(1, name="worker")
    play.pass_time(3)
    status = play.ecs.status()
    rows = [row for row in status["services"] if row["cluster"] == play.cluster]
    assert rows[0] == {
        "cluster": play.cluster,
        "service": "web",
        "url": f"http://127.0.0.1/{play.cluster}/web/8080",
        "desired": 1,
        "running": 1,
        "deployment": "COMPLETED",
        "task_definition": definition,
    }
    assert rows[1]["url"] is None
    assert [task["status"] for task in status["tasks"] if task["cluster"] == play.cluster] == ["RUNNING", "RUNNING"]


def test_the_control_loop_runs_until_it_is_stopped(tmp_path: Path) -> None:
    runtime = Script(runs)
    docker = DockerClient(base_url="tcp://127.0.0.1:1", version="1.41")
    cloud = Cloud(tmp_path, "eu-central-1", ACCOUNT, "127.0.0.1:5999", LoadBalancers(), docker)
    looping = ecs.Ecs(cloud, Orchestrator(runtime, time.time), Event())
    looping.start()
    looping.stop()
    assert runtime.closed
    docker.close()
