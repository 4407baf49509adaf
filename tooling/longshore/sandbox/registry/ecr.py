"""ECR on top of moto's: images in the sandbox's registry, pages, and AWS's errors."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import moto.ecr.urls
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.ecr.exceptions import ImageAlreadyExistsException, ImageNotFoundException, InvalidParameterException
from moto.ecr.responses import ECRResponse

from longshore.sandbox.registry.catalogue import Parameters, Repository, identifier
from longshore.sandbox.registry.images import (
    Image,
    ImageExistsError,
    Images,
    TagExistsError,
    digest_of,
    immutable_message,
)
from longshore.sandbox.registry.upstream import StoreError, Upstream


class EcrError(ServiceException):
    """An error in ECR's format.

    Its class must be in this module: moto finds the service's model by the module of the class.
    """


def install(registry: str, upstream: Upstream, password: str) -> None:
    """Replace moto's ECR; call this before moto's server makes its first ECR application.

    Args:
        registry: ``127.0.0.1:PORT`` for repositoryUri.
        upstream: the registry of manifests and layers.
        password: of the registry's user AWS.
    """
    EcrResponse.registry, EcrResponse.upstream, EcrResponse.password = registry, upstream, password
    moto.ecr.urls.url_paths["{0}/$"] = EcrResponse.dispatch


class EcrResponse(ECRResponse):
    """The operations that moto answers differently from AWS."""

    registry: str
    upstream: Upstream
    password: str

    def create_repository(self) -> ActionResult:
        """CreateRepository: repositoryUri is an address that Docker can push to."""
        answer = super().create_repository()
        record = self.ecr_backend.repositories[self._get_param("repositoryName")]
        record.uri = f"{self.registry}/{record.name}"
        Repository(record)
        return answer

    def get_authorization_token(self) -> ActionResult:
        """GetAuthorizationToken, for `docker login`; it is the same until the sandbox ends."""
        token = base64.b64encode(f"AWS:{self.password}".encode()).decode()
        expires = datetime.now(UTC) + timedelta(hours=12)
        endpoint = f"http://{self.registry}"
        data = {"authorizationToken": token, "expiresAt": expires, "proxyEndpoint": endpoint}
        return ActionResult({"authorizationData": [data]})

    def list_images(self) -> ActionResult:
        """ListImages, in pages."""
        entries, next_number = self._repository().images.list_entries(*self._page())
        identifiers = [identifier(digest, tag) for digest, tag in entries]
        return ActionResult({"imageIds": identifiers} | _next(next_number))

    def describe_images(self) -> ActionResult:
        """DescribeImages: the given images, or all of them in pages."""
        repository = self._repository()
        next_number = None
        if named := self._get_param("imageIds"):
            images: Iterable[Image] = {self._image(repository, image_id): None for image_id in named}
        else:
            images, next_number = repository.images.list_images(*self._page())
        return ActionResult({"imageDetails": [repository.summary(image) for image in images]} | _next(next_number))

    def batch_get_image(self) -> ActionResult:
        """BatchGetImage: the manifests, and the images that were not found."""
        repository = self._repository()
        images, failures = [], []
        for image_id in self._get_param("imageIds") or []:
            digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
            failure = _failure(repository.images, digest, tag)
            if failure:
                failures.append(failure)
            elif image := repository.images.find(digest, tag):
                images.append(repository.image(image, tag))
        return ActionResult({"images": images, "failures": failures})

    def put_image(self) -> ActionResult:
        """PutImage: puts a manifest into the registry, or another tag on an existing one."""
        repository = self._repository()
        manifest, tag = self._get_param("imageManifest"), self._get_param("imageTag")
        digest = digest_of(manifest.encode())
        if self._get_param("imageDigest", digest) != digest:
            raise EcrError("ImageDigestDoesNotMatchException", f"The digest of the image's manifest is {digest}")
        media_type = self._get_param("imageManifestMediaType") or _media_type(manifest)
        try:
            image = self._put(repository, digest, manifest, media_type, tag)
        except TagExistsError as error:
            raise EcrError("ImageTagAlreadyExistsException", immutable_message(repository.name, tag)) from error
        except ImageExistsError as error:
            raise ImageAlreadyExistsException(repository.name, repository.registry_id, digest, tag) from error
        except StoreError as error:
            missing = b"BLOB_UNKNOWN" in error.answer.body
            code = "LayersNotFoundException" if missing else "InvalidParameterException"
            raise EcrError(code, str(error)) from error
        return ActionResult({"image": repository.image(image, tag)})

    def batch_delete_image(self) -> ActionResult:
        """BatchDeleteImage: deletes a tag, and the image with its last one; or by digest an image with all its tags."""
        repository = self._repository()
        deleted, failures = [], []
        for image_id in self._get_param("imageIds") or []:
            digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
            failure = _failure(repository.images, digest, tag) or _referenced(repository.images, digest, tag)
            if failure:
                failures.append(failure)
            else:
                deleted += self._delete(repository, digest, tag)
        return ActionResult({"imageIds": deleted, "failures": failures})

    def describe_image_scan_findings(self) -> ActionResult:
        """DescribeImageScanFindings: nothing scans an image here, so a scan finds nothing (moto invents a finding)."""
        repository = self._repository()
        asked = self._get_param("imageId")
        image = self._image(repository, asked)
        answer = super().describe_image_scan_findings()
        findings: dict[str, Any] = {"findings": [], "findingSeverityCounts": {}}
        document = cast("dict[str, Any]", answer.result)
        document["imageScanFindings"] = {**document["imageScanFindings"], **findings}
        document["imageId"] = identifier(image.image_digest, asked.get("imageTag"))
        return answer

    def complete_layer_upload(self) -> ActionResult:
        """CompleteLayerUpload: makes the parts a layer in the registry."""
        record = self.ecr_backend._get_repository(self._get_param("repositoryName"))
        upload = record.uploads.get(self._get_param("uploadId"))
        content = bytes(upload.layer_parts) if upload else b""
        answer = super().complete_layer_upload()
        self.upstream.put_blob(record.name, digest_of(content), content)
        return answer

    def batch_check_layer_availability(self) -> ActionResult:
        """BatchCheckLayerAvailability: finds layers in the registry, however they were uploaded."""
        repository = self._repository()
        layers = []
        for digest in self._get_param("layerDigests"):
            size = self.upstream.blob_size(repository.name, digest)
            fields = {"layerAvailability": "UNAVAILABLE" if size is None else "AVAILABLE", "layerSize": size}
            layers.append(
                {"layerDigest": digest} | {name: value for name, value in fields.items() if value is not None}
            )
        return ActionResult({"layers": layers, "failures": []})

    def get_download_url_for_layer(self) -> ActionResult:  # type: ignore[override] # moto only raises
        """GetDownloadUrlForLayer: the layer's address in the registry."""
        repository, digest = self._repository(), self._get_param("layerDigest")
        if self.upstream.blob_size(repository.name, digest) is None:
            raise EcrError("LayersNotFoundException", f"The layer with digest '{digest}' does not exist")
        url = self.upstream.url(f"/v2/{repository.name}/blobs/{digest}")
        return ActionResult({"downloadUrl": url, "layerDigest": digest})

    def _repository(self) -> Repository:
        name, registry_id = self._get_param("repositoryName"), self._get_param("registryId")
        return Repository(self.ecr_backend._get_repository(name, registry_id))

    def _image(self, repository: Repository, image_id: Parameters) -> Image:
        digest, tag = image_id.get("imageDigest"), image_id.get("imageTag")
        image = repository.images.find(digest, tag)
        if image is None:
            image_key = f"{{imageDigest:'{digest or 'null'}', imageTag:'{tag or 'null'}'}}"
            raise ImageNotFoundException(image_key, repository.name, repository.registry_id)
        return image

    def _page(self) -> tuple[int, int, str]:
        limit = int(self._get_param("maxResults") or 100)
        if not 1 <= limit <= 1000:
            raise InvalidParameterException("Invalid parameter at 'maxResults': must be between 1 and 1000")
        status = (self._get_param("filter") or {}).get("tagStatus", "ANY")
        return _after(self._get_param("nextToken")), limit, status

    def _put(self, repository: Repository, digest: str, manifest: str, media_type: str, tag: str | None) -> Image:
        immutable_tag = repository.is_immutable(tag)
        repository.images.check(digest, tag, immutable=immutable_tag)
        if repository.images.find(digest=digest) is None:
            self.upstream.put_manifest(repository.name, digest, media_type, manifest.encode())
        return repository.images.put(manifest, media_type, tag, immutable=immutable_tag)

    def _delete(self, repository: Repository, digest: str | None, tag: str | None) -> list[Parameters]:
        image = repository.images.find(digest, tag)
        if image is None:
            return []
        removed = list(image.image_tags) if digest or image.image_tags == [tag] else [tag]
        if digest:
            repository.images.remove(image)
        elif tag:
            repository.images.untag(tag)
        if repository.images.find(digest=image.image_digest) is None:
            self.upstream.delete_manifest(repository.name, image.image_digest)
        return [identifier(image.image_digest, removed_tag) for removed_tag in removed or [None]]


