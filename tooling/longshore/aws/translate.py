"""The one place where botocore's errors become ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from boto3.exceptions import Boto3Error
from botocore import exceptions as botocore
from botocore.parsers import ResponseParserError

from longshore.errors import AwsError

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
_NO_ANSWER = (botocore.ConnectionError, botocore.HTTPClientError, botocore.IncompleteReadError)

_SIGN_IN = "Sign in to AWS again (such as: aws sso login) and repeat the command."
_WRONG_CREDENTIALS = (
    "These credentials are not valid at this endpoint: look at AWS_ACCESS_KEY_ID, AWS_PROFILE and the clock."
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
        "Give credentials: aws configure, AWS_PROFILE, or AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY.",
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
    ((botocore.SSLError,), "Set AWS_CA_BUNDLE to the certificates of your proxy, if there is one."),
    (
        _NO_ANSWER,
        "Look at the network and AWS_ENDPOINT_URL. If this is the sandbox, is it running? invoke sandbox.status",
    ),
    ((ResponseParserError,), "Something other than AWS may answer at this endpoint: a proxy, or another program."),
    (
        (botocore.ParamValidationError, botocore.UndefinedModelAttributeError),
        "This is a mistake in Longshore: please report it with this message.",
    ),
)


def call(operation: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Calls an operation of a boto3 client.

    Raises:
        AwsError: AWS refused it or did not answer; the message names service, operation and AWS's own words.
    """
    with translated(_name(operation)):
        return operation(*args, **kwargs)


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turns every error of botocore into AwsError.

    Args:
        what: what is being done, such as ``ECS UpdateService``; the message begins with it.

    Raises:
        AwsError: its code is AWS's own; empty where no answer came; botocore's class where nothing was asked.
    """
    try:
        yield
    except botocore.ClientError as error:
        raise _refused(what, error) from error
    except _FOREIGN as error:
        raise AwsError(
            f"{what}: {str(error).strip() or type(error).__name__}", _hint_by_class(error), _code(error)
        ) from error


def _refused(what: str, error: botocore.ClientError) -> AwsError:
    answer: dict[str, Any] = dict(error.response.get("Error", {}))
    code, text = str(answer.get("Code", "Unknown")), str(answer.get("Message") or "no explanation")
    if error.operation_name and error.operation_name not in what:
        what = f"{what} {error.operation_name}"
    refusal = AwsError(f"{what}: {text} ({code})", code=code)
    refusal.hint = _permission(what, text) if refusal.denied else _hint_by_code(code)
    return refusal


def _permission(what: str, text: str) -> str:
    stated = re.search(r"perform: ([\w-]+:\w+)", text)
    return f"The role lacks a permission: {stated[1] if stated else what}."


def _hint_by_code(code: str) -> str:
    return next((hint for prefixes, hint in _HINTS_BY_CODE if code.startswith(prefixes)), "")


def _hint_by_class(error: Exception) -> str:
    return next((hint for classes, hint in _HINTS_BY_CLASS if isinstance(error, classes)), "")


def _code(error: Exception) -> str:
    # A certificate that can't be trusted stays so: unlike other failures to get an answer, it is not transient.
    unanswered = isinstance(error, _NO_ANSWER) and not isinstance(error, botocore.SSLError)
    return "" if unanswered else type(error).__name__


def _name(operation: Callable[..., object]) -> str:
    meta = getattr(getattr(operation, "__self__", None), "meta", None)
    name = getattr(operation, "__name__", "")
    if meta is None or name not in meta.method_to_api_mapping:
        return "AWS"
    return f"{meta.service_model.service_id} {meta.method_to_api_mapping[name]}"
