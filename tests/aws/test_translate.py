from __future__ import annotations

import inspect
import socket
from collections.abc import Iterator
from string import Formatter
from typing import Any

import boto3
import botocore.parsers
import pytest
from botocore import exceptions
from botocore.config import Config
from botocore.loaders import Loader
from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker

from longshore.aws.translate import call, translated
from longshore.errors import AwsError
from tests.fakes.clients import client, scripted


def _botocore_errors() -> Iterator[Exception]:
    for _, kind in inspect.getmembers(exceptions, inspect.isclass):
        if not issubclass(kind, Exception) or issubclass(kind, Warning):
            continue
        if kind.__module__ != exceptions.__name__:
            continue  # base classes from other libraries
        yield _instance(kind)


def _instance(kind: type[Exception]) -> Exception:
    if issubclass(kind, exceptions.ClientError):
        return kind({"Error": {"Code": "Teapot", "Message": "short and stout"}}, "Brew")
    fields: dict[str, Any] = {name: "x" for _, name, _, _ in Formatter().parse(getattr(kind, "fmt", "")) if name}
    if kind is exceptions.WaiterError:
        fields["last_response"] = {}
    return kind(**fields)


@pytest.mark.parametrize("error", list(_botocore_errors()), ids=lambda error: type(error).__name__)
def test_no_error_of_botocore_escapes(error: Exception) -> None:
    with pytest.raises(AwsError, match=r"^ECR DescribeImages") as caught, translated("ECR DescribeImages"):
        raise error
    assert caught.value.__cause__ is error
    words = "short and stout" if isinstance(error, exceptions.ClientError) else str(error).strip()
    assert (words or type(error).__name__) in caught.value.message


def test_the_errors_of_botocore_are_all_found() -> None:
    names = {type(error).__name__ for error in _botocore_errors()}
    assert {"ClientError", "NoCredentialsError", "SSLError", "UndefinedModelAttributeError"} <= names
    assert len(names) > 80


def test_an_answer_that_is_not_from_aws_is_translated() -> None:
    with pytest.raises(AwsError, match="no xml") as caught, translated("S3 HeadBucket"):
        raise botocore.parsers.ResponseParserError("no xml")
    assert "Something other than AWS" in caught.value.hint
    assert not caught.value.transient


def test_other_errors_are_not_translated() -> None:
    with pytest.raises(ZeroDivisionError), translated("ECR DescribeImages"):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("ExpiredToken", "Sign in to AWS again"),
        ("ExpiredTokenException", "Sign in to AWS again"),
        ("RequestExpired", "Sign in to AWS again"),
        ("UnrecognizedClientException", "These credentials are not valid"),
        ("InvalidClientTokenId", "These credentials are not valid"),
        ("InvalidSignatureException", "These credentials are not valid"),
        ("SignatureDoesNotMatch", "These credentials are not valid"),
        ("ThrottlingException", "AWS limits the rate"),
        ("RepositoryNotFoundException", "If this environment was never set up"),
        ("ImageNotFoundException", ""),
    ],
)
def test_a_refusal_names_the_service_the_operation_and_the_reason(code: str, hint: str) -> None:
    ecr, script = scripted("ecr")
    script.add_client_error("describe_images", code, "the words of AWS", 400)
    with pytest.raises(AwsError) as caught:
        call(ecr.describe_images, repositoryName="storefront/app")
    assert caught.value.message == f"ECR DescribeImages: the words of AWS ({code})"
    assert caught.value.code == code
    assert caught.value.hint.startswith(hint)
    assert bool(caught.value.hint) is bool(hint)


def test_a_denied_call_names_the_missing_permission() -> None:
    ecs, script = scripted("ecs")
    words = "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: ecs:UpdateService on resource: *"
    script.add_client_error("update_service", "AccessDeniedException", words, 400)
    with pytest.raises(AwsError) as caught:
        call(ecs.update_service, service="web")
    assert caught.value.hint == "The role lacks a permission: ecs:UpdateService."


def test_a_denied_call_without_a_message_names_the_operation() -> None:
    s3, script = scripted("s3")
    script.add_client_error("head_bucket", "AccessDenied", "", 403)
    with pytest.raises(AwsError, match=r"S3 HeadBucket: no explanation \(AccessDenied\)") as caught:
        call(s3.head_bucket, Bucket="b")
    assert caught.value.hint.startswith("The role lacks a permission, s3:ListBucket")


def test_a_refused_page_names_its_operation() -> None:
    ecr, script = scripted("ecr")
    script.add_client_error("list_images", "ThrottlingException", "slow down", 400)
    with pytest.raises(AwsError, match="AWS ListImages: slow down"):
        call(list, ecr.get_paginator("list_images").paginate(repositoryName="storefront/app"))


def test_missing_credentials_are_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    sts = boto3.Session(region_name="eu-central-1").client("sts")
    with pytest.raises(AwsError, match="STS GetCallerIdentity: Unable to locate credentials") as caught:
        call(sts.get_caller_identity)
    assert "AWS_PROFILE" in caught.value.hint
    assert not caught.value.transient


