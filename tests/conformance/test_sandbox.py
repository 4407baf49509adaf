"""Every answer of the sandbox has the shape that AWS's model gives it; see also the fixture of tests/sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from longshore.sandbox.api.scaling import ScalingResponse
from longshore.sandbox.api.target_groups import BalancingResponse
from longshore.sandbox.codebuild.responses import CodeBuildResponse
from longshore.sandbox.ecs.responses import EcsResponse
from longshore.sandbox.registry.ecr import EcrResponse
from longshore.sandbox.registry.images import digest_of
from tests.conformance import models
from tests.conformance.witness import Witness, overridden, watching
from tests.sandbox.api.test_scaling import POLICY, TARGET, client, shop
from tests.sandbox.api.test_target_groups import balancer, group_of
from tests.sandbox.build_world import World, commands
from tests.sandbox.conftest import api, moto_as_it_was, world
from tests.sandbox.ecs.test_answers import BREAKER, Play, only_the_first_runs, play, stage
from tests.sandbox.ecs_world import runs
from tests.sandbox.moto_api import Api, repository

__all__ = ["api", "balancer", "client", "moto_as_it_was", "play", "shop", "stage", "world"]
"""Fixtures of the sandbox's own tests."""


@pytest.fixture
def witness() -> Iterator[Witness]:
    with watching() as witness:
        yield witness
    assert witness.take() == []


def unseen(witness: Witness, answers: type, service: str, client: Any) -> set[str]:
    """The operations that the sandbox answers itself and that no call has reached; one without parameters is called."""
    for name in overridden(answers, service) - seen(witness, service):
        shape = models.operation(service, client.meta.method_to_api_mapping[name]).input_shape
        if shape is None or not shape.required_members:
            getattr(client, name)()
    return overridden(answers, service) - seen(witness, service)


def seen(witness: Witness, service: str) -> set[str]:
    return {xform_name(name) for watched, name in witness.seen if watched == service}


def test_every_answer_of_ecs_is_in_the_models_shape(play: Play, witness: Witness) -> None:
    ecs, here = play.client, {"cluster": play.cluster}
    family = f"{play.cluster}-web"
    arn = play.create(tags=[{"key": "a", "value": "b"}])["serviceArn"]
    play.pass_time(3)
    play.runtime.outcome = only_the_first_runs
    play.update(taskDefinition=play.register(), deploymentConfiguration=BREAKER)
    play.pass_time(15)
    play.runtime.outcome = runs
    play.update(forceNewDeployment=True, taskDefinition=play.register(), desiredCount=3)
    play.pass_time(1.75)
    listed = ecs.list_service_deployments(**here, service="web")["serviceDeployments"]
    described = play.deployments(*(entry["serviceDeploymentArn"] for entry in listed))
    ecs.describe_service_revisions(serviceRevisionArns=[entry["targetServiceRevision"]["arn"] for entry in described])
    ecs.stop_service_deployment(serviceDeploymentArn=listed[0]["serviceDeploymentArn"])
    with pytest.raises(ClientError):
        ecs.continue_service_deployment(serviceDeploymentArn=listed[0]["serviceDeploymentArn"], hookId="none")
    task = ecs.run_task(**here, taskDefinition=family)["tasks"][0]["taskArn"]
    ecs.stop_task(**here, task=task)
    assert play.tasks() + play.tasks(desiredStatus="STOPPED")
    ecs.describe_services(**here, services=["web", "nope"], include=["TAGS"])
    ecs.tag_resource(resourceArn=arn, tags=[{"key": "c", "value": "d"}])
    ecs.untag_resource(resourceArn=arn, tagKeys=["c"])
    ecs.list_tags_for_resource(resourceArn=arn)
    ecs.list_services(**here)
    ecs.describe_clusters(clusters=[play.cluster])
    ecs.describe_container_instances(**here, containerInstances=["nope"])
    ecs.describe_task_definition(taskDefinition=family, include=["TAGS"])
    ecs.list_task_definitions(familyPrefix=family)
    ecs.delete_service(**here, service="web", force=True)
    with pytest.raises(ClientError):
        ecs.delete_cluster(**here)
    assert unseen(witness, EcsResponse, "ecs", ecs) == set()


def test_every_answer_of_ecr_is_in_the_models_shape(api: Api, witness: Witness) -> None:
    repo = repository(api, "MUTABLE")
    named, digest = {"repositoryName": repo.name}, repo.put("one", "v1")
    manifest = json.loads(repo.manifest("one"))
    layer = manifest["layers"][0]["digest"]
    repo.client.get_authorization_token()
    repo.client.list_images(**named)
    repo.client.describe_images(**named)
    repo.client.batch_get_image(**named, imageIds=[{"imageTag": "v1"}, {"imageTag": "v2"}])
    repo.client.batch_check_layer_availability(**named, layerDigests=[layer, digest])
    repo.client.get_download_url_for_layer(**named, layerDigest=layer)
    upload = repo.client.initiate_layer_upload(**named)["uploadId"]
    repo.client.upload_layer_part(**named, uploadId=upload, partFirstByte=0, partLastByte=2, layerPartBlob=b"abc")
    repo.client.complete_layer_upload(**named, uploadId=upload, layerDigests=[digest_of(b"abc")])
    repo.client.start_image_scan(**named, imageId={"imageTag": "v1"})
    repo.client.describe_image_scan_findings(**named, imageId={"imageTag": "v1"})
    repo.client.batch_delete_image(**named, imageIds=[{"imageTag": "v1"}, {"imageTag": "v2"}])
    with pytest.raises(ClientError, match="does not exist"):
        repo.client.describe_images(**named, imageIds=[{"imageTag": "v9"}])
    assert unseen(witness, EcrResponse, "ecr", repo.client) == set()


