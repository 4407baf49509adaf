from __future__ import annotations

import urllib.error
import urllib.request

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from longshore.sandbox.api.request_log import RequestLog, is_mutating
from tests.sandbox.moto_api import Api

STRANGER = "AKIASTRANGERSTRANGER"


@pytest.mark.parametrize(
    ("operation", "mutating"),
    [
        ("DescribeServices", False),
        ("ListImages", False),
        ("GetParameter", False),
        ("BatchGetImage", False),
        ("BatchCheckLayerAvailability", False),
        ("Query", False),
        ("TransactGetItems", False),
        ("FilterLogEvents", False),
        ("HeadObject", False),
        ("AssumeRole", False),
        ("GET /what", False),
        ("RegisterTaskDefinition", True),
        ("UpdateService", True),
        ("PutItem", True),
        ("TransactWriteItems", True),
        ("BatchDeleteImage", True),
        ("StartQuery", True),
        ("Getaway", True),
        ("POST /what", True),
    ],
)
def test_mutating_operations_are_recognised(operation: str, mutating: bool) -> None:  # noqa: FBT001 - a parameter of the table
    assert is_mutating(operation) is mutating


def test_the_log_drops_the_oldest_calls_and_continues_the_numbers() -> None:
    log = RequestLog(limit=2)
    for number in range(4):
        log.add("ecs", "RunTask", 200 + number, {"count": number}, fault="lost" if number == 3 else "")
    logged = {"service": "ecs", "operation": "RunTask", "mutating": True}
    assert log.since(0) == {
        "next": 4,
        "requests": [
            {**logged, "n": 2, "status": 202, "parameters": {"count": 2}, "fault": "", "caller": ""},
            {**logged, "n": 3, "status": 203, "parameters": {"count": 3}, "fault": "lost", "caller": ""},
        ],
    }
    assert log.since(4) == {"next": 4, "requests": []}


def test_the_log_identifies_changes_without_secrets(api: Api) -> None:
    start = api.page("/_sandbox/requests")["next"]
    api.client("ssm").put_parameter(Name="/shop/test/image_tag", Value="v1.0.1", Type="String", Overwrite=True)
    api.client("ssm").put_parameter(Name="/shop/test/password", Value="canary", Type="SecureString", Overwrite=True)
    api.client("ssm").put_parameter(Name="/shop/test/token", Value="canary", Type="String", Overwrite=True)
    secret = {"environment": [{"name": "TOKEN", "value": "canary"}]}
    web = {"name": "web", "image": "shop/app:v1", "memory": 64, **secret}
    api.client("ecs").register_task_definition(family="log-web", containerDefinitions=[web])
    table = api.client("dynamodb")
    table.create_table(
        TableName="log",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    table.put_item(TableName="log", Item={"pk": {"S": "lock"}, "why": {"S": "canary"}})
    logged = api.page(f"/_sandbox/requests?since={start}")["requests"]
    assert [call["parameters"] for call in logged] == [
        {"Name": "/shop/test/image_tag", "Value": "v1.0.1"},
        {"Name": "/shop/test/password"},
        {"Name": "/shop/test/token"},
        {"family": "log-web"},
        {},
        {"TableName": "log", "Item": {"pk": {"S": "lock"}}},
    ]


def test_calls_of_every_protocol_are_logged_in_order(api: Api) -> None:
    start = api.page("/_sandbox/requests")["next"]
    api.client("sts").get_caller_identity()
    api.client("ssm").put_parameter(Name="/a/b", Value="1", Type="String", Overwrite=True)
    s3 = api.client("s3")
    s3.create_bucket(Bucket="log", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket="log", Key="a/b c", Body=b"1")
    s3.list_objects_v2(Bucket="log")
    s3.put_bucket_versioning(Bucket="log", VersioningConfiguration={"Status": "Enabled"})
    with pytest.raises(ClientError):
        api.client("ssm").get_parameter(Name="/no/such")
    logged = api.page(f"/_sandbox/requests?since={start}")
    assert [(each["service"], each["operation"], each["mutating"], each["status"]) for each in logged["requests"]] == [
        ("sts", "GetCallerIdentity", False, 200),
        ("ssm", "PutParameter", True, 200),
        ("s3", "CreateBucket", True, 200),
        ("s3", "PutObject", True, 200),
        ("s3", "ListObjectsV2", False, 200),
        ("s3", "PutBucketVersioning", True, 200),
        ("ssm", "GetParameter", False, 400),
    ]
    assert [each["n"] for each in logged["requests"]] == list(range(start, logged["next"]))


def test_the_key_belongs_to_the_account(api: Api) -> None:
    assert api.client("sts").get_caller_identity()["Account"] == "123456789012"


@pytest.mark.parametrize(
    ("service", "operation", "code", "status"),
    [
        ("sts", "get_caller_identity", "InvalidClientTokenId", 403),
        ("iam", "list_roles", "InvalidClientTokenId", 403),
        ("ecs", "list_clusters", "UnrecognizedClientException", 400),
        ("dynamodb", "list_tables", "UnrecognizedClientException", 400),
        ("s3", "list_buckets", "InvalidAccessKeyId", 403),
        ("lambda", "list_functions", "UnrecognizedClientException", 403),
        ("ec2", "describe_vpcs", "AuthFailure", 401),
    ],
)
def test_an_unknown_key_gets_awss_error(api: Api, service: str, operation: str, code: str, status: int) -> None:
    with pytest.raises(ClientError) as error:
        getattr(api.client(service, STRANGER), operation)()
    response = error.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert "AWS" in response["Error"]["Message"] or "security token" in response["Error"]["Message"]


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("ecs", "list_clusters", "MissingAuthenticationTokenException"),
        ("s3", "list_buckets", "AccessDenied"),
        ("iam", "list_roles", "MissingAuthenticationToken"),
    ],
)
def test_a_request_without_a_signature_is_refused(api: Api, service: str, operation: str, code: str) -> None:
    with pytest.raises(ClientError) as error:
        getattr(api.client(service, config=Config(signature_version=UNSIGNED)), operation)()
    assert error.value.response["Error"]["Code"] == code


