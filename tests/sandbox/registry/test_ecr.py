from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from botocore.model import ListShape, Shape, StructureShape
from moto.core.responses import ActionResult
from moto.ecr.models import ecr_backends

from longshore.sandbox.registry import ecr
from longshore.sandbox.registry.catalogue import Repository
from longshore.sandbox.registry.images import Images
from tests.sandbox.moto_api import MANIFEST_TYPE, REGION, Api, Repo, repository

CROWD = [f"v{number // 100}.{number // 10 % 10}.{number % 10}" for number in range(2_400)]
CROWD += [f"junk-{number}" for number in range(98)] + ["latest", "v1.0"]


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def entries(repo: Repo, operation: str, key: str, size: int, **rest: Any) -> list[Any]:
    """All lines of a paged operation, read page by page; every page but the last is full."""
    lines: list[Any] = []
    token: dict[str, str] = {}
    while True:
        answer = getattr(repo.client, operation)(repositoryName=repo.name, maxResults=size, **token, **rest)
        lines += answer[key]
        if "nextToken" not in answer:
            return lines
        assert len(answer[key]) == size
        token = {"nextToken": answer["nextToken"]}


def tags(repo: Repo) -> set[str]:
    return {each["imageTag"] for each in entries(repo, "list_images", "imageIds", 100) if "imageTag" in each}


def test_the_repository_uri_is_in_the_sandboxs_registry(immutable: Repo) -> None:
    (found,) = immutable.client.describe_repositories(repositoryNames=[immutable.name])["repositories"]
    assert found["repositoryUri"] == f"127.0.0.1:5999/{immutable.name}"


@pytest.mark.scenario  # takes longer than the fast tests may
@pytest.mark.parametrize("size", [1, 7, 40, 1000])
def test_images_come_in_pages_each_once(immutable: Repo, size: int) -> None:
    wanted = {f"v1.0.{number}" for number in random.sample(range(40), 40)}
    for tag in wanted:
        immutable.put(tag, tag)
    listed = [each["imageTag"] for each in entries(immutable, "list_images", "imageIds", size)]
    described = [
        tag for each in entries(immutable, "describe_images", "imageDetails", size) for tag in each["imageTags"]
    ]
    assert sorted(listed) == sorted(described) == sorted(wanted)


def test_a_page_has_100_entries_by_default(mutable: Repo) -> None:
    manifest = mutable.manifest("one")
    for number in range(101):
        mutable.client.put_image(repositoryName=mutable.name, imageManifest=manifest, imageTag=f"t{number}")
    answer = mutable.client.list_images(repositoryName=mutable.name)
    assert len(answer["imageIds"]) == 100
    assert len(mutable.client.list_images(repositoryName=mutable.name, nextToken=answer["nextToken"])["imageIds"]) == 1
    assert "nextToken" not in mutable.client.describe_images(repositoryName=mutable.name)


def test_deleting_images_between_pages_skips_none(mutable: Repo) -> None:
    for number in range(6):
        mutable.put(f"{number}", f"t{number}")
    first = mutable.client.list_images(repositoryName=mutable.name, maxResults=3)
    removed = [{"imageTag": "t0"}, {"imageTag": "t2"}, {"imageTag": "t4"}]
    mutable.client.batch_delete_image(repositoryName=mutable.name, imageIds=removed)
    rest = mutable.client.list_images(repositoryName=mutable.name, nextToken=first["nextToken"])
    assert [each["imageTag"] for each in rest["imageIds"]] == ["t3", "t5"]


def test_images_are_filtered_by_tag_status(mutable: Repo) -> None:
    tagged, untagged = mutable.put("a", "v1"), mutable.put("b")
    for status, wanted in (("TAGGED", [tagged]), ("UNTAGGED", [untagged]), ("ANY", [tagged, untagged])):
        chosen = {"filter": {"tagStatus": status}}
        listed = entries(mutable, "list_images", "imageIds", 1, **chosen)
        described = entries(mutable, "describe_images", "imageDetails", 1, **chosen)
        assert [each["imageDigest"] for each in listed] == wanted
        assert [each["imageDigest"] for each in described] == wanted
    assert "imageTags" not in described[1]


