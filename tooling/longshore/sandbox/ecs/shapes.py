"""Services, deployments and tasks in the shapes of the ECS API.

Moto silently drops fields that botocore's model does not have, so a test compares these with the model. AWS omits the
fields that are None.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from longshore.sandbox.ecs import task_details
from longshore.sandbox.ecs.alarms import alarms_shape
from longshore.sandbox.ecs.breaker_settings import DEFAULTS, breaker_of, threshold
from longshore.sandbox.ecs.fleet import RUNNING, STARTING, UNDER_WAY, Container, Deployment, Service, Task

SERVICE_DEFAULTS: dict[str, Any] = {
    "availabilityZoneRebalancing": "DISABLED",
    "deploymentController": {"type": "ECS"},
    "enableECSManagedTags": False,
    "enableExecuteCommand": False,
    "loadBalancers": [],
    "placementConstraints": [],
    "placementStrategy": [],
    "propagateTags": "NONE",
    "schedulingStrategy": "REPLICA",
    "serviceRegistries": [],
}
"""The defaults of CreateService, which DescribeServices returns."""

DEPLOYMENT_DEFAULTS: dict[str, Any] = {
    "alarms": {"alarmNames": [], "enable": False, "rollback": False},
    "deploymentCircuitBreaker": DEFAULTS,
    "maximumPercent": 200,
    "minimumHealthyPercent": 100,
    "strategy": "ROLLING",
    "bakeTimeInMinutes": 0,
}
"""The defaults of a deployment configuration in CreateService, which DescribeServices shows, as recorded."""

_PLACEMENT = ("capacityProviderStrategy", "launchType", "networkConfiguration", "platformVersion")
_SHOWN = (*SERVICE_DEFAULTS, *_PLACEMENT, "deploymentConfiguration", "healthCheckGracePeriodSeconds", "roleArn")


def moment(seconds: float | None) -> datetime | None:
    """A time in the form that moto serialises."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def without_none(**fields: Any) -> dict[str, Any]:
    """A structure without the fields that are None."""
    return {name: value for name, value in fields.items() if value is not None}


def service_shape(service: Service, tasks: list[Task], *, tags: bool = False) -> dict[str, Any]:
    """A Service.

    Args:
        service: the service.
        tasks: its tasks that have not stopped.
        tags: whether to show its tags.
    """
    current = next(iter(service.service_deployments), None) if service.deployments else None
    latest = service.history[0]
    return without_none(
        **({"healthCheckGracePeriodSeconds": 0, "roleArn": _service_role(service)} | _given(service.settings, _SHOWN)),
        platformFamily=_platform(service.settings).get("platformFamily"),
        serviceArn=service.arn,
        serviceName=service.name,
        clusterArn=service.cluster_arn,
        status=service.status,
        desiredCount=service.desired,
        runningCount=_running(tasks),
        pendingCount=_pending(tasks),
        taskDefinition=latest.task_definition,
        deployments=[_deployment_shape(service, deployment, tasks) for deployment in service.deployments],
        events=[{**event, "createdAt": moment(event["createdAt"])} for event in service.events],
        createdAt=moment(service.created_at),
        createdBy=f"arn:aws:iam::{service.arn.split(':')[4]}:role/sandbox",  # a role, as recorded
        currentServiceDeployment=service_deployment_arn(service, current) if current else None,
        currentServiceRevisions=[_revision(service, deployment, tasks) for deployment in service.deployments],
        tags=service.tags if tags else None,
    )


def service_deployment_arn(service: Service, deployment: Deployment) -> str:
    """The ARN of a deployment as a service deployment."""
    return f"{service.arn.replace(':service/', ':service-deployment/')}/{deployment.name}"


def service_revision_arn(service: Service, deployment: Deployment) -> str:
    """The ARN of the service revision of a deployment."""
    return f"{service.arn.replace(':service/', ':service-revision/')}/{deployment.number}"


def service_deployment_brief(service: Service, deployment: Deployment) -> dict[str, Any]:
    """A ServiceDeploymentBrief."""
    return without_none(
        serviceDeploymentArn=service_deployment_arn(service, deployment),
        serviceArn=service.arn,
        clusterArn=service.cluster_arn,
        createdAt=moment(deployment.listed_at),
        startedAt=moment(deployment.started_at),
        finishedAt=moment(deployment.finished_at),
        targetServiceRevisionArn=service_revision_arn(service, deployment),
        status=deployment.shown_status,
        statusReason=(deployment.status_reason if deployment.rollback_reported else "") or None,
    )


