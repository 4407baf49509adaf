"""The registry's pages, and its deletions by a hundred, as `invoke prune` uses them."""

from __future__ import annotations

import json

import pytest

from longshore.aws.ecr import Ecr, Tagged
from tests.sandbox.moto_api import MANIFEST_TYPE, Api, Repo


def put(repo: Repo, content: str, tag: str) -> str:
    manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": {"digest": content}})
    answer = repo.client.put_image(repositoryName=repo.name, imageManifest=manifest, imageTag=tag)
    return str(answer["image"]["imageId"]["imageDigest"])


def calls_since(api: Api, operation: str, since: int) -> int:
    return len([call for call in api.log.since(since)["requests"] if call["operation"] == operation])


@pytest.mark.scenario
def test_1050_images_are_read_in_two_pages_and_removed_in_eleven_calls(api: Api, immutable: Repo) -> None:
    ecr = Ecr(immutable.client)
    wanted = {Tagged(put(immutable, str(number), f"v1.0.{number}"), f"v1.0.{number}") for number in range(1050)}
    start = api.log.since(0)["next"]
    assert set(ecr.images(immutable.name)) == wanted
    assert calls_since(api, "ListImages", start) == 2
    removed = [f"v1.0.{number}" for number in range(1049)]
    assert ecr.remove_tags(immutable.name, [*removed, "v9.9.9"]) == {}, "a missing tag counts as removed"
    assert calls_since(api, "BatchDeleteImage", start) == 11
    assert list(ecr.tags(immutable.name)) == ["v1.0.1049"]


def test_an_image_is_removed_with_its_last_tag(immutable: Repo) -> None:
    ecr = Ecr(immutable.client)
    digest = put(immutable, "one", "v1.0.0")
    assert put(immutable, "one", "v1.0.1") == digest
    ecr.remove_tags(immutable.name, ["v1.0.0"])
    assert list(ecr.images(immutable.name)) == [Tagged(digest, "v1.0.1")]
    assert ecr.manifest(immutable.name, digest) is not None
    ecr.remove_tags(immutable.name, ["v1.0.1"])
    assert ecr.manifest(immutable.name, digest) is None
