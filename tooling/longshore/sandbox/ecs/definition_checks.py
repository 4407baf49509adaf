"""The mistakes that RegisterTaskDefinition refuses, in AWS's words.

The source of a text stands beside it: "quoted" means that people have published the answer of AWS. Where no text is
known, the rule is from the model's documentation, and the words are in the manner of the others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from longshore.sandbox.ecs.definitions import ecs_error

Definition = Mapping[str, Any]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_ECR = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/")
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(vcpu|gb)?\s*", re.IGNORECASE)

FARGATE_SIZES: dict[int, Sequence[int]] = {
    256: (512, 1024, 2048),
    512: range(1024, 4097, 1024),
    1024: range(2048, 8193, 1024),
    2048: range(4096, 16385, 1024),
    4096: range(8192, 30721, 1024),
    8192: range(16384, 61441, 4096),
    16384: range(32768, 122881, 8192),
}
"""The sizes of memory for each size of CPU (developer guide, "Fargate task size")."""

LONGEST_STOP = 120
"""The maximum stopTimeout on Fargate, in seconds (ECS API, ContainerDefinition)."""


def units(value: Any) -> int | None:
    """CPU units or MiB of a task's cpu or memory, which may be given as "1 vCPU" or "0.5 GB"; None if unreadable."""
    match = _SIZE.fullmatch(str(value))
    return int(float(match[1]) * (1024 if match[2] else 1)) if match else None


def check_definition(parameters: Definition, registry: str) -> None:
    """Refuse a task definition that AWS refuses.

    Args:
        parameters: of RegisterTaskDefinition.
        registry: address of the sandbox's registry, which stands for ECR.

    Raises:
        ServiceException: ClientException.
    """
    containers = parameters.get("containerDefinitions") or []
    if not _NAME.fullmatch(str(parameters.get("family") or "")):
        _refuse("Family contains invalid characters.")  # quoted: aws/amazon-ecs-cli#37
    if not containers:
        _refuse("Container list cannot be empty.")  # quoted: awsdocs/aws-cloudformation-user-guide#454
    _check_names(containers)
    _check_volumes(parameters, containers)
    _check_dependencies(containers)
    for container in containers:
        _check_container(parameters, container)
    _check_sizes(parameters, containers)
    if "FARGATE" in (parameters.get("requiresCompatibilities") or []):
        _check_fargate(parameters, containers, registry)


def check_log_regions(parameters: Definition, region: str) -> None:
    """Refuse a log in a region that the sandbox does not play, where its lines could not be read.

    Raises:
        ServiceException: ClientException.
    """
    for container in parameters.get("containerDefinitions") or []:
        configuration = container.get("logConfiguration") or {}
        named = (configuration.get("options") or {}).get("awslogs-region")
        if configuration.get("logDriver") == "awslogs" and named not in (None, region):
            _refuse(
                f"The sandbox does not play containerDefinitions.logConfiguration.options.awslogs-region {named} "
                f"(container {container.get('name')}): use {region}."
            )


def _check_names(containers: Sequence[Definition]) -> None:
    for container in containers:
        for field in ("name", "image"):
            if not container.get(field):
                _refuse(f"Container.{field} should not be null or empty.")  # quoted: …cloudformation-user-guide#612
        if not _NAME.fullmatch(container["name"]):
            _refuse("Container.name contains invalid characters.")  # quoted: hashicorp/terraform-provider-aws#5950
    if len({container["name"] for container in containers}) < len(containers):
        _refuse("Container names must be unique within a Task Definition.")  # quoted: Shippable/support#2946
    if not any(container.get("essential", True) for container in containers):
        _refuse("Task definition doesn't have any essential container.")  # quoted: eagletmt/hako#68


