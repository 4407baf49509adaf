"""AWS, a registry and Docker in memory, each with what the package calls of it and nothing else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from longshore.aws.ecr import Credentials, Manifest, Repository, refuse_other_digest
from longshore.aws.ecs_types import Deployment, Placement, Service, ServiceDeployment, Task
from longshore.aws.sts import Caller
from longshore.errors import AwsError, BuildError
from longshore.images.docker import LocalImage
from longshore.ledger.table import Table
from tests.machine.fleet import ACCOUNT, Fleet, Revision


@dataclass(frozen=True)
class Call:
    """A call that changes something.

    Attributes:
        what: ``update``, ``run``, ``stop``, ``register``, ``point``, ``move``, ``switch on``, ``switch off`` or
            ``push``.
        environment: where; empty for the registry, which all share.
        subject: the service, family, parameter, rule or tag.
        revision: what it is moved to, where it is a revision.
        count: the wanted count, where one is sent.
    """

    what: str
    environment: str
    subject: str
    revision: Revision | None = None
    count: int | None = None

    def __str__(self) -> str:
        where = f"{self.environment} " if self.environment else ""
        to = f" to {self.revision.arn.rpartition('/')[2]} ({self.revision.tag})" if self.revision else ""
        return f"{self.what} {where}{self.subject}{to}"


AboutTo = Callable[[Call], None]
"""Told of each call before it takes effect; may raise."""


@dataclass
class Registry:
    """Images, and the tags that can't be moved.

    Attributes:
        manifests: by digest.
        tags: the digest of each.
        commits: from which commit the image of a digest was built.
    """

    manifests: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    commits: dict[str, str] = field(default_factory=dict)

    def put(self, manifest: str, tag: str) -> str:
        """PutImage.

        Raises:
            BuildError: the tag is another image's.
        """
        digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
        if self.tags.get(tag, digest) != digest:
            raise BuildError(f"tag {tag} is immutable")
        self.manifests[digest] = manifest
        self.tags[tag] = digest
        return digest


@dataclass(frozen=True)
class Ecr:
    """The registry as a process sees it."""

    registry: Registry
    about_to: AboutTo

    def repository(self, name: str) -> Repository:
        return Repository(name, f"registry/{name}", ACCOUNT)

    def tags(self, name: str) -> Iterator[str]:
        return iter(list(self.registry.tags))

    def existing_tags(self, name: str, tags: Sequence[str]) -> set[str]:
        return set(tags) & set(self.registry.tags)

    def digest(self, name: str, tag: str) -> str | None:
        return self.registry.tags.get(tag)

    def manifest(self, name: str, digest: str) -> Manifest | None:
        text = self.registry.manifests.get(digest)
        return Manifest(digest, text, "") if text else None

    def put_tag(self, name: str, manifest: Manifest, tag: str) -> None:
        self.about_to(Call("push", "", tag))
        try:
            self.registry.put(manifest.text, tag)
        except BuildError:
            refuse_other_digest(name, tag, actual=self.digest(name, tag), expected=manifest.digest)

    def credentials(self) -> Credentials:
        return Credentials("AWS", SecretStr("secret"), "registry")


@dataclass
class Engine:
    """Docker: an image is a manifest with a number of its own.

    Attributes:
        registry: where it pushes to.
        about_to: told of builds and pushes.
        local: manifest and commit of each reference.
    """

    registry: Registry
    about_to: AboutTo
    local: dict[str, tuple[str, str]] = field(default_factory=dict)

    def check(self) -> str:
        return "20.10"

    def build(self, arguments: Sequence[str], on_line: object = None, environ: object = None) -> None:
        reference = arguments[arguments.index("--tag") + 1]
        label = next(given for given in arguments if given.startswith("org.opencontainers.image.revision="))
        self.about_to(Call("build", "", reference.rpartition(":")[2]))
        number = f"sha256:build-{len(self.local)}-{label}"
        self.local[reference] = json.dumps({"config": {"digest": number}}), label.partition("=")[2]

    def inspect(self, reference: str) -> LocalImage:
        return LocalImage(json.loads(self.local[reference][0])["config"]["digest"], "linux/amd64", ())

    def push(self, reference: str, credentials: object, on_line: object = None) -> str:
        tag = reference.rpartition(":")[2]
        self.about_to(Call("push", "", tag))
        manifest, commit = self.local[reference]
        digest = self.registry.put(manifest, tag)
        self.registry.commits[digest] = commit
        return digest


@dataclass(frozen=True)
class Ecs:
    """ECS as a process sees it."""

    fleet: Fleet
    about_to: AboutTo

    def services(self, cluster: str, names: Sequence[str]) -> dict[str, Service]:
        return {name: self.fleet.shown(name) for name in names}

    def update(
        self, cluster: str, service: str, task_definition: str, count: int | None, *, force: bool = False
    ) -> Deployment:
        there, revision = self.fleet.service(service), self.fleet.revisions[task_definition]
        self.about_to(Call("update", there.environment, there.key, revision, count))
        if count is not None:
            there.desired = count
        if force or there.primary.revision != revision:
            self.fleet.deploy(service, revision)
        primary = self.fleet.shown(service).primary
        assert primary
        return primary

    def find_deployment(
        self, cluster: str, service: str, deployment_id: str, created_at: Any, previous: str | None
    ) -> str | None:
        return next((one.arn for one in self.fleet.listed(service) if one.deploys(deployment_id)), None)

    def deployment_history(self, cluster: str, service: str, since: Any = None) -> tuple[ServiceDeployment, ...]:
        return tuple(one for one in self.fleet.listed(service) if since is None or one.created_at >= since)

    def newest_deployment(self, cluster: str, service: str) -> str | None:
        return next((one.arn for one in self.fleet.listed(service)), None)

    def latest_deployments(self, cluster: str, services: Sequence[str]) -> dict[str, ServiceDeployment]:
        return {name: listed[0] for name in services if (listed := self.fleet.listed(name))}

    def service_deployments(self, arns: Sequence[str]) -> dict[str, ServiceDeployment]:
        wholes = (one for name in self.fleet.services for one in self.fleet.wholes(name))
        return {one.arn: one for one in wholes if one.arn in arns}

    def stop_deployment(self, arn: str) -> None:
        name = next(name for name in self.fleet.services if arn in {one.arn for one in self.fleet.wholes(name)})
        there = self.fleet.services[name]
        self.about_to(Call("stop", there.environment, there.key))
        self.fleet.stop(arn)

    def tasks(self, cluster: str, service: str) -> list[Task]:
        return self.fleet.shown_tasks(service)

    def stopped_tasks(self, cluster: str, service: str) -> list[Task]:
        return self.fleet.stopped(service)

    def is_active(self, arn: str) -> bool:
        return arn in self.fleet.revisions

    def tasks_of_family(self, cluster: str, family: str) -> list[Task]:
        return [self.fleet.task(one) for one in self.fleet.one_off if one.revision.content["family"] == family]

    def describe_tasks(self, cluster: str, arns: Sequence[str]) -> list[Task]:
        return [self.fleet.task(one) for one in self.fleet.one_off if one.arn in arns]

    def run_task(
        self,
        cluster: str,
        task_definition: str,
        *,
        placement: Placement,
        client_token: str,
        started_by: str,
    ) -> Task:
        revision = self.fleet.revisions[task_definition]
        self.about_to(Call("run", revision.environment, revision.key, revision))
        return self.fleet.task(self.fleet.run(revision, started_by, client_token))

    def task_definition(self, arn: str) -> dict[str, Any]:
        return self.fleet.revisions[arn].content


@dataclass(frozen=True)
class Events:
    """EventBridge as a process sees it: the revision of each rule, and those that are switched on."""

    rules: dict[str, Revision]
    on: set[str]
    fleet: Fleet
    about_to: AboutTo

    def task_definition(self, rule: str, target_id: str) -> str:
        return self.rules[rule].arn

    def move(self, rule: str, target_id: str, task_definition: str) -> None:
        revision = self.fleet.revisions[task_definition]
        self.about_to(Call("move", revision.environment, revision.key, revision))
        self.rules[rule] = revision

    def is_on(self, rule: str) -> bool:
        return rule in self.on

    def switch(self, rule: str, *, on: bool) -> None:
        revision = self.rules[rule]
        self.about_to(Call("switch on" if on else "switch off", revision.environment, revision.key))
        (self.on.add if on else self.on.discard)(rule)


@dataclass(frozen=True)
class Parameters:
    """Parameter Store as a process sees it."""

    values: dict[str, str]
    about_to: AboutTo

    def get(self, name: str) -> str | None:
        return self.values.get(name)

    def put(self, name: str, value: str) -> None:
        self.about_to(Call("point", name.split("/")[2], value))
        self.values[name] = value


class Identity:
    """STS."""

    def caller(self) -> Caller:
        return Caller(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/ann")


class Buckets:
    """S3: nobody ever locks Terraform's state."""

    def read(self, bucket: str, key: str) -> str | None:
        return None


class Logs:
    """CloudWatch Logs: one line a stream."""

    def tail(self, group: str, stream: str, lines: int) -> list[str]:
        return ["a line"]

    def follow(self, group: str, stream: str) -> Logs:
        return self

    def lines(self) -> Iterator[str]:
        return iter(())


@dataclass(frozen=True)
class Aws:
    """What longshore.aws.session.Aws offers."""

    ecr: Ecr
    ecs: Ecs
    events: Events
    parameters: Parameters
    ledger: Table
    identity: Identity = field(default_factory=Identity)
    buckets: Buckets = field(default_factory=Buckets)
    logs: Logs = field(default_factory=Logs)
    # Nothing here is autoscaled or has a target group: no call is expected.
    scaling: object = field(default_factory=object)
    target_groups: object = field(default_factory=object)

    def table(self, name: str) -> Table:
        return self.ledger


def denied(call: Call) -> AwsError:
    """The refusal of a call."""
    return AwsError(f"{call}: not authorized", "The role lacks a permission.", "AccessDeniedException")