def service_deployment_shape(service: Service, deployment: Deployment, tasks: list[Task]) -> dict[str, Any]:
    """A ServiceDeployment; `tasks` are the service's that have not stopped."""
    brief = service_deployment_brief(service, deployment)
    del brief["targetServiceRevisionArn"]
    source = next((old for old in service.history if old.id == deployment.source), None)
    stopped = deployment.finished_at if deployment.status == "STOPPED" else None
    # After an early success, the counts are those at its end (developer guide, "early success criteria").
    tasks = tasks if deployment.progress.snapshot is None else deployment.progress.snapshot
    return brief | without_none(
        updatedAt=moment(deployment.updated_at),
        stoppedAt=moment(stopped),
        sourceServiceRevisions=[_revision(service, source, tasks)] if source else [],
        targetServiceRevision=_revision(service, deployment, tasks),
        rollback=_rollback_shape(service, deployment),
        deploymentConfiguration=service.settings["deploymentConfiguration"],
        deploymentCircuitBreaker=_breaker_shape(service, deployment),
        **_hooks_shape(service.at_hooks(deployment)),
        alarms=alarms_shape(deployment),
    )


def _rollback_shape(service: Service, deployment: Deployment) -> dict[str, Any] | None:
    """A Rollback; None if the deployment has none."""
    if deployment.rollback_to is None or not deployment.rollback_reported:
        return None
    return without_none(
        reason=deployment.status_reason or deployment.failed,
        startedAt=moment(deployment.rollback_started_at),
        serviceRevisionArn=service_revision_arn(service, deployment.rollback_to),
    )


def _hooks_shape(deployment: Deployment) -> dict[str, Any]:
    """The stage of a deployment, and the hooks that it has reached there."""
    if not deployment.stages.stage:
        return {}
    details = [{**detail, "expiresAt": moment(detail["expiresAt"])} for detail in deployment.stages.details]
    return {"lifecycleStage": deployment.stages.stage, "lifecycleHookDetails": details}


def _breaker_shape(service: Service, deployment: Deployment) -> dict[str, Any]:
    """A ServiceDeploymentCircuitBreaker."""
    enabled = breaker_of(service)["enable"]
    monitoring = "MONITORING" if deployment.status in UNDER_WAY else "MONITORING_COMPLETE"
    return {
        "status": "TRIGGERED" if deployment.tripped else monitoring if enabled else "DISABLED",
        "failureCount": deployment.failed_tasks,
        "threshold": threshold(service),
    }


def service_revision_shape(service: Service, deployment: Deployment) -> dict[str, Any]:
    """A ServiceRevision."""
    return without_none(
        **{name: service.settings.get(name) for name in _PLACEMENT},
        serviceRevisionArn=service_revision_arn(service, deployment),
        serviceArn=service.arn,
        clusterArn=service.cluster_arn,
        taskDefinition=deployment.task_definition,
        loadBalancers=service.settings["loadBalancers"],
        serviceRegistries=service.settings["serviceRegistries"],
        containerImages=[
            without_none(
                containerName=container["name"],
                image=container["image"],
                imageDigest=deployment.digests.get(container["name"]),
            )
            for container in deployment.definition["containerDefinitions"]
        ],
        createdAt=moment(deployment.created_at),
    )


def task_shape(task: Task, *, tags: bool = False) -> dict[str, Any]:
    """A Task."""
    fargate = task.launch_type == "FARGATE"
    return without_none(
        taskArn=task.arn,
        clusterArn=task.arn.replace(":task/", ":cluster/").rpartition("/")[0],
        taskDefinitionArn=task.task_definition,
        containers=[_container_shape(task, container) for container in task.containers],
        attachments=task_details.attachments(task),
        attributes=task_details.attributes(),
        availabilityZone=task_details.zone(task),
        pullStartedAt=moment(task.pull_started_at),
        pullStoppedAt=moment(task.pull_stopped_at),
        cpu=task.overrides.get("cpu") or task.definition.get("cpu") or "0",
        memory=task.overrides.get("memory") or task.definition.get("memory") or "0",
        createdAt=moment(task.created_at),
        startedAt=moment(task.started_at),
        stoppingAt=moment(task.stopping_at),
        stoppedAt=moment(task.stopped_at),
        executionStoppedAt=moment(task.stopped_at if task.started_at else None),
        connectivity="CONNECTED" if task.started_at else None,
        connectivityAt=moment(task.started_at),
        desiredStatus=task.desired_status,
        lastStatus=task.last_status,
        healthStatus=task.health,
        enableExecuteCommand=False,
        group=task.group,
        launchType=task.launch_type,
        capacityProviderName=task.capacity_provider or None,
        platformFamily="Linux" if fargate else None,
        platformVersion="1.4.0" if fargate else None,
        overrides={"inferenceAcceleratorOverrides": [], **task.overrides, "containerOverrides": _overrides(task)},
        startedBy=task.started_by or None,
        stopCode=task.stop_code or None,
        stoppedReason=task.stopped_reason or None,
        tags=task.tags if tags else None,
        version=task.version,
    )


