"""ECS refuses mistakes in AWS's words, and fields that the sandbox does not play by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.model import ListShape, Shape, StructureShape
from moto.ecs.exceptions import ECSException

from longshore.sandbox.ecs import fields
from tests.sandbox.ecs.test_answers import Play, fargate, play, stage

__all__ = ["play", "stage"]

ROLE = "arn:aws:iam::123456789012:role/execution"
MODEL = botocore.session.get_session().get_service_model("ecs")
LOG: dict[str, Any] = {"logDriver": "awslogs", "options": {"awslogs-group": "/shop", "awslogs-region": "eu-central-1"}}


def container(name: str = "web", **rest: Any) -> dict[str, Any]:
    return {"name": name, "image": "shop/app:v1", "memory": 64, **rest}


def refusal(call: Callable[..., Any], **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def on_fargate(*containers: dict[str, Any], **rest: Any) -> dict[str, Any]:
    size = {"cpu": "256", "memory": "512", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"]}
    return {"containerDefinitions": list(containers or [container()])} | size | rest


def of(*containers: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"containerDefinitions": list(containers), **rest}


def depends(condition: str, name: str = "side") -> list[dict[str, str]]:
    return [{"containerName": name, "condition": condition}]


NO_ROLE = "Fargate requires task definition to have execution role ARN to support"
PORTS = "When networkMode=awsvpc, the host ports and container ports in port mappings must match."
DEFINITIONS: list[tuple[str, dict[str, Any], str]] = [
    ("family", of(container(), family="a b"), "Family contains invalid characters."),
    ("no containers", of(), "Container list cannot be empty."),
    ("no image", of({"name": "web", "memory": 64}), "Container.image should not be null or empty."),
    ("name", of(container("a b")), "Container.name contains invalid characters."),
    ("same names", of(container(), container()), "Container names must be unique within a Task Definition."),
    (
        "none essential",
        of(container(essential=False), container("side", essential=False)),
        "Task definition doesn't have any essential container.",
    ),
    (
        "completes, essential",
        of(container(dependsOn=depends("COMPLETE")), container("side")),
        "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container",
    ),
    (
        "healthy, unchecked",
        of(container(dependsOn=depends("HEALTHY")), container("side")),
        "A dependency container with HEALTHY condition must have a health check: 'side'.",
    ),
    (
        "unknown dependency",
        of(container(dependsOn=depends("START"))),
        "Container 'web' depends on an unknown container 'side'.",
    ),
    (
        "cycle",
        of(container(dependsOn=depends("START")), container("side", dependsOn=depends("START", "web"))),
        "The dependencies of containers have a cycle: side, web.",
    ),
    (
        "unknown volume",
        of(container(mountPoints=[{"sourceVolume": "data", "containerPath": "/data"}])),
        "Unknown volume 'data'.",
    ),
    (
        "no memory",
        of({"name": "web", "image": "shop/app:v1"}),
        "Invalid setting for container 'web'. At least one of 'memory' or 'memoryReservation' must be specified.",
    ),
    ("little memory", of(container(memory=3)), "Invalid 'memory' setting for container 'web'."),
    (
        "reservation above memory",
        of(container(memoryReservation=65)),
        "Invalid 'memoryReservation' setting for container 'web'.",
    ),
    (
        "container above task",
        of(container(memory=600), memory="512"),
        "The 'memory' setting for container 'web' is greater than for the task.",
    ),
    (
        "sum of cpu",
        of(container(cpu=200), container("side", cpu=100), cpu="256"),
        "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
    ),
    ("unreadable cpu", of(container(), cpu="much"), "Invalid 'cpu' setting for task."),
    ("host port", on_fargate(container(portMappings=[{"containerPort": 80, "hostPort": 8080}])), PORTS),
    ("no port", of(container(portMappings=[{"hostPort": 80}])), "Invalid 'containerPort' setting for container 'web'."),
    (
        "hostname",
        on_fargate(container(hostname="web")),
        "hostname is not supported on container when networkMode=awsvpc.",
    ),
    (
        "log options",
        of(container(logConfiguration={"logDriver": "awslogs"})),
        "Log driver awslogs requires options: awslogs-region, awslogs-group",
    ),
    (
        "log abroad",
        of(container(logConfiguration={"logDriver": "awslogs", "options": LOG["options"] | {"awslogs-region": "x"}})),
        "The sandbox does not play containerDefinitions.logConfiguration.options.awslogs-region x (container web): use "
        "eu-central-1.",
    ),
    (
        "secrets without a role",
        of(container(secrets=[{"name": "KEY", "valueFrom": "/key"}])),
        "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.",
    ),
    (
        "health check",
        of(container(healthCheck={"command": ["true"]})),
        "The health check command of container 'web' must start with CMD or CMD-SHELL.",
    ),
    ("no cpu", on_fargate(cpu=""), "Fargate requires that 'cpu' be defined at the task level."),
    ("size", on_fargate(cpu="300"), "No Fargate configuration exists for given values."),
    ("bridge", on_fargate(networkMode="bridge"), "Fargate only supports network mode \u2018awsvpc\u2019."),
    (
        "privileged",
        on_fargate(container(privileged=True)),
        "Tasks using the Fargate launch type do not support privileged containers.",
    ),
    (
        "stop timeout",
        on_fargate(container(stopTimeout=121)),
        "Invalid 'stopTimeout' setting for container 'web': Fargate allows 120 seconds.",
    ),
    ("log without a role", on_fargate(container(logConfiguration=LOG)), f"{NO_ROLE} log driver awslogs."),
    (
        "ECR without a role",
        on_fargate(container(image="123456789012.dkr.ecr.eu-central-1.amazonaws.com/app:v1")),
        f"{NO_ROLE} ECR images.",
    ),
    ("the sandbox's registry", on_fargate(container(image="127.0.0.1:5999/app:v1")), f"{NO_ROLE} ECR images."),
    (
        "log driver that AWS does not have",
        of(container(logConfiguration={"logDriver": "nonsense"})),
        "logDriver should be one of [json-file,syslog,journald,gelf,fluentd,awslogs,splunk,awsfirelens]",
    ),
]


@pytest.mark.parametrize(
    ("definition", "message"),
    [(definition, message) for _, definition, message in DEFINITIONS],
    ids=[name for name, _, _ in DEFINITIONS],
)
def test_a_wrong_task_definition_is_refused(play: Play, definition: dict[str, Any], message: str) -> None:
    register = play.client.register_task_definition
    assert refusal(register, **{"family": play.cluster, **definition}) == ("ClientException", message)
    assert play.client.list_task_definitions(familyPrefix=play.cluster)["taskDefinitionArns"] == []


@pytest.mark.parametrize(
    "definition",
    [
        on_fargate(container(image="busybox:stable"), cpu="1 vCPU", memory="2GB"),
        on_fargate(container(portMappings=[{"containerPort": 80, "hostPort": 0}])),
        on_fargate(container(logConfiguration=LOG, stopTimeout=120), executionRoleArn=ROLE),
        of(container(memory=64, memoryReservation=64)),
        of(
            container(dependsOn=depends("SUCCESS") + depends("HEALTHY", "proxy")),
            container("side", essential=False),
            container("proxy", healthCheck={"command": ["CMD-SHELL", "true"]}),
        ),
    ],
)
def test_a_right_task_definition_is_registered(play: Play, definition: dict[str, Any]) -> None:
    answer = play.client.register_task_definition(family=play.cluster, **definition)["taskDefinition"]
    if definition.get("cpu") == "1 vCPU":
        assert (answer["cpu"], answer["memory"]) == ("1024", "2048")


NETWORK: dict[str, Any] = {"awsvpcConfiguration": {"subnets": ["subnet-0a1b2c3d"]}}
SUBNET = "The subnet ID 'fake-subnet' does not exist (ErrorCode: InvalidSubnetID.NotFound)"
GROUP = "The security group 'fake' does not exist (ErrorCode: InvalidGroup.NotFound)"
TARGETS = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/none/0123456789abcdef"
SERVICES: list[tuple[str, dict[str, Any], str]] = [
    ("no definition", {"taskDefinition": ""}, "TaskDefinition can not be blank."),
    ("name", {"serviceName": "a b"}, r"Service name must match ^[a-zA-Z0-9\-_]{1,255}$, but was a b"),
    ("launch type", {"launchType": "Fargate"}, "launch type should be one of [EC2,FARGATE,EXTERNAL]"),
    ("count", {"desiredCount": -1}, "Desired count can not be less than 0."),
    (
        "minimum",
        {"deploymentConfiguration": {"minimumHealthyPercent": 300}},
        "minimumHealthyPercent must be between 0 and 100.",
    ),
    (
        "both 0",
        {"deploymentConfiguration": {"minimumHealthyPercent": 0, "maximumPercent": 0}},
        "Both maximumPercent and minimumHealthyPercent cannot be 0.",
    ),
    (
        "strategy",
        {"deploymentConfiguration": {"strategy": "NONSENSE"}},
        "strategy should be one of [ROLLING,BLUE_GREEN,LINEAR,CANARY]",
    ),
    ("not for Fargate", {"launchType": "FARGATE"}, "Task definition does not support launch_type FARGATE."),
    (
        "network of a bridge",
        {"networkConfiguration": NETWORK},
        "Network Configuration is not valid for the given networkMode of this task definition.",
    ),
    (
        "unknown capacity provider",
        {"capacityProviderStrategy": [{"capacityProvider": "none"}]},
        "The specified capacity provider was not found. Specify a valid capacity provider and try again.",
    ),
    (
        "both launch type and strategy",
        {"launchType": "EC2", "capacityProviderStrategy": [{"capacityProvider": "FARGATE"}]},
        "Specifying both a launch type and capacity provider strategy is not supported.",
    ),
    (
        "unknown target group",
        {"loadBalancers": [{"targetGroupArn": TARGETS, "containerName": "web", "containerPort": 80}]},
        f"The target group with targetGroupArn {TARGETS} does not exist.",
    ),
    (
        "unknown container",
        {"loadBalancers": [{"containerName": "other", "containerPort": 80}]},
        "The container other does not exist in the task definition.",
    ),
    (
        "unknown port",
        {"loadBalancers": [{"containerName": "web", "containerPort": 80}]},
        "The container web did not have a container port 80 defined.",
    ),
    (
        "unknown registry",
        {"serviceRegistries": [{"registryArn": "arn:aws:servicediscovery:eu-central-1:1:service/srv-1"}]},
        "Service registry arn:aws:servicediscovery:eu-central-1:1:service/srv-1 does not exist.",
    ),
]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [(parameters, message) for _, parameters, message in SERVICES],
    ids=[name for name, _, _ in SERVICES],
)
def test_a_wrong_service_is_refused(play: Play, parameters: dict[str, Any], message: str) -> None:
    given = {"cluster": play.cluster, "serviceName": "web", "taskDefinition": play.register()} | parameters
    given = {name: value for name, value in given.items() if value != ""}
    assert refusal(play.client.create_service, **given) == ("InvalidParameterException", message)
    assert play.client.list_services(cluster=play.cluster)["serviceArns"] == []


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ({"subnets": []}, "subnets can not be empty."),
        ({"subnets": ["fake-subnet"]}, f"Error retrieving subnet information for [fake-subnet]: {SUBNET}"),
        (
            {"subnets": ["subnet-0a1b2c3d"], "securityGroups": ["fake"]},
            f"Error retrieving security group information for [fake]: {GROUP}",
        ),
    ],
)
def test_a_wrong_network_is_refused(play: Play, network: dict[str, Any], message: str) -> None:
    networked = fargate(play) | {"networkConfiguration": {"awsvpcConfiguration": network}}
    create = play.client.create_service
    assert refusal(create, cluster=play.cluster, serviceName="web", **networked)[1] == message
    assert refusal(play.client.run_task, cluster=play.cluster, **networked)[1] == message


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"desiredCount": -1}, "Desired count can not be less than 0."),
        (
            {"deploymentConfiguration": {"minimumHealthyPercent": 300}},
            "minimumHealthyPercent must be between 0 and 100.",
        ),
        (
            {"deploymentConfiguration": {"strategy": "BLUE_GREEN"}},
            "The sandbox does not play deploymentConfiguration.strategy BLUE_GREEN: use ROLLING.",
        ),
    ],
)
def test_a_wrong_update_is_refused_and_changes_nothing(play: Play, parameters: dict[str, Any], message: str) -> None:
    play.create(1)
    before = play.service()
    update = play.client.update_service
    assert refusal(update, cluster=play.cluster, service="web", **parameters) == ("InvalidParameterException", message)
    assert play.service() == before


def test_a_revision_without_the_container_of_the_load_balancer_is_refused(play: Play) -> None:
    port = [{"containerPort": 80}]
    play.create(0, taskDefinition=play.register(portMappings=port), loadBalancers=[balancer()])
    other = play.register()
    message = "The container web did not have a container port 80 defined."
    update = play.client.update_service
    assert refusal(update, cluster=play.cluster, service="web", taskDefinition=other)[1] == message
    play.update(desiredCount=1)


def balancer() -> dict[str, Any]:
    return {"containerName": "web", "containerPort": 80}


def test_a_long_started_by_is_refused(play: Play) -> None:
    given = {"cluster": play.cluster, "taskDefinition": play.register()}
    assert refusal(play.client.run_task, startedBy="x" * 129, **given)[1] == "startedBy longer than 128."
    play.client.run_task(startedBy="x" * 128, **given)


@pytest.mark.parametrize(
    ("operation", "message"),
    [("describe_services", "Services cannot be empty."), ("describe_tasks", "Tasks cannot be empty.")],
)
def test_describing_nothing_is_refused(play: Play, operation: str, message: str) -> None:
    listed: dict[str, Any] = {operation.partition("_")[2]: []}
    answer = refusal(getattr(play.client, operation), cluster=play.cluster, **listed)
    assert answer == ("InvalidParameterException", message)


# Fields

TABLES = {
    "RegisterTaskDefinition": fields.TASK_DEFINITION,
    "CreateService": fields.SERVICE,
    "UpdateService": fields.SERVICE,
    "RunTask": fields.RUN_TASK,
}


def paths(shape: Shape | None, path: str = "") -> Iterator[str]:
    """The paths of all fields of a shape, those with fields first."""
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            inner = f"{path}.{name}" if path else name
            yield inner
            yield from paths(member, inner)
    elif isinstance(shape, ListShape):
        yield from paths(shape.member, path)


@pytest.mark.parametrize("operation", TABLES)
def test_every_field_of_the_model_is_in_the_table(operation: str) -> None:
    listed = {field.path for field in TABLES[operation]}

    def known(path: str) -> bool:
        parts = path.split(".")
        above = any(".".join(parts[:count]) in listed for count in range(1, len(parts) + 1))
        return above or any(entry.startswith(f"{path}.") for entry in listed)

    assert [path for path in paths(MODEL.operation_model(operation).input_shape) if not known(path)] == []


@pytest.mark.parametrize("table", [fields.TASK_DEFINITION, fields.SERVICE, fields.RUN_TASK])
def test_every_entry_of_the_table_is_a_field_of_the_model(table: fields.Table) -> None:
    known = {
        path
        for operation, fields_of in TABLES.items()
        if fields_of is table
        for path in paths(MODEL.operation_model(operation).input_shape)
    }
    options = "containerDefinitions.logConfiguration.options."
    assert [field.path for field in table if field.path not in known and not field.path.startswith(options)] == []
    assert len({field.path for field in table}) == len(table)
    assert [field.path for field in table if (field.kind == "played") == bool(field.note)] == []


def nest(path: str, value: Any, shape: Shape) -> Any:
    """Parameters with a value at a path."""
    name, _, rest = path.partition(".")
    if isinstance(shape, ListShape):
        return [nest(path, value, shape.member)]
    member = shape.members[name] if isinstance(shape, StructureShape) else None
    if member is None or not rest:
        return {path: value}
    inner = nest(rest, value, member)
    return {name: inner}


def asking(field: fields.Field) -> Any:
    """A value of a refused field that asks for something."""
    return False if True in field.harmless else ["asked"]


REFUSED = [
    (operation, field)
    for operation, table in TABLES.items()
    for field in table
    if field.kind == "refused"
    and (".options." in field.path or field.path in set(paths(MODEL.operation_model(operation).input_shape)))
]


@pytest.mark.parametrize(
    ("operation", "field"), REFUSED, ids=[f"{operation}-{field.path}" for operation, field in REFUSED]
)
def test_a_field_that_is_not_played_is_refused_by_name(operation: str, field: fields.Field) -> None:
    shape = MODEL.operation_model(operation).input_shape
    assert shape is not None
    with pytest.raises(ECSException, match="The sandbox does not play ") as caught:
        fields.refuse(nest(field.path, asking(field), shape), TABLES[operation])
    assert field.path in caught.value.message
    assert field.note in caught.value.message
    for harmless in (None, "", [], {}, *field.harmless):
        fields.refuse(nest(field.path, deepcopy(harmless), shape), TABLES[operation])


def test_a_refusal_names_the_container_and_the_way_out(play: Play) -> None:
    restarted = container("side", restartPolicy={"enabled": True})
    code, message = refusal(
        play.client.register_task_definition, family=play.cluster, containerDefinitions=[container(), restarted]
    )
    assert code == "ClientException"
    assert message == (
        "The sandbox does not play containerDefinitions.restartPolicy.enabled (container side): a container is not "
        "restarted here; set enabled to false."
    )


ON = {"enable": True, "rollback": True}
EARLY = {"enable": True, "healthyPercent": 50, "sourceServiceRevisionCleanup": "BLOCKING"}


@pytest.mark.parametrize(
    ("configuration", "part"),
    [
        ({"deploymentCircuitBreaker": {**ON, "thresholdConfiguration": {"type": "COUNT", "value": 0}}}, "less than 1"),
        (
            {"deploymentCircuitBreaker": {**ON, "thresholdConfiguration": {"type": "BOUNDED_PERCENT", "value": 101}}},
            "between 1 and 100",
        ),
        (
            {"deploymentCircuitBreaker": {**ON, "thresholdConfiguration": {"type": "SHARE", "value": 5}}},
            "type should be one of [COUNT,BOUNDED_PERCENT,UNBOUNDED_PERCENT]",
        ),
        ({"earlySuccessCriteria": {"enable": True, "healthyPercent": 100}}, "sourceServiceRevisionCleanup must be"),
        ({"earlySuccessCriteria": EARLY}, "between minimumHealthyPercent and 100"),
        ({"earlySuccessCriteria": {**EARLY, "healthyPercent": 101}, "minimumHealthyPercent": 0}, "and 100"),
        ({"alarms": {"alarmNames": [], "enable": True, "rollback": True}}, "alarmNames can not be empty"),
        ({"alarms": {"alarmNames": ["missing"], "enable": True, "rollback": True}}, "do not exist: missing"),
    ],
)
def test_a_deployment_configuration_that_cannot_work_is_refused(
    play: Play, configuration: dict[str, Any], part: str
) -> None:
    play.create(1)
    for call in (
        lambda: play.create(1, "other", deploymentConfiguration=configuration),
        lambda: play.update(deploymentConfiguration=configuration),
    ):
        code, message = refusal(call)
        assert code == "InvalidParameterException"
        assert part in message


def test_defaults_that_clients_send_are_accepted(play: Play) -> None:
    play.create(
        0,
        availabilityZoneRebalancing="DISABLED",
        deploymentConfiguration={
            "strategy": "ROLLING",
            "bakeTimeInMinutes": 0,
            "alarms": {"alarmNames": [], "enable": False, "rollback": False},
            "deploymentCircuitBreaker": {"enable": True, "rollback": True, "resetOnHealthyTask": True},
            "lifecycleHooks": [],
        },
        deploymentController={"type": "ECS"},
        schedulingStrategy="REPLICA",
        healthCheckGracePeriodSeconds=60,
        serviceRegistries=[],
        volumeConfigurations=[],
        loadBalancers=[],
        placementStrategy=[],
    )
    plain: dict[str, Any] = {
        name: []
        for name in ("volumesFrom", "systemControls", "environmentFiles", "resourceRequirements", "credentialSpecs")
    }
    play.client.register_task_definition(family=play.cluster, containerDefinitions=[container(**plain)], volumes=[])


@pytest.mark.parametrize(
    ("hook", "text"),
    [
        ({"hookTargetArn": "arn:aws:lambda:eu-central-1:123456789012:function:check"}, "hookTargetArn"),
        ({"targetType": "AWS_LAMBDA", "lifecycleStages": ["PRE_SCALE_UP"]}, "targetType AWS_LAMBDA"),
        ({"lifecycleStages": ["PRE_SCALE_UP"]}, "targetType AWS_LAMBDA"),
        ({"targetType": "PAUSE"}, "lifecycleStages is required"),
        ({"targetType": "PAUSE", "lifecycleStages": ["TEST_TRAFFIC_SHIFT"]}, "cannot be configured"),
        ({"targetType": "PAUSE", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]}, "does not play"),
        ({"targetType": "PAUSE", "lifecycleStages": ["LUNCH"]}, "should be one of"),
    ],
)
def test_hooks_that_do_not_pause_here_are_refused(play: Play, hook: dict[str, Any], text: str) -> None:
    code, message = refusal(play.create, deploymentConfiguration={"lifecycleHooks": [hook]})
    assert code == "InvalidParameterException"
    assert text in message


def test_limits_of_pause_hooks_are_refused(play: Play) -> None:
    hook = {"targetType": "PAUSE", "lifecycleStages": ["PRE_SCALE_UP"]}
    long = {**hook, "timeoutConfiguration": {"timeoutInMinutes": 20161}}
    for hooks, text in (([hook] * 11, "at most 10"), ([long], "between 1 and 20160")):
        assert text in refusal(play.create, deploymentConfiguration={"lifecycleHooks": hooks})[1]
