"""Verifying the signature of a request, as AWS does: Signature Version 4, in its headers or in its URL.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import Any
from urllib.parse import parse_qs, urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from longshore.sandbox.serving import Environ, body_of

_HEADER = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=(?P<credential>[^,\s]+),\s*"
    r"SignedHeaders=(?P<headers>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_DATE = "%Y%m%dT%H%M%SZ"
_TOLERANCE = timedelta(minutes=15)
"""How far the date of a request may be from the time of its arrival (Amazon S3 API, RequestTimeTooSkewed)."""


class Flaw(enum.Enum):
    """The reason why a signature is not valid."""

    MISMATCH = enum.auto()
    EXPIRED = enum.auto()
    TOKEN = enum.auto()
    UNSUPPORTED = enum.auto()


@dataclass(frozen=True)
class Secret:
    """The secret part of credentials.

    Attributes:
        key: the secret access key.
        token: the session token; empty for credentials that do not expire.
    """

    key: str = field(repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True)
class _Signature:
    """The parts of a signature.

    Attributes:
        credential: access key, day, region and service, which signed it.
        headers: the names of the headers that it covers, in lower case.
        value: 64 hexadecimal digits.
        date: when the request was signed.
        token: the session token that was sent; empty without one.
        lasts: how long it is valid.
        in_url: whether it stands in the URL.
    """

    credential: str
    headers: list[str]
    value: str
    date: str
    token: str
    lasts: timedelta
    in_url: bool

    @property
    def service(self) -> str:
        """The service that the request is signed for."""
        return self.credential.split("/")[-2]

    @property
    def region(self) -> str:
        """The region that the request is signed for."""
        return self.credential.split("/")[-3]


class _Verifier(SigV4Auth):
    """Calculates the signature of a request over exactly the headers that its client chose."""

    def headers_to_sign(self, request: Any) -> Any:
        return request.headers

    def payload(self, request: Any) -> str:
        return str(request.context["payload"])


class _S3Verifier(_Verifier, S3SigV4Auth):
    """The same for S3, which does not normalise paths."""

    def _normalize_url_path(self, path: str) -> str:
        return path


def flaw_of(environ: Environ, secret: Secret) -> Flaw | None:
    """The flaw in the signature of a request, whose body stays readable; None if it was signed with this secret.

    The chunks of a streamed upload to S3 have further signatures, which continue this one and are not read.
    """
    signature = _signature_of(environ)
    if signature is None:
        return Flaw.UNSUPPORTED
    if not compare_digest(signature.token.encode(), secret.token.encode()):
        return Flaw.TOKEN
    if not _in_time(signature):
        return Flaw.EXPIRED
    payload = _payload(environ, signature)
    if payload is None or not compare_digest(_expected(environ, signature, secret, payload), signature.value):
        return Flaw.MISMATCH
    return None


def _signature_of(environ: Environ) -> _Signature | None:
    """The signature of a request; None without one of this version."""
    token: str = environ.get("HTTP_X_AMZ_SECURITY_TOKEN", "")
    if header := _HEADER.search(environ.get("HTTP_AUTHORIZATION", "")):
        names, date = header["headers"].split(";"), environ.get("HTTP_X_AMZ_DATE", "")
        return _Signature(header["credential"], names, header["signature"], date, token, _TOLERANCE, in_url=False)
    query = {name: values[0] for name, values in parse_qs(environ.get("QUERY_STRING", "")).items()}
    if query.get("X-Amz-Algorithm") != "AWS4-HMAC-SHA256":
        return None
    seconds = query.get("X-Amz-Expires", "")
    return _Signature(
        credential=query.get("X-Amz-Credential", ""),
        headers=query.get("X-Amz-SignedHeaders", "").split(";"),
        value=query.get("X-Amz-Signature", ""),
        date=query.get("X-Amz-Date", ""),
        token=query.get("X-Amz-Security-Token", token),
        lasts=timedelta(seconds=int(seconds) if seconds.isdigit() and len(seconds) < 8 else 0),
        in_url=True,
    )


def _in_time(signature: _Signature) -> bool:
    try:
        signed_at = datetime.strptime(signature.date, _DATE).replace(tzinfo=UTC)
    except ValueError:
        return False
    return signed_at - _TOLERANCE <= datetime.now(UTC) <= signed_at + signature.lasts


def _payload(environ: Environ, signature: _Signature) -> str | None:
    """The hash that stands for the body in the signed text; None if the client's hash is not the body's."""
    given = environ.get("HTTP_X_AMZ_CONTENT_SHA256", "")
    if signature.in_url and signature.service == "s3":
        return "UNSIGNED-PAYLOAD"
    if given and not re.fullmatch(r"[0-9a-f]{64}", given):
        return str(given)  # the body is not signed, or chunk by chunk
    computed = sha256(body_of(environ)).hexdigest()
    return computed if given in ("", computed) else None


def _expected(environ: Environ, signature: _Signature, secret: Secret, payload: str) -> str:
    verifier = (_S3Verifier if signature.service == "s3" else _Verifier)(
        Credentials(signature.credential.partition("/")[0], secret.key), signature.service, signature.region
    )
    request = AWSRequest(environ["REQUEST_METHOD"], _url(environ, signature))
    request.headers = _headers(environ, signature)
    request.context |= {"timestamp": signature.date, "payload": payload}
    text = verifier.string_to_sign(request, verifier.canonical_request(request))
    return str(verifier.signature(text, request))


def _url(environ: Environ, signature: _Signature) -> str:
    """The URL as it was sent, without the signature itself."""
    parts = urlsplit(environ["REQUEST_URI"])
    pairs = parts.query.split("&") if parts.query else []
    query = "&".join(pair for pair in pairs if not (signature.in_url and pair.startswith("X-Amz-Signature=")))
    return f"http://{environ.get('HTTP_HOST', '')}{parts.path}?{query}"


def _headers(environ: Environ, signature: _Signature) -> HTTPHeaders:
    headers = HTTPHeaders()
    for name in signature.headers:
        key = name.upper().replace("-", "_")
        value = environ.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}", "")
        headers[name] = value.encode("latin-1").decode(errors="replace")
    return headers
