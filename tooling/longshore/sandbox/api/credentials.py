"""The caller and the operation of a request, and AWS's responses to unknown keys."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from moto.core.request import Request as MotoRequest
from moto.core.routing import get_service_router
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from longshore.sandbox.api.signatures import Flaw, Secret, flaw_of
from longshore.sandbox.serving import Environ, body_of

Answer = tuple[int, str, bytes]

# AWS4-HMAC-SHA256 Credential=KEY/20260102/eu-central-1/ecs/aws4_request; ECDSA signatures have no region
_SCOPE = re.compile(r"(?:Credential=)?([^/,\s]+)/\d{8}/(?:([^/]+)/)?([^/]+)/aws4_request")
_CALLER = "longshore.caller"
"""Key of a request's environment: its caller."""
_INVALID = "The security token included in the request is invalid."
_MISSING = "Missing Authentication Token"
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)
_UNSUPPORTED = "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."
_FLAWS = {
    Flaw.MISMATCH: ("InvalidSignatureException", "SignatureDoesNotMatch", "SignatureDoesNotMatch", _MISMATCH),
    Flaw.EXPIRED: ("InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed", "Signature expired."),
    Flaw.TOKEN: ("UnrecognizedClientException", "InvalidClientTokenId", "InvalidToken", _INVALID),
    Flaw.UNSUPPORTED: ("IncompleteSignatureException", "IncompleteSignature", "InvalidRequest", _UNSUPPORTED),
}
"""AWS's codes for JSON, for the query protocol and for S3, and the message."""


@dataclass(frozen=True)
class Caller:
    """The caller and the operation of a request.

    Attributes:
        key: access key id; empty for an unsigned request.
        service: the service that the request is signed for.
        operation: AWS's name of the operation; method and path if it has none.
        protocol: ``json``, ``query``, ``s3`` or ``rest``.
        region: the region that the request is signed for; empty if its signature names none.
    """

    key: str
    service: str
    operation: str
    protocol: str
    region: str = ""


class AccessKeys:
    """The access keys that are accepted: the sandbox's own, and those issued by its IAM and STS.

    No operation is public: AssumeRoleWithSAML and AssumeRoleWithWebIdentity need a key, too.

    Args:
        own: the sandbox's own key.
        secret: its secret, which is also the token of the sandbox's own pages.
    """

    def __init__(self, own: str, secret: str) -> None:
        self._own = own
        self._secret = secret

    def refusal(self, caller: Caller, environ: Environ) -> Answer | None:
        """AWS's response to a request that was not signed with an accepted key; None if it was."""
        secret = Secret(self._secret) if caller.key == self._own else _issued(caller.key)
        if secret is None:
            return _unknown(caller)
        flaw = flaw_of(environ, secret)
        return _flawed(caller, flaw) if flaw else None

    def owns(self, environ: Environ) -> bool:
        """Whether a request to the sandbox's own pages comes from its owner, who can read the state file."""
        given = environ.get("HTTP_AUTHORIZATION", "")
        return compare_digest(given.encode(), f"Bearer {self._secret}".encode())


def identify(environ: Environ) -> Caller:
    """Find the caller and the operation of a request, once; its body stays readable."""
    if _CALLER not in environ:
        environ[_CALLER] = _identify(environ)
    caller: Caller = environ[_CALLER]
    return caller


def _identify(environ: Environ) -> Caller:
    header, query = environ.get("HTTP_AUTHORIZATION", ""), parse_qs(environ.get("QUERY_STRING", ""))
    scope = _SCOPE.search(header) or _SCOPE.search(query.get("X-Amz-Credential", [""])[0])
    key, service = (scope[1], scope[3].lower()) if scope else (header.removeprefix("AWS ").partition(":")[0], "s3")
    region = (scope[2] or "") if scope else ""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return Caller(key, service, target.rpartition(".")[2], "json", region)
    action = (_form(environ) | query).get("Action")
    if action:
        return Caller(key, service if scope else "sts", action[0], "query", region)
    return Caller(key, service, _rest_operation(environ, service), "s3" if service == "s3" else "rest", region)


def role_of(caller: Caller) -> str:
    """The name of the role whose temporary credentials signed a request; empty without a role."""
    session = _session(caller.key)
    return str(session.role_arn).rpartition("/")[2] if session else ""


def _flawed(caller: Caller, flaw: Flaw) -> Answer:
    json_code, query_code, s3_code, message = _FLAWS[flaw]
    if caller.protocol == "s3":
        return error(caller, 400 if flaw is Flaw.UNSUPPORTED else 403, s3_code, message)
    if caller.service == "ec2":
        return error(caller, 401, "AuthFailure", message)
    if caller.protocol == "query":
        return error(caller, 403, query_code, message)
    return error(caller, 400 if caller.protocol == "json" else 403, json_code, message)


def _unknown(caller: Caller) -> Answer:
    """AWS's response to an unknown key, or to no key: status, content type, body."""
    has_key = bool(caller.key)
    if caller.protocol == "s3":
        message = "The AWS Access Key Id you provided does not exist in our records." if has_key else "Access Denied"
        return error(caller, 403, "InvalidAccessKeyId" if has_key else "AccessDenied", message)
    if caller.service == "ec2":
        return error(caller, 401, "AuthFailure", "AWS was not able to validate the provided access credentials")
    message = _INVALID if has_key else _MISSING
    if caller.protocol == "query":
        return error(caller, 403, "InvalidClientTokenId" if has_key else "MissingAuthenticationToken", message)
    code = "UnrecognizedClientException" if has_key else "MissingAuthenticationTokenException"
    return error(caller, 400 if caller.protocol == "json" else 403, code, message)


def error(caller: Caller, status: int, code: str, message: str) -> Answer:
    """An error in the format of the caller's service: status, content type, body."""
    if caller.protocol in ("json", "rest"):
        return status, "application/x-amz-json-1.1", json.dumps({"__type": code, "message": message}).encode()
    inner = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
    if caller.protocol == "s3":
        return status, "application/xml", f"<Error>{inner}</Error>".encode()
    if caller.service == "ec2":
        return status, "text/xml", f"<Response><Errors><Error>{inner}</Error></Errors></Response>".encode()
    outer = f"<Error><Type>Sender</Type>{inner}</Error><RequestId>sandbox</RequestId>"
    return status, "text/xml", f"<ErrorResponse>{outer}</ErrorResponse>".encode()


def _issued(key: str) -> Secret | None:
    """The secret of a key that IAM or STS issued; None if they did not, or if it is inactive."""
    if session := _session(key):  # first: moto keeps temporary keys beside the others, too
        return Secret(session.secret_access_key, session.session_token)
    for account in list(iam_backends.values()):
        for iam in list(account.values()):
            if known := iam.access_keys.get(key):
                return Secret(known.secret_access_key) if known.status == "Active" else None
    return None


def _session(key: str) -> Any:
    """Moto's record of temporary credentials; None if STS did not issue this key."""
    backends = [sts for account in list(sts_backends.values()) for sts in list(account.values())]
    return next(filter(None, (sts.get_assumed_role_from_access_key(key) for sts in backends)), None)


def _form(environ: Environ) -> dict[str, list[str]]:
    if not environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        return {}
    return parse_qs(body_of(environ).decode(errors="replace"))


def _rest_operation(environ: Environ, service: str) -> str:
    try:
        operation, _ = get_service_router(service).match(MotoRequest(environ.copy()))
    except Exception:  # noqa: BLE001 - botocore has no such model or path; moto answers with its own error
        return f"{environ['REQUEST_METHOD']} {environ['PATH_INFO'][:200]}"
    return str(operation.name)