def _media_type(manifest: str) -> str:
    try:
        return str(json.loads(manifest)["mediaType"])
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidParameterException("image manifest mediatype not provided in manifest or parameter") from error


def _failure(images: Images, digest: str | None, tag: str | None) -> Parameters | None:
    if not digest and not tag:
        code, reason = "MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null"
    elif images.find(digest, tag):
        return None
    elif digest and tag and images.find(digest=digest):
        code, reason = "ImageTagDoesNotMatchDigest", "Requested image tag does not match the image digest"
    else:
        code, reason = "ImageNotFound", "Requested image not found"
    return {"imageId": identifier(digest, tag), "failureCode": code, "failureReason": reason}


def _referenced(images: Images, digest: str | None, tag: str | None) -> Parameters | None:
    """The failure of deleting an image of a list that is in the repository (API, ImageFailure.failureCode)."""
    image = images.find(digest, tag)
    if image is None or (not digest and len(image.image_tags) > 1):
        return None  # only a tag is removed
    lists = images.lists_of(image.image_digest)
    if not lists:
        return None
    reason = f"Requested image referenced by manifest list: [{', '.join(lists)}]"
    failure = {"failureCode": "ImageReferencedByManifestList", "failureReason": reason}
    return {"imageId": identifier(digest, tag), **failure}


def _next(number: int | None) -> Parameters:
    return {} if number is None else {"nextToken": base64.urlsafe_b64encode(f"after:{number}".encode()).decode()}


def _after(token: str | None) -> int:
    if not token:
        return 0
    try:
        return int(base64.urlsafe_b64decode(token).decode().removeprefix("after:"))
    except ValueError as error:
        raise InvalidParameterException("Invalid parameter at 'nextToken' failed to satisfy constraint") from error
