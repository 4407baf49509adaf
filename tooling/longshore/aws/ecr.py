"""ECR: repositories, tags and manifests."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from longshore.aws.answers import HINT, MALFORMED
from longshore.aws.batches import batches
from longshore.aws.translate import call, pages
from longshore.errors import AwsError, BuildError

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecr.type_defs import ImageIdentifierTypeDef

_LARGEST_PAGE = 1000
_IDS_A_CALL = 100
"""The limit of BatchGetImage and BatchDeleteImage.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_BatchGetImage.html
"""
_MEDIA_TYPES = [
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.oci.image.index.v1+json",
]
_INDEXES = {_MEDIA_TYPES[1], _MEDIA_TYPES[3]}
_EXISTS = {"ImageTagAlreadyExistsException", "ImageAlreadyExistsException"}
_GONE = "ImageNotFound"
_NO_SUCH_TAG = {_GONE, "InvalidImageTag"}


@dataclass(frozen=True)
class Repository:
    """A repository; Docker pushes to its ``uri``, such as ``HOST/storefront/app``."""

    name: str
    uri: str
    registry_id: str

    @property
    def registry(self) -> str:
        """Host of the registry, with its port if it has one."""
        return self.uri.split("/", 1)[0]


@dataclass(frozen=True)
class Manifest:
    """The exact text behind a digest."""

    digest: str
    text: str
    media_type: str

    @property
    def platforms(self) -> list[str]:
        """The digests of the manifests in an index, one for each platform; none for any other manifest.

        https://github.com/opencontainers/image-spec/blob/main/image-index.md
        """
        return [entry["digest"] for entry in json.loads(self.text)["manifests"]] if self.media_type in _INDEXES else []


@dataclass(frozen=True)
class Credentials:
    """Credentials for ``docker login``, valid for twelve hours.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
    """

    username: str
    password: SecretStr
    endpoint: str


@dataclass(frozen=True)
class Tagged:
    """An image under one of its tags."""

    digest: str
    tag: str


class Ecr:
    """Reads repositories and adds tags. It never moves a tag, and only `prune` deletes."""

    def __init__(self, client: ECRClient) -> None:
        self._client = client

    def repository(self, name: str) -> Repository:
        """The repository with this name.

        Raises:
            AwsError: there is no such repository, or AWS refused.
        """
        try:
            raw = call(self._client.describe_repositories, repositoryNames=[name])["repositories"][0]
        except AwsError as error:
            if error.code != "RepositoryNotFoundException":
                raise
            raise AwsError(
                f"there is no ECR repository {name}", "Create it with: invoke bootstrap", error.code
            ) from error
        return Repository(raw["repositoryName"], raw["repositoryUri"], raw["registryId"])

    def tags(self, name: str) -> Iterator[str]:
        """Every tag of a repository, in no particular order; one page at a time is kept in memory."""
        return (image.tag for image in self.images(name))

    def images(self, name: str) -> Iterator[Tagged]:
        """Every image with each of its tags, in no particular order; untagged images are left out."""
        listed: dict[str, Any] = {"repositoryName": name, "filter": {"tagStatus": "TAGGED"}}
        for page in pages(self._client, "list_images", of=name, **listed, PaginationConfig={"PageSize": _LARGEST_PAGE}):
            tagged = (image for image in page.get("imageIds", []) if "imageTag" in image)
            yield from (Tagged(image.get("imageDigest", ""), image["imageTag"]) for image in tagged)

    def digest(self, name: str, tag: str) -> str | None:
        """The digest (``sha256:…``) of a tag; None if the repository has no such tag."""
        try:
            answer = call(self._client.describe_images, repositoryName=name, imageIds=[{"imageTag": tag}])
        except AwsError as error:
            if error.code == "ImageNotFoundException":
                return None
            raise
        return answer["imageDetails"][0]["imageDigest"]

    def existing_tags(self, name: str, tags: Sequence[str]) -> set[str]:
        """The tags among these, at most 100, that exist in the repository, in one call of BatchGetImage."""
        answer = call(
            self._client.batch_get_image,
            repositoryName=name,
            imageIds=[{"imageTag": tag} for tag in tags],
            acceptedMediaTypes=_MEDIA_TYPES,
        )
        # An image that cannot be read, for example because its KMS key is disabled, exists.
        missing = [f.get("imageId", {}) for f in answer.get("failures", []) if f.get("failureCode") in _NO_SUCH_TAG]
        return set(tags) - {image["imageTag"] for image in missing if "imageTag" in image}

    def manifest(self, name: str, digest: str) -> Manifest | None:
        """The manifest of a digest; None if the image is gone.

        Raises:
            AwsError: ECR reported a different failure, or answered with a different manifest.
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
        """Adds a tag to a manifest of the repository; does nothing if the manifest has it already.

        Raises:
            BuildError: a different image has this tag; it keeps it.
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
            refuse_other_digest(name, tag, actual=self.digest(name, tag), expected=manifest.digest)

    def remove_tags(self, name: str, tags: Sequence[str]) -> dict[str, str]:
        """Deletes tags, 100 in a call; an image is deleted with the last of its tags.

        Returns:
            The tags that could not be deleted, each with ECR's reason.
        """
        remaining: dict[str, str] = {}
        for batch in batches(tags, _IDS_A_CALL):
            ids: list[ImageIdentifierTypeDef] = [{"imageTag": tag} for tag in batch]
            answer = call(self._client.batch_delete_image, repositoryName=name, imageIds=ids)
            for failure in answer.get("failures", []):
                code, tag = failure.get("failureCode", ""), failure.get("imageId", {}).get("imageTag", "")
                if code != _GONE:
                    remaining[tag] = f"{failure.get('failureReason', 'no reason given')} ({code})"
        return remaining

    def credentials(self) -> Credentials:
        """The credentials with which Docker pushes and pulls."""
        data = call(self._client.get_authorization_token)["authorizationData"][0]
        try:
            username, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
        except ValueError:  # the message of the cause would contain the token
            raise AwsError("the token of ECR GetAuthorizationToken is not in base64", HINT, MALFORMED) from None
        return Credentials(username, SecretStr(password), data["proxyEndpoint"])


def refuse_other_digest(name: str, tag: str, *, actual: str | None, expected: str) -> None:
    """Refuses a tag with an unexpected digest.

    Raises:
        BuildError: the digests differ, or the registry does not have the tag.
    """
    if actual is None:
        raise BuildError(
            f"{name}:{tag} is not in the registry, although it accepted {expected}", "Run the same command again."
        )
    if actual != expected:
        raise BuildError(
            f"{name}:{tag} is {actual} in the registry, not {expected}: a tag is never overwritten",
            "Release the existing image with --tag, or reserve a version above every tag of the registry"
            " (invoke version --reserve --recount), then run the same command again.",
        )


def _checked(name: str, manifest: Manifest) -> Manifest:
    # A registry may convert a manifest to another media type, which changes its digest.
    actual = f"sha256:{hashlib.sha256(manifest.text.encode()).hexdigest()}"
    if actual != manifest.digest:
        raise AwsError(f"ECR BatchGetImage of {name}@{manifest.digest} answered with the manifest of {actual}")
    return manifest
