from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from longshore.aws.ecr import Ecr, Manifest
from longshore.errors import AwsError, BuildError
from longshore.images.version import next_version
from tests.fakes.clients import client, scripted

NAME = "storefront/app"
MEDIA_TYPE = "application/vnd.docker.distribution.manifest.v2+json"


def manifest(content: str = "one") -> Manifest:
    config = {"digest": f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"}
    text = json.dumps({"schemaVersion": 2, "mediaType": MEDIA_TYPE, "config": config, "layers": []})
    return Manifest(f"sha256:{hashlib.sha256(text.encode()).hexdigest()}", text, MEDIA_TYPE)


def image(manifest: Manifest) -> dict[str, Any]:
    return {
        "imageId": {"imageDigest": manifest.digest},
        "imageManifest": manifest.text,
        "imageManifestMediaType": manifest.media_type,
    }


@pytest.fixture
def registry() -> Iterator[Any]:
    """moto's ECR with one repository."""
    with mock_aws():
        ecr = client("ecr")
        ecr.create_repository(repositoryName=NAME)
        yield ecr


def test_a_repository_is_found_by_name(registry: Any) -> None:
    repository = Ecr(registry).repository(NAME)
    assert (repository.name, repository.registry_id) == (NAME, "123456789012")
    assert repository.uri == "123456789012.dkr.ecr.eu-central-1.amazonaws.com/storefront/app"
    assert repository.registry == "123456789012.dkr.ecr.eu-central-1.amazonaws.com"


def test_a_missing_repository_is_named_with_the_command_that_creates_it(registry: Any) -> None:
    with pytest.raises(AwsError, match="there is no ECR repository storefront/other") as caught:
        Ecr(registry).repository("storefront/other")
    assert caught.value.hint == "Create it with: invoke bootstrap"
    assert caught.value.code == "RepositoryNotFoundException"


def test_a_denied_read_is_not_a_missing_repository() -> None:
    ecr, script = scripted("ecr")
    script.add_client_error("describe_repositories", "AccessDeniedException", "no")
    with pytest.raises(AwsError, match="DescribeRepositories: no"):
        Ecr(ecr).repository(NAME)


def test_the_digest_of_a_missing_tag_is_none(registry: Any) -> None:
    ecr = Ecr(registry)
    ecr.put_tag(NAME, manifest(), "v1.0.0")
    assert ecr.digest(NAME, "v1.0.0") == manifest().digest
    assert ecr.digest(NAME, "v1.0.1") is None


def test_a_denied_read_is_not_a_missing_tag() -> None:
    ecr, script = scripted("ecr")
    script.add_client_error("describe_images", "AccessDeniedException", "no")
    with pytest.raises(AwsError, match="DescribeImages: no"):
        Ecr(ecr).digest(NAME, "v1.0.0")


def test_a_manifest_gets_a_second_tag(registry: Any) -> None:
    ecr = Ecr(registry)
    ecr.put_tag(NAME, manifest(), "v1.0.0")
    copy = ecr.manifest(NAME, manifest().digest)
    assert copy == manifest()
    ecr.put_tag(NAME, copy, "v1.0.1")
    assert ecr.digest(NAME, "v1.0.1") == ecr.digest(NAME, "v1.0.0")
    assert sorted(ecr.tags(NAME)) == ["v1.0.0", "v1.0.1"]


def test_a_deleted_manifest_is_none(registry: Any) -> None:
    assert Ecr(registry).manifest(NAME, manifest("deleted").digest) is None


def test_a_different_failure_is_not_a_deleted_manifest() -> None:
    ecr, script = scripted("ecr")
    failure = {"failureCode": "KmsError", "failureReason": "the key is disabled"}
    script.add_response("batch_get_image", {"images": [], "failures": [failure]})
    with pytest.raises(AwsError, match=r"the key is disabled \(KmsError\)") as caught:
        Ecr(ecr).manifest(NAME, manifest().digest)
    assert caught.value.code == "KmsError"


def test_a_converted_manifest_is_refused() -> None:
    ecr, script = scripted("ecr")
    script.add_response("batch_get_image", {"images": [image(manifest("converted"))]})
    with pytest.raises(AwsError, match=f"{manifest().digest} answered with the manifest of sha256:"):
        Ecr(ecr).manifest(NAME, manifest().digest)


def test_existing_tags_are_found_in_one_call(registry: Any) -> None:
    ecr = Ecr(registry)
    ecr.put_tag(NAME, manifest(), "v1.0.0")
    ecr.put_tag(NAME, manifest(), "v1.0.1")
    ecr.put_tag(NAME, manifest("other"), "v1.0.2")
    assert ecr.existing_tags(NAME, [f"v1.0.{number}" for number in range(100)]) == {"v1.0.0", "v1.0.1", "v1.0.2"}
    assert ecr.existing_tags(NAME, ["v2.0.0"]) == set()


def test_a_tag_whose_image_cannot_be_read_exists() -> None:
    ecr, script = scripted("ecr")
    failures = [
        {"imageId": {"imageTag": "v1.0.0"}, "failureCode": "KmsError", "failureReason": "the key is disabled"},
        {"imageId": {"imageTag": "v1.0.1"}, "failureCode": "ImageNotFound", "failureReason": "not found"},
    ]
    script.add_response("batch_get_image", {"images": [], "failures": failures})
    assert Ecr(ecr).existing_tags(NAME, ["v1.0.0", "v1.0.1"]) == {"v1.0.0"}


def _put(script: Any, tag: str, code: str) -> None:
    expected = {
        "repositoryName": NAME,
        "imageManifest": manifest().text,
        "imageManifestMediaType": MEDIA_TYPE,
        "imageTag": tag,
        "imageDigest": manifest().digest,
    }
    script.add_client_error("put_image", code, "exists", expected_params=expected)


def _described(script: Any, tag: str, digest: str) -> None:
    expected = {"repositoryName": NAME, "imageIds": [{"imageTag": tag}]}
    script.add_response("describe_images", {"imageDetails": [{"imageDigest": digest}]}, expected)


@pytest.mark.parametrize("code", ["ImageTagAlreadyExistsException", "ImageAlreadyExistsException"])
def test_a_manifest_that_already_has_the_tag_is_accepted(code: str) -> None:
    ecr, script = scripted("ecr")
    _put(script, "v1.0.0", code)
    _described(script, "v1.0.0", manifest().digest)
    Ecr(ecr).put_tag(NAME, manifest(), "v1.0.0")
    script.assert_no_pending_responses()


@pytest.mark.parametrize("code", ["ImageTagAlreadyExistsException", "ImageAlreadyExistsException"])
def test_a_tag_of_another_image_is_never_overwritten(code: str) -> None:
    ecr, script = scripted("ecr")
    _put(script, "v1.0.0", code)
    _described(script, "v1.0.0", manifest("other").digest)
    with pytest.raises(BuildError, match="a tag is never overwritten") as caught:
        Ecr(ecr).put_tag(NAME, manifest(), "v1.0.0")
    assert manifest("other").digest in caught.value.message
    assert "invoke version --reserve --recount" in caught.value.hint


def test_a_refused_tag_is_an_error() -> None:
    ecr, script = scripted("ecr")
    _put(script, "v1.0.0", "LayersNotFoundException")
    with pytest.raises(AwsError, match="LayersNotFoundException"):
        Ecr(ecr).put_tag(NAME, manifest(), "v1.0.0")


def _page(script: Any, ids: list[dict[str, str]], token: str | None = None, following: str | None = None) -> None:
    expected = {"repositoryName": NAME, "filter": {"tagStatus": "TAGGED"}, "maxResults": 1000}
    answer: dict[str, Any] = {"imageIds": ids} if ids else {}
    script.add_response(
        "list_images",
        answer | ({"nextToken": following} if following else {}),
        expected | ({"nextToken": token} if token else {}),
    )


def test_tags_of_all_pages_are_read_even_after_an_empty_page() -> None:
    ecr, script = scripted("ecr")
    digest = manifest().digest
    _page(script, [{"imageDigest": digest, "imageTag": "v1.0.0"}, {"imageDigest": digest}], following="2")
    _page(script, [], token="2", following="3")
    _page(script, [{"imageDigest": digest, "imageTag": "v1.0.10"}, {"imageTag": "latest"}], token="3")
    assert list(Ecr(ecr).tags(NAME)) == ["v1.0.0", "v1.0.10", "latest"]
    script.assert_no_pending_responses()


def test_the_next_version_ignores_repeated_tags() -> None:
    """An image with several tags, an untagged image, and a page that repeats the last entry of the page before."""
    ecr, script = scripted("ecr")
    several, other = manifest("several").digest, manifest("other").digest
    last = {"imageDigest": several, "imageTag": "v1.2.0"}
    _page(script, [{"imageDigest": other}, {"imageDigest": several, "imageTag": "v1.0.0"}, last], following="2")
    _page(script, [last, {"imageDigest": several}, {"imageDigest": other, "imageTag": "v1.1.9"}], token="2")
    assert str(next_version(Ecr(ecr).tags(NAME))) == "v1.2.1"
    script.assert_no_pending_responses()


def test_tags_are_read_one_page_at_a_time() -> None:
    ecr, script = scripted("ecr")
    _page(script, [{"imageTag": "v1.0.0"}], following="2")  # a call for the second page would be refused
    assert next(Ecr(ecr).tags(NAME)) == "v1.0.0"


def test_a_refused_page_is_an_error_and_not_the_end_of_the_list() -> None:
    ecr, script = scripted("ecr")
    _page(script, [{"imageTag": "v1.0.0"}], following="2")
    script.add_client_error("list_images", "ThrottlingException", "slow down")
    with pytest.raises(AwsError, match=r"ECR ListImages of storefront/app: slow down \(ThrottlingException\)"):
        list(Ecr(ecr).tags(NAME))


def test_a_repeated_page_token_ends_the_listing() -> None:
    ecr, script = scripted("ecr")
    _page(script, [{"imageTag": "v1.0.0"}], following="2")
    _page(script, [{"imageTag": "v1.0.0"}], token="2", following="2")
    with pytest.raises(AwsError, match="same next token"):
        list(Ecr(ecr).tags(NAME))


def test_credentials_hide_the_password() -> None:
    ecr, script = scripted("ecr")
    token = base64.b64encode(b"AWS:canary:with:colons").decode()
    data = {"authorizationToken": token, "proxyEndpoint": "https://123456789012.dkr.ecr.eu-central-1.amazonaws.com"}
    script.add_response("get_authorization_token", {"authorizationData": [data]}, {})
    credentials = Ecr(ecr).credentials()
    assert (credentials.username, credentials.endpoint) == ("AWS", data["proxyEndpoint"])
    assert credentials.password.get_secret_value() == "canary:with:colons"
    assert "canary" not in f"{credentials} {credentials!r}"
