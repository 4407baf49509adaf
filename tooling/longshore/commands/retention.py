"""Which images an environment needs: what runs there, what it may go back to, and what waits to run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from longshore.aws.ecr import Tagged
from longshore.config.contract import UNRELEASED
from longshore.environment.environment import Environment
from longshore.errors import NotReadyError, UsageError
from longshore.images import version
from longshore.images.version import Version
from longshore.result import ReleaseResult
from longshore.verdict import Verdict

_UNDER_WAY = (Verdict.RUNNING, Verdict.WAITING)

_SKEW = timedelta(hours=1)
"""So far apart the clocks may be of whoever reserved a version and whoever released."""


@dataclass
class Needed:
    """What must stay.

    Attributes:
        why: the reason by tag and by digest.
        highest: the highest version that was released, to any environment.
        latest: when the release that succeeded last had begun.
    """

    why: dict[str, str] = field(default_factory=dict)
    highest: Version | None = None
    latest: datetime | None = None

    def reason(self, image: Tagged) -> str | None:
        """Why an image must stay under a tag; None if it need not."""
        needed = self.why.get(image.tag) or self.why.get(image.digest)
        if needed:
            return needed
        try:
            found = version.parse(image.tag)
        except UsageError:
            return "its tag is no version"
        newer = self.highest is None or found > self.highest
        return "newer than every release" if newer else None

    def gather(self, env: Environment, keep: int) -> None:
        """Adds what an environment needs.

        Args:
            env: the environment.
            keep: so many of the versions that succeeded there last are kept.

        Raises:
            LongshoreError: it can't be told.
        """
        name = env.target.environment
        tag = env.aws.parameters.get(env.target.tag_parameter)
        if tag is None:
            raise NotReadyError(
                f"it is not set up: there is no parameter {env.target.tag_parameter}", f"invoke bootstrap -e {name}"
            )
        self._add(f"released in {name}", tag)
        self._add(f"runs in {name}, or is registered there", *_running(env))
        for release in self._released(env, keep):
            digests = [image.digest for image in release.images.values()]
            if release.verdict in _UNDER_WAY:
                self._add(f"under way in {name}", release.version, release.previous_version, *digests)
            else:
                self._add(f"of the last {keep} versions of {name}", release.version, *digests)

    def gather_reserved(self, env: Environment) -> None:
        """Adds the versions of the application that were taken after the last release: they may be built just now."""
        for issued in env.ledger.versions.all():
            if issued.state == "reserved" and (self.latest is None or issued.at > self.latest - _SKEW):
                self._add("reserved after the last release", issued.version)

    def _released(self, env: Environment, keep: int) -> Iterator[ReleaseResult]:
        """The releases whose images must stay, newest first; on the way, what was released at all is noted."""
        versions: set[str] = set()
        for release in env.ledger.releases():
            if release.verdict in _UNDER_WAY:
                yield release
            elif release.verdict is Verdict.SUCCEEDED:
                self._note(release)
                if release.version in versions or len(versions) < keep:
                    versions.add(release.version)
                    yield release

    def _note(self, release: ReleaseResult) -> None:
        if release.kind != "release":
            return
        found = version.parse(release.version)
        self.highest = found if self.highest is None else max(self.highest, found)
        self.latest = release.started if self.latest is None else max(self.latest, release.started)

    def _add(self, why: str, *names: str) -> None:
        for name in names:
            if name and name != UNRELEASED:
                self.why.setdefault(name, why)


def _running(env: Environment) -> Iterator[str]:
    """Tags and digests of everything that runs, or that ECS or a rule may start."""
    ecs, contract = env.aws.ecs, env.contract()
    yield contract.image_tag
    revisions = {service.task_definition for service in contract.services.values()}
    revisions |= {rule.task_definition for rule in contract.schedules.values()}
    revisions |= {contract.migration.task_definition} if contract.migration else set()
    revisions |= {env.aws.events.task_definition(rule.rule, rule.target_id) for rule in contract.schedules.values()}
    services = ecs.services(contract.cluster, [service.name for service in contract.services.values()])
    for service in services.values():
        revisions |= {service.task_definition, *(deployment.task_definition for deployment in service.deployments)}
        for task in ecs.tasks(contract.cluster, service.name):
            yield from (container.digest for container in task.containers if container.digest)
            yield from (_name(container.image) for container in task.containers)
    for revision in sorted(revisions):
        yield from (_name(container["image"]) for container in ecs.task_definition(revision)["containerDefinitions"])


def _name(image: str) -> str:
    """The digest or tag in an image's reference, ``host:port/name:tag`` or ``…@sha256:…``."""
    rest, at, digest = image.partition("@")
    return digest if at else rest.rpartition("/")[2].partition(":")[2]