def test_every_answer_of_autoscaling_is_in_the_models_shape(client: Any, witness: Witness) -> None:
    bounds = {"MinCapacity": 1, "MaxCapacity": 2}
    arn = client.register_scalable_target(**TARGET, **bounds, Tags={"a": "b"})["ScalableTargetARN"]
    client.describe_scalable_targets(ServiceNamespace="ecs")
    client.put_scaling_policy(**POLICY)
    client.describe_scaling_policies(ServiceNamespace="ecs")
    client.tag_resource(ResourceARN=arn, Tags={"c": "d"})
    client.untag_resource(ResourceARN=arn, TagKeys=["c"])
    client.list_tags_for_resource(ResourceARN=arn)
    client.deregister_scalable_target(**TARGET)
    assert unseen(witness, ScalingResponse, "application-autoscaling", client) == set()


def test_every_answer_about_target_health_is_in_the_models_shape(balancer: Any, witness: Witness) -> None:
    elbv2, arn = group_of(balancer, "witness")
    elbv2.describe_target_health(TargetGroupArn=arn)
    assert unseen(witness, BalancingResponse, "elbv2", elbv2) == set()


def test_the_answers_about_parameters_rules_logs_and_identities_are_in_the_models_shape(
    api: Api, witness: Witness
) -> None:
    ssm, events, logs = (api.client(name) for name in ("ssm", "events", "logs"))
    ssm.put_parameter(Name="/harbour/tag", Value="v1", Type="String")
    ssm.get_parameter(Name="/harbour/tag")
    events.put_rule(Name="nightly", ScheduleExpression="rate(1 day)")
    parameters = {"TaskDefinitionArn": "arn:aws:ecs:eu-central-1:123456789012:task-definition/nightly:1"}
    target = {"Id": "task", "Arn": "arn:aws:ecs:eu-central-1:123456789012:cluster/harbour", "EcsParameters": parameters}
    events.put_targets(Rule="nightly", Targets=[target])
    events.list_targets_by_rule(Rule="nightly")
    events.describe_rule(Name="nightly")
    logs.create_log_group(logGroupName="/harbour/web")
    logs.create_log_stream(logGroupName="/harbour/web", logStreamName="one")
    logs.get_log_events(logGroupName="/harbour/web", logStreamName="one")
    api.client("sts").get_caller_identity()
    for call, given in (
        (ssm.get_parameter, {"Name": "/harbour/none"}),
        (events.describe_rule, {"Name": "none"}),
        (logs.get_log_events, {"logGroupName": "/harbour/none", "logStreamName": "one"}),
    ):
        with pytest.raises(ClientError):
            call(**given)
    assert {service for service, _ in witness.seen} == {"ssm", "events", "logs", "sts"}


@pytest.mark.scenario
def test_every_answer_of_codebuild_is_in_the_models_shape(world: World, witness: Witness) -> None:
    codebuild = world.codebuild
    source = {"type": "GITHUB", "location": "https://github.com/acme/harbour.git", "buildspec": "b.yml"}
    hooked, name = world.project(source=source), world.project(commands(build=["false"]))
    build = world.run(name)["id"]
    codebuild.stop_build(id=build)
    codebuild.batch_get_builds(ids=[build, f"{name}:none"])
    codebuild.list_builds()
    codebuild.list_builds_for_project(projectName=name)
    codebuild.batch_get_projects(names=[name, "none"])
    codebuild.list_projects()
    codebuild.update_project(name=name, timeoutInMinutes=5)
    group = [{"type": "EVENT", "pattern": "PUSH"}]
    codebuild.create_webhook(projectName=hooked, filterGroups=[group])
    codebuild.update_webhook(projectName=hooked, rotateSecret=True)
    codebuild.batch_get_projects(names=[hooked])
    codebuild.delete_webhook(projectName=hooked)
    with pytest.raises(ClientError):
        codebuild.start_build(projectName="none")
    codebuild.delete_project(name=name)
    codebuild.delete_project(name=hooked)
    assert unseen(witness, CodeBuildResponse, "codebuild", codebuild) == set()


def test_a_departure_is_noticed() -> None:
    witness = Witness()
    service = {"serviceName": "web", "launchType": "CLOUD", "colour": "blue", "desiredCount": "2"}
    witness.sent("ecs", "DescribeServices", 200, json.dumps({"services": [service]}).encode())
    witness.returned("ecs", "DescribeServices", {"services": [{"colour": "blue", "status": None}]})
    witness.sent("application-autoscaling", "DescribeScalingPolicies", 200, b'{"ScalingPolicies": [{}]}')
    witness.sent("ecs", "RunTask", 400, b'{"__type": "NoRoomException", "message": "no room"}')
    lines = witness.take()
    assert "ecs DescribeServices.services[].colour: the model has no such field" in lines
    assert "ecs DescribeServices.services[].desiredCount: '2' is not a integer" in lines
    assert "ecs DescribeServices.services[].launchType: 'CLOUD' is not one of EC2, FARGATE, EXTERNAL" in " ".join(lines)
    assert "ecs RunTask: the model names no error NoRoomException" in lines
    assert "application-autoscaling DescribeScalingPolicies.ScalingPolicies[].PolicyARN: the model requires it" in lines
    assert witness.take() == []
