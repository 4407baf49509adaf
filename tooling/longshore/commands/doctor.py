"""Tries the reads that a release needs, one by one and all of them. Nothing is written to AWS."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from longshore.config.contract import Contract
from longshore.environment.environment import Environment
from longshore.errors import AwsError, LongshoreError, NotReadyError
from longshore.images import builders
from longshore.images.version import FIRST
from longshore.run import checks, state_lock
from longshore.run.checklist import Checklist

T = TypeVar("T")

_NO_STREAM = "longshore-doctor"
"""A log stream that nobody has: whether it may be read is told all the same."""


def doctor(env: Environment) -> None:
    """Tries every read and shows what came of it.

    Raises:
        LongshoreError: what can't be read, or is not there; all of it in one, with the exit code of the first.
    """
    env.console.say(f"What a release of {env.target.application} to {env.target.environment} reads")
    tries, reads = _Tries(Checklist(env.console)), _Reads(env)
    tries.look("files", reads.files)
    tries.look("terraform", reads.terraform)
    tries.look("builder", reads.builder)
    tries.look("account", reads.account)
    tries.look("lock", reads.lock, "account")
    tries.look("releases", reads.releases, "lock")
    tries.look("versions", reads.versions, "lock")
    tries.look("parameter", reads.parameter, "account")
    tries.look("login", reads.login, "account")
    tries.look("repositories", reads.repositories, "account")
    tries.look("tags", reads.tags, "repositories")
    tries.look("digests", reads.digests, "repositories")
    tries.look("images", reads.images, "repositories")
    if env.target.stack.backend:
        tries.look("state lock", reads.state_lock, "account")
    else:
        tries.checks.skip("state lock", "the backend is the team's own, and Terraform's to look at")
    tries.look("contract", reads.registered, "files", "terraform", "account")
    tries.look("services", reads.services, "contract")
    tries.look("revisions", reads.revisions, "contract")
    tries.look("deployments", reads.deployments, "services")
    tries.look("tasks", reads.tasks, "services")
    tries.look("schedules", reads.schedules, "contract")
    tries.look("autoscaling", reads.autoscaling, "contract")
    tries.look("logs", reads.logs, "contract")
    tries.checks.conclude()
    env.console.say("A release can read all that it needs.")


@dataclass(frozen=True)
class _Tries:
    """The checks, and those of them that others need in vain, each with the one that failed."""

    checks: Checklist
    lacking: dict[str, str] = field(default_factory=dict)

    def look(self, name: str, read: Callable[[], str], *needs: str) -> None:
        """Tries a read, unless it needs another that has failed.

        Where IAM did not allow that one, what it asks for may be there: then this one is tried all the same.
        """
        if lacking := next((need for need in needs if need in self.lacking), None):
            self.lacking[name] = self.lacking[lacking]
            self.checks.skip(name, f"needs {self.lacking[name]}, which failed")
            return
        before = len(self.checks.failed)
        self.checks.run(name, read)
        if any(not _denied(error) for error in self.checks.failed[before:]):
            self.lacking[name] = name


@dataclass(frozen=True)
class _Reads:
    """What is read; each read says what it has found."""

    env: Environment
    running: set[str] = field(default_factory=set)

    @cached_property
    def contract(self) -> Contract:
        """The contract, read once."""
        return self.env.contract()

    def files(self) -> str:
        return checks.files(self.env)

    def terraform(self) -> str:
        return self.env.terraform.check()

    def builder(self) -> str:
        return builders.check(self.env, self.env.target.app.build_on)

    def account(self) -> str:
        return checks.account(self.env)

    def lock(self) -> str:
        held = _each([self._table], lambda _: self.env.ledger.locks.read())[0]
        return str(held or f"{self._table} says that nobody holds it")

    def releases(self) -> str:
        newest = _each([self._table], lambda _: next(self.env.ledger.releases(page=1), None))[0]
        return f"{newest.release} is the newest" if newest else "none yet"

    def versions(self) -> str:
        newest = _each([self._table], lambda _: self.env.ledger.versions.newest())[0]
        return f"{newest[0].version} is the highest that was issued" if newest else "none was issued yet"

    def parameter(self) -> str:
        name = self.env.target.tag_parameter
        tag = _each([name], self.env.aws.parameters.get)[0]
        if tag is None:
            hint = f"Run: invoke bootstrap -e {self.env.target.environment}"
            raise NotReadyError(f"there is no parameter {name}", hint)
        return f"{name} is {tag}"

    def login(self) -> str:
        return f"at {self.env.aws.ecr.credentials().endpoint}"

    def repositories(self) -> str:
        found = _each(self._repositories, self.env.aws.ecr.repository)
        return ", ".join(one.uri for one in found)

    def tags(self) -> str:
        _each(self._repositories, lambda name: self.env.aws.ecr.existing_tags(name, [FIRST]))
        return ", ".join(self._repositories)

    def digests(self) -> str:
        _each(self._repositories, lambda name: self.env.aws.ecr.digest(name, FIRST))
        return ", ".join(self._repositories)

    def images(self) -> str:
        # The first page tells; a registry may have many.
        _each(self._repositories, lambda name: next(self.env.aws.ecr.images(name), None))
        return ", ".join(self._repositories)

    def state_lock(self) -> str:
        backend = self.env.target.stack.backend
        _each([f"{backend['bucket']}/{backend['key']}"], lambda _: state_lock.refuse_locked(self.env))
        return f"nobody holds {backend['key']}"

    def registered(self) -> str:
        return f"{self.contract.image_tag} is registered last in {self.contract.cluster}"

    def services(self) -> str:
        ecs, cluster = self.env.aws.ecs, self.contract.cluster
        found = _each(self._services, lambda name: ecs.services(cluster, [name])[name])
        self.running.update(service.task_definition for service in found)
        return ", ".join(f"{service.name} {service.running}/{service.desired}" for service in found)

    def revisions(self) -> str:
        contract = self.contract
        parts = [*contract.services.values(), *contract.schedules.values(), contract.migration]
        arns = sorted({part.task_definition for part in parts if part} | self.running)
        _each(arns, self.env.aws.ecs.task_definition)
        return ", ".join(arn.rpartition("/")[2] for arn in arns)

    def deployments(self) -> str:
        ecs, cluster = self.env.aws.ecs, self.contract.cluster
        found = _each(self._services, lambda name: ecs.latest_deployments(cluster, [name]))
        said = [f"{name} {deployment.status}" for one in found for name, deployment in one.items()]
        return ", ".join(said) or "none yet"

    def tasks(self) -> str:
        ecs, cluster = self.env.aws.ecs, self.contract.cluster
        running = _each(self._services, lambda name: ecs.tasks(cluster, name))
        stopped = _each(self._services, lambda name: ecs.stopped_tasks(cluster, name))
        return f"{sum(map(len, running))} run, {sum(map(len, stopped))} have stopped of late"

    def schedules(self) -> str:
        events, all_ = self.env.aws.events, self.contract.schedules
        found = _each(all_, lambda key: events.task_definition(all_[key].rule, all_[key].target_id))
        return ", ".join(arn.rpartition("/")[2] for arn in found) or "none"

    def autoscaling(self) -> str:
        scaling, cluster = self.env.aws.scaling, self.contract.cluster
        names = [service.name for service in self.contract.services.values() if service.min_capacity]
        found = dict(zip(names, _each(names, lambda name: scaling.minimum(cluster, name)), strict=True))
        if unknown := [name for name, minimum in found.items() if minimum is None]:
            raise NotReadyError(
                f"autoscaling does not know {', '.join(unknown)}", "Make its target again: invoke apply --allow-infra"
            )
        return ", ".join(f"{name} at least {minimum}" for name, minimum in found.items()) or "none"

    def logs(self) -> str:
        parts = [*self.contract.services.values(), self.contract.migration]
        groups = sorted({part.log_group for part in parts if part})
        _each(groups, lambda group: self.env.aws.logs.tail(group, _NO_STREAM, 1))
        return ", ".join(groups)

    @property
    def _table(self) -> str:
        return self.env.target.ledger_table

    @property
    def _repositories(self) -> list[str]:
        return [self.env.target.repository(image) for image in self.env.target.app.images]

    @property
    def _services(self) -> list[str]:
        return [service.name for service in self.contract.services.values()]


def _each(resources: Iterable[str], read: Callable[[str], T]) -> list[T]:
    """Reads every resource, though one may fail.

    Raises:
        AwsError: what AWS said of those that failed, each with the name of the resource: AWS leaves it out at times.
    """
    found, failed = [], []
    for resource in resources:
        try:
            found.append(read(resource))
        except AwsError as error:
            message = error.message if resource in error.message else f"{resource}: {error.message}"
            failed.append(AwsError(message, error.hint, error.code))
    if failed:
        # Not denied where one of them is not: what that one asks for is not there.
        first = next((error for error in failed if not error.denied), failed[0])
        raise AwsError("; ".join(error.message for error in failed), first.hint, first.code)
    return found


def _denied(error: LongshoreError) -> bool:
    return isinstance(error, AwsError) and error.denied
