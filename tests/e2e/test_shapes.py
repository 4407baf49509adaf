"""Every shape of a service, released twice and rolled back once: real Terraform, real containers, one sandbox.

The sandbox runs tasks on Fargate and on container instances alike, as containers on a bridge of Docker; subnets,
security groups and capacity providers are records only. It has no clock that starts scheduled tasks: here the test
starts what the rule's target says, as EventBridge would. Nothing scales by itself: the count is changed by hand.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.request import urlopen

import pytest

from tests.e2e.project import ACCOUNT, Project, make

pytestmark = [pytest.mark.e2e, pytest.mark.long]

INVOKE_YAML = f"""longshore:
  applications:
    shapes:
      region: eu-central-1
      images: {{app: {{context: storefront}}, clock: {{context: storefront/clock}}}}
      environments:
        sandbox: {{endpoint: sandbox, account: "{ACCOUNT}", deadlines: {{rollout: 120, bake: 1}}}}
        guest: {{endpoint: sandbox, account: "{ACCOUNT}", deadlines: {{rollout: 120, bake: 1}}}}
"""
FOUNDATION = """application = "shapes"
region      = "eu-central-1"
images      = ["app", "clock"]
"""
COMMON = """application = "shapes"
region      = "eu-central-1"
images      = ["app", "clock"]
network     = { subnets = ["subnet-0a1b2c3d4e5f60718"], security_groups = ["sg-0a1b2c3d4e5f60718"] }
"""
SANDBOX = """environment_name = "sandbox"
cluster          = { capacity_providers = ["FARGATE", "FARGATE_SPOT"] }

services = {
  worker = {
    wave           = 1
    command        = ["worker"]
    container_port = 0
    cpu            = 128
    memory         = 64
    init_process   = true
    stop_timeout   = 5
    sidecars       = { clock = { image = "clock", stop_timeout = 5 } }
  }
  scaled = {
    wave           = 1
    command        = ["worker"]
    container_port = 0
    cpu            = 128
    memory         = 64
    init_process   = true
    stop_timeout   = 5
    autoscaling    = { minimum = 1, maximum = 5, cpu_percent = 60, memory_percent = 70 }
  }
  spot = {
    wave                       = 1
    launch_type                = "FARGATE"
    capacity_provider_strategy = [{ capacity_provider = "FARGATE_SPOT" }]
    command                    = ["worker"]
    container_port             = 0
    cpu                        = 256
    memory                     = 512
    init_process               = true
    stop_timeout               = 5
  }
  edge = {
    wave         = 2
    launch_type  = "FARGATE"
    command      = ["web"]
    cpu          = 256
    memory       = 512
    init_process = true
    stop_timeout = 5
  }
}

schedules = {
  nightly = {
    launch_type = "FARGATE"
    schedule    = "cron(0 3 * * ? *)"
    entry_point = ["sh", "-c"]
    command     = ["echo swept by $RELEASE_VERSION"]
    cpu         = 256
    memory      = 512
  }
}

verify = [{ service = "edge", path = "/health" }]
"""
GUEST = """environment_name = "guest"
cluster          = { existing_name = "platform" }

services = {
  web = { command = ["web"], cpu = 128, memory = 64, init_process = true, stop_timeout = 5 }
}

schedules = {
  hourly = {
    schedule    = "rate(1 hour)"
    entry_point = ["sh", "-c"]
    command     = ["echo swept by $RELEASE_VERSION"]
    cpu         = 128
    memory      = 64
  }
}

verify = [{ service = "web", path = "/health" }]
"""
CLOCK = """FROM busybox:stable
CMD ["sh", "-c", "trap 'exit 0' TERM; while true; do date; sleep 1; done"]
"""
CLUSTERS = {"sandbox": "shapes-sandbox", "guest": "platform"}
BY_HAND = 3
"""The count that somebody sets for the autoscaled service, between its two releases."""


@dataclass(frozen=True)
class Seen:
    """What an environment is like after a step.

    Attributes:
        version: what the step has released; None where it has not.
        plan: the exit code of a plan without a tag.
        services: (launch type of the tasks, tag of the image of each container of each task) by service.
        counts: the count of each service.
        rules: whether each rule of a scheduled task is on.
        schedules: what the task says that a rule's target names.
        page: what the service with a port answers; None before there is one.
    """

    version: str | None
    plan: int
    services: dict[str, list[tuple[str, dict[str, str]]]]
    counts: dict[str, int]
    rules: dict[str, str]
    schedules: dict[str, str]
    page: str | None


Journey = dict[str, dict[str, Seen]]
STEPS = ("first", "second", "back")
"""The releases and the roll-back, after the bootstrap."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    made = make(tmp_path_factory.mktemp("shapes"))
    made.write("invoke.yaml", INVOKE_YAML)
    made.write("environments/foundation.tfvars", FOUNDATION)
    made.write("environments/sandbox.tfvars", COMMON + SANDBOX)
    made.write("environments/guest.tfvars", COMMON + GUEST)
    made.write("storefront/clock/Dockerfile", CLOCK)
    made.commit("storefront", "First")
    try:
        made.invoke("sandbox.up")
        made.client("ecs").create_cluster(clusterName="platform")
        yield made
    finally:
        made.invoke("sandbox.down", expect=None)


