"""ECS in a whole sandbox: images pushed to its registry, services and one-off tasks as real containers."""

from __future__ import annotations

import base64
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from docker import DockerClient

from longshore.sandbox import control, engine
from longshore.sandbox.state import State
from tests.sandbox import busybox
from tests.sandbox.moto_api import aws

pytestmark = pytest.mark.e2e


@dataclass
class Site:
    """A cluster, a log group and an image repository for one test."""

    sandbox: State
    docker: DockerClient
    name: str

    def client(self, service: str) -> Any:
        """A client of the sandbox."""
        return aws(service, self.sandbox.endpoint, self.sandbox.access_key_id, self.sandbox.secret_access_key)

    def push(self, version: str, content: str = "") -> str:
        """Build and push an image that serves its version, or other content, and return its reference."""
        reference = f"{self.sandbox.registry}/{self.name}:{version}"
        busybox.build(self.docker, reference, content or version)
        (authorization,) = self.client("ecr").get_authorization_token()["authorizationData"]
        username, _, password = base64.b64decode(authorization["authorizationToken"]).decode().partition(":")
        login = {"username": username, "password": password}
        answers = list(self.docker.api.push(reference, stream=True, decode=True, auth_config=login))
        assert not any("error" in answer for answer in answers), answers
        return reference

    def register(
        self, image: str, script: str = busybox.SERVE, *, volumes: Sequence[str] = (), **container: Any
    ) -> str:
        """Register a task definition with a log, one port and volumes without a source; return its ARN."""
        options = {"awslogs-group": f"/{self.name}", "awslogs-region": self.sandbox.region}
        options["awslogs-stream-prefix"] = "ecs"
        definition = {
            "name": "web",
            "image": image,
            "memory": 64,
            "command": ["sh", "-c", script],
            "portMappings": [{"containerPort": 8080, "hostPort": 0}],
            "logConfiguration": {"logDriver": "awslogs", "options": options},
            **container,
        }
        answer = self.client("ecs").register_task_definition(
            family=self.name,
            containerDefinitions=[definition],
            volumes=[{"name": name} for name in volumes],
            executionRoleArn=f"arn:aws:iam::{self.sandbox.account_id}:role/execution",
        )
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    def create(self, task_definition: str, count: int = 2) -> str:
        """Create the service, and return the id of its deployment."""
        answer = self.client("ecs").create_service(
            cluster=self.name, serviceName="web", taskDefinition=task_definition, desiredCount=count
        )
        return str(answer["service"]["deployments"][0]["id"])

    def update(self, **rest: Any) -> str:
        """Update the service, and return the id of its PRIMARY deployment."""
        answer = self.client("ecs").update_service(cluster=self.name, service="web", **rest)
        return str(answer["service"]["deployments"][0]["id"])

    def service(self) -> dict[str, Any]:
        """The service."""
        return dict(self.client("ecs").describe_services(cluster=self.name, services=["web"])["services"][0])

    def complete(self, deployment: str, seconds: float = 30) -> float:
        """Wait until a deployment is COMPLETED, and return the seconds that it took."""
        begun = time.monotonic()
        while True:
            (found,) = [entry for entry in self.service()["deployments"] if entry["id"] == deployment]
            if found["rolloutState"] == "COMPLETED":
                return time.monotonic() - begun
            assert time.monotonic() - begun < seconds, (self.service(), self.tasks(desiredStatus="STOPPED"))
            time.sleep(0.05)

    def tasks(self, **filters: Any) -> list[dict[str, Any]]:
        """The cluster's tasks."""
        ecs = self.client("ecs")
        arns = ecs.list_tasks(cluster=self.name, **filters)["taskArns"]
        return list(ecs.describe_tasks(cluster=self.name, tasks=arns)["tasks"]) if arns else []

    def run(self, task_definition: str, seconds: float = 30, **rest: Any) -> dict[str, Any]:
        """Run a one-off task to its end, and return it."""
        ecs = self.client("ecs")
        started = ecs.run_task(cluster=self.name, taskDefinition=task_definition, **rest)["tasks"][0]["taskArn"]
        ecs.get_waiter("tasks_stopped").wait(
            cluster=self.name, tasks=[started], WaiterConfig={"Delay": 0.1, "MaxAttempts": int(seconds * 10)}
        )
        return dict(ecs.describe_tasks(cluster=self.name, tasks=[started])["tasks"][0])

    def url(self) -> str:
        """The URL of the service."""
        rows = control.status(self.sandbox.directory).services
        return str(next(row.url for row in rows if row.cluster == self.name))


