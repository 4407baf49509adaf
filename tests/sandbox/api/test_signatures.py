"""The API accepts only requests that were signed with an accepted secret, recently."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.sandbox.moto_api import KEY, REGION, SECRET, Api

QUERY = b"Action=GetCallerIdentity&Version=2011-06-15"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def signed(api: Api, body: bytes = QUERY, at: datetime | None = None, secret: str = SECRET) -> dict[str, str]:
    """The headers of a signed request to STS."""
    request = AWSRequest("POST", f"{api.endpoint}/", headers=dict(FORM), data=body)
    signer = SigV4Auth(Credentials(KEY, secret), "sts", REGION)
    request.context["timestamp"] = (at or datetime.now(UTC)).strftime(SIGV4_TIMESTAMP)
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    text = signer.string_to_sign(request, signer.canonical_request(request))
    names = signer.signed_headers(signer.headers_to_sign(request))
    signature = f"SignedHeaders={names}, Signature={signer.signature(text, request)}"
    headers = dict(request.headers.items())
    return headers | {"Authorization": f"AWS4-HMAC-SHA256 Credential={signer.scope(request)}, {signature}"}


def send(api: Api, headers: dict[str, str], path: str = "/", body: bytes = QUERY) -> tuple[int, str]:
    connection = HTTPConnection(api.endpoint.removeprefix("http://"), timeout=10)
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_a_signed_request_is_accepted(api: Api) -> None:
    assert send(api, signed(api))[0] == 200


@pytest.mark.parametrize(
    ("service", "call", "code", "status"),
    [
        ("ecs", lambda client: client.list_clusters(), "InvalidSignatureException", 400),
        ("sts", lambda client: client.get_caller_identity(), "SignatureDoesNotMatch", 403),
        ("s3", lambda client: client.list_buckets(), "SignatureDoesNotMatch", 403),
        ("ec2", lambda client: client.describe_vpcs(), "AuthFailure", 401),
    ],
)
def test_a_wrong_secret_is_refused_in_the_words_of_the_service(
    api: Api, service: str, call: Callable[[Any], Any], code: str, status: int
) -> None:
    with pytest.raises(ClientError) as error:
        call(api.client(service, KEY, "another"))
    answer = error.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)


@pytest.mark.parametrize(
    "change",
    [
        lambda headers: {**headers, "Authorization": headers["Authorization"][:-1] + "0"},
        lambda headers: {**headers, "X-Amz-Date": "20260102T000000Z"},
        lambda headers: {**headers, "X-Amz-Security-Token": "another"},
        lambda headers: {**headers, "Content-Type": "application/x-www-form-urlencoded; charset=utf-8"},
        lambda headers: {**headers, "Authorization": headers["Authorization"].replace("/sts/", "/iam/")},
        lambda headers: {**headers, "Authorization": headers["Authorization"].replace(KEY, "AKIAOTHEROTHEROTHERO")},
        lambda headers: {**headers, "Authorization": f"AWS {KEY}:c2lnbmF0dXJl"},
        lambda headers: {**headers, "Authorization": f"AWS4-HMAC-SHA256 Credential={KEY}/x/y/z/aws4_request"},
        lambda headers: {name: value for name, value in headers.items() if name != "Authorization"},
    ],
)
def test_a_changed_request_is_refused(api: Api, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    headers = signed(api)
    if headers["Authorization"].endswith("0"):
        headers = signed(api, at=datetime.now(UTC) - timedelta(seconds=1))
    assert send(api, change(headers))[0] in (400, 401, 403)


def test_another_body_or_path_than_the_signed_one_is_refused(api: Api) -> None:
    other = b"Action=GetSessionToken&Version=2011-06-15"
    assert send(api, signed(api), body=other)[0] == 403
    assert send(api, signed(api), "/?Action=GetSessionToken")[0] == 403


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_request_is_valid_for_a_quarter_of_an_hour(api: Api, minutes: int) -> None:
    assert send(api, signed(api, at=datetime.now(UTC) + timedelta(minutes=minutes)))[0] == 403


@pytest.mark.parametrize("operation", ["AssumeRoleWithWebIdentity", "AssumeRoleWithSAML", "GetCallerIdentity"])
@pytest.mark.parametrize("in_url", [True, False])
def test_no_operation_is_public(api: Api, operation: str, *, in_url: bool) -> None:
    role = "arn:aws:iam::123456789012:role/x"
    parameters = {"Action": operation, "RoleArn": role, "RoleSessionName": "x", "WebIdentityToken": "x"}
    query = urlencode({**parameters, "Version": "2011-06-15"})
    path, body = (f"/?{query}", b"") if in_url else ("/", query.encode())
    status, text = send(api, FORM, path, body)
    assert (status, "AccessKeyId" in text) == (403, False)


def test_a_key_in_the_url_needs_its_signature(api: Api) -> None:
    """A web page could name a key there, so that the preflight of its request passed."""
    scope = f"{KEY}/20260102/{REGION}/sts/aws4_request"
    path = "/?" + urlencode({"X-Amz-Credential": scope, "Action": "GetCallerIdentity"})
    assert send(api, {}, path, b"")[0] == 403


@pytest.mark.parametrize("key", ["plain", "with space", "ä+b=c&d", "a//b", "%41"])
def test_s3_accepts_any_key_in_headers_and_in_urls(api: Api, key: str) -> None:
    client = api.client("s3", config=Config(signature_version="s3v4"))
    client.create_bucket(Bucket="signed", CreateBucketConfiguration={"LocationConstraint": REGION})
    client.put_object(Bucket="signed", Key=key, Body=b"text", Metadata={"of": "a test"})
    assert client.get_object(Bucket="signed", Key=key)["Body"].read() == b"text"
    where = {"Bucket": "signed", "Key": key}
    with urlopen(client.generate_presigned_url("get_object", where)) as answer:
        assert answer.read() == b"text"
    url, kind = client.generate_presigned_url("put_object", where), {"Content-Type": "text/plain"}
    with urlopen(Request(url, b"new", kind, method="PUT")) as answer:
        assert answer.status == 200
    assert client.get_object(**where)["Body"].read() == b"new"
    client.delete_object(**where)
    client.delete_bucket(Bucket="signed")


def test_the_pages_of_the_sandbox_need_its_token(api: Api) -> None:
    for page in ("status", "requests", "faults", "settings"):
        connection = HTTPConnection(api.endpoint.removeprefix("http://"), timeout=10)
        for token in ("", "Bearer", "Bearer another", f"Basic {SECRET}"):
            connection.request("GET", f"/_sandbox/{page}", headers={"Authorization": token} if token else {})
            answer = connection.getresponse()
            assert (answer.status, SECRET in answer.read().decode()) == (401, False)
        connection.close()