def _check_volumes(parameters: Definition, containers: Sequence[Definition]) -> None:
    volumes = {volume.get("name") for volume in parameters.get("volumes") or []}
    names = {container["name"] for container in containers}
    for container in containers:
        for point in container.get("mountPoints") or []:
            if point.get("sourceVolume") not in volumes:
                _refuse(f"Unknown volume '{point.get('sourceVolume')}'.")  # quoted: ansible/ansible#35751
        for source in container.get("volumesFrom") or []:
            if source.get("sourceContainer") not in names:
                _refuse(f"Unknown container '{source.get('sourceContainer')}' in volumesFrom.")  # text unknown


def _check_dependencies(containers: Sequence[Definition]) -> None:
    by_name = {container["name"]: container for container in containers}
    for container in containers:
        for dependency in container.get("dependsOn") or []:
            _check_dependency(container["name"], dependency, by_name)
    left = {name: {d["containerName"] for d in c.get("dependsOn") or []} for name, c in by_name.items()}
    while free := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in free:
            del left[name]
    if left:
        _refuse(f"The dependencies of containers have a cycle: {', '.join(sorted(left))}.")  # text unknown


def _check_dependency(container: str, dependency: Definition, by_name: Mapping[str, Definition]) -> None:
    name, condition = dependency.get("containerName"), dependency.get("condition")
    target = by_name.get(str(name))
    if target is None:
        _refuse(f"Container '{container}' depends on an unknown container '{name}'.")  # text unknown
    if condition in ("SUCCESS", "COMPLETE") and target.get("essential", True):
        # quoted: boto/boto3#2436
        _refuse("A dependency container with SUCCESS or COMPLETE condition cannot be an essential container")
    if condition == "HEALTHY" and not target.get("healthCheck"):
        # The model says of HEALTHY: "requires that the dependent container has health checks configured"; text unknown.
        _refuse(f"A dependency container with HEALTHY condition must have a health check: '{name}'.")


def _check_container(parameters: Definition, container: Definition) -> None:
    name, memory, soft = container["name"], container.get("memory"), container.get("memoryReservation")
    if not (memory or soft or parameters.get("memory")):
        # quoted: aws/aws-cli#4453
        missing = "At least one of 'memory' or 'memoryReservation' must be specified."
        _refuse(f"Invalid setting for container '{name}'. {missing}")
    for field, value in (("memory", memory), ("memoryReservation", soft)):
        # In the manner of "Invalid 'containerPort' setting for container" (quoted: aws/aws-cli#7288). The model says 6
        # for new engines and 4 for old ones; the engine refuses 4 and 5 when the task starts.
        if value is not None and value < 4:
            _refuse(f"Invalid '{field}' setting for container '{name}'.")
    if memory and soft and soft > memory:
        # ContainerDefinition.memory: "memory must be greater than memoryReservation"; equal values are accepted
        # (awsdocs/amazon-ecs-developer-guide#242); text unknown
        _refuse(f"Invalid 'memoryReservation' setting for container '{name}'.")
    _check_ports(parameters, container)
    _check_log(container)
    if container.get("secrets") and not parameters.get("executionRoleArn"):
        # quoted: fabfuel/ecs-deploy#87
        _refuse("When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.")
    command = (container.get("healthCheck") or {}).get("command")
    if container.get("healthCheck") and (not command or command[0] not in ("CMD", "CMD-SHELL", "NONE")):
        # HealthCheck.command: "must start with CMD … or CMD-SHELL"; text unknown
        _refuse(f"The health check command of container '{name}' must start with CMD or CMD-SHELL.")


def _check_ports(parameters: Definition, container: Definition) -> None:
    mode = parameters.get("networkMode")
    for mapping in container.get("portMappings") or []:
        port, host = mapping.get("containerPort"), mapping.get("hostPort")
        if not port or not 0 < port < 65536:
            _refuse(f"Invalid 'containerPort' setting for container '{container['name']}'.")  # quoted: aws/aws-cli#7288
        if mode == "awsvpc" and host not in (None, 0, port):
            # quoted: aws/amazon-ecs-cli#1014; 0 is accepted (turnerlabs/terraform-ecs-fargate#11)
            _refuse("When networkMode=awsvpc, the host ports and container ports in port mappings must match.")
    for field in ("hostname", "links"):
        if mode == "awsvpc" and container.get(field):
            # quoted for hostname: labd/ecs-deplojo#26; the model has links for bridge only
            _refuse(f"{field} is not supported on container when networkMode=awsvpc.")


