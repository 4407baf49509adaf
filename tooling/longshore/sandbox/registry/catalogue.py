"""The repositories of moto's ECR."""

from __future__ import annotations

import fnmatch
from typing import Any

from moto.ecr.models import ecr_backends

from longshore.sandbox.registry.images import Image, Images

Parameters = dict[str, Any]


class Repository:
    """A repository of moto's ECR, whose images are paged.

    Args:
        record: moto's object.
    """

    def __init__(self, record: Any) -> None:
        if not isinstance(record.images, Images):
            record.images = Images()
        self.name: str = record.name
        self.registry_id: str = record.registry_id
        self.images: Images = record.images
        self._mutability: str = str(getattr(record.image_tag_mutability, "value", record.image_tag_mutability))
        self._excluded: list[str] = [rule["filter"] for rule in record.image_tag_mutability_exclusion_filters or []]

    def is_immutable(self, tag: str | None) -> bool:
        """Whether this tag must not move (image tag mutability with its exclusion filters)."""
        excluded = any(fnmatch.fnmatchcase(tag or "", pattern) for pattern in self._excluded)
        return self._mutability.startswith("IMMUTABLE") != excluded

    def summary(self, image: Image) -> Parameters:
        """An ImageDetail."""
        detail: Parameters = {
            "registryId": self.registry_id,
            "repositoryName": self.name,
            "imageDigest": image.image_digest,
            "imageSizeInBytes": self.images.size(image),
            "imagePushedAt": image.image_pushed_at,
            "imageManifestMediaType": image.image_manifest_media_type,
        }
        # ECR omits the field if an image has no tags
        return detail | ({"imageTags": list(image.image_tags)} if image.image_tags else {})

    def image(self, image: Image, tag: str | None) -> Parameters:
        """An Image: the manifest, and the identifier from the request."""
        return {
            "registryId": self.registry_id,
            "repositoryName": self.name,
            "imageId": identifier(image.image_digest, tag),
            "imageManifest": image.image_manifest,
            "imageManifestMediaType": image.image_manifest_media_type,
        }


def identifier(digest: str | None, tag: str | None) -> Parameters:
    """An ImageIdentifier without its empty parts."""
    return {name: value for name, value in (("imageDigest", digest), ("imageTag", tag)) if value}


class Catalogue:
    """All repositories of an account in every region, since the registry's address names none."""

    def __init__(self, account_id: str) -> None:
        self._account_id = account_id

    def find(self, name: str) -> Repository | None:
        """The repository of this name; None if there is none."""
        for backend in list(ecr_backends[self._account_id].values()):
            if name in backend.repositories:
                return Repository(backend.repositories[name])
        return None