@pytest.fixture(scope="module")
def journey(project: Project) -> Journey:
    """What both environments are like, by environment and step; nothing here judges."""
    found: Journey = {environment: {} for environment in CLUSTERS}
    for environment, steps in found.items():
        project.invoke("bootstrap", "-e", environment, "--yes")
        steps["bootstrap"] = seen(project, environment, None)
        steps["first"] = moved(project, environment, "release")
    project.client("ecs").update_service(
        cluster="shapes-sandbox", service="shapes-sandbox-scaled", desiredCount=BY_HAND
    )
    project.write("storefront/greeting.txt", "Hello from the second release\n")
    project.commit("storefront", "Second")
    for environment, steps in found.items():
        steps["second"] = moved(project, environment, "release")
        steps["back"] = moved(project, environment, "rollback")
    return found


def moved(project: Project, environment: str, command: str) -> Seen:
    done = project.invoke(command, "-e", environment, "--yes", "--json").json()
    assert done["verdict"] == "succeeded"
    return seen(project, environment, str(done["version"]))


def seen(project: Project, environment: str, version: str | None) -> Seen:
    ecs, cluster = project.client("ecs"), CLUSTERS[environment]
    prefix = f"shapes-{environment}-"
    names = [arn.rpartition("/")[2] for arn in ecs.list_services(cluster=cluster)["serviceArns"]]
    counts = {
        service["serviceName"].removeprefix(prefix): service["desiredCount"]
        for service in ecs.describe_services(cluster=cluster, services=names)["services"]
    }
    events = project.client("events")
    rules = {
        rule: events.describe_rule(Name=f"{prefix}{rule}")["State"]
        for rule in {"sandbox": ["nightly"], "guest": ["hourly"]}[environment]
    }
    port = "edge" if environment == "sandbox" else "web"
    return Seen(
        version,
        project.invoke("plan", "-e", environment, expect=None).code,
        {name.removeprefix(prefix): tasks(ecs, cluster, name) for name in names},
        counts,
        rules,
        {} if version is None else swept(project, environment),
        None if version is None else page(project, f"{prefix}{port}"),
    )


def tasks(ecs: Any, cluster: str, service: str) -> list[tuple[str, dict[str, str]]]:
    """Of each running task of a service: its launch type, and the tag of each running container's image."""
    arns = ecs.list_tasks(cluster=cluster, serviceName=service)["taskArns"]
    found = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []
    return [
        (
            task["launchType"],
            {c["name"]: c["image"].rpartition(":")[2] for c in task["containers"] if c["lastStatus"] == "RUNNING"},
        )
        for task in found
    ]


def swept(project: Project, environment: str) -> dict[str, str]:
    """What the scheduled tasks say, started as the targets of their rules have it."""
    ecs, events = project.client("ecs"), project.client("events")
    said = {}
    for name in {"sandbox": ["nightly"], "guest": ["hourly"]}[environment]:
        (target,) = events.list_targets_by_rule(Rule=f"shapes-{environment}-{name}")["Targets"]
        wanted = target["EcsParameters"]
        task = ecs.run_task(
            cluster=target["Arn"],
            taskDefinition=wanted["TaskDefinitionArn"],
            launchType=wanted["LaunchType"],
            **placed(wanted.get("NetworkConfiguration", {})),
        )["tasks"][0]["taskArn"]
        said[name] = last_words(project, target["Arn"], task, f"/shapes/{environment}/{name}")
    return said


def placed(network: dict[str, Any]) -> dict[str, Any]:
    """The network of a target in the words of RunTask, which begin with a small letter."""
    settings = {key[0].lower() + key[1:]: value for key, value in network.get("awsvpcConfiguration", {}).items()}
    return {"networkConfiguration": {"awsvpcConfiguration": settings}} if settings else {}


def last_words(project: Project, cluster: str, task: str, log_group: str) -> str:
    """What a one-off task has written, once it has ended well."""
    ecs, logs, until = project.client("ecs"), project.client("logs"), time.monotonic() + 60
    while (found := ecs.describe_tasks(cluster=cluster, tasks=[task])["tasks"][0])["lastStatus"] != "STOPPED":
        assert time.monotonic() < until, found
        time.sleep(0.5)
    assert [container["exitCode"] for container in found["containers"]] == [0]
    while not (lines := logs.filter_log_events(logGroupName=log_group)["events"]):
        assert time.monotonic() < until
        time.sleep(0.5)
    ours = [line["message"] for line in lines if line["logStreamName"].endswith(task.rpartition("/")[2])]
    return str(ours[-1])


