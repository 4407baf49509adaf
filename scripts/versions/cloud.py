"""Stand-ins for the clients of ECR and DynamoDB that count their calls and take 20 ms for each, as AWS would."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

CALL_SECONDS = 0.02
REPOSITORY = "storefront/app"
_DIGEST = f"sha256:{'0' * 64}"


@dataclass
class Connection:
    """A connection to AWS that counts calls; each one takes CALL_SECONDS."""

    calls: int = 0

    def call(self) -> None:
        """A call and its response."""
        self.calls += 1
        time.sleep(CALL_SECONDS)


@dataclass(frozen=True)
class EcrClient:
    """Answers as boto3's client does, for one repository with the tags v1.0.0 to v1.0.<tags - 1>.

    The tags of a page are created when the page is read, so that only the caller's memory is measured.
    """

    connection: Connection
    tags: int

    def list_images(self) -> None:
        """Read page by page only: see `paginate`."""
        raise NotImplementedError

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
        """The pages of ListImages."""
        if (repositoryName, filter) != (REPOSITORY, {"tagStatus": "TAGGED"}):
            raise NotImplementedError(repositoryName, filter)
        size = PaginationConfig["PageSize"]
        for first in range(0, self.tags, size):
            self.connection.call()
            numbers = range(first, min(first + size, self.tags))
            yield {"imageIds": [{"imageDigest": _DIGEST, "imageTag": f"v1.0.{number}"} for number in numbers]}

    def batch_get_image(
        self,
        repositoryName: str,  # noqa: N803
        imageIds: list[dict[str, str]],  # noqa: N803
        acceptedMediaTypes: list[str],  # noqa: N803
    ) -> dict[str, Any]:
        """The images that exist, and a failure for each of the others."""
        if repositoryName != REPOSITORY or len(imageIds) > 100 or not acceptedMediaTypes:
            raise NotImplementedError(repositoryName, imageIds)
        self.connection.call()
        existing = [each for each in imageIds if self._has(each["imageTag"])]
        missing = [each for each in imageIds if each not in existing]
        return {
            "images": [{"imageId": each, "imageManifest": "{}"} for each in existing],
            "failures": [{"imageId": each, "failureCode": "ImageNotFound"} for each in missing],
        }

    def _has(self, tag: str) -> bool:
        return tag.startswith("v1.0.") and int(tag.removeprefix("v1.0.")) < self.tags


@dataclass(frozen=True)
class Ledger:
    """The ledger's table, in which every version of the registry is issued."""

    connection: Connection
    tags: int

    def query(
        self, pk: str, prefix: str = "", *, page: int = 100, newest_first: bool = True, only: Collection[str] = ()
    ) -> Iterator[dict[str, Any]]:
        """The issued versions, newest first."""
        if (pk, prefix, newest_first, *only) != ("version", "", True):
            raise NotImplementedError(pk, prefix)
        for newest in range(self.tags - 1, -1, -page):
            self.connection.call()
            for number in range(newest, max(newest - page, -1), -1):
                yield {"version": f"v1.0.{number}", "by": "release", "user": "ann", "at": "2026-01-02T03:04:05Z"}

    def get(self, pk: str, sk: str) -> dict[str, Any] | None:
        """Refused: a lookup reads no single item."""
        raise NotImplementedError(pk, sk)

    def put(self, pk: str, sk: str, item: Mapping[str, Any], **conditions: Any) -> bool:
        """Refused: a lookup writes nothing."""
        raise NotImplementedError(pk, sk, item, conditions)
