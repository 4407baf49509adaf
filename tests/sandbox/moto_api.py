"""The AWS API of a sandbox in the test's process, without Docker and without a registry program."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.request import Request, urlopen

import boto3
from botocore.config import Config
from moto.applicationautoscaling import urls as scaling_urls
from moto.codebuild import urls as codebuild_urls
from moto.ecr import urls as ecr_urls
from moto.ecs import urls as ecs_urls
from moto.elb import urls as elb_urls
from moto.events import urls as events_urls
from moto.logs import urls as logs_urls
from moto.ssm import urls as ssm_urls

from longshore.sandbox.api.request_log import RequestLog
from longshore.sandbox.ecs.timing import Timing
from longshore.sandbox.registry.images import digest_of
from longshore.sandbox.registry.upstream import Answer, StoreError, Upstream

KEY = "AKIATESTTESTTESTTEST"
SECRET = "canary-of-the-owner"
REGION = "eu-central-1"
MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"

_REPLACED = (codebuild_urls, ecr_urls, ecs_urls, events_urls, logs_urls, scaling_urls, ssm_urls)
"""The services of moto whose answers the sandbox replaces."""


@contextmanager
def moto_restored() -> Iterator[None]:
    """Restores moto's own answers at the end: other tests need them."""
    before = [dict(module.url_paths) for module in _REPLACED]
    balancing = vars(elb_urls)["ELBV2Response"]
    try:
        yield
    finally:
        vars(elb_urls)["ELBV2Response"] = balancing
        for module, paths in zip(_REPLACED, before, strict=True):
            module.url_paths.clear()
            module.url_paths.update(paths)


def aws(
    service: str,
    endpoint: str,
    key: str = KEY,
    secret: str = SECRET,
    token: str | None = None,
    config: Config | None = None,
) -> Any:
    """A client without retries, which would hide responses."""
    make: Any = boto3.client  # its overloads require a literal name of the service
    return make(
        service,
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}).merge(config or Config()),
    )


class MemoryRegistry(Upstream):
    """A registry in memory; like the real one, it accepts a manifest only if its layers exist."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1:1")
        self.blobs: dict[tuple[str, str], bytes] = {}
        self.manifests: dict[tuple[str, str], bytes] = {}

    def put_manifest(self, name: str, digest: str, media_type: str, manifest: bytes) -> None:
        assert digest == digest_of(manifest)
        content = json.loads(manifest)
        for part in [content["config"], *content["layers"]] if "layers" in content else []:
            if (name, part["digest"]) not in self.blobs:
                raise StoreError(Answer(400, {}, b'{"errors":[{"code":"MANIFEST_BLOB_UNKNOWN"}]}'))
        self.manifests[name, digest] = manifest

    def delete_manifest(self, name: str, digest: str) -> None:
        del self.manifests[name, digest]

    def put_blob(self, name: str, digest: str, content: bytes) -> None:
        self.blobs[name, digest] = content

    def blob_size(self, name: str, digest: str) -> int | None:
        blob = self.blobs.get((name, digest))
        return None if blob is None else len(blob)


@dataclass(frozen=True)
class Api:
    """The AWS API of a sandbox."""

    endpoint: str
    log: RequestLog
    registry: MemoryRegistry = field(default_factory=MemoryRegistry)
    timing: Timing = field(default_factory=Timing)

    def client(
        self,
        service: str,
        key: str = KEY,
        secret: str = SECRET,
        token: str | None = None,
        config: Config | None = None,
    ) -> Any:
        """A client of this API."""
        return aws(service, self.endpoint, key, secret, token, config)

    def page(self, path: str, body: bytes | None = None, **headers: str) -> Any:
        """The answer of a page of the sandbox's own, asked as its owner."""
        request = Request(self.endpoint + path, body, {"Authorization": f"Bearer {SECRET}", **headers})
        with urlopen(request) as answer:
            return json.load(answer)


@dataclass(frozen=True)
class Repo:
    """A repository for one test."""

    name: str
    client: Any
    registry: MemoryRegistry

    def manifest(self, content: str, layers: int = 1) -> str:
        """A manifest whose layers are in the registry."""
        parts = [content.encode() + bytes([number]) for number in range(layers + 1)]
        for part in parts:
            self.registry.put_blob(self.name, digest_of(part), part)
        config, *rest = [{"size": len(part), "digest": digest_of(part)} for part in parts]
        return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": config, "layers": rest})

    def put(self, content: str, tag: str | None = None) -> str:
        """Put an image, and return its digest."""
        named = {"imageTag": tag} if tag else {}
        answer = self.client.put_image(repositoryName=self.name, imageManifest=self.manifest(content), **named)
        return str(answer["image"]["imageId"]["imageDigest"])


def repository(api: Api, mutability: str, **rest: Any) -> Repo:
    """Create a repository."""
    name, client = f"test/{uuid.uuid4().hex[:8]}", api.client("ecr")
    client.create_repository(repositoryName=name, imageTagMutability=mutability, **rest)
    return Repo(name, client, api.registry)