@pytest.mark.parametrize("wrong", [{"maxResults": 1001}, {"nextToken": "what"}])
def test_an_invalid_page_token_is_refused(immutable: Repo, wrong: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as error:
        immutable.client.list_images(repositoryName=immutable.name, **wrong)
    assert code(error) == "InvalidParameterException"


@pytest.mark.parametrize("operation", ["list_images", "describe_images"])
def test_an_unknown_repository_is_refused(api: Api, operation: str) -> None:
    with pytest.raises(ClientError) as error:
        getattr(api.client("ecr"), operation)(repositoryName="no/such")
    assert code(error) == "RepositoryNotFoundException"


def test_the_digest_is_the_manifests_and_the_size_the_sum_of_its_parts(mutable: Repo) -> None:
    manifest = mutable.manifest("abc", layers=3)
    before = datetime.now(UTC)
    mutable.client.put_image(repositoryName=mutable.name, imageManifest=manifest, imageTag="v1")
    (detail,) = mutable.client.describe_images(repositoryName=mutable.name)["imageDetails"]
    assert abs((detail.pop("imagePushedAt") - before).total_seconds()) < 5
    assert detail == {
        "registryId": "123456789012",
        "repositoryName": mutable.name,
        "imageDigest": f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}",
        "imageTags": ["v1"],
        "imageSizeInBytes": 4 * len(b"abc0"),
        "imageManifestMediaType": MANIFEST_TYPE,
    }


def test_the_size_of_an_index_is_that_of_its_largest_image(mutable: Repo) -> None:
    small, large = mutable.manifest("s"), mutable.manifest("l" * 90, layers=2)
    children = []
    for manifest in (small, large):
        answer = mutable.client.put_image(repositoryName=mutable.name, imageManifest=manifest)
        children.append({"digest": answer["image"]["imageId"]["imageDigest"], "size": len(manifest)})
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": children}
    mutable.client.put_image(repositoryName=mutable.name, imageManifest=json.dumps(index), imageTag="v1")
    (detail,) = mutable.client.describe_images(repositoryName=mutable.name, imageIds=[{"imageTag": "v1"}])[
        "imageDetails"
    ]
    assert detail["imageSizeInBytes"] == 3 * 91


def test_a_manifest_with_missing_layers_is_refused(mutable: Repo) -> None:
    other = Repo("elsewhere", mutable.client, mutable.registry)
    with pytest.raises(ClientError) as error:
        mutable.client.put_image(repositoryName=mutable.name, imageManifest=other.manifest("x"), imageTag="v1")
    assert code(error) == "LayersNotFoundException"
    assert tags(mutable) == set()


def test_a_digest_that_does_not_match_is_refused(mutable: Repo) -> None:
    with pytest.raises(ClientError) as error:
        mutable.client.put_image(
            repositoryName=mutable.name, imageManifest=mutable.manifest("x"), imageDigest=f"sha256:{'0' * 64}"
        )
    assert code(error) == "ImageDigestDoesNotMatchException"


def test_an_existing_image_gets_another_tag(immutable: Repo) -> None:
    digest = immutable.put("a", "v1")
    assert immutable.put("a", "v2") == digest
    assert entries(immutable, "list_images", "imageIds", 1) == [
        {"imageDigest": digest, "imageTag": "v1"},
        {"imageDigest": digest, "imageTag": "v2"},
    ]


def test_an_immutable_tag_does_not_move(immutable: Repo) -> None:
    digest = immutable.put("a", "v1")
    with pytest.raises(ClientError) as error:
        immutable.put("b", "v1")
    assert code(error) == "ImageTagAlreadyExistsException"
    assert error.value.response["Error"]["Message"] == (
        f"The image tag 'v1' already exists in the '{immutable.name}' repository "
        "and cannot be overwritten because the repository is immutable."
    )
    assert entries(immutable, "list_images", "imageIds", 1) == [{"imageDigest": digest, "imageTag": "v1"}]


