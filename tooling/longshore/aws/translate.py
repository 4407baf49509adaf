"""Translates the errors of botocore to AwsError, in one place."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar, cast

from boto3.exceptions import Boto3Error
from botocore import exceptions as botocore
from botocore.parsers import ResponseParserError

from longshore.aws.answers import HINT, MALFORMED, checked
from longshore.errors import AwsError, LongshoreError

P = ParamSpec("P")
R = TypeVar("R")

# The last two derive from Exception alone.
_FOREIGN = (
    botocore.ClientError,
    botocore.BotoCoreError,
    Boto3Error,
    botocore.UndefinedModelAttributeError,
    ResponseParserError,
)
_LIBRARY = ("botocore.", "boto3.")
_NO_ANSWER = (botocore.ConnectionError, botocore.HTTPClientError, botocore.IncompleteReadError)

_SIGN_IN = "Sign in to AWS again (for example: aws sso login), then run the same command again."
_WRONG_CREDENTIALS = (
    "These credentials are not valid at this endpoint: check AWS_ACCESS_KEY_ID, AWS_PROFILE and the clock."
)
_HINTS_BY_CODE = (
    (("ExpiredToken", "RequestExpired", "TokenRefreshRequired"), _SIGN_IN),
    (
        (
            "UnrecognizedClient",
            "InvalidClientTokenId",
            "InvalidAccessKeyId",
            "InvalidSignature",
            "SignatureDoesNotMatch",
        ),
        _WRONG_CREDENTIALS,
    ),
    (
        ("RepositoryNotFound", "ResourceNotFound", "ClusterNotFound", "ServiceNotFound"),
        "If this environment was never set up, run: invoke bootstrap",
    ),
    (("Throttl", "TooManyRequests", "RequestLimitExceeded"), "AWS limits the rate of calls: try again in a minute."),
)
_HINTS_BY_CLASS: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    (
        (botocore.NoCredentialsError, botocore.PartialCredentialsError),
        "Set up credentials: aws configure, AWS_PROFILE, or AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY.",
    ),
    (
        (
            botocore.TokenRetrievalError,
            botocore.SSOError,
            botocore.LoginError,
            botocore.NoAuthTokenError,
            botocore.CredentialRetrievalError,
        ),
        _SIGN_IN,
    ),
    ((botocore.ProfileNotFound,), "Set AWS_PROFILE to a profile that `aws configure list-profiles` shows."),
    ((botocore.NoRegionError, botocore.InvalidRegionError), "Set region in invoke.yaml."),
    ((botocore.SSLError,), "If you are behind a proxy, set AWS_CA_BUNDLE to the file with its certificates."),
    (
        _NO_ANSWER,
        "Check the network, and the setting endpoint in invoke.yaml. If you use the sandbox, check that it is running:"
        " invoke sandbox.status",
    ),
    ((ResponseParserError,), HINT),
    (
        (botocore.ParamValidationError, botocore.UndefinedModelAttributeError),
        "This is a bug in Longshore: please report it with this message.",
    ),
)


def call(operation: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Calls an operation of a boto3 client.

    Raises:
        AwsError: AWS refused or did not answer; the message has the service, the operation and AWS's own words.
    """
    name = _name(operation)
    with translated(name):
        answer = operation(*args, **kwargs)
    return cast(R, checked(answer, _shape(operation), name)) if isinstance(answer, dict) else answer


def pages(client: Any, method: str, *, of: str = "", **arguments: Any) -> Iterator[Any]:
    """The pages of a call that is answered in several, each read when it is needed.

    Args:
        client: of boto3.
        method: its method.
        of: the subject of the call, for messages.
        arguments: of the method.

    Raises:
        AwsError: as `call`.
    """
    operation = getattr(client, method)
    name, shape = _name(operation) + (f" of {of}" if of else ""), _shape(operation)
    with translated(name):
        remaining = iter(client.get_paginator(method).paginate(**arguments))
    while True:
        with translated(name):
            page = next(remaining, None)
        if page is None:
            return
        yield checked(page, shape, name)


@contextmanager
def translated(operation: str) -> Iterator[None]:
    """Translates every error of botocore to AwsError.

    Args:
        operation: the call, such as ``ECS UpdateService``; the message begins with it.

    Raises:
        AwsError: its code is AWS's; empty if there was no answer; the name of botocore's class if no call was made.
    """
    try:
        yield
    except botocore.ClientError as error:
        raise _refused(operation, error) from error
    except _FOREIGN as error:
        raise AwsError(
            f"{operation}: {str(error).strip() or type(error).__name__}", _hint_by_class(error), _code(error)
        ) from error
    except Exception as error:
        if not _reads_answer(error):
            raise
        reason = "".join(letter if letter.isprintable() else "�" for letter in f"{error!s:.200}")
        problem = f"the answer of {operation} cannot be read ({type(error).__name__}: {reason})"
        raise AwsError(problem, HINT, MALFORMED) from error


def _reads_answer(error: Exception) -> bool:
    """Whether botocore failed to read an answer, whose form it trusts: it raises an AttributeError for ``[]``."""
    frames = (str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_tb(error.__traceback__))
    return not isinstance(error, (LongshoreError, AssertionError)) and any(f.startswith(_LIBRARY) for f in frames)


def _refused(operation: str, error: botocore.ClientError) -> AwsError:
    answer: dict[str, Any] = dict(error.response.get("Error", {}))
    code, text = str(answer.get("Code", "Unknown")), str(answer.get("Message") or "no explanation")
    if error.operation_name and error.operation_name not in operation:
        operation = f"{operation} {error.operation_name}"
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    refusal = AwsError(f"{operation}: {text} ({code})", code=code, status=status)
    refusal.hint = _permission(operation, text) if refusal.denied else _hint_by_code(code)
    return refusal


def _permission(operation: str, text: str) -> str:
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
    if operation == "S3 HeadBucket":
        return "The role lacks a permission, s3:ListBucket, or the bucket belongs to another account."
    stated = re.search(r"perform: ([\w-]+:\w+)", text)
    return f"The role lacks a permission: {stated[1] if stated else operation}."


def _hint_by_code(code: str) -> str:
    return next((hint for prefixes, hint in _HINTS_BY_CODE if code.startswith(prefixes)), "")


def _hint_by_class(error: Exception) -> str:
    return next((hint for classes, hint in _HINTS_BY_CLASS if isinstance(error, classes)), "")


def _code(error: Exception) -> str:
    # An untrusted certificate is not transient, unlike other reasons for a missing answer.
    unanswered = isinstance(error, _NO_ANSWER) and not isinstance(error, botocore.SSLError)
    return "" if unanswered else type(error).__name__


def _name(operation: Callable[..., object]) -> str:
    meta = getattr(getattr(operation, "__self__", None), "meta", None)
    name = getattr(operation, "__name__", "")
    if meta is None or name not in meta.method_to_api_mapping:
        return "AWS"
    return f"{meta.service_model.service_id} {meta.method_to_api_mapping[name]}"


def _shape(operation: Callable[..., object]) -> Any:
    """The shape of an operation's answer in AWS's model; None if it is not an operation of a client, or has none."""
    meta = getattr(getattr(operation, "__self__", None), "meta", None)
    name = meta and meta.method_to_api_mapping.get(getattr(operation, "__name__", ""))
    return meta.service_model.operation_model(name).output_shape if meta and name else None