def _check_log(container: Definition) -> None:
    configuration = container.get("logConfiguration") or {}
    options = configuration.get("options") or {}
    if configuration.get("logDriver") == "awslogs" and not all(
        options.get(name) for name in ("awslogs-region", "awslogs-group")
    ):
        # quoted: klothoplatform/klotho#892
        _refuse("Log driver awslogs requires options: awslogs-region, awslogs-group")


def _check_sizes(parameters: Definition, containers: Sequence[Definition]) -> None:
    size: Counter[str] = Counter()
    for field in ("cpu", "memory"):
        if value := parameters.get(field):
            if not units(value):
                _refuse(f"Invalid '{field}' setting for task.")  # quoted: oranmoshai/ecsServiceRestart#2
            size[field] = units(value) or 0
    for container in containers:
        if size["memory"] and (container.get("memory") or 0) > size["memory"]:
            # quoted: pulumi/pulumi-awsx#188
            _refuse(f"The 'memory' setting for container '{container['name']}' is greater than for the task.")
    if size["cpu"] and sum(container.get("cpu") or 0 for container in containers) > size["cpu"]:
        # quoted: klothoplatform/klotho#892
        _refuse("The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.")


def _check_fargate(parameters: Definition, containers: Sequence[Definition], registry: str) -> None:
    for field in ("cpu", "memory"):
        if not parameters.get(field):
            # quoted: klothoplatform/klotho#892, aws/amazon-ecs-cli#982
            _refuse(f"Fargate requires that '{field}' be defined at the task level.")
    if (units(parameters["memory"]) or 0) not in FARGATE_SIZES.get(units(parameters["cpu"]) or 0, ()):
        _refuse("No Fargate configuration exists for given values.")  # developer guide; quoted: aws/amazon-ecs-cli#463
    if parameters.get("networkMode") != "awsvpc":
        # quoted, with these quotation marks: aws/amazon-ecs-cli#1145
        _refuse("Fargate only supports network mode \u2018awsvpc\u2019.")
    for container in containers:
        _check_fargate_container(container)
        if not parameters.get("executionRoleArn"):
            _check_role(container, registry)


def _check_fargate_container(container: Definition) -> None:
    if container.get("privileged"):
        # the model: "not supported for … tasks run on Fargate"; text unknown
        _refuse("Tasks using the Fargate launch type do not support privileged containers.")
    if (container.get("stopTimeout") or 0) > LONGEST_STOP:
        # text unknown
        _refuse(f"Invalid 'stopTimeout' setting for container '{container['name']}': Fargate allows 120 seconds.")
    for field in ("dockerSecurityOptions", "links"):
        if container.get(field):
            # the model: "isn't valid for containers in tasks using the Fargate launch type"; text unknown
            _refuse(f"Tasks using the Fargate launch type do not support {field}.")
    if (container.get("linuxParameters") or {}).get("devices"):
        _refuse("Tasks using the Fargate launch type do not support devices.")  # text unknown


def _check_role(container: Definition, registry: str) -> None:
    """Refuse a container that needs the execution role, which the task definition lacks."""
    if (container.get("logConfiguration") or {}).get("logDriver") == "awslogs":
        # quoted: virtual-kubelet/virtual-kubelet#193
        _refuse("Fargate requires task definition to have execution role ARN to support log driver awslogs.")
    if _ECR.match(container["image"]) or (registry and container["image"].startswith(f"{registry}/")):
        # quoted: hashicorp/terraform-provider-aws#3051
        _refuse("Fargate requires task definition to have execution role ARN to support ECR images.")


def _refuse(message: str) -> NoReturn:
    raise ecs_error("ClientException", message)