@pytest.mark.parametrize("tag", ["v1", None])
@pytest.mark.parametrize("mutability", ["MUTABLE", "IMMUTABLE"])
def test_putting_the_same_image_again_fails_as_existing(api: Api, mutability: str, tag: str | None) -> None:
    repo = repository(api, mutability)
    repo.put("a", tag)
    with pytest.raises(ClientError) as error:
        repo.put("a", tag)
    assert code(error) == "ImageAlreadyExistsException"


def test_a_mutable_tag_moves_and_its_former_image_stays_untagged(mutable: Repo) -> None:
    old, new = mutable.put("a", "latest"), mutable.put("b", "latest")
    assert entries(mutable, "list_images", "imageIds", 10) == [
        {"imageDigest": old},
        {"imageDigest": new, "imageTag": "latest"},
    ]


def test_exclusion_filters_invert_the_mutability_of_a_tag(api: Api) -> None:
    rules = [{"filterType": "WILDCARD", "filter": "dev-*"}]
    repo = repository(api, "IMMUTABLE_WITH_EXCLUSION", imageTagMutabilityExclusionFilters=rules)
    for content in ("a", "b"):
        repo.put(content, "dev-1")
    repo.put("a", "v1")
    with pytest.raises(ClientError) as error:
        repo.put("b", "v1")
    assert code(error) == "ImageTagAlreadyExistsException"


def test_a_change_of_mutability_takes_effect_at_once(mutable: Repo) -> None:
    mutable.put("a", "v1")
    mutable.client.put_image_tag_mutability(repositoryName=mutable.name, imageTagMutability="IMMUTABLE")
    with pytest.raises(ClientError) as error:
        mutable.put("b", "v1")
    assert code(error) == "ImageTagAlreadyExistsException"


def test_describing_a_missing_image_fails(immutable: Repo) -> None:
    digest = immutable.put("a", "v1")
    described = immutable.client.describe_images(
        repositoryName=immutable.name, imageIds=[{"imageTag": "v1"}, {"imageDigest": digest}]
    )
    assert [each["imageDigest"] for each in described["imageDetails"]] == [digest]
    with pytest.raises(ClientError) as error:
        immutable.client.describe_images(repositoryName=immutable.name, imageIds=[{"imageTag": "v2"}])
    assert code(error) == "ImageNotFoundException"
    assert "{imageDigest:'null', imageTag:'v2'}" in str(error.value)


def test_batch_get_image_returns_manifests_and_failures(immutable: Repo) -> None:
    digest, other = immutable.put("a", "v1"), f"sha256:{'0' * 64}"
    asked = [{"imageTag": "v1"}, {"imageTag": "v9"}, {"imageDigest": other}, {"imageDigest": digest, "imageTag": "v9"}]
    answer = immutable.client.batch_get_image(repositoryName=immutable.name, imageIds=asked)
    (image,) = answer["images"]
    assert image == {
        "registryId": "123456789012",
        "repositoryName": immutable.name,
        "imageId": {"imageDigest": digest, "imageTag": "v1"},
        "imageManifest": immutable.manifest("a"),
        "imageManifestMediaType": MANIFEST_TYPE,
    }
    assert [(each["imageId"], each["failureCode"]) for each in answer["failures"]] == [
        ({"imageTag": "v9"}, "ImageNotFound"),
        ({"imageDigest": other}, "ImageNotFound"),
        ({"imageDigest": digest, "imageTag": "v9"}, "ImageTagDoesNotMatchDigest"),
    ]


def test_deleting_a_tag_deletes_the_image_with_the_last_one(immutable: Repo) -> None:
    digest = immutable.put("a", "v1")
    immutable.put("a", "v2")
    for tag in ("v1", "v2"):
        assert (immutable.name, digest) in immutable.registry.manifests
        answer = immutable.client.batch_delete_image(repositoryName=immutable.name, imageIds=[{"imageTag": tag}])
        assert answer["imageIds"] == [{"imageDigest": digest, "imageTag": tag}]
    assert entries(immutable, "list_images", "imageIds", 1) == []
    assert (immutable.name, digest) not in immutable.registry.manifests
    assert immutable.put("b", "v1") != digest