def test_a_connection_error_is_transient() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        ecr = client("ecr", endpoint_url=endpoint)
        with pytest.raises(AwsError, match=f'ECR DescribeRepositories: .*"{endpoint}') as caught:
            call(ecr.describe_repositories)
    assert "invoke sandbox.status" in caught.value.hint
    assert (caught.value.code, caught.value.transient) == ("", True)


def test_a_read_timeout_is_transient() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        short_timeout = Config(retries={"total_max_attempts": 1}, read_timeout=0.1)
        ecr = client("ecr", endpoint_url=endpoint, config=short_timeout)
        with pytest.raises(AwsError, match="Read timeout") as caught:
            call(ecr.describe_repositories)
    assert caught.value.transient


def test_an_untrusted_certificate_is_not_transient() -> None:
    with pytest.raises(AwsError) as caught, translated("ECR ListImages"):
        raise exceptions.SSLError(endpoint_url="https://ecr", error=OSError("self-signed"))
    assert (caught.value.code, caught.value.transient) == ("SSLError", False)


def test_an_unknown_parameter_is_a_bug() -> None:
    with pytest.raises(AwsError, match="ECR DescribeImages: Parameter validation failed") as caught:
        call(client("ecr").describe_images, repository="misspelt")
    assert "please report" in caught.value.hint


SERVICES = ("application-autoscaling", "codebuild", "dynamodb", "ecr", "ecs", "events", "logs", "s3", "ssm", "sts")
"""The services that a release uses (longshore.aws.session)."""


def _error_shapes(*, fault: bool) -> list[Any]:
    """The errors of the services that a release uses, by botocore's models: faults of AWS, or refusals."""
    models = {name: Loader().load_service_model(name, "service-2")["shapes"] for name in SERVICES}
    return [
        pytest.param(shape.get("error", {}).get("code", key), id=f"{name}-{key}")
        for name, shapes in models.items()
        for key, shape in shapes.items()
        if shape.get("exception") and bool(shape.get("fault")) is fault
    ]


def refused(code: str, status: int) -> AwsError:
    answer: Any = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    with pytest.raises(AwsError) as caught, translated("ECS UpdateService"):
        raise exceptions.ClientError(answer, "UpdateService")
    return caught.value


@pytest.mark.parametrize("status", [0, 500])
@pytest.mark.parametrize("code", _error_shapes(fault=True))
def test_every_fault_in_botocores_models_is_one(code: str, status: int) -> None:
    """By its name as well: an item of a batch has no status."""
    error = refused(code, status)
    assert (error.ambiguous, error.transient) == (True, True)


def test_the_models_have_faults() -> None:
    assert len(_error_shapes(fault=True)) >= 7
    assert len(_error_shapes(fault=False)) > 100


@pytest.mark.parametrize("status", [500, 502, 503, 504, 509])
def test_a_fault_is_known_by_its_status(status: int) -> None:
    error = refused("SomethingNew", status)
    assert (error.ambiguous, error.transient, error.status) == (True, True, status)


_LISTS: Any = (TransientRetryableChecker, ThrottledRetryableChecker)  # their lists are not public
RETRIED = {*_LISTS[0]._TRANSIENT_ERROR_CODES, *_LISTS[1]._THROTTLED_ERROR_CODES} - {"LimitExceededException"}
"""The codes with which botocore tries a call again; LimitExceededException is a quota in the services above."""


@pytest.mark.parametrize("code", sorted(RETRIED))
def test_what_botocore_tries_again_is_transient(code: str) -> None:
    assert refused(code, 400).transient


@pytest.mark.parametrize(
    "code",
    [
        "ConcurrentModificationException",
        "ConcurrentUpdateException",
        "TooManyUpdates",
        "TransactionConflictException",
        "ReplicatedWriteConflictException",
    ],
)
def test_a_concurrent_change_was_refused_but_may_succeed_later(code: str) -> None:
    codes = {value for shape in _error_shapes(fault=False) for value in shape.values}
    error = refused(code, 400)
    assert (error.transient, error.ambiguous, code in codes) == (True, False, True)


def test_a_status_of_too_many_requests_is_transient() -> None:
    assert refused("Whatever", 429).transient


def test_a_refusal_in_botocores_models_has_not_taken_effect() -> None:
    by_name = {"InternalServiceException", "InternalStreamingException", "TransactionInProgressException"}
    ambiguous = {
        value for shape in _error_shapes(fault=False) for value in shape.values if refused(value, 400).ambiguous
    }
    assert ambiguous == by_name


def test_a_head_request_without_a_permission_is_denied() -> None:
    """S3 answers HeadBucket with status 403 and no body, so botocore has no other code than the status."""
    s3, script = scripted("s3")
    script.add_client_error("head_bucket", "403", "Forbidden", 403)
    with pytest.raises(AwsError, match=r"S3 HeadBucket: Forbidden \(403\)") as caught:
        call(s3.head_bucket, Bucket="b")
    assert caught.value.denied
    assert caught.value.hint == "The role lacks a permission, s3:ListBucket, or the bucket belongs to another account."
