"""Tries every read that a release needs, one by one. Nothing is written to AWS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from longshore.aws.ecs_types import Service
from longshore.config.contract import Contract
from longshore.environment.environment import Environment
from longshore.errors import AwsError, LongshoreError, NotReadyError
from longshore.images import builders
from longshore.images.version import FIRST
from longshore.rollout.pauses import brief
from longshore.run import checks, service_checks, state_lock
from longshore.run.checklist import Checklist
from longshore.run.limits import Limits
from longshore.run.shown_settings import shown
from longshore.signals import unchanged

Value = TypeVar("Value")

_MISSING_STREAM = "longshore-doctor"
"""A log stream that no group has: reading it shows whether reading is allowed."""


@unchanged
def doctor(env: Environment) -> None:
    """Tries every read and shows its result.

    Raises:
        LongshoreError: a read was denied, or its resource is missing; one error for all, with the exit code of the
            first.
    """
    env.console.say(f"Checking everything that a release of {env.target.application} to {env.target.environment} reads")
    checklist, reads = _DependentChecks(Checklist(env.console)), _Reads(env)
    checklist.run("files", reads.files)
    checklist.run("terraform", reads.terraform)
    checklist.run("builder", reads.builder)
    checklist.run("account", reads.account)
    checklist.run("lock", reads.lock, "account")
    checklist.run("releases", reads.releases, "lock")
    checklist.run("versions", reads.versions, "lock")
    checklist.run("parameter", reads.parameter, "account")
    checklist.run("login", reads.login, "account")
    checklist.run("repositories", reads.repositories, "account")
    checklist.run("tags", reads.tags, "repositories")
    checklist.run("digests", reads.digests, "repositories")
    checklist.run("images", reads.images, "repositories")
    if env.target.stack.backend:
        checklist.run("state lock", reads.state_lock, "account")
    else:
        checklist.skip("state lock", "only Terraform can read the lock of this backend")
    checklist.run("contract", reads.registered, "files", "terraform", "account")
    checklist.run("services", reads.services, "contract")
    _check_services(checklist, reads)
    checklist.run("schedules", reads.schedules, "contract")
    checklist.run("autoscaling", reads.autoscaling, "contract")
    checklist.run("logs", reads.logs, "contract")
    checklist.conclude()
    env.console.say("A release can read everything that it needs.")


def _check_services(checklist: _DependentChecks, reads: _Reads) -> None:
    checklist.run("settings", reads.settings, "services")
    checklist.run("alarms", reads.alarms, "services")
    checklist.run("targets", reads.targets, "services")
    checklist.run("revisions", reads.revisions, "contract")
    checklist.run("target groups", reads.target_groups, "services")
    checklist.run("deadlines", reads.deadlines, "services", "revisions")
    checklist.run("deployments", reads.deployments, "services")
    checklist.run("tasks", reads.tasks, "services")


@dataclass(frozen=True)
class _DependentChecks:
    """A checklist whose checks may depend on earlier ones.

    Attributes:
        checklist: shows the checks and collects their errors.
        causes: for each check without a usable result, the check that failed: itself, or one that it needs.
    """

    checklist: Checklist
    causes: dict[str, str] = field(default_factory=dict)

    def run(self, name: str, read: Callable[[], str], *needs: str) -> None:
        """Runs a check, or skips it if a check that it needs has failed.

        If IAM denied a read, its resource may exist, so the checks that need it run all the same.
        """
        if cause := next((self.causes[need] for need in needs if need in self.causes), None):
            self.causes[name] = cause
            self.skip(name, f"needs {cause}, which failed")
            return
        before = len(self.checklist.failed)
        self.checklist.run(name, read)
        if any(not _denied(error) for error in self.checklist.failed[before:]):
            self.causes[name] = name

    def skip(self, name: str, reason: str) -> None:
        """Shows that a check does not apply."""
        self.checklist.skip(name, reason)

    def conclude(self) -> None:
        """Ends the checks; raises their errors."""
        self.checklist.conclude()


@dataclass(frozen=True)
class _Reads:
    """The reads; each returns a description of its result."""

    env: Environment
    running: set[str] = field(default_factory=set)
    described: list[Service] = field(default_factory=list)

    @cached_property
    def contract(self) -> Contract:
        """The contract, read once."""
        return self.env.contract()

    def files(self) -> str:
        return checks.files(self.env, planning=True)

    def terraform(self) -> str:
        return self.env.terraform.check()

    def builder(self) -> str:
        return builders.check(self.env, self.env.target.app.build_on)

    def account(self) -> str:
        return checks.account(self.env)

    def lock(self) -> str:
        lock = _each([self._table], lambda _: self.env.ledger.locks.read())[0]
        return str(lock or f"{self.env.target.environment} is not locked, according to {self._table}")

    def releases(self) -> str:
        newest = _each([self._table], lambda _: next(self.env.ledger.releases(page=1), None))[0]
        return f"{newest.release} is the newest" if newest else "none yet"

    def versions(self) -> str:
        newest = _each([self._table], lambda _: self.env.ledger.versions.newest())[0]
        return f"{newest[0].version} is the highest issued" if newest else "none issued yet"

    def parameter(self) -> str:
        name = self.env.target.tag_parameter
        tag = _each([name], self.env.aws.parameters.get)[0]
        if tag is None:
            hint = f"Create it: invoke bootstrap -e {self.env.target.environment}"
            raise NotReadyError(f"there is no parameter {name}", hint)
        return f"{name} is {tag}"

    def login(self) -> str:
        return f"at {self.env.aws.ecr.credentials().endpoint}"

    def repositories(self) -> str:
        repositories = _each(self._repositories, self.env.aws.ecr.repository)
        return ", ".join(repository.uri for repository in repositories)

    def tags(self) -> str:
        _each(self._repositories, lambda name: self.env.aws.ecr.existing_tags(name, [FIRST]))
        return ", ".join(self._repositories)

    def digests(self) -> str:
        _each(self._repositories, lambda name: self.env.aws.ecr.digest(name, FIRST))
        return ", ".join(self._repositories)

    def images(self) -> str:
        # The first page is enough: a registry may hold many images.
        _each(self._repositories, lambda name: next(self.env.aws.ecr.images(name), None))
        return ", ".join(self._repositories)

    def state_lock(self) -> str:
        backend = self.env.target.stack.backend
        _each([f"{backend['bucket']}/{backend['key']}"], lambda _: state_lock.refuse_locked(self.env))
        return f"{backend['key']} is not locked"

    def registered(self) -> str:
        return f"{self.contract.image_tag} is registered in {self.contract.cluster}"

    def services(self) -> str:
        ecs, cluster = self.env.aws.ecs, self.contract.cluster
        services = _each(self._services, lambda name: ecs.services(cluster, [name])[name])
        self.running.update(service.task_definition for service in services)
        self.described.extend(services)
        return ", ".join(f"{service.name} {service.running}/{service.desired}" for service in services)

    def settings(self) -> str:
        service_checks.refuse_unsupported(self.described)
        return "; ".join(f"{service.name}: {shown(service.settings)}" for service in self.described) or "not read"

    def alarms(self) -> str:
        names = ", ".join(sorted({alarm for service in self.described for alarm in service.settings.alarms}))
        for burning in _each([names], lambda _: service_checks.alarms_in_alarm(self.env, self.described)):
            if burning:
                listed = "; ".join(f"{name}: {', '.join(alarms)}" for name, alarms in burning.items())
                raise NotReadyError(f"alarms are in ALARM: {listed}", "A release would need --allow-alarm.")
        return names or "none"

    def targets(self) -> str:
        health = _each(self._target_groups, lambda arn: self.env.aws.target_groups.health([arn]))
        counts = Counter(target.state for targets in health for target in targets)
        return ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "none"

    def revisions(self) -> str:
        contract = self.contract
        parts = [*contract.services.values(), *contract.schedules.values(), contract.migration]
        arns = sorted({part.task_definition for part in parts if part} | self.running)
        _each(arns, self.env.aws.ecs.task_definition)
        return ", ".join(arn.rpartition("/")[2] for arn in arns)

    def target_groups(self) -> str:
        groups = _each(self._target_groups, lambda arn: self.env.aws.target_groups.read([arn])[arn])
        times = [f"{g.healthy_after:.0f} s to become healthy, {g.drain:.0f} s to drain" for g in groups]
        return "; ".join(times) or "none"

    def deadlines(self) -> str:
        return "; ".join(Limits.of_environment(self.env, lambda _: None).describe(self.contract))

    def deployments(self) -> str:
        ecs, cluster = self.env.aws.ecs, self.contract.cluster
        latest = _each(self._services, lambda name: ecs.latest_deployments(cluster, [name]))
        newest = {name: deployment for by_name in latest for name, deployment in by_name.items()}
        described = _each(newest, lambda name: ecs.service_deployments([newest[name].arn]))  # a release reads both
        seen = {
            name: by_arn.get(newest[name].arn, newest[name]) for name, by_arn in zip(newest, described, strict=True)
        }
        return ", ".join(f"{name} {brief(d) if d.waits else d.status}" for name, d in seen.items()) or "none yet"

    def tasks(self) -> str:
        ecs, cluster = self.env.aws.ecs, self.contract.cluster
        running = _each(self._services, lambda name: ecs.tasks(cluster, name))
        stopped = _each(self._services, lambda name: ecs.stopped_tasks(cluster, name))
        return f"{sum(map(len, running))} running, {sum(map(len, stopped))} stopped recently"

    def schedules(self) -> str:
        events, schedules = self.env.aws.events, self.contract.schedules
        arns = _each(schedules, lambda key: events.task_definition(schedules[key].rule, schedules[key].target_id))
        return ", ".join(arn.rpartition("/")[2] for arn in arns) or "none"

    def autoscaling(self) -> str:
        scaling, cluster = self.env.aws.scaling, self.contract.cluster
        names = [service.name for service in self.contract.services.values() if service.min_capacity]
        minimums = dict(zip(names, _each(names, lambda name: scaling.minimum(cluster, name)), strict=True))
        if missing := [name for name, minimum in minimums.items() if minimum is None]:
            raise NotReadyError(
                f"there is no autoscaling target for {', '.join(missing)}", "Create it: invoke apply --allow-infra"
            )
        return ", ".join(f"{name} at least {minimum}" for name, minimum in minimums.items()) or "none"

    def logs(self) -> str:
        parts = [*self.contract.services.values(), self.contract.migration]
        groups = sorted({part.log_group for part in parts if part})
        _each(groups, lambda group: self.env.aws.logs.tail(group, _MISSING_STREAM, 1))
        return ", ".join(groups)

    @property
    def _table(self) -> str:
        return self.env.target.ledger_table

    @property
    def _repositories(self) -> list[str]:
        return [self.env.target.repository(image) for image in self.env.target.app.images]

    @property
    def _target_groups(self) -> list[str]:
        return sorted({arn for service in self.described for arn in service.settings.target_groups})

    @property
    def _services(self) -> list[str]:
        return [service.name for service in self.contract.services.values()]


def _each(resources: Iterable[str], read: Callable[[str], Value]) -> list[Value]:
    """Reads every resource, even if an earlier read has failed.

    Raises:
        AwsError: the errors of all reads that failed, each with the name of its resource, which AWS may leave out.
    """
    values, failed = [], []
    for resource in resources:
        try:
            values.append(read(resource))
        except AwsError as error:
            message = error.message if resource in error.message else f"{resource}: {error.message}"
            failed.append(AwsError(message, error.hint, error.code))
    if failed:
        # A missing resource counts more than a denied read: the checks that need it cannot run.
        first = next((error for error in failed if not error.denied), failed[0])
        raise AwsError("; ".join(error.message for error in failed), first.hint, first.code)
    return values


def _denied(error: LongshoreError) -> bool:
    return isinstance(error, AwsError) and error.denied
