"""Fuzzers of AWS's answers. A malformed body takes the whole way: botocore's parser, our border, our types."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random
from typing import Any

import botocore
from botocore.awsrequest import AWSResponse, HTTPHeaders
from botocore.config import Config

from longshore.aws.autoscaling import Scaling
from longshore.aws.cloudwatch import Alarms
from longshore.aws.codebuild import CodeBuild
from longshore.aws.dynamodb import Table
from longshore.aws.ecr import Ecr
from longshore.aws.ecs import Ecs
from longshore.aws.eventbridge import Events
from longshore.aws.logs import Logs
from longshore.aws.ssm import Parameters
from longshore.ledger.releases import Ledger
from tests.fakes.clients import client
from tests.fakes.samples import WHEN, arn, result
from tests.fuzz.fuzzer import Fuzzer
from tests.fuzz.mutation import changed_json

_NOW = WHEN.timestamp()
_DEPLOYMENT = {
    "id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": arn("shop-test-web", 2), "desiredCount": 2,
    "runningCount": 2, "failedTasks": 0, "createdAt": _NOW, "rolloutState": "COMPLETED", "rolloutStateReason": "done",
}  # fmt: skip
_SERVICE = {
    "serviceName": "web", "status": "ACTIVE", "taskDefinition": arn("shop-test-web", 2), "desiredCount": 2,
    "runningCount": 2, "pendingCount": 0, "deployments": [_DEPLOYMENT], "createdAt": _NOW,
    "events": [{"id": "1", "createdAt": _NOW, "message": "(service web) has reached a steady state."}],
    "deploymentController": {"type": "ECS"}, "schedulingStrategy": "REPLICA", "healthCheckGracePeriodSeconds": 5,
    "loadBalancers": [{"targetGroupArn": "arn:aws:elasticloadbalancing:x", "containerName": "web"}],
    "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1, "base": 0}],
    "deploymentConfiguration": {
        "minimumHealthyPercent": 100, "maximumPercent": 200, "strategy": "ROLLING",
        "alarms": {"alarmNames": ["errors"], "enable": True, "rollback": True},
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        "lifecycleHooks": [{"hookTargetArn": "arn:aws:lambda:x", "lifecycleStages": ["PRE_SCALE_UP"]}],
    },
}  # fmt: skip
_TASK = {
    "taskArn": "arn:aws:ecs:x:task/shop/1", "taskDefinitionArn": arn("shop-test-web", 2), "lastStatus": "STOPPED",
    "stopCode": "EssentialContainerExited", "stoppedReason": "Essential container in task exited", "startedBy": "ecs",
    "createdAt": _NOW, "startedAt": _NOW, "stoppedAt": _NOW, "desiredStatus": "STOPPED", "healthStatus": "UNKNOWN",
    "containers": [{
        "name": "web", "image": "x:v1", "imageDigest": "sha256:0", "exitCode": 1, "reason": "OutOfMemory",
        "networkInterfaces": [{"privateIpv4Address": "10.0.0.1"}], "networkBindings": [{"hostPort": 32768}],
    }],
    "attachments": [{"details": [{"name": "privateIPv4Address", "value": "10.0.0.1"}]}],
}  # fmt: skip
_SERVICE_DEPLOYMENT = {
    "serviceDeploymentArn": "arn:aws:ecs:x:service-deployment/1", "status": "SUCCESSFUL", "createdAt": _NOW,
    "statusReason": "", "targetServiceRevision": {"arn": "arn:aws:ecs:x:service-revision/1"},
    "alarms": {"triggeredAlarmNames": ["errors"]}, "lifecycleStage": "PRE_SCALE_UP",
    "lifecycleHookDetails": [{"hookId": "1", "targetType": "PAUSE", "status": "AWAITING_ACTION", "expiresAt": _NOW}],
}  # fmt: skip
_BUILD = {
    "id": "shop-build:1", "projectName": "shop-build", "buildStatus": "FAILED", "buildComplete": True,
    "currentPhase": "COMPLETED", "resolvedSourceVersion": "0123", "initiator": "ann",
    "phases": [{"phaseType": "BUILD", "phaseStatus": "FAILED", "contexts": [{"statusCode": "X", "message": "m"}]}],
    "logs": {"groupName": "g", "streamName": "s"},
    "environment": {"environmentVariables": [{"name": "A", "value": "b", "type": "PLAINTEXT"}]},
    "exportedEnvironmentVariables": [{"name": "A", "value": "b"}],
}  # fmt: skip


def _item() -> dict[str, Any]:
    from boto3.dynamodb.types import TypeSerializer  # noqa: PLC0415 - not part of its public modules

    record = result().model_dump(mode="json") | {"pk": "release#test", "sk": "0000000001", "seconds": 1}
    return {key: TypeSerializer().serialize(value) for key, value in record.items()}


@cache
def answering(service: str) -> tuple[Any, list[bytes]]:
    """A client that gets the last body of a list as every answer, and the list."""
    connection = client(service, config=Config(retries={"total_max_attempts": 1}, signature_version=botocore.UNSIGNED))
    bodies: list[bytes] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        raw: Any = type("Raw", (), {"stream": lambda self, **_: iter([bodies[-1]]), "close": lambda self: None})()
        return AWSResponse(request.url, 200, HTTPHeaders(), raw)

    connection.meta.events.register("before-send", answer)
    return connection, bodies


def _fuzzer(service: str, sample: Callable[[], Any], read: Callable[[Any], object]) -> Fuzzer:
    valid = cache(sample)

    def make(random: Random) -> bytes:
        return changed_json(valid(), random)

    def through(body: bytes) -> object:
        connection, bodies = answering(service)
        bodies[:] = [body]
        return read(connection)

    return Fuzzer(make, through)


def _services(connection: Any) -> object:
    (service,) = Ecs(connection).services("shop", ["web"]).values()
    return (service.primary, service.latest_event, service.settings.enough(3), service.settings.breaker.threshold(4))


def _tasks(connection: Any) -> object:
    return [
        (task.failure(), task.failure_key(), task.lifetime) for task in Ecs(connection).describe_tasks("shop", ["1"])
    ]


def _history(connection: Any) -> object:
    ecs = Ecs(connection)
    return (ecs.deployment_history("shop", "web", WHEN), ecs.find_deployment("shop", "web", "ecs-svc/1", WHEN, None))


def _images(connection: Any) -> object:
    ecr = Ecr(connection)
    listed = {"existing": ecr.existing_tags("shop/app", ["v1.0.0"]), "tags": list(ecr.tags("shop/app"))}
    return (listed, ecr.digest("shop/app", "v1.0.0"), ecr.repository("shop/app"), ecr.credentials())


def _records(connection: Any) -> object:
    ledger = Ledger(Table(connection, "shop-releases"), "test")
    return (list(ledger.releases()), ledger.find("test-000001"), ledger.locks.read(), list(ledger.events("x").read()))


FUZZERS = {
    "ecs-services": _fuzzer("ecs", lambda: {"services": [_SERVICE], "failures": []}, _services),
    "ecs-tasks": _fuzzer("ecs", lambda: {"tasks": [_TASK], "failures": []}, _tasks),
    "ecs-deployments": _fuzzer("ecs", lambda: {"serviceDeployments": [_SERVICE_DEPLOYMENT]}, _history),
    "ecs-run-task": _fuzzer(
        "ecs",
        lambda: {"service": _SERVICE, "tasks": [], "failures": [{"arn": "x", "reason": "RESOURCE:CPU"}]},
        lambda connection: Ecs(connection).update("shop", "web", arn("shop-test-web", 2), 2),
    ),
    "codebuild": _fuzzer(
        "codebuild",
        lambda: {"builds": [_BUILD], "ids": ["shop-build:1"], "build": _BUILD},
        lambda connection: (CodeBuild(connection).get("1"), CodeBuild(connection).newest("p")),
    ),
    "dynamodb": _fuzzer("dynamodb", lambda: {"Items": [_item()], "Item": _item()}, _records),
    "ecr": _fuzzer(
        "ecr",
        lambda: {
            "imageIds": [{"imageTag": "v1.0.0", "imageDigest": "sha256:0"}],
            "imageDetails": [{"imageDigest": "sha256:0", "imageTags": ["v1.0.0"]}],
            "images": [], "failures": [{"imageId": {"imageTag": "v1.0.0"}, "failureCode": "ImageNotFound"}],
            "repositories": [{"repositoryName": "shop/app", "repositoryUri": "host/shop/app", "registryId": "1"}],
            "authorizationData": [{"authorizationToken": "QVdTOnBhc3N3b3Jk", "proxyEndpoint": "https://host"}],
        },
        _images,
    ),
    "logs": _fuzzer(
        "logs",
        lambda: {"events": [{"message": "m", "timestamp": 1}], "nextBackwardToken": "b", "nextForwardToken": "f"},
        lambda connection: (Logs(connection).tail("g", "s", 3), list(Logs(connection).follow("g", "s").lines())),
    ),
    "small-answers": _fuzzer(
        "events",
        lambda: {"State": "ENABLED", "Targets": [{"Id": "1", "Arn": "x", "EcsParameters": {"TaskDefinitionArn": "x"}}]},
        lambda connection: (Events(connection).is_on("r"), Events(connection).task_definition("r", "1")),
    ),
    "scaling": _fuzzer(
        "application-autoscaling",
        lambda: {"ScalableTargets": [{"MinCapacity": 1}]},
        lambda connection: Scaling(connection).minimum("shop", "web"),
    ),
    "ssm": _fuzzer("ssm", lambda: {"Parameter": {"Value": "v1"}}, lambda connection: Parameters(connection).get("x")),
    "alarms": _fuzzer(
        "cloudwatch",
        lambda: {"MetricAlarms": [{"AlarmName": "errors", "StateValue": "ALARM"}], "CompositeAlarms": []},
        lambda connection: Alarms(connection).in_alarm(["errors"]),
    ),
}  # fmt: skip
