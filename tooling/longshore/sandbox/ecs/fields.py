"""The fields of ECS's calls: played, different from AWS, or refused. docs/sandbox.md shows this table.

A field that the sandbox does not play is refused by name, unless it is empty or has a value that asks for nothing. A
test compares the table with botocore's model, so a field that AWS adds has to be put here before the test passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from longshore.sandbox.ecs.definitions import ecs_error


@dataclass(frozen=True)
class Field:
    """A field of a call, with all fields below it that have no entry.

    Attributes:
        path: the field's name, after the names of the fields that it is in.
        kind: how the sandbox treats it.
        note: the difference from AWS; of a refused field, the way out.
        harmless: values of a refused field that ask for nothing that is not played; empty ones are harmless, too.
    """

    path: str
    kind: Literal["played", "different", "refused"] = "played"
    note: str = ""
    harmless: tuple[Any, ...] = ()


Table = tuple[Field, ...]


def _played(prefix: str, *names: str) -> Table:
    return tuple(Field(f"{prefix}{name}") for name in names)


def _refused(prefix: str, names: Sequence[str], note: str, *harmless: Any) -> Table:
    return tuple(Field(f"{prefix}{name}", "refused", note, harmless) for name in names)


def _different(prefix: str, names: Sequence[str], note: str) -> Table:
    return tuple(Field(f"{prefix}{name}", "different", note) for name in names)


_C = "containerDefinitions."
_ROLES = "not assumed: a task has no credentials here"
_DEVICES = "containers get no such device here; leave it out on the sandbox"
_ONE_HOST = "not considered: all tasks run on this machine"
_NO_EBS = "the sandbox has no EBS; use a volume without a source, or a dockerVolumeConfiguration"
_EXEC = "shown, but ecs:ExecuteCommand is refused; use docker exec"
_STORAGE = "not limited"

TASK_DEFINITION: Table = (
    *_played("", "family", "requiresCompatibilities", "cpu", "memory", "tags"),
    Field("networkMode", "refused", "use bridge, awsvpc or none", ("bridge", "awsvpc", "none")),
    *_different("", ("taskRoleArn", "executionRoleArn"), _ROLES),
    *_different("", ("placementConstraints",), _ONE_HOST),
    *_different("", ("ephemeralStorage",), _STORAGE),
    Field("runtimePlatform.cpuArchitecture", "different", "the image's variant for this machine runs"),
    Field("runtimePlatform.operatingSystemFamily", "refused", "use LINUX", ("LINUX",)),
    *_refused("", ("pidMode", "ipcMode"), "containers do not share processes or memory here; leave it out"),
    *_refused("", ("proxyConfiguration",), "the sandbox has no App Mesh; leave it out"),
    *_refused("", ("inferenceAccelerators",), _DEVICES),
    *_refused("", ("enableFaultInjection",), "use invoke sandbox.fault"),
    *_refused("", ("trustedExecutionConfiguration",), "containers are not isolated like that here; leave it out"),
    *_played("volumes.", "name", "host", "dockerVolumeConfiguration"),
    Field(
        "volumes.efsVolumeConfiguration",
        "different",
        "a volume of Docker for each file system, access point and root directory, which lasts as long as the sandbox",
    ),
    *_refused("volumes.", ("configuredAtLaunch",), _NO_EBS),
    *_refused(
        "volumes.",
        ("fsxWindowsFileServerVolumeConfiguration", "s3filesVolumeConfiguration"),
        "use a dockerVolumeConfiguration or an efsVolumeConfiguration",
    ),
    *_played(
        _C, "name", "image", "cpu", "memory", "memoryReservation", "essential", "entryPoint", "command", "environment",
        "environmentFiles", "mountPoints", "volumesFrom", "secrets", "dependsOn", "startTimeout", "stopTimeout",
        "hostname", "user", "workingDirectory", "disableNetworking", "privileged", "readonlyRootFilesystem",
        "dnsServers", "dnsSearchDomains", "extraHosts", "dockerSecurityOptions", "interactive", "pseudoTerminal",
        "dockerLabels", "ulimits", "healthCheck", "systemControls", "links", "versionConsistency",
    ),
    *_played(f"{_C}portMappings.", "containerPort", "hostPort", "protocol"),
    *_different(f"{_C}portMappings.", ("name", "appProtocol"), "shown; Service Connect is a record here"),
    *_refused(f"{_C}portMappings.", ("containerPortRange",), "list the ports one by one"),
    *_played(
        f"{_C}linuxParameters.", "capabilities", "devices", "initProcessEnabled", "sharedMemorySize", "tmpfs", "maxSwap"
    ),
    *_refused(f"{_C}linuxParameters.", ("swappiness",), "newer kernels do not have it for containers; leave it out"),
    *_refused(f"{_C}", ("repositoryCredentials",), "push the image to the sandbox's registry"),
    Field(f"{_C}restartPolicy.enabled", "refused", "a container is not restarted here; set enabled to false"),
    *_played(f"{_C}restartPolicy.", "ignoredExitCodes", "restartAttemptPeriod"),
    *_refused(f"{_C}", ("resourceRequirements",), _DEVICES),
    *_refused(f"{_C}", ("firelensConfiguration",), "use the log driver awslogs"),
    *_refused(f"{_C}", ("credentialSpecs",), "the sandbox has no Active Directory; leave it out"),
    Field(
        f"{_C}logConfiguration.logDriver",
        "refused",
        "use awslogs, or json-file to keep the lines with Docker",
        ("awslogs", "json-file"),
    ),
    Field(f"{_C}logConfiguration.options"),
    *_refused(
        f"{_C}logConfiguration.options.",
        ("awslogs-multiline-pattern", "awslogs-datetime-format"),
        "each line is an event of its log here; leave it out",
    ),
    *_refused(f"{_C}logConfiguration.", ("secretOptions",), "use awslogs, which needs no secrets"),
)  # fmt: skip
"""RegisterTaskDefinition."""

_PLACEMENT: Table = (
    *_different("", ("placementConstraints", "placementStrategy"), _ONE_HOST),
    *_different("", ("networkConfiguration",), "a record: tasks run on a bridge of Docker"),
    *_different("", ("platformVersion",), "shown"),
    *_different("", ("enableExecuteCommand",), _EXEC),
    *_different(
        "",
        ("capacityProviderStrategy",),
        "all tasks run on the provider with the greatest base or weight",
    ),
    *_played("", "cluster", "enableECSManagedTags", "propagateTags", "tags"),
    *_refused("", ("launchType",), "use EC2 or FARGATE", "EC2", "FARGATE"),
    *_refused("", ("volumeConfigurations",), _NO_EBS),
)

_D = "deploymentConfiguration."

SERVICE: Table = (
    *_PLACEMENT,
    *_played("", "service", "serviceName", "taskDefinition", "desiredCount", "forceNewDeployment"),
    *_played("", "healthCheckGracePeriodSeconds"),
    *_different("", ("clientToken",), "a repeated call is recognised by its name and parameters"),
    *_different("", ("role",), _ROLES),
    *_different("", ("availabilityZoneRebalancing",), "shown: there is one zone"),
    *_different("", ("serviceRegistries",), "a record: names do not resolve"),
    *_different("", ("serviceConnectConfiguration",), "a record: names do not resolve"),
    *_refused("", ("schedulingStrategy",), "use REPLICA", "REPLICA"),
    Field("deploymentController.type", "refused", "use the controller ECS", ("ECS",)),
    *_played("loadBalancers.", "targetGroupArn", "containerName", "containerPort"),
    *_refused("loadBalancers.", ("loadBalancerName",), "use a target group of an Application Load Balancer"),
    *_refused("loadBalancers.", ("advancedConfiguration",), "use the strategy ROLLING without it"),
    *_played(_D, "maximumPercent", "minimumHealthyPercent", "deploymentCircuitBreaker", "earlySuccessCriteria"),
    Field(f"{_D}alarms", "different", "there are no metrics: set the state of an alarm with cloudwatch:SetAlarmState"),
    *_refused(_D, ("strategy",), "use ROLLING", "ROLLING"),
    *_refused(_D, ("bakeTimeInMinutes",), "use 0, or deadlines.bake of Longshore"),
    Field(f"{_D}lifecycleHooks.targetType", "refused", "use PAUSE, or leave the hooks out", ("PAUSE",)),
    Field(
        f"{_D}lifecycleHooks.lifecycleStages",
        "different",
        "no traffic is shifted here: RECONCILE_SERVICE, PRE_SCALE_UP and POST_SCALE_UP are played, others are refused",
    ),
    *_played(f"{_D}lifecycleHooks.", "timeoutConfiguration"),
    *_refused(f"{_D}lifecycleHooks.", ("hookTargetArn", "roleArn", "hookDetails"), "functions are not invoked here"),
    *_refused(_D, ("linearConfiguration", "canaryConfiguration"), "use the strategy ROLLING without it"),
    *_refused("", ("vpcLatticeConfigurations", "gatewayConnectors"), "use loadBalancers"),
    *_refused("", ("monitoring",), "the sandbox has no metrics; leave it out"),
)
"""CreateService and UpdateService."""

_O = "overrides."

RUN_TASK: Table = (
    *_PLACEMENT,
    *_played("", "taskDefinition", "count", "group", "startedBy", "clientToken"),
    *_different("", ("referenceId",), "not kept"),
    *_different(_O, ("executionRoleArn", "taskRoleArn"), _ROLES),
    *_different(_O, ("ephemeralStorage",), _STORAGE),
    *_played(_O, "cpu", "memory"),
    *_refused(_O, ("inferenceAcceleratorOverrides",), _DEVICES),
    *_played(
        f"{_O}containerOverrides.", "name", "command", "environment", "environmentFiles", "cpu", "memory",
        "memoryReservation",
    ),
    *_refused(f"{_O}containerOverrides.", ("resourceRequirements",), _DEVICES),
)  # fmt: skip
"""RunTask."""


def refuse(parameters: Mapping[str, Any], table: Table, code: str = "InvalidParameterException") -> None:
    """Refuse a call that asks for a field that the sandbox does not play.

    Args:
        parameters: of the call.
        table: the fields of the call.
        code: the code of the error.

    Raises:
        ServiceException: with the code; the message names the field and the way out.
    """
    refused = {field.path: field for field in table if field.kind == "refused"}
    for path, value, container in _values(parameters, "", ""):
        field = refused.get(path)
        if field and _asks(value, field.harmless):
            shown = f"{path} {value}" if isinstance(value, str) else path
            where = f" (container {container})" if container else ""
            raise ecs_error(code, f"The sandbox does not play {shown}{where}: {field.note}.")


def _asks(value: Any, harmless: tuple[Any, ...]) -> bool:
    """Whether a value of a refused field asks for something: it is not empty, and not among the harmless ones."""
    if isinstance(value, bool):
        return value is not (True in harmless)
    return bool(value) and value not in harmless


def _values(value: Any, path: str, container: str) -> Iterator[tuple[str, Any, str]]:
    """All fields of a call, each with its path, its value and the container that it is in."""
    if isinstance(value, Mapping):
        if path.rpartition(".")[2] in ("containerDefinitions", "containerOverrides"):
            container = str(value.get("name") or "")
        for name, item in value.items():
            inner = f"{path}.{name}" if path else name
            yield inner, item, container
            yield from _values(item, inner, container)
    elif isinstance(value, list):
        for item in value:
            yield from _values(item, path, container)