def page(project: Project, service: str) -> str:
    with urlopen(f"{project.url(service)}/health", timeout=10) as answer:
        return str(answer.read().decode())


@pytest.mark.parametrize("environment", CLUSTERS)
@pytest.mark.parametrize("step", ["bootstrap", *STEPS])
def test_a_plan_without_a_tag_is_empty(journey: Journey, environment: str, step: str) -> None:
    assert journey[environment][step].plan == 0


@pytest.mark.parametrize("environment", CLUSTERS)
def test_nothing_runs_before_the_first_release(journey: Journey, environment: str) -> None:
    before = journey[environment]["bootstrap"]
    assert set(before.counts.values()) == {0}
    assert all(found == [] for found in before.services.values())
    assert set(before.rules.values()) == {"DISABLED"}


@pytest.mark.parametrize("environment", CLUSTERS)
def test_it_is_released_twice_and_rolled_back(journey: Journey, environment: str) -> None:
    steps = journey[environment]
    assert steps["first"].version != steps["second"].version
    assert steps["back"].version == steps["first"].version


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(
    ("environment", "service", "launch_type", "containers"),
    [
        ("sandbox", "edge", "FARGATE", {"edge"}),
        ("sandbox", "spot", "FARGATE", {"spot"}),
        ("sandbox", "worker", "EC2", {"worker", "clock"}),
        ("sandbox", "scaled", "EC2", {"scaled"}),
        ("guest", "web", "EC2", {"web"}),
    ],
)
def test_every_shape_runs_the_version_of_the_step(
    journey: Journey, step: str, environment: str, service: str, launch_type: str, containers: set[str]
) -> None:
    found = journey[environment][step]
    count = BY_HAND if service == "scaled" and step != "first" else 1
    assert found.version
    assert found.services[service] == [(launch_type, dict.fromkeys(containers, found.version))] * count


@pytest.mark.parametrize("environment", CLUSTERS)
@pytest.mark.parametrize("step", STEPS)
def test_the_page_is_of_the_version_of_the_step(journey: Journey, environment: str, step: str) -> None:
    found = journey[environment][step]
    assert f'"version": "{found.version}"' in str(found.page)


@pytest.mark.parametrize(("environment", "name"), [("sandbox", "nightly"), ("guest", "hourly")])
@pytest.mark.parametrize("step", STEPS)
def test_a_scheduled_task_runs_the_version_of_the_step(
    journey: Journey, environment: str, name: str, step: str
) -> None:
    found = journey[environment][step]
    assert found.schedules == {name: f"swept by {found.version}"}


@pytest.mark.parametrize(("environment", "name"), [("sandbox", "nightly"), ("guest", "hourly")])
def test_the_first_release_switches_a_rule_on(journey: Journey, environment: str, name: str) -> None:
    assert [journey[environment][step].rules for step in STEPS] == [{name: "ENABLED"}] * 3


def test_a_count_that_was_set_by_hand_stays(journey: Journey) -> None:
    counts = [journey["sandbox"][step].counts["scaled"] for step in ("bootstrap", *STEPS)]
    assert counts == [0, 1, BY_HAND, BY_HAND]


@pytest.mark.usefixtures("journey")
def test_autoscaling_is_told_of_the_service_by_its_first_release(project: Project) -> None:
    scaling = project.client("application-autoscaling")
    resource = "service/shapes-sandbox/shapes-sandbox-scaled"
    (target,) = scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"]
    assert (target["ResourceId"], target["MinCapacity"], target["MaxCapacity"]) == (resource, 1, 5)
    tags = scaling.list_tags_for_resource(ResourceARN=target["ScalableTargetARN"])["Tags"]
    assert tags == {"Application": "shapes", "Environment": "sandbox"}
    policies = scaling.describe_scaling_policies(ServiceNamespace="ecs", ResourceId=resource)["ScalingPolicies"]
    kept = [policy["TargetTrackingScalingPolicyConfiguration"] for policy in policies]
    assert {k["PredefinedMetricSpecification"]["PredefinedMetricType"]: k["TargetValue"] for k in kept} == {
        "ECSServiceAverageCPUUtilization": 60.0,
        "ECSServiceAverageMemoryUtilization": 70.0,
    }


@pytest.mark.usefixtures("journey")
def test_an_existing_cluster_stays_where_it_was(project: Project) -> None:
    project.invoke("destroy", "-e", "guest", "--yes-really", "guest")
    (cluster,) = project.client("ecs").describe_clusters(clusters=["platform"])["clusters"]
    assert (cluster["status"], cluster["activeServicesCount"]) == ("ACTIVE", 0)
