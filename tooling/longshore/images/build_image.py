"""One image: built and pushed for a commit, or an earlier build of that commit tagged again."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from longshore.aws.ecr import Ecr, Repository, refuse_other_digest
from longshore.config.platforms import canonical
from longshore.errors import BuildError
from longshore.git import Source
from longshore.images.docker import Docker, LocalImage
from longshore.process import OnLine, unwatched

_INPUTS_SCHEMA = 1
_READ_BY_DOCKER = re.compile(
    r"(PATH|HOME|TMPDIR|SSH_AUTH_SOCK)$|(DOCKER|BUILDKIT|BUILDX|COMPOSE|XDG|LD|DYLD)_|GO(DEBUG|GC|MAXPROCS|MEMLIMIT|TRACEBACK)$"
    r"|(?i:(https?|ftp|all|no)_proxy)$|SSL_CERT_(FILE|DIR)$|AWS_(PROFILE|CONFIG_FILE|SHARED_CREDENTIALS_FILE)$"
)
"""Variables that would change docker itself, such as the proxy through which it pulls base images. Build arguments with
these names stay on its command line, even the address of a proxy with a password.
"""


@dataclass(frozen=True)
class BuildSpec:
    """How one image is built. Paths are absolute; ``platform`` is for example ``linux/amd64``."""

    image: str
    repository: Repository
    context: Path
    dockerfile: Path
    platform: str
    build_args: Mapping[str, str]

    def with_args(self, build_args: Mapping[str, str]) -> BuildSpec:
        """A copy with other build arguments."""
        return replace(self, build_args=dict(build_args))


@dataclass(frozen=True)
class BuiltImage:
    """An image and its tag. ``digest`` is the registry's, or the engine's id if the image was not pushed."""

    image: str
    repository: Repository
    tag: str
    digest: str
    reused: bool
    seconds: float


def build(  # noqa: PLR0913 - the image, the programs that build it, and options
    spec: BuildSpec,
    tag: str,
    source: Source,
    docker: Docker,
    ecr: Ecr,
    *,
    push: bool = True,
    on_line: OnLine = unwatched,
    now: Callable[[], float] = time.monotonic,
) -> BuiltImage:
    """Builds an image, pushes it, and compares the digest in the registry with the pushed one.

    Args:
        spec: how to build it.
        tag: the version; never moved from one image to another.
        source: the commit, for the labels.
        docker: builds and pushes.
        ecr: the registry.
        push: False keeps the image on this machine.
        on_line: receives the output of build and push; without it, the output is shown only if a command fails.
        now: a monotonic clock, in seconds.

    Raises:
        BuildError: no Dockerfile; build or push failed; wrong platform; the tag belongs to another image.
        AwsError: the registry refused a call.
    """
    begun = now()
    _refuse_missing(spec)
    reference = f"{spec.repository.uri}:{tag}"
    docker.build(arguments(spec, reference, labels(source, datetime.now(UTC))), on_line, hidden_args(spec))
    local = docker.inspect(reference)
    check_platform(spec.image, spec.platform, local.platform)
    digest = _push(spec.repository, tag, local, docker, ecr, on_line) if push else local.id
    return BuiltImage(spec.image, spec.repository, tag, digest, reused=False, seconds=now() - begun)


def push(spec: BuildSpec, tag: str, docker: Docker, ecr: Ecr, on_line: OnLine = unwatched) -> BuiltImage:
    """Pushes the image with this tag from this machine's engine; see `build`.

    Raises:
        BuildError: the engine has no such image; wrong platform; the push failed; the tag belongs to another image.
        AwsError: the registry refused a call.
    """
    begun = time.monotonic()
    local = docker.inspect(f"{spec.repository.uri}:{tag}")
    check_platform(spec.image, spec.platform, local.platform)
    digest = _push(spec.repository, tag, local, docker, ecr, on_line)
    return BuiltImage(spec.image, spec.repository, tag, digest, reused=False, seconds=time.monotonic() - begun)


def reuse(spec: BuildSpec, tag: str, digest: str, ecr: Ecr) -> BuiltImage | None:
    """Adds a tag to an image in the registry, without Docker; None if the image is gone.

    Raises:
        BuildError: the tag belongs to another image.
        AwsError: the registry refused a call.
    """
    begun = time.monotonic()
    manifest = ecr.manifest(spec.repository.name, digest)
    if manifest is None:
        return None
    ecr.put_tag(spec.repository.name, manifest, tag)
    return BuiltImage(spec.image, spec.repository, tag, digest, reused=True, seconds=time.monotonic() - begun)


def inputs_digest(spec: BuildSpec, source: Source) -> str:
    """A digest of all inputs of the build except the commit: 64 hex digits, the same on every machine."""
    inputs = {
        "schema": _INPUTS_SCHEMA,
        "platform": _platform(spec.platform),
        "build_args": dict(spec.build_args),
        "context": os.path.relpath(spec.context.resolve(), source.root.resolve()),
        "dockerfile": os.path.relpath(spec.dockerfile.resolve(), source.root.resolve()),
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def labels(source: Source, created: datetime) -> dict[str, str]:
    """The standard labels that have a value.

    They are the predefined annotation keys of the OCI image specification:
    https://github.com/opencontainers/image-spec/blob/main/annotations.md
    """
    values = {
        "org.opencontainers.image.revision": f"{source.commit}-dirty" if source.dirty else source.commit,
        "org.opencontainers.image.created": created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "org.opencontainers.image.source": source.remote,
    }
    return {name: value for name, value in values.items() if value}


def arguments(spec: BuildSpec, reference: str, image_labels: Mapping[str, str]) -> list[str]:
    """The arguments of ``docker build``."""
    return [
        "--force-rm",  # without it, the legacy builder leaves the containers of a failed build behind
        *("--platform", spec.platform),
        *("--file", str(spec.dockerfile)),
        *("--tag", reference),
        *(part for name, value in image_labels.items() for part in ("--label", f"{name}={value}")),
        *(part for argument in _named_args(spec) for part in ("--build-arg", argument)),
        str(spec.context),
    ]


def hidden_args(spec: BuildSpec) -> dict[str, str]:
    """The build arguments whose values are passed in docker's environment, because every user sees a command line.

    ``--build-arg NAME`` without a value takes the value from there:
    https://docs.docker.com/reference/cli/docker/buildx/build/#build-arg
    """
    return {name: value for name, value in spec.build_args.items() if not _READ_BY_DOCKER.match(name)}


def _named_args(spec: BuildSpec) -> list[str]:
    hidden = hidden_args(spec)
    return [name if name in hidden else f"{name}={value}" for name, value in sorted(spec.build_args.items())]


def check_platform(image: str, expected: str, actual: str) -> None:
    """Compares the platform of an image with the configured one.

    Raises:
        BuildError: they differ. Variants are compared only if both have one.
    """
    if any(left != right for left, right in zip(_platform(expected), _platform(actual), strict=False)):
        raise BuildError(
            f"image {image} was built for {actual}, but images.{image}.platform is {expected}",
            "Check FROM in its Dockerfile. To build for another processor, install Docker's buildx plug-in.",
        )


def _platform(text: str) -> list[str]:
    return canonical(text).split("/")


def _refuse_missing(spec: BuildSpec) -> None:
    path = f"images.{spec.image}"
    if not spec.context.is_dir():
        raise BuildError(
            f"{path}.context: there is no folder {spec.context}", f"Create it, or fix {path}.context in invoke.yaml."
        )
    if not spec.dockerfile.is_file():
        raise BuildError(
            f"{path}.dockerfile: there is no file {spec.dockerfile}",
            f"Create it, or fix {path}.dockerfile in invoke.yaml.",
        )


def _push(repository: Repository, tag: str, local: LocalImage, docker: Docker, ecr: Ecr, on_line: OnLine) -> str:
    try:
        pushed = docker.push(f"{repository.uri}:{tag}", ecr.credentials(), on_line)
    except BuildError:
        # The tag exists already, or the response was lost: the registry decides which of them.
        existing = ecr.digest(repository.name, tag)
        if existing is None:
            raise
        if _is_same(repository, existing, local, ecr):
            return existing
        refuse_other_digest(repository.name, tag, actual=existing, expected=local.id)
        raise
    refuse_other_digest(repository.name, tag, actual=ecr.digest(repository.name, tag), expected=pushed)
    return pushed


def _is_same(repository: Repository, digest: str, local: LocalImage, ecr: Ecr) -> bool:
    """Whether a digest of the registry is the local image, whose id is the digest of its config or its manifest."""
    if digest == local.id or f"{repository.uri}@{digest}" in local.digests:
        return True
    manifest = ecr.manifest(repository.name, digest)
    return manifest is not None and json.loads(manifest.text).get("config", {}).get("digest") == local.id
