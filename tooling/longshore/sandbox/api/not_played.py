"""Operations and regions that the sandbox does not play are refused in AWS's form.

The answers have status 400, which no client repeats; after a 500, an SDK would try for seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

from longshore.sandbox.api.credentials import Answer, Caller, error, identify
from longshore.sandbox.api.fault_injection import reply
from longshore.sandbox.serving import Application, Environ, StartResponse

NOT_PLAYED = "UnsupportedOperationException"
"""The code of AWS's error for an operation that a service does not have; several of its models name it so."""

# The services that have one endpoint for all regions, which is signed for us-east-1 (botocore's endpoints.json,
# isRegionalized), and those whose clients choose the region: S3 signs for a bucket's region, STS and SSO for
# us-east-1 by default. The last row has to be in us-east-1 for CloudFront, or exists only there.
EVERYWHERE = frozenset({
    "account", "billingconductor", "budgets", "ce", "chime", "cloudfront", "codecatalyst", "health", "iam",
    "importexport", "mturk-requester", "networkmanager", "notifications-contacts", "organizations", "route53",
    "savingsplans", "shield", "tax", "waf",
    "s3", "sso", "sts",
    "acm", "cur", "ecr-public", "pricing", "route53domains", "support", "wafv2",
})  # fmt: skip

# The paths of XML services other than S3, by the name that they sign with.
_XML = frozenset({"cloudfront", "route53"})


class Played:
    """A WSGI application around moto's, which answers in AWS's form where moto has no answer.

    Args:
        application: moto's application.
        region: the only region that it answers for; empty for all.
    """

    def __init__(self, application: Application, region: str = "") -> None:
        self._application = application
        self._region = region

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        caller = identify(environ)
        if refused := foreign_region(caller, self._region):
            return reply(start_response, refused)
        missing: list[bool] = []

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            # a path that moto lacks; S3 serves pages of its buckets
            page = dict(headers).get("Content-Type", "").startswith("text/html")
            if status.startswith("404") and page and caller.service != "s3":
                missing.append(True)
                return lambda _: None
            return start_response(status, headers, *rest)

        try:
            body = self._application(environ, start)
        except NotImplementedError:
            return reply(start_response, not_played(caller))
        except Exception as caught:
            if not _has_backend(caller):
                return reply(start_response, not_played(caller))
            logging.getLogger(__name__).exception("%s:%s failed", caller.service, caller.operation)
            return reply(start_response, _failed(caller, caught))
        if missing:
            getattr(body, "close", lambda: None)()
            return reply(start_response, not_played(caller))
        return body


def not_played(caller: Caller) -> Answer:
    """The answer to an operation that the sandbox does not play: status, content type, body."""
    message = f"The sandbox does not play {caller.service}:{caller.operation}. Call it on AWS, or leave it out here."
    return _error(caller, NOT_PLAYED, message)


def foreign_region(caller: Caller, region: str) -> Answer | None:
    """The answer to a call for a region other than the sandbox's; None if the call may pass.

    Args:
        caller: the call.
        region: the region that the sandbox plays; empty for any.
    """
    if not region or caller.region in ("", region) or caller.service in EVERYWHERE:
        return None
    message = (
        f"The sandbox plays the region {region} only, and this call of {caller.service}:{caller.operation} is for "
        f"{caller.region}. Set AWS_REGION={region}, or the region of the client, and try again."
    )
    return _error(caller, NOT_PLAYED, message)


def _failed(caller: Caller, caught: Exception) -> Answer:
    message = (
        f"The sandbox failed to answer {caller.service}:{caller.operation} ({type(caught).__name__}: {caught}): it "
        "plays only a part of this operation, or has a defect. The whole error is in its log, server.log."
    )
    return _error(caller, "InternalFailure", message)


def _error(caller: Caller, code: str, message: str) -> Answer:
    if caller.service in _XML:
        caller = Caller(caller.key, caller.service, caller.operation, "query", caller.region)
    return error(caller, 400, code, message)


def _has_backend(caller: Caller) -> bool:
    """Whether moto has the service of a call; it fails in many ways on those that it lacks."""
    from moto import backend_index  # noqa: PLC0415 - as large as moto's list of services, and rarely needed

    host = f"https://{caller.service}.{caller.region or 'us-east-1'}.amazonaws.com"
    return any(pattern.match(host) for _, pattern in backend_index.backend_url_patterns)