def test_deleting_by_digest_removes_all_tags(immutable: Repo) -> None:
    digest = immutable.put("a", "v1")
    immutable.put("a", "v2")
    answer = immutable.client.batch_delete_image(
        repositoryName=immutable.name, imageIds=[{"imageDigest": digest}, {"imageTag": "v9"}, {}]
    )
    assert answer["imageIds"] == [{"imageDigest": digest, "imageTag": tag} for tag in ("v1", "v2")]
    assert [each["failureCode"] for each in answer["failures"]] == ["ImageNotFound", "MissingDigestAndTag"]
    assert tags(immutable) == set()


def test_a_repository_with_images_is_deleted_only_by_force(immutable: Repo) -> None:
    immutable.put("a", "v1")
    with pytest.raises(ClientError) as error:
        immutable.client.delete_repository(repositoryName=immutable.name)
    assert code(error) == "RepositoryNotEmptyException"
    immutable.client.delete_repository(repositoryName=immutable.name, force=True)
    immutable.client.create_repository(repositoryName=immutable.name)
    assert tags(immutable) == set()


def test_layers_uploaded_through_the_api_are_in_the_registry(immutable: Repo) -> None:
    client, name = immutable.client, immutable.name
    upload = client.initiate_layer_upload(repositoryName=name)["uploadId"]
    client.upload_layer_part(
        repositoryName=name, uploadId=upload, partFirstByte=0, partLastByte=4, layerPartBlob=b"layer"
    )
    digest = f"sha256:{hashlib.sha256(b'layer').hexdigest()}"
    client.complete_layer_upload(repositoryName=name, uploadId=upload, layerDigests=[digest])
    missing = f"sha256:{'0' * 64}"
    layers = client.batch_check_layer_availability(repositoryName=name, layerDigests=[digest, missing])["layers"]
    assert layers == [
        {"layerDigest": digest, "layerAvailability": "AVAILABLE", "layerSize": 5},
        {"layerDigest": missing, "layerAvailability": "UNAVAILABLE"},
    ]
    url = client.get_download_url_for_layer(repositoryName=name, layerDigest=digest)["downloadUrl"]
    assert url == f"http://127.0.0.1:1/v2/{name}/blobs/{digest}"


