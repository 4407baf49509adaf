"""Stand-ins for the clients of ECR and DynamoDB that count their calls and take 20 ms for each, as AWS would."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

CALL_SECONDS = 0.02
REPOSITORY = "storefront/app"
_DIGEST = f"sha256:{'0' * 64}"


@dataclass
class Line:
    """The way to AWS: every call goes over it, counts, and takes its time."""

    calls: int = 0

    def call(self) -> None:
        """A call and its answer."""
        self.calls += 1
        time.sleep(CALL_SECONDS)


@dataclass(frozen=True)
class EcrClient:
    """Answers as boto3's client does, for one repository with the tags v1.0.0 to v1.0.<tags - 1>.

    The tags of a page are made when it is asked for: what is measured is what the caller keeps.
    """

    line: Line
    tags: int

    def get_paginator(self, operation: str) -> EcrClient:
        """The paginator of ListImages."""
        if operation != "list_images":
            raise NotImplementedError(operation)
        return self

    def paginate(
        self,
        repositoryName: str,  # noqa: N803 - boto3's names
        filter: Mapping[str, str],  # noqa: A002
        PaginationConfig: Mapping[str, int],  # noqa: N803
    ) -> Iterator[dict[str, Any]]:
        """The pages."""
        if (repositoryName, filter) != (REPOSITORY, {"tagStatus": "TAGGED"}):
            raise NotImplementedError(repositoryName, filter)
        size = PaginationConfig["PageSize"]
        for first in range(0, self.tags, size):
            self.line.call()
            numbers = range(first, min(first + size, self.tags))
            yield {"imageIds": [{"imageDigest": _DIGEST, "imageTag": f"v1.0.{number}"} for number in numbers]}

    def batch_get_image(
        self,
        repositoryName: str,  # noqa: N803
        imageIds: list[dict[str, str]],  # noqa: N803
        acceptedMediaTypes: list[str],  # noqa: N803
    ) -> dict[str, Any]:
        """Which of the images are there."""
        if repositoryName != REPOSITORY or len(imageIds) > 100 or not acceptedMediaTypes:
            raise NotImplementedError(repositoryName, imageIds)
        self.line.call()
        there = [each for each in imageIds if self._has(each["imageTag"])]
        missing = [each for each in imageIds if each not in there]
        return {
            "images": [{"imageId": each, "imageManifest": "{}"} for each in there],
            "failures": [{"imageId": each, "failureCode": "ImageNotFound"} for each in missing],
        }

    def _has(self, tag: str) -> bool:
        return tag.startswith("v1.0.") and int(tag.removeprefix("v1.0.")) < self.tags


@dataclass(frozen=True)
class Ledger:
    """The ledger's table, which has issued every version that the registry holds."""

    line: Line
    tags: int

    def query(
        self, pk: str, prefix: str = "", *, page: int = 100, newest_first: bool = True
    ) -> Iterator[dict[str, Any]]:
        """The versions that were issued, from the newest down."""
        if (pk, prefix, newest_first) != ("version", "", True):
            raise NotImplementedError(pk, prefix)
        for newest in range(self.tags - 1, -1, -page):
            self.line.call()
            for number in range(newest, max(newest - page, -1), -1):
                yield {"version": f"v1.0.{number}", "by": "release", "user": "ann", "at": "2026-01-02T03:04:05Z"}

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        """To look needs no single item."""
        raise NotImplementedError(pk, sk)

    def put(self, pk: str, sk: str, item: Mapping[str, Any], **conditions: Any) -> bool:
        """To look writes nothing."""
        raise NotImplementedError(pk, sk, item, conditions)