def _overrides(task: Task) -> list[dict[str, Any]]:
    """The overrides of each container: those that RunTask gave, or its name only."""
    given = {override["name"]: override for override in task.overrides.get("containerOverrides") or []}
    return [given.get(container.name, {"name": container.name}) for container in task.containers]


def _container_shape(task: Task, container: Container) -> dict[str, Any]:
    bindings = [
        # AWS has 0.0.0.0; the sandbox publishes on loopback only.
        {"bindIP": "127.0.0.1", "containerPort": inner, "hostPort": outer, "protocol": "tcp"}
        for inner, outer in container.ports
    ]
    definition = next(d for d in task.definition["containerDefinitions"] if d["name"] == container.name)
    sizes = {size: definition.get(size) for size in ("memory", "memoryReservation")}
    return without_none(
        **{size: str(value) for size, value in sizes.items() if value},
        cpu=str(definition.get("cpu") or 0),
        containerArn=f"{task.arn.replace(':task/', ':container/')}/{container.name}",
        taskArn=task.arn,
        name=container.name,
        image=container.image,
        imageDigest=container.image_digest or None,
        runtimeId=container.runtime_id or None,
        lastStatus=container.last_status,
        exitCode=container.exit_code,
        reason=container.reason or None,
        healthStatus=container.health,
        networkBindings=bindings,
        networkInterfaces=task_details.interfaces(task),
    )


def _deployment_shape(service: Service, deployment: Deployment, tasks: list[Task]) -> dict[str, Any]:
    deployed = [task for task in tasks if task.deployment == deployment.id]
    staying = sum(not task.leaving for task in deployed)
    return without_none(
        **(_given(service.settings, _PLACEMENT) | _platform(service.settings)),
        id=deployment.id,
        status="PRIMARY" if deployment.primary else "DRAINING" if deployment.state == "FAILED" else "ACTIVE",
        taskDefinition=deployment.task_definition,
        desiredCount=(service.wanted if deployment.planned else 0) if deployment.primary else staying,
        runningCount=_running(deployed),
        pendingCount=_pending(deployed),
        failedTasks=deployment.failed_tasks,
        createdAt=moment(deployment.created_at),
        updatedAt=moment(deployment.updated_at),
        rolloutState=deployment.state,
        rolloutStateReason=_state_reason(deployment),
        volumeConfigurations=service.settings.get("volumeConfigurations"),
        serviceConnectConfiguration=service.settings.get("serviceConnectConfiguration"),
    )


def _given(settings: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: settings[name] for name in names if settings.get(name) is not None}


def _service_role(service: Service) -> str:
    """The service-linked role, which ECS shows unless the service has another role (recorded)."""
    account = service.arn.split(":")[4]
    return f"arn:aws:iam::{account}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"


def _platform(settings: dict[str, Any]) -> dict[str, str]:
    """The platform of a deployment on Fargate: AWS shows the version that LATEST means (recorded)."""
    version = settings.get("platformVersion")
    if version is None:
        return {}
    return {"platformVersion": "1.4.0" if version == "LATEST" else version, "platformFamily": "Linux"}


def _state_reason(deployment: Deployment) -> str:
    if deployment.state == "FAILED":
        return deployment.failed
    if deployment.rolls_back and deployment.announced and not deployment.completed:
        return f"ECS deployment circuit breaker: rolling back to deploymentId {deployment.id}."
    return f"ECS deployment {deployment.id} {'completed' if deployment.state == 'COMPLETED' else 'in progress'}."


def _revision(service: Service, deployment: Deployment, tasks: list[Task]) -> dict[str, Any]:
    deployed = [task for task in tasks if task.deployment == deployment.id]
    return {
        "arn": service_revision_arn(service, deployment),
        "requestedTaskCount": service.wanted if deployment.primary else sum(not task.leaving for task in deployed),
        "runningTaskCount": _running(deployed),
        "pendingTaskCount": _pending(deployed),
    }


def _running(tasks: list[Task]) -> int:
    return sum(task.last_status == RUNNING for task in tasks)


def _pending(tasks: list[Task]) -> int:
    return sum(task.last_status in STARTING for task in tasks)