def test_the_token_is_for_the_sandboxs_registry_and_expires_later(api: Api) -> None:
    (data,) = api.client("ecr").get_authorization_token()["authorizationData"]
    assert data["proxyEndpoint"] == "http://127.0.0.1:5999"
    assert base64.b64decode(data["authorizationToken"]).startswith(b"AWS:")
    assert (data["expiresAt"] - datetime.now(UTC)).total_seconds() > 3600


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The responses of operations, before moto drops unknown fields."""
    answers: list[object] = []

    def record(result: object) -> ActionResult:
        answers.append(result)
        return ActionResult(result)

    monkeypatch.setattr(ecr, "ActionResult", record)
    return answers


def test_every_field_of_a_response_is_in_awss_model(mutable: Repo, recorded: list[Any]) -> None:
    model = botocore.session.get_session().get_service_model("ecr")
    digest = mutable.put("a", "v1")
    mutable.put("b")
    name, ids = {"repositoryName": mutable.name}, {"imageIds": [{"imageTag": "v1"}, {"imageTag": "v9"}]}
    layers = [json.loads(mutable.manifest("a"))["config"]["digest"], digest]
    calls: dict[str, dict[str, Any]] = {
        "PutImage": {**name, "imageManifest": mutable.manifest("c"), "imageTag": "v2"},
        "ListImages": {**name, "maxResults": 1},
        "DescribeImages": {**name, "maxResults": 1},
        "BatchGetImage": {**name, **ids},
        "BatchCheckLayerAvailability": {**name, "layerDigests": layers},
        "GetDownloadUrlForLayer": {**name, "layerDigest": layers[0]},
        "GetAuthorizationToken": {},
        "BatchDeleteImage": {**name, **ids},
    }
    for operation, arguments in calls.items():
        recorded.clear()
        mutable.client._make_api_call(operation, arguments)
        assert list(unknown(recorded[0], model.operation_model(operation).output_shape)) == []
    assert list(
        unknown({"imageIdz": [], "imageIds": [{"tag": "v1"}]}, model.operation_model("ListImages").output_shape)
    )


def unknown(value: Any, shape: Shape | None, path: str = "") -> Iterator[str]:
    """The paths of fields that the model lacks."""
    if isinstance(shape, StructureShape):
        for name, inner in value.items():
            if name in shape.members:
                yield from unknown(inner, shape.members[name], f"{path}.{name}")
            else:
                yield f"{path}.{name}"
    elif isinstance(shape, ListShape):
        for inner in value:
            yield from unknown(inner, shape.member, f"{path}[]")


@pytest.mark.scenario  # takes longer than the fast tests may
def test_30_000_images_are_listed_in_order_with_any_page_size() -> None:
    images = Images()
    numbers = random.sample(range(30_000), 30_000)
    for number in numbers:
        images.put(f'{{"n": {number}}}', MANIFEST_TYPE, f"v1.0.{number}", immutable=True)
    after: int | None = 0
    versions = []
    while after is not None:
        page, after = images.list_entries(after, 100, "TAGGED")
        versions += [tag for _, tag in page]
    assert versions == [f"v1.0.{number}" for number in numbers]


@pytest.fixture(scope="module")
def crowded(api: Api) -> Repo:
    """A repository with 2,500 tags, pushed in random order, and tags that are not versions."""
    repo = repository(api, "IMMUTABLE")
    images = Repository(ecr_backends["123456789012"][REGION].repositories[repo.name]).images
    for tag in random.sample(CROWD, len(CROWD)):
        images.put(json.dumps({"tag": tag}), MANIFEST_TYPE, tag, immutable=True)
    return repo


@pytest.mark.parametrize("size", [pytest.param(1, marks=pytest.mark.long), 100, 1000])
def test_2_500_tags_are_listed_completely_with_any_page_size(crowded: Repo, size: int) -> None:
    pages = crowded.client.get_paginator("list_images").paginate(
        repositoryName=crowded.name, PaginationConfig={"PageSize": size}
    )
    tags = [[each["imageTag"] for each in page["imageIds"]] for page in pages]
    assert sorted(tag for page in tags for tag in page) == sorted(CROWD)
    assert [len(page) for page in tags] == [size] * (2_500 // size) + ([500] if size == 1000 else [])


def test_a_scan_invents_no_finding(mutable: Repo) -> None:
    digest = mutable.put("one", "v1")
    mutable.put("one", "v2")
    named = {"repositoryName": mutable.name, "imageId": {"imageTag": "v1"}}
    with pytest.raises(ClientError) as error:
        mutable.client.describe_image_scan_findings(**named)
    assert code(error) == "ScanNotFoundException"
    mutable.client.start_image_scan(**named)
    answer = mutable.client.describe_image_scan_findings(**named)
    assert answer["imageId"] == {"imageDigest": digest, "imageTag": "v1"}
    assert answer["imageScanStatus"]["status"] == "COMPLETE"
    assert (answer["imageScanFindings"]["findings"], answer["imageScanFindings"]["findingSeverityCounts"]) == ([], {})


def test_an_image_of_an_index_is_not_deleted_before_the_index(mutable: Repo) -> None:
    child = mutable.put("one")
    index_type = "application/vnd.oci.image.index.v1+json"
    parts = [{"mediaType": MANIFEST_TYPE, "digest": child, "size": 1}]
    manifest = json.dumps({"schemaVersion": 2, "mediaType": index_type, "manifests": parts})
    put = mutable.client.put_image(repositoryName=mutable.name, imageManifest=manifest, imageTag="v1")
    index = put["image"]["imageId"]["imageDigest"]
    named = {"repositoryName": mutable.name}
    answer = mutable.client.batch_delete_image(**named, imageIds=[{"imageDigest": child}])
    assert answer["imageIds"] == []
    assert answer["failures"] == [
        {
            "imageId": {"imageDigest": child},
            "failureCode": "ImageReferencedByManifestList",
            "failureReason": f"Requested image referenced by manifest list: [{index}]",
        }
    ]
    both = [{"imageDigest": index}, {"imageDigest": child}]
    assert mutable.client.batch_delete_image(**named, imageIds=both)["failures"] == []
