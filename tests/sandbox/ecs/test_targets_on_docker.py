"""A target group's check asks real containers, and decides about their deployment."""

from __future__ import annotations

import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from longshore.sandbox import ecs, engine
from longshore.sandbox.api import target_groups
from longshore.sandbox.api.aws_api import AwsApi, moto_application
from longshore.sandbox.api.credentials import AccessKeys
from longshore.sandbox.api.request_log import RequestLog
from longshore.sandbox.cloud import Cloud
from longshore.sandbox.load_balancer.load_balancer import LocalLoadBalancers
from longshore.sandbox.serving import listen, serve
from tests.sandbox import busybox
from tests.sandbox.moto_api import KEY, REGION, SECRET, aws

pytestmark = pytest.mark.e2e

ACCOUNT = "123456789012"


class Balanced:
    """A cluster with a service whose target group asks for a path."""

    def __init__(self, url: str, image: str, path: str) -> None:
        self.ecs, self.elbv2 = aws("ecs", url), aws("elbv2", url)
        self.cluster = self.ecs.create_cluster(clusterName=f"c{uuid.uuid4().hex[:8]}")["cluster"]["clusterName"]
        made = self.elbv2.create_target_group(
            Name=self.cluster,
            TargetType="instance",
            Protocol="HTTP",
            Port=8080,
            VpcId=aws("ec2", url).describe_vpcs()["Vpcs"][0]["VpcId"],
            HealthCheckPath=path,
            HealthCheckIntervalSeconds=5,
        )
        self.group = made["TargetGroups"][0]["TargetGroupArn"]
        container = {
            "name": "web",
            "image": image,
            "memory": 64,
            "command": ["sh", "-c", f"sleep 1; {busybox.SERVE}"],
            "portMappings": [{"containerPort": 8080, "hostPort": 0}],
        }
        self.ecs.register_task_definition(family=self.cluster, containerDefinitions=[container])
        self.ecs.create_service(
            cluster=self.cluster,
            serviceName="web",
            taskDefinition=self.cluster,
            desiredCount=1,
            loadBalancers=[{"targetGroupArn": self.group, "containerName": "web", "containerPort": 8080}],
        )

    def service(self) -> dict[str, Any]:
        return dict(self.ecs.describe_services(cluster=self.cluster, services=["web"])["services"][0])

    def targets(self) -> list[dict[str, Any]]:
        return list(self.elbv2.describe_target_health(TargetGroupArn=self.group)["TargetHealthDescriptions"])

    def stopped_reasons(self) -> list[str]:
        arns = self.ecs.list_tasks(cluster=self.cluster, desiredStatus="STOPPED")["taskArns"]
        tasks = self.ecs.describe_tasks(cluster=self.cluster, tasks=arns)["tasks"] if arns else []
        return [str(task.get("stoppedReason")) for task in tasks]


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[tuple[str, str, LocalLoadBalancers]]:
    """The address of a sandbox's API, an image and the load balancers."""
    with ExitStack() as cleanup:
        docker = engine.connect()
        cleanup.callback(docker.close)
        image = busybox.build(docker, f"longshore-test-{uuid.uuid4().hex[:8]}:v1")
        cleanup.callback(docker.images.remove, image, force=True)
        balancers = LocalLoadBalancers()
        cleanup.callback(balancers.close_all)
        cluster = ecs.install(Cloud(tmp_path, REGION, ACCOUNT, "127.0.0.1:1", balancers, docker))
        target_groups.install(cluster)
        cluster.start()
        cleanup.callback(cluster.stop)
        listener = cleanup.enter_context(listen(0))
        server = serve(AwsApi(moto_application(), AccessKeys(KEY, SECRET), RequestLog(), cluster.status), listener)
        cleanup.callback(server.shutdown)
        yield f"http://127.0.0.1:{server.port}", image, balancers


def until(met: Callable[[], Any], seconds: float = 40) -> Any:
    """Wait until a condition holds, and return its value."""
    deadline = time.monotonic() + seconds
    while not (value := met()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return value


def test_a_real_container_is_judged_by_the_path_of_its_target_group(
    sandbox: tuple[str, str, LocalLoadBalancers],
) -> None:
    url, image, balancers = sandbox
    web = Balanced(url, image, "/version")
    until(lambda: web.service()["deployments"][0]["rolloutState"] == "COMPLETED")
    (target,) = web.targets()
    assert target["TargetHealth"] == {"State": "healthy"}
    assert target["Target"]["Port"] == int(target["HealthCheckPort"]) != 8080
    door = balancers.open(web.cluster, "web", 8080)
    with urllib.request.urlopen(f"{door}/version") as answer:
        assert answer.status == 200

    web.elbv2.modify_target_group(TargetGroupArn=web.group, HealthCheckPath="/health")
    until(lambda: f"Task failed ELB health checks in (target-group {web.group})" in web.stopped_reasons())
    why = f"is unhealthy in (target-group {web.group}) due to (reason Health checks failed with these codes: [404])."
    assert any(event["message"].endswith(why) for event in web.service()["events"])
    web.ecs.delete_service(cluster=web.cluster, service="web", force=True)
    until(lambda: web.service()["status"] == "INACTIVE")
    assert web.targets() == []
