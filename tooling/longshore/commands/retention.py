"""The images that must stay in the registry, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from longshore.aws.ecr import Tagged
from longshore.config.contract import UNRELEASED, Contract
from longshore.environment.environment import Environment
from longshore.errors import NotReadyError, UsageError
from longshore.images import version
from longshore.images.version import Version
from longshore.ledger.releases import SKEW
from longshore.result import ReleaseResult
from longshore.verdict import Verdict

_UNFINISHED = (Verdict.RUNNING, Verdict.WAITING)


@dataclass(frozen=True)
class ImageRef:
    """A reference to images, by a tag or by a digest; an empty one refers to none."""

    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, name: str) -> ImageRef:
        """The reference in the name of an image, such as ``host:port/name:tag`` or ``host/name@sha256:…``."""
        path, at, digest = name.partition("@")
        return cls(digest=digest) if at else cls(tag=path.rpartition("/")[2].partition(":")[2])


@dataclass
class RetainedImages:
    """The images of an application that must stay in the registry.

    Attributes:
        reasons: why they stay.
        highest: the highest version that was released to any environment.
        latest: the start of the most recent successful release.
    """

    reasons: dict[ImageRef, str] = field(default_factory=dict)
    highest: Version | None = None
    latest: datetime | None = None

    def reason(self, image: Tagged) -> str | None:
        """Why an image must stay under its tag; None if it may be removed."""
        reason = self.reasons.get(ImageRef(tag=image.tag)) or self.reasons.get(ImageRef(digest=image.digest))
        if reason:
            return reason
        try:
            image_version = version.parse(image.tag)
        except UsageError:
            return "the tag is not a version"
        newer = self.highest is None or image_version > self.highest
        return "newer than every release" if newer else None

    def add_environment(self, env: Environment, keep: int) -> None:
        """Adds the images that an environment runs, may roll back to, or is about to run.

        Args:
            env: the environment.
            keep: the number of most recent successful versions to keep.

        Raises:
            LongshoreError: they cannot be determined.
        """
        name = env.target.environment
        tag = env.aws.parameters.get(env.target.tag_parameter)
        if tag is None:
            raise NotReadyError(
                f"it is not set up: there is no parameter {env.target.tag_parameter}",
                f"Set it up: invoke bootstrap -e {name}",
            )
        self._add(f"released in {name}", ImageRef(tag=tag))
        self._add(f"running or registered in {name}", *images_in_use(env))
        for release in self._retained_releases(env, keep):
            images = [ImageRef(tag=release.version), *(ImageRef(digest=i.digest) for i in release.images.values())]
            if release.verdict in _UNFINISHED:
                self._add(f"part of a release to {name} in progress", ImageRef(tag=release.previous_version), *images)
            else:
                self._add(f"one of the last {keep} versions in {name}", *images)

    def add_reserved(self, env: Environment) -> None:
        """Adds the versions reserved since the latest release: their images may be under construction."""
        for issued in env.ledger.versions.all():
            if issued.state not in ("unused", "seen") and (self.latest is None or issued.at > self.latest - SKEW):
                self._add("reserved after the latest release", ImageRef(tag=issued.version))

    def _retained_releases(self, env: Environment, keep: int) -> Iterator[ReleaseResult]:
        """The releases whose images must stay, newest first; also notes the highest and latest of all releases."""
        versions: set[str] = set()
        for release in env.ledger.releases():
            if release.verdict in _UNFINISHED:
                yield release
            elif release.verdict is Verdict.SUCCEEDED:
                self._note(release)
                if release.version in versions or len(versions) < keep:
                    versions.add(release.version)
                    yield release

    def _note(self, release: ReleaseResult) -> None:
        if release.kind != "release":
            return
        released = version.parse(release.version)
        self.highest = released if self.highest is None else max(self.highest, released)
        self.latest = release.started if self.latest is None else max(self.latest, release.started)

    def _add(self, reason: str, *images: ImageRef) -> None:
        for image in images:
            if image not in (ImageRef(), ImageRef(tag=UNRELEASED)):
                self.reasons.setdefault(image, reason)


def images_in_use(env: Environment) -> Iterator[ImageRef]:
    """The images that an environment runs, or that ECS or a rule may start there.

    Raises:
        LongshoreError: AWS or Terraform's state cannot be read.
    """
    contract = env.contract()
    yield ImageRef(tag=contract.image_tag)
    revisions = revisions_in_use(env, contract)
    for service in contract.services.values():
        for task in env.aws.ecs.tasks(contract.cluster, service.name):
            for container in task.containers:
                yield ImageRef(digest=container.digest or "")
                yield ImageRef.parse(container.image)
    for revision in sorted(revisions):
        yield from images_of(env.aws.ecs.task_definition(revision))


def revisions_in_use(env: Environment, contract: Contract) -> set[str]:
    """The ARNs of the revisions that are registered last, that services run, and that rules start."""
    parts = [*contract.services.values(), *contract.schedules.values(), contract.migration]
    revisions = {part.task_definition for part in parts if part}
    revisions |= {env.aws.events.task_definition(rule.rule, rule.target_id) for rule in contract.schedules.values()}
    services = env.aws.ecs.services(contract.cluster, [service.name for service in contract.services.values()])
    for service in services.values():
        revisions |= {service.task_definition, *(deployment.task_definition for deployment in service.deployments)}
    return revisions


def images_of(revision: Mapping[str, Any]) -> Iterator[ImageRef]:
    """The images of a task definition, as ECS describes it."""
    return (ImageRef.parse(container["image"]) for container in revision["containerDefinitions"])
