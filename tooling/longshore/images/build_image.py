"""Images: built and pushed for a commit, or an earlier build of it given another tag."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from longshore.aws.ecr import Ecr, Repository, refuse_other_digest
from longshore.errors import BuildError
from longshore.git import Source
from longshore.images.docker import Docker, LocalImage
from longshore.process import OnLine, unwatched

_ALIASES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64"}
_INPUTS_SCHEMA = 1


@dataclass(frozen=True)
class BuildSpec:
    """How one image is built. Paths are absolute; ``platform`` is such as ``linux/amd64``."""

    image: str
    repository: Repository
    context: Path
    dockerfile: Path
    platform: str
    build_args: Mapping[str, str]

    def with_args(self, build_args: Mapping[str, str]) -> BuildSpec:
        """The same with other build arguments."""
        return replace(self, build_args=dict(build_args))


@dataclass(frozen=True)
class BuiltImage:
    """An image under its tag. ``digest`` is the registry's; of an image that was not pushed, the engine's id."""

    image: str
    repository: Repository
    tag: str
    digest: str
    reused: bool
    seconds: float


def build(  # noqa: PLR0913 - what is built, what builds it, and where to
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
    """Builds an image, pushes it, and makes sure that the registry has what was pushed.

    Args:
        spec: how it is built.
        tag: the version; never moved from one image to another.
        source: the commit, for the labels.
        docker: builds and pushes.
        ecr: the registry.
        push: False keeps the image on this machine.
        on_line: gets the output of build and push; without it the output is shown only where something fails.
        now: a monotonic clock, in seconds.

    Raises:
        BuildError: no Dockerfile; build or push failed; another platform came out; the tag is another image's.
        AwsError: the registry refused a call.
    """
    begun = now()
    _refuse_missing(spec)
    reference = f"{spec.repository.uri}:{tag}"
    docker.build(arguments(spec, reference, labels(source, datetime.now(UTC))), on_line)
    local = docker.inspect(reference)
    check_platform(spec.image, spec.platform, local.platform)
    digest = _push(spec.repository, tag, local, docker, ecr, on_line) if push else local.id
    return BuiltImage(spec.image, spec.repository, tag, digest, reused=False, seconds=now() - begun)


def push(spec: BuildSpec, tag: str, docker: Docker, ecr: Ecr, on_line: OnLine = unwatched) -> BuiltImage:
    """Pushes an image that this machine's engine has under the tag; see `build`.

    Raises:
        BuildError: the engine has no such image; it is for another platform; the push failed; the tag is another's.
        AwsError: the registry refused a call.
    """
    begun = time.monotonic()
    local = docker.inspect(f"{spec.repository.uri}:{tag}")
    check_platform(spec.image, spec.platform, local.platform)
    digest = _push(spec.repository, tag, local, docker, ecr, on_line)
    return BuiltImage(spec.image, spec.repository, tag, digest, reused=False, seconds=time.monotonic() - begun)


def reuse(spec: BuildSpec, tag: str, digest: str, ecr: Ecr) -> BuiltImage | None:
    """Gives an image that is in the registry one more tag, without Docker; None if the image is gone.

    Raises:
        BuildError: another image has this tag.
        AwsError: the registry refused a call.
    """
    begun = time.monotonic()
    manifest = ecr.manifest(spec.repository.name, digest)
    if manifest is None:
        return None
    ecr.put_tag(spec.repository.name, manifest, tag)
    return BuiltImage(spec.image, spec.repository, tag, digest, reused=True, seconds=time.monotonic() - begun)


def inputs_digest(spec: BuildSpec, source: Source) -> str:
    """What decides, beside the commit, which image comes out: as 64 hex digits, the same on every machine."""
    inputs = {
        "schema": _INPUTS_SCHEMA,
        "platform": _platform(spec.platform),
        "build_args": dict(spec.build_args),
        "context": os.path.relpath(spec.context.resolve(), source.root.resolve()),
        "dockerfile": os.path.relpath(spec.dockerfile.resolve(), source.root.resolve()),
    }
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def labels(source: Source, created: datetime) -> dict[str, str]:
    """The standard labels (annotations of the OCI image specification), without what is not known."""
    found = {
        "org.opencontainers.image.revision": f"{source.commit}-dirty" if source.dirty else source.commit,
        "org.opencontainers.image.created": created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "org.opencontainers.image.source": source.remote,
    }
    return {name: value for name, value in found.items() if value}


def arguments(spec: BuildSpec, reference: str, labelled: Mapping[str, str]) -> list[str]:
    """The arguments of ``docker build``."""
    return [
        "--force-rm",  # or the legacy builder leaves the containers of a failed build; BuildKit has none
        *("--platform", spec.platform),
        *("--file", str(spec.dockerfile)),
        *("--tag", reference),
        *(part for name, value in labelled.items() for part in ("--label", f"{name}={value}")),
        *(part for name, value in sorted(spec.build_args.items()) for part in ("--build-arg", f"{name}={value}")),
        str(spec.context),
    ]


def check_platform(image: str, wanted: str, found: str) -> None:
    """Compares the platform of an image with the one that the tasks run on.

    Raises:
        BuildError: they differ. A variant counts where both have one.
    """
    if any(one != other for one, other in zip(_platform(wanted), _platform(found), strict=False)):
        raise BuildError(
            f"image {image} came out for {found}, not for {wanted}",
            "Look at FROM in its Dockerfile; to build for another processor, install Docker's buildx plug-in.",
        )


def _platform(text: str) -> list[str]:
    return [_ALIASES.get(part, part) for part in text.lower().split("/")]


def _refuse_missing(spec: BuildSpec) -> None:
    path = f"images.{spec.image}"
    if not spec.context.is_dir():
        raise BuildError(f"there is no folder {spec.context} to build image {spec.image} from", f"Mend {path}.context.")
    if not spec.dockerfile.is_file():
        raise BuildError(f"there is no Dockerfile {spec.dockerfile}", f"Make it, or mend {path}.dockerfile.")


def _push(repository: Repository, tag: str, local: LocalImage, docker: Docker, ecr: Ecr, on_line: OnLine) -> str:
    try:
        pushed = docker.push(f"{repository.uri}:{tag}", ecr.credentials(), on_line)
    except BuildError:
        # A refusal because the tag exists, or an answer that was lost: what the registry has decides.
        found = ecr.digest(repository.name, tag)
        if found is None:
            raise
        if _is_same(repository, found, local, ecr):
            return found
        refuse_other_digest(repository.name, tag, actual=found, expected=local.id)
        raise
    refuse_other_digest(repository.name, tag, actual=ecr.digest(repository.name, tag), expected=pushed)
    return pushed


def _is_same(repository: Repository, digest: str, local: LocalImage, ecr: Ecr) -> bool:
    """Whether a digest of the registry is the local image; the engine's id is the digest of config or of manifest."""
    if digest == local.id or f"{repository.uri}@{digest}" in local.digests:
        return True
    manifest = ecr.manifest(repository.name, digest)
    return manifest is not None and json.loads(manifest.text).get("config", {}).get("digest") == local.id
