"""The mistakes that CreateService, UpdateService and RunTask refuse, in AWS's words.

The source of a text stands beside it, as in definition_checks.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from botocore.model import ListShape, Shape, StringShape, StructureShape
from botocore.session import get_session
from moto.ec2.models import ec2_backends
from moto.ecs.models import EC2ContainerServiceBackend
from moto.elbv2.models import elbv2_backends
from moto.servicediscovery.models import servicediscovery_backends

from longshore.sandbox.ecs.definition_checks import FARGATE_SIZES, units
from longshore.sandbox.ecs.definitions import ecs_error

Parameters = Mapping[str, Any]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_SUBNET = re.compile(r"subnet-[0-9a-f]{8}([0-9a-f]{9})?")
_GROUP = re.compile(r"sg-[0-9a-f]{8}([0-9a-f]{9})?")
_FARGATE = ("FARGATE", "FARGATE_SPOT")
_MODEL = get_session().get_service_model("ecs")


def check_values(operation: str, parameters: Parameters, code: str = "InvalidParameterException") -> None:
    """Refuse values that the model of an operation does not list.

    Raises:
        ServiceException: with the code.
    """
    shape = _MODEL.operation_model(operation).input_shape
    for name, allowed in _wrong_values(shape, parameters, "") if shape else ():
        # moto's text for launchType, and in its manner for the others
        shown = "launch type" if name == "launchType" else name
        values = ["EC2", "FARGATE", "EXTERNAL"] if name == "launchType" else allowed
        raise ecs_error(code, f"{shown} should be one of [{','.join(values)}]")


def check_service(parameters: Parameters, *, new: bool) -> None:
    """Refuse values of CreateService or UpdateService that AWS refuses by themselves.

    Args:
        parameters: of the call.
        new: whether it is CreateService.

    Raises:
        ServiceException: InvalidParameterException.
    """
    name = parameters.get("serviceName")
    if new and not _NAME.fullmatch(name or ""):
        # in the manner of "Cluster must match ^[a-zA-Z0-9\-_]{1,255}$, but was …" (quoted:
        # awslabs/amazon-ecs-nodejs-microservices#18); text unknown
        _refuse(rf"Service name must match ^[a-zA-Z0-9\-_]{{1,255}}$, but was {name}")
    if new and not parameters.get("taskDefinition"):
        # "Task Definition can not be blank." (quoted: awslabs/fargatecli#11) and "TaskDefinition must be blank" for the
        # controller EXTERNAL (quoted: terraform-aws-modules/terraform-aws-ecs#278)
        _refuse("TaskDefinition can not be blank.")
    if (parameters.get("desiredCount") or 0) < 0:
        _refuse("Desired count can not be less than 0.")  # text unknown
    _check_percents(parameters.get("deploymentConfiguration") or {})
    _check_launch(parameters)


def check_task(parameters: Parameters) -> None:
    """Refuse values of RunTask that AWS refuses by themselves.

    Raises:
        ServiceException: InvalidParameterException.
    """
    if len(parameters.get("startedBy") or "") > 128:
        # "startedBy longer than 36." (quoted: convox/rack#1727), which was the limit before 128
        _refuse("startedBy longer than 128.")
    _check_launch(parameters)


def check_references(
    parameters: Parameters, definition: Parameters, backend: EC2ContainerServiceBackend, cluster: str
) -> None:
    """Refuse what the parameters of a call refer to, if it does not exist or does not fit the task definition.

    Subnets and security groups are checked by form only: a variable file names those of your account, which the
    sandbox does not have.

    Args:
        parameters: of the call, and for UpdateService with the load balancers and the launch type of the service.
        definition: the task definition that will run.
        backend: moto's ECS.
        cluster: name of the cluster.

    Raises:
        ServiceException: InvalidParameterException.
    """
    strategy = parameters.get("capacityProviderStrategy") or []
    _check_capacity(strategy, backend, cluster)
    fargate = any(item.get("capacityProvider") in _FARGATE for item in strategy)
    if (parameters.get("launchType") == "FARGATE" or fargate) and not _fits_fargate(definition):
        # quoted: aws/aws-cli#3983
        _refuse("Task definition does not support launch_type FARGATE.")
    _check_network(parameters, definition, backend)
    for balancer in parameters.get("loadBalancers") or []:
        _check_load_balancer(balancer, definition, backend)
    for registry in parameters.get("serviceRegistries") or []:
        services = servicediscovery_backends[backend.account_id][backend.region_name].services
        if str(registry.get("registryArn")).rpartition("/")[2] not in services:
            _refuse(f"Service registry {registry.get('registryArn')} does not exist.")  # text unknown


def _wrong_values(shape: Shape, value: Any, name: str) -> Iterator[tuple[str, list[str]]]:
    """The fields whose values the model does not list, each with the listed ones."""
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        for member, inner in shape.members.items():
            if value.get(member) is not None:
                yield from _wrong_values(inner, value[member], member)
    elif isinstance(shape, ListShape) and isinstance(value, list):
        for item in value:
            yield from _wrong_values(shape.member, item, name)
    elif isinstance(shape, StringShape) and shape.enum and value not in shape.enum:
        yield name, shape.enum


def _check_percents(configuration: Parameters) -> None:
    minimum, maximum = configuration.get("minimumHealthyPercent"), configuration.get("maximumPercent")
    # The developer guide has 0 to 100 for the minimum of a rolling deployment, and 0 to 200 for its maximum. Whether
    # AWS accepts more than 200 is unknown, so the sandbox does. Texts unknown.
    if minimum is not None and not 0 <= minimum <= 100:
        _refuse("minimumHealthyPercent must be between 0 and 100.")
    if maximum is not None and maximum < 0:
        _refuse("maximumPercent can not be less than 0.")


def _check_launch(parameters: Parameters) -> None:
    if parameters.get("launchType") and parameters.get("capacityProviderStrategy"):
        _refuse("Specifying both a launch type and capacity provider strategy is not supported.")


def _check_capacity(strategy: Sequence[Parameters], backend: EC2ContainerServiceBackend, cluster: str) -> None:
    associated = (backend.clusters[cluster].capacity_providers or []) if strategy else []
    for item in strategy:
        name = str(item.get("capacityProvider"))
        if name not in _FARGATE and name not in backend.capacity_providers:
            # quoted, of PutClusterCapacityProviders: terraform-aws-modules/terraform-aws-ecs#53
            _refuse("The specified capacity provider was not found. Specify a valid capacity provider and try again.")
        if name not in associated:
            # CapacityProviderStrategyItem: "must be associated with the cluster"; text unknown
            _refuse(f"The capacity provider {name} is not associated with the cluster {cluster}.")


def _fits_fargate(definition: Parameters) -> bool:
    """Whether a task definition is compatible with Fargate, which it need not require (ECS API, compatibilities)."""
    if "FARGATE" in (definition.get("requiresCompatibilities") or []):
        return True
    cpu, memory = units(definition.get("cpu")), units(definition.get("memory"))
    return definition.get("networkMode") == "awsvpc" and memory in FARGATE_SIZES.get(cpu or 0, ())


def _check_network(parameters: Parameters, definition: Parameters, backend: EC2ContainerServiceBackend) -> None:
    network = (parameters.get("networkConfiguration") or {}).get("awsvpcConfiguration")
    if network is None:
        return
    if definition.get("networkMode") != "awsvpc":
        # quoted: muya/amazon-ecs-run-task#7
        _refuse("Network Configuration is not valid for the given networkMode of this task definition.")
    if not network.get("subnets"):
        _refuse("subnets can not be empty.")  # moto's text
    ec2 = ec2_backends[backend.account_id][backend.region_name]
    for subnet in network["subnets"]:
        if not _SUBNET.fullmatch(subnet) and not any(subnet in zone for zone in ec2.subnets.values()):
            # quoted: eddmann/serverless-fargate#20
            _refuse(
                f"Error retrieving subnet information for [{subnet}]: The subnet ID '{subnet}' does not exist "
                "(ErrorCode: InvalidSubnetID.NotFound)"
            )
    for group in network.get("securityGroups") or []:
        if not _GROUP.fullmatch(group):
            # moto's text
            _refuse(
                f"Error retrieving security group information for [{group}]: The security group '{group}' does not "
                "exist (ErrorCode: InvalidGroup.NotFound)"
            )


def _check_load_balancer(balancer: Parameters, definition: Parameters, backend: EC2ContainerServiceBackend) -> None:
    groups = elbv2_backends[backend.account_id][backend.region_name].target_groups
    if balancer.get("targetGroupArn") and balancer["targetGroupArn"] not in groups:
        # Text unknown. AWS refuses a group without a load balancer too ("… does not have an associated load balancer.",
        # hashicorp/terraform#32908); the sandbox does not, because its own load balancer is always there.
        _refuse(f"The target group with targetGroupArn {balancer['targetGroupArn']} does not exist.")
    name, port = balancer.get("containerName"), balancer.get("containerPort")
    container = next((c for c in definition["containerDefinitions"] if c["name"] == name), None)
    if container is None:
        # quoted: aws/amazon-ecs-agent#1276
        _refuse(f"The container {name} does not exist in the task definition.")
    elif port not in [mapping.get("containerPort") for mapping in container.get("portMappings") or []]:
        # quoted: pulumi/pulumi-awsx#1172
        _refuse(f"The container {name} did not have a container port {port} defined.")


def _refuse(message: str) -> NoReturn:
    raise ecs_error("InvalidParameterException", message)