def test_a_presigned_url_works_unless_its_key_is_unknown(api: Api) -> None:
    api.client("s3").create_bucket(Bucket="sign", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    api.client("s3").put_object(Bucket="sign", Key="a", Body=b"1")
    arguments = ("get_object", {"Bucket": "sign", "Key": "a"})
    with urllib.request.urlopen(api.client("s3").generate_presigned_url(*arguments)) as answer:
        assert answer.read() == b"1"
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(api.client("s3", STRANGER).generate_presigned_url(*arguments))
    with error.value as answer:
        assert (answer.code, b"InvalidAccessKeyId" in answer.read()) == (403, True)


def test_keys_that_iam_and_sts_issue_are_accepted_until_they_are_inactive(api: Api) -> None:
    iam = api.client("iam")
    iam.create_user(UserName="ci")
    key = iam.create_access_key(UserName="ci")["AccessKey"]
    issued = key["AccessKeyId"], key["SecretAccessKey"]
    assert api.client("sts", *issued).get_caller_identity()["Arn"].endswith("user/ci")
    iam.update_access_key(UserName="ci", AccessKeyId=issued[0], Status="Inactive")
    with pytest.raises(ClientError):
        api.client("sts", *issued).get_caller_identity()

    role = api.client("sts").assume_role(RoleArn="arn:aws:iam::123456789012:role/releaser", RoleSessionName="run")
    temporary = [role["Credentials"][name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")]
    identity = api.client("sts", *temporary).get_caller_identity()
    assert "releaser/run" in identity["Arn"]


@pytest.mark.parametrize(("page", "body"), [("what", None), ("status", b"{}")])
def test_an_unknown_page_or_method_of_the_sandbox_is_404(api: Api, page: str, body: bytes | None) -> None:
    with pytest.raises(urllib.error.HTTPError) as error:
        api.page(f"/_sandbox/{page}", body)
    with error.value as answer:
        assert answer.code == 404
    assert api.page("/_sandbox/status") == {"services": [], "tasks": []}