@pytest.fixture
def site(sandbox: State) -> Iterator[Site]:
    docker = engine.connect()
    site = Site(sandbox, docker, f"site-{uuid.uuid4().hex[:8]}")
    site.client("ecs").create_cluster(clusterName=site.name)
    site.client("logs").create_log_group(logGroupName=f"/{site.name}")
    site.client("ecr").create_repository(repositoryName=site.name, imageTagMutability="IMMUTABLE")
    yield site
    for arn in site.client("ecs").list_services(cluster=site.name)["serviceArns"]:
        site.client("ecs").delete_service(cluster=site.name, service=arn, force=True)
    docker.close()  # the images are removed with the sandbox


class Visitor(threading.Thread):
    """Requests a URL repeatedly, and records every response and every failure."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url = url
        self.answers: list[str] = []
        self.failures: list[str] = []
        self.leaving = threading.Event()

    def run(self) -> None:
        while not self.leaving.wait(0.01):
            try:
                with urllib.request.urlopen(self.url, timeout=10) as answer:
                    self.answers.append(answer.read().decode().strip())
            except (urllib.error.URLError, OSError) as error:
                self.failures.append(str(error))


def test_a_service_is_rolled_without_a_failed_request(site: Site) -> None:
    first = site.register(site.push("v1"))
    site.complete(site.create(first))
    visitor = Visitor(site.url() + "/version")
    visitor.start()
    second = site.register(site.push("v2"))
    site.complete(site.update(taskDefinition=second.rpartition("/")[2]))
    time.sleep(0.2)
    visitor.leaving.set()
    visitor.join()
    assert visitor.failures == []
    assert visitor.answers[0] == "v1"
    assert visitor.answers[-1] == "v2"
    assert len(visitor.answers) > 20
    assert {task["taskDefinitionArn"] for task in site.tasks()} == {second}


def test_tasks_show_the_digest_that_the_registry_knows(site: Site) -> None:
    site.complete(site.create(site.register(site.push("v1"))))
    images = site.client("ecr").describe_images(repositoryName=site.name)["imageDetails"]
    digests = {container["imageDigest"] for task in site.tasks() for container in task["containers"]}
    assert digests == {images[0]["imageDigest"]}


def test_a_deployment_runs_one_image_although_its_tag_moves(site: Site) -> None:
    site.client("ecr").put_image_tag_mutability(repositoryName=site.name, imageTagMutability="MUTABLE")
    image = site.push("v1", "first")
    definition = site.register(image)
    deployment = site.create(definition, 1)
    site.complete(deployment)
    (running,) = [container["imageDigest"] for task in site.tasks() for container in task["containers"]]
    site.push("v1", "second")
    site.update(desiredCount=2)
    site.complete(deployment)
    while len(site.tasks()) < 2 or site.service()["runningCount"] < 2:
        time.sleep(0.1)
    assert [container["imageDigest"] for task in site.tasks() for container in task["containers"]] == [running] * 2
    assert {container["image"] for task in site.tasks() for container in task["containers"]} == {image}
    served = set()
    for _ in range(6):
        with urllib.request.urlopen(site.url() + "/version") as answer:
            served.add(answer.read().decode().strip())
    assert served == {"first"}
    task = site.run(definition, overrides={"containerOverrides": [{"name": "web", "command": ["true"]}]})
    assert task["containers"][0]["imageDigest"] != running  # a one-off task resolves the tag itself


def test_a_crash_loop_keeps_the_old_tasks_and_the_deployment_in_progress(site: Site) -> None:
    image = site.push("v1")
    first = site.register(image)
    site.complete(site.create(first))
    broken = site.register(image, "echo going down; exit 5")
    deployment = site.update(taskDefinition=broken)
    deadline = time.monotonic() + 30
    while len(stopped := site.tasks(desiredStatus="STOPPED")) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert {task["containers"][0]["exitCode"] for task in stopped if "stoppedAt" in task} == {5}
    assert {task["startedBy"] for task in stopped} == {deployment}
    new, old = site.service()["deployments"]
    assert (new["rolloutState"], old["runningCount"], old["taskDefinition"]) == ("IN_PROGRESS", 2, first)
    with urllib.request.urlopen(site.url() + "/version") as answer:
        assert answer.read() == b"v1\n"


def test_an_image_that_was_deleted_from_the_registry_cannot_be_pulled(site: Site) -> None:
    task_definition = site.register(site.push("v1"))
    site.client("ecr").batch_delete_image(repositoryName=site.name, imageIds=[{"imageTag": "v1"}])
    ended = site.run(task_definition)
    assert (ended["stopCode"], ended["stoppedReason"]) == ("TaskFailedToStart", "Task failed to start")
    (container,) = ended["containers"]
    assert container["reason"].startswith("CannotPullContainerError: Error response from daemon: manifest for ")
    assert "exitCode" not in container


def test_a_one_off_task_has_its_exit_code_its_secrets_and_its_whole_log(site: Site) -> None:
    site.client("ssm").put_parameter(Name=f"/{site.name}/key", Value="hidden", Type="SecureString")
    script = 'test "$KEY" = hidden && test "$EXTRA" = given && seq 1 10000; exit 9'
    secrets = [{"name": "KEY", "valueFrom": f"/{site.name}/key"}]
    task_definition = site.register(site.push("v1"), script, secrets=secrets)
    override = {"name": "web", "environment": [{"name": "EXTRA", "value": "given"}]}
    ended = site.run(task_definition, overrides={"containerOverrides": [override]})
    assert ended["stopCode"] == "EssentialContainerExited"
    assert ended["containers"][0]["exitCode"] == 9
    pages = site.client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/{site.name}")
    lines = [event["message"] for page in pages for event in page["events"]]
    assert lines == [str(number) for number in range(1, 10001)]


def test_a_task_cannot_start_while_its_secret_is_denied(site: Site) -> None:
    site.client("ssm").put_parameter(Name=f"/{site.name}/key", Value="hidden", Type="SecureString")
    secrets = [{"name": "KEY", "valueFrom": f"/{site.name}/key"}]
    task_definition = site.register(site.push("v1"), "exit 0", secrets=secrets)
    control.add_fault(site.sandbox, {"operation": "ssm:GetParameters", "kind": "denied", "times": 1})
    ended = site.run(task_definition)
    control.clear_faults(site.sandbox)
    assert ended["stopCode"] == "TaskFailedToStart"
    task = ended["taskArn"].rpartition("/")[2]
    assert f"assumed-role/execution/{task} is not authorized to perform: ssm:GetParameters" in ended["stoppedReason"]
    assert site.run(task_definition)["containers"][0]["exitCode"] == 0


def test_a_read_only_root_is_writable_only_where_a_volume_is_mounted(site: Site) -> None:
    script = "touch /srv/no && exit 4; touch /tmp/yes || exit 5; ls /tmp; exit 6"
    mounts = [{"sourceVolume": "writable", "containerPath": "/tmp"}]
    image = site.push("v1")
    task_definition = site.register(
        image, script, volumes=["writable"], readonlyRootFilesystem=True, mountPoints=mounts
    )
    # The second volume contains the image's files, and none of the first volume's.
    for _ in range(2):
        assert site.run(task_definition)["containers"][0]["exitCode"] == 6
    events = site.client("logs").filter_log_events(logGroupName=f"/{site.name}")["events"]
    assert sorted(event["message"] for event in events) == [
        *["touch: /srv/no: Read-only file system"] * 2,
        "yes",
        "yes",
    ]
    writable = site.register(image, "touch /srv/yes && exit 7")
    assert site.run(writable)["containers"][0]["exitCode"] == 7


def test_a_task_counts_once_its_health_check_passes(site: Site) -> None:
    check = {"command": ["CMD-SHELL", "test -e /tmp/well"], "interval": 1, "retries": 30}
    task_definition = site.register(site.push("v1"), f"(sleep 3; touch /tmp/well) & {busybox.SERVE}", healthCheck=check)
    deployment = site.create(task_definition, count=1)
    while not (tasks := site.tasks()) or tasks[0]["lastStatus"] != "RUNNING":
        time.sleep(0.05)
    assert (site.service()["runningCount"], site.service()["deployments"][0]["rolloutState"]) == (1, "IN_PROGRESS")
    site.complete(deployment)
    assert site.tasks()[0]["healthStatus"] == "HEALTHY"


def test_a_deleted_service_leaves_no_container(site: Site) -> None:
    site.complete(site.create(site.register(site.push("v1"))))
    arns = [task["taskArn"] for task in site.tasks()]
    site.client("ecs").delete_service(cluster=site.name, service="web", force=True)
    deadline = time.monotonic() + 20
    while site.service()["status"] != "INACTIVE":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    label = [f"longshore.task={arn.rpartition('/')[2]}" for arn in arns]
    assert [site.docker.containers.list(all=True, filters={"label": name}) for name in label] == [[], []]
