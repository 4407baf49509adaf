"""The examples of Terraform, each by the invoke.yaml of its README, on one sandbox."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.request import urlopen

import pytest
import yaml

from tests.e2e.project import Project, whole
from tests.paths import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.long]

EXAMPLES = "examples/terraform"


def applications(example: str) -> dict[str, Any]:
    """The applications of the invoke.yaml that an example's README shows."""
    text = (ROOT / EXAMPLES / example / "README.md").read_text()
    (shown,) = re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return dict(yaml.safe_load(shown)["longshore"]["applications"])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    made = whole(tmp_path_factory.mktemp("examples"))
    found = {
        name: app for example in ("own-root", "complete", "existing") for name, app in applications(example).items()
    }
    made.write("invoke.yaml", yaml.safe_dump({"longshore": {"applications": found}}))
    made.commit(".", "The examples")
    try:
        made.invoke("sandbox.up")
        yield made
    finally:
        made.invoke("sandbox.down", expect=None)


def release(project: Project, application: str) -> str:
    """The version that a release has brought; no plan without a tag has anything to do after it."""
    done = project.invoke("release", "-a", application, "--yes", "--json").json()
    assert done["verdict"] == "succeeded"
    assert project.invoke("plan", "-a", application).code == 0
    return str(done["version"])


def page(project: Project, service: str, path: str = "") -> str:
    with urlopen(project.url(service) + path, timeout=10) as answer:
        return str(answer.read().decode())


def test_a_root_of_ones_own_is_released_twice_and_rolled_back(project: Project) -> None:
    project.invoke("bootstrap", "-a", "hello", "--yes")
    assert project.invoke("plan", "-a", "hello").code == 0
    assert release(project, "hello") == "v1.0.0"
    assert page(project, "hello-sandbox-web") == "Hello from v1.0.0"

    file = project.folder / EXAMPLES / "own-root" / "application" / "hello"
    file.write_text(file.read_text().replace("Hello from", "Good evening from"))
    project.commit(".", "Another greeting")
    assert release(project, "hello") == "v1.0.1"
    assert page(project, "hello-sandbox-web") == "Good evening from v1.0.1"

    back = project.invoke("rollback", "-a", "hello", "--yes", "--json").json()
    assert (back["verdict"], back["version"]) == ("succeeded", "v1.0.0")
    assert page(project, "hello-sandbox-web") == "Hello from v1.0.0"
    assert project.invoke("plan", "-a", "hello").code == 0
    assert project.invoke("drift", "-a", "hello").code == 0


def test_the_complete_one_is_reachable_after_one_release_and_goes_without_a_trace(project: Project) -> None:
    project.invoke("bootstrap", "-a", "shop", "--yes")
    version = release(project, "shop")
    assert f'"version": "{version}"' in page(project, "shop-sandbox-web", "/health")
    assert version in page(project, "shop-sandbox-web")

    balancer = project.client("elbv2")
    (made,) = balancer.describe_load_balancers()["LoadBalancers"]
    (listener,) = balancer.describe_listeners(LoadBalancerArn=made["LoadBalancerArn"])["Listeners"]
    (target,) = [action["TargetGroupArn"] for action in listener["DefaultActions"]]
    ecs = project.client("ecs")
    (service,) = ecs.describe_services(cluster="shop-sandbox", services=["shop-sandbox-web"])["services"]
    assert [joined["targetGroupArn"] for joined in service["loadBalancers"]] == [target]
    assert service["runningCount"] == 2

    project.invoke("destroy", "-a", "shop", "--yes-really", "sandbox")
    assert balancer.describe_load_balancers()["LoadBalancers"] == []
    assert balancer.describe_target_groups()["TargetGroups"] == []
    ours = [{"Name": "tag:Application", "Values": ["shop"]}]
    ec2 = project.client("ec2")
    assert ec2.describe_vpcs(Filters=ours)["Vpcs"] == []
    assert ec2.describe_subnets(Filters=ours)["Subnets"] == []
    assert ec2.describe_security_groups(Filters=ours)["SecurityGroups"] == []
    assert [c["status"] for c in ecs.describe_clusters(clusters=["shop-sandbox"])["clusters"]] == ["INACTIVE"]
    assert [s["service"] for s in project.sandbox()["services"] if s["cluster"] == "shop-sandbox"] == []
    assert project.client("ecr").describe_repositories(repositoryNames=["shop/app"])["repositories"]
    assert project.client("dynamodb").describe_table(TableName="shop-releases")["Table"]


def test_what_exists_is_found_by_name_and_left_as_it_is(project: Project) -> None:
    missing = project.invoke("bootstrap", "-a", "tenant", "--yes", expect=None)
    assert missing.code != 0
    assert "no matching EC2 VPC found" in missing.err

    vpc = play_the_platform(project)
    project.invoke("bootstrap", "-a", "tenant", "--yes")
    assert project.invoke("plan", "-a", "tenant").code == 0
    version = release(project, "tenant")
    assert f'"version": "{version}"' in page(project, "tenant-sandbox-web", "/health")
    running = {s["service"]: (s["cluster"], s["running"]) for s in project.sandbox()["services"]}
    assert running["tenant-sandbox-worker"] == ("platform", 1)
    assert running["tenant-sandbox-web"] == ("platform", 2)

    project.invoke("destroy", "-a", "tenant", "--yes-really", "sandbox")
    assert project.client("ec2").describe_vpcs(VpcIds=[vpc])["Vpcs"]
    assert project.client("elbv2").describe_target_groups(Names=["tenant-web"])["TargetGroups"]
    (cluster,) = project.client("ecs").describe_clusters(clusters=["platform"])["clusters"]
    assert (cluster["status"], cluster["activeServicesCount"]) == ("ACTIVE", 0)


def play_the_platform(project: Project) -> str:
    """What README.md of the example makes by the aws command line; returns the VPC."""
    ec2 = project.client("ec2")
    vpc = str(ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"])
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/20")["Subnet"]["SubnetId"]
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "Name", "Value": "platform"}])
    ec2.create_tags(Resources=[subnet], Tags=[{"Key": "Tier", "Value": "private"}])
    ec2.create_security_group(GroupName="platform-tasks", Description="Tasks", VpcId=vpc)
    project.client("ecs").create_cluster(clusterName="platform")
    project.client("elbv2").create_target_group(
        Name="tenant-web", TargetType="ip", Protocol="HTTP", Port=8080, VpcId=vpc
    )
    return vpc
