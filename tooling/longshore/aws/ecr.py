"""ECR: repositories, tags and manifests."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import SecretStr

from longshore.aws.translate import call, translated
from longshore.errors import AwsError, BuildError

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecr.type_defs import ImageIdentifierTypeDef

_LARGEST_PAGE = 1000
_IDS_A_CALL = 100
"""BatchGetImage and BatchDeleteImage take no more (ECR's API reference)."""
_MEDIA_TYPES = [
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
]
_EXISTS = {"ImageTagAlreadyExistsException", "ImageAlreadyExistsException"}
_GONE = "ImageNotFound"
_NO_SUCH_TAG = {_GONE, "InvalidImageTag"}


@dataclass(frozen=True)
class Repository:
    """A repository; ``uri`` is what Docker pushes to, such as ``HOST/storefront/app``."""

    name: str
    uri: str
    registry_id: str

    @property
    def registry(self) -> str:
        """Host, and port if there is one, of the registry."""
        return self.uri.split("/", 1)[0]


@dataclass(frozen=True)
class Manifest:
    """What a digest stands for, byte by byte."""

    digest: str
    text: str
    media_type: str


@dataclass(frozen=True)
class Credentials:
    """What ``docker login`` takes; good for twelve hours (GetAuthorizationToken's documentation)."""

    username: str
    password: SecretStr
    endpoint: str


@dataclass(frozen=True)
class Tagged:
    """An image under one of its tags."""

    digest: str
    tag: str


class Ecr:
    """What a release does with the registry. It never moves a tag, and only `prune` deletes."""

    def __init__(self, client: ECRClient) -> None:
        self._client = client

    def repository(self, name: str) -> Repository:
        """The repository of this name.

        Raises:
            AwsError: there is none, or AWS refused to tell.
        """
        try:
            found = call(self._client.describe_repositories, repositoryNames=[name])["repositories"][0]
        except AwsError as error:
            if error.code != "RepositoryNotFoundException":
                raise
            raise AwsError(
                f"there is no ECR repository {name}", "Make it with: invoke bootstrap", error.code
            ) from error
        return Repository(found["repositoryName"], found["repositoryUri"], found["registryId"])

    def tags(self, name: str) -> Iterator[str]:
        """Every tag of a repository in no order, a page in memory at a time; untagged images are left out."""
        return (image.tag for image in self.images(name))

    def images(self, name: str) -> Iterator[Tagged]:
        """Every image under each of its tags, as `tags`."""
        pages = self._client.get_paginator("list_images").paginate(
            repositoryName=name, filter={"tagStatus": "TAGGED"}, PaginationConfig={"PageSize": _LARGEST_PAGE}
        )
        with translated(f"ECR ListImages of {name}"):
            for page in pages:
                found = (image for image in page.get("imageIds", []) if "imageTag" in image)
                yield from (Tagged(image.get("imageDigest", ""), image["imageTag"]) for image in found)

    def digest(self, name: str, tag: str) -> str | None:
        """The digest (``sha256:…``) under a tag, or None if the repository has no such tag."""
        try:
            answer = call(self._client.describe_images, repositoryName=name, imageIds=[{"imageTag": tag}])
        except AwsError as error:
            if error.code == "ImageNotFoundException":
                return None
            raise
        return answer["imageDetails"][0]["imageDigest"]

    def existing_tags(self, name: str, tags: Sequence[str]) -> set[str]:
        """Those of up to 100 tags that the repository has, in one call (BatchGetImage tells what it has not)."""
        answer = call(
            self._client.batch_get_image,
            repositoryName=name,
            imageIds=[{"imageTag": tag} for tag in tags],
            acceptedMediaTypes=_MEDIA_TYPES,
        )
        # An image that can't be read, for want of a key for instance, is there all the same.
        missing = [f.get("imageId", {}) for f in answer.get("failures", []) if f.get("failureCode") in _NO_SUCH_TAG]
        return set(tags) - {image["imageTag"] for image in missing if "imageTag" in image}

    def manifest(self, name: str, digest: str) -> Manifest | None:
        """The manifest of a digest, or None if the image is gone.

        Raises:
            AwsError: ECR answered with a failure of another kind, or with another manifest.
        """
        answer = call(
            self._client.batch_get_image,
            repositoryName=name,
            imageIds=[{"imageDigest": digest}],
            acceptedMediaTypes=_MEDIA_TYPES,
        )
        for failure in answer.get("failures", []):
            code, reason = failure.get("failureCode", ""), failure.get("failureReason", "no reason given")
            if code == _GONE:
                return None
            raise AwsError(f"ECR BatchGetImage of {name}@{digest}: {reason} ({code})", code=code)
        if not answer["images"]:
            return None
        image = answer["images"][0]
        return _checked(name, Manifest(digest, image["imageManifest"], image.get("imageManifestMediaType", "")))

    def put_tag(self, name: str, manifest: Manifest, tag: str) -> None:
        """Gives a manifest that is in the repository one more tag; nothing happens if it has it already.

        Raises:
            BuildError: another image has this tag; it stays as it is.
        """
        media_type = {"imageManifestMediaType": manifest.media_type} if manifest.media_type else {}
        try:
            call(
                self._client.put_image,
                repositoryName=name,
                imageManifest=manifest.text,
                imageTag=tag,
                imageDigest=manifest.digest,
                **media_type,
            )
        except AwsError as error:
            if error.code not in _EXISTS:
                raise
            refuse_other_digest(name, tag, found=self.digest(name, tag), wanted=manifest.digest)

    def remove_tags(self, name: str, tags: Sequence[str]) -> dict[str, str]:
        """Takes tags away, 100 a call; an image goes with the last of its tags.

        Returns:
            Those that are still there, with ECR's reason.
        """
        left: dict[str, str] = {}
        for first in range(0, len(tags), _IDS_A_CALL):
            ids: list[ImageIdentifierTypeDef] = [{"imageTag": tag} for tag in tags[first : first + _IDS_A_CALL]]
            answer = call(self._client.batch_delete_image, repositoryName=name, imageIds=ids)
            for failure in answer.get("failures", []):
                code, tag = failure.get("failureCode", ""), failure.get("imageId", {}).get("imageTag", "")
                if code != _GONE:
                    left[tag] = f"{failure.get('failureReason', 'no reason given')} ({code})"
        return left

    def credentials(self) -> Credentials:
        """Name and password with which Docker may push and pull."""
        data = call(self._client.get_authorization_token)["authorizationData"][0]
        username, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
        return Credentials(username, SecretStr(password), data["proxyEndpoint"])


def refuse_other_digest(name: str, tag: str, *, found: str | None, wanted: str) -> None:
    """Compares what is registered under a tag with what should be.

    Raises:
        BuildError: they differ, or there is nothing.
    """
    if found is None:
        raise BuildError(f"{name}:{tag} is not in the registry, though it took {wanted}", "Repeat the command.")
    if found != wanted:
        raise BuildError(
            f"{name}:{tag} is {found} in the registry, not {wanted}: a tag is never overwritten",
            "Release that image with --tag, or take a number above every tag of the registry"
            " (invoke version --reserve --recount) and repeat the command.",
        )


def _checked(name: str, manifest: Manifest) -> Manifest:
    # A registry that converts a manifest to another media type answers with another digest's bytes.
    actual = f"sha256:{hashlib.sha256(manifest.text.encode()).hexdigest()}"
    if actual != manifest.digest:
        raise AwsError(f"ECR BatchGetImage of {name}@{manifest.digest} answered with the manifest of {actual}")
    return manifest
