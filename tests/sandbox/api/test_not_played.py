"""Operations that the sandbox does not play are refused in AWS's form, with a status that no client repeats."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.cloudformation import models
from moto.ecs.models import EC2ContainerServiceBackend

from longshore.sandbox.api import cloudformation
from longshore.sandbox.api.aws_api import AwsApi, moto_application
from longshore.sandbox.api.credentials import AccessKeys
from longshore.sandbox.api.request_log import RequestLog
from longshore.sandbox.serving import listen, serve
from tests.sandbox.moto_api import KEY, SECRET, Api

CALLS = [
    ("ecs", "execute_command", {"task": "t", "command": "ls", "interactive": True}, "ecs:ExecuteCommand"),
    ("codebuild", "retry_build", {"id": "b"}, "codebuild:RetryBuild"),
    ("sns", "list_sms_sandbox_phone_numbers", {}, "sns:ListSMSSandboxPhoneNumbers"),
    ("rds", "describe_certificates", {}, "rds:DescribeCertificates"),
    ("ec2", "describe_fast_launch_images", {}, "ec2:DescribeFastLaunchImages"),
    ("route53", "list_geo_locations", {}, "route53:ListGeoLocations"),
    ("lambda", "get_account_settings", {}, "lambda:GetAccountSettings"),
    ("amplifyuibuilder", "list_components", {"appId": "a", "environmentName": "b"}, "amplifyuibuilder:ListComponents"),
]
"""One call for each protocol: JSON, query, EC2's, REST in XML and in JSON; the last is of a service that moto lacks."""


def refused(client: Any, operation: str, **parameters: Any) -> tuple[int, str, str]:
    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(**parameters)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


@pytest.mark.parametrize(("service", "operation", "parameters", "name"), CALLS, ids=[call[3] for call in CALLS])
def test_an_operation_that_is_not_played(
    api: Api, service: str, operation: str, parameters: dict[str, Any], name: str
) -> None:
    client = api.client(service, config=Config(inject_host_prefix=False))
    status, code, message = refused(client, operation, **parameters)
    assert (status, code) == (400, "UnsupportedOperationException")
    assert message == f"The sandbox does not play {name}. Call it on AWS, or leave it out here."


def test_an_operation_that_fails_in_the_sandbox_says_so(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise KeyError("nothing")

    monkeypatch.setattr(EC2ContainerServiceBackend, "list_clusters", fail)
    with caplog.at_level(logging.ERROR):
        status, code, message = refused(api.client("ecs"), "list_clusters")
    assert (status, code) == (400, "InternalFailure")
    assert message.startswith("The sandbox failed to answer ecs:ListClusters (KeyError: 'nothing')")
    assert "ecs:ListClusters failed" in caplog.text


# Regions


@pytest.fixture(scope="module")
def regional() -> Iterator[str]:
    """The address of an API that plays one region."""
    with listen(0) as listener:
        server = serve(AwsApi(moto_application("eu-central-1"), AccessKeys(KEY, SECRET), RequestLog(), dict), listener)
        yield f"http://127.0.0.1:{server.port}"
        server.shutdown()
        server.server_close()


def abroad(endpoint: str, service: str) -> Any:
    make: Any = boto3.client
    return make(
        service,
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        config=Config(retries={"total_max_attempts": 1}),
    )


@pytest.mark.parametrize(
    ("service", "operation"),
    [("ecs", "list_clusters"), ("dynamodb", "list_tables"), ("ec2", "describe_vpcs"), ("sns", "list_topics")],
)
def test_a_call_for_another_region_names_the_right_one(regional: str, service: str, operation: str) -> None:
    status, code, message = refused(abroad(regional, service), operation)
    assert (status, code) == (400, "UnsupportedOperationException")
    assert message.startswith("The sandbox plays the region eu-central-1 only, and this call of ")
    assert "is for us-east-1. Set AWS_REGION=eu-central-1" in message


@pytest.mark.parametrize(
    ("service", "operation"),
    [
        ("iam", "list_roles"),
        ("sts", "get_caller_identity"),
        ("s3", "list_buckets"),
        ("route53", "list_hosted_zones"),
        ("acm", "list_certificates"),
    ],
)
def test_services_of_every_region_answer_every_region(regional: str, service: str, operation: str) -> None:
    assert getattr(abroad(regional, service), operation)()["ResponseMetadata"]["HTTPStatusCode"] == 200


# CloudFormation

_TEMPLATE = {"Resources": {"Web": {"Type": "AWS::ECS::Service", "Properties": {}}}}
_YAML = "Resources:\n  Web:\n    Type: AWS::ECS::Cluster\n"


@pytest.fixture
def stacks(api: Api) -> Iterator[Any]:
    names = ("create_stack", "update_stack", "create_change_set", "create_stack_set", "update_stack_set")
    before = {name: getattr(models.CloudFormationBackend, name) for name in names}
    cloudformation.install()
    yield api.client("cloudformation")
    for name, operation in before.items():
        setattr(models.CloudFormationBackend, name, operation)


@pytest.mark.parametrize("template", [json.dumps(_TEMPLATE), _YAML], ids=["json", "yaml"])
def test_a_stack_with_resources_of_ecs_is_refused(stacks: Any, template: str) -> None:
    for operation in ("create_stack", "create_change_set"):
        more = {"ChangeSetName": "c", "ChangeSetType": "CREATE"} if operation == "create_change_set" else {}
        status, code, message = refused(stacks, operation, StackName="shop", TemplateBody=template, **more)
        assert (status, code) == (400, "ValidationError")
        assert message.startswith("The sandbox does not play AWS::ECS::")
    assert not any(stack["StackName"] == "shop" for stack in stacks.list_stacks()["StackSummaries"])


def test_other_stacks_are_records(stacks: Any) -> None:
    stacks.create_stack(StackName="queue", TemplateBody="Resources:\n  Jobs:\n    Type: AWS::SQS::Queue\n")
    assert refused(stacks, "update_stack", StackName="queue", TemplateBody=_YAML)[1] == "ValidationError"
    assert stacks.describe_stacks(StackName="queue")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
