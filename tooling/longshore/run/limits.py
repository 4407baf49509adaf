"""How long each service may take to roll out: a setting of invoke.yaml, or what follows from the service itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from longshore.aws.ecs import Ecs
from longshore.aws.ecs_settings import ServiceSettings
from longshore.aws.ecs_types import Service
from longshore.aws.elbv2 import TargetGroup
from longshore.config.contract import Contract
from longshore.config.settings import Deadlines
from longshore.environment.environment import Environment
from longshore.errors import AwsError
from longshore.rollout import rollout_time

Value = TypeVar("Value")

ReadGroups = Callable[[Sequence[str]], Mapping[str, TargetGroup]]
"""Reads target groups by their ARNs."""

_BEHIND_A_LOAD_BALANCER = ServiceSettings(target_groups=("unknown",))
"""The settings that a service is taken to have if it could not be read: AWS's defaults, with one target group."""


@dataclass(frozen=True)
class Limit:
    """The seconds that a service may take to roll out, and why.

    Attributes:
        seconds: from the start of its wave.
        why: the parts of a computed limit; for a setting, its key in invoke.yaml.
        computed: whether it follows from the service.
        raised_by: the key in invoke.yaml that gives the service longer.
    """

    seconds: float
    why: str
    computed: bool
    raised_by: str

    def describe(self, name: str) -> str:
        """One line about a service with this name."""
        if self.computed:
            return f"{name} may take up to {duration(self.seconds)}: {self.why}"
        return f"{name}: up to {duration(self.seconds)} ({self.why} in invoke.yaml)"

    def advise(self, given: float) -> str:
        """The advice for a service that was not complete after the seconds that it was given."""
        if given < self.seconds:
            return "deadlines.release left it no more time: raise it in invoke.yaml if a release needs longer."
        if self.computed:
            return f"Its deadline follows from the service ({self.why}). If it needs longer, set {self.raised_by}."
        return f"Its deadline is {self.why} in invoke.yaml: raise it if the service needs longer."


class Limits:
    """The limits of the services of a run. Each service and target group is read once, and again after an apply.

    A read that fails is a warning, and AWS's defaults are assumed: no roll-out fails because of it.

    Args:
        ecs: reads services and task definitions.
        read_groups: reads target groups.
        deadlines: the settings of invoke.yaml.
        warn: shows a warning.
    """

    def __init__(self, ecs: Ecs, read_groups: ReadGroups, deadlines: Deadlines, warn: Callable[[str], None]) -> None:
        self._ecs, self._read_groups, self._deadlines, self._warn = ecs, read_groups, deadlines, warn
        self._contract: Contract | None = None
        self._services: Mapping[str, Service] = {}
        self._groups: Mapping[str, TargetGroup] = {}
        self._definitions: dict[str, dict[str, Any]] = {}
        self.given: dict[str, Limit] = {}
        """The limit of each service that has begun, by the name of the service."""

    @classmethod
    def of_environment(cls, env: Environment, warn: Callable[[str], None]) -> Limits:
        """The limits of the services of an environment."""

        def read_groups(arns: Sequence[str]) -> Mapping[str, TargetGroup]:
            return env.aws.target_groups.read(arns)

        return cls(env.aws.ecs, read_groups, env.target.env.deadlines, warn)

    def of(self, contract: Contract, key: str, *, revisions: Collection[str] = (), count: int | None = None) -> Limit:
        """The limit of a service. A setting for the service wins, then one for all services.

        Args:
            contract: of the environment; it names the revision registered last.
            key: of the service.
            revisions: other revisions that it runs, or may move to: the longest times of all count.
            count: the number of its tasks if it is about to change.
        """
        if setting := self._setting(key):
            return setting
        self._read(contract)
        declared = contract.services.get(key)
        service = self._services.get(declared.name) if declared else None
        settings = service.settings if service else _BEHIND_A_LOAD_BALANCER
        tasks = service.desired if service else declared.desired_count if declared else 1
        arns = {*revisions, *(part.task_definition for part in (declared, service) if part)}
        definitions = [definition for arn in sorted(arns) if (definition := self._definition(arn))]
        time = rollout_time.of_service(settings, max(tasks, count or 0), definitions, self._groups)
        return Limit(time.seconds, str(time), computed=True, raised_by=f"deadlines.services.{key}")

    def describe(self, contract: Contract) -> Iterator[str]:
        """A line for each service, and one if the waves together may take longer than `deadlines.release`."""
        for key in (key for wave in contract.waves() for key in wave):
            yield self.of(contract, key).describe(key)
        if warning := self.describe_total(contract):
            yield warning

    def describe_total(self, contract: Contract) -> str:
        """A line if the waves together may take longer than `deadlines.release`; empty otherwise."""
        total = sum(max(self.of(contract, key).seconds for key in wave) for wave in contract.waves())
        release = self._deadlines.release
        if total <= release:
            return ""
        return (
            f"The waves together may take up to {duration(total)}, but deadlines.release rolls back after"
            f" {duration(release)}: set it to {total:.0f} or more in invoke.yaml"
        )

    def _setting(self, key: str) -> Limit | None:
        deadlines, name = self._deadlines, f"deadlines.services.{key}"
        if key in deadlines.services:
            return Limit(deadlines.services[key], name, computed=False, raised_by=name)
        if deadlines.rollout is not None:
            return Limit(deadlines.rollout, "deadlines.rollout", computed=False, raised_by="deadlines.rollout")
        return None

    def _read(self, contract: Contract) -> None:
        if contract is self._contract:
            return
        self._contract, ecs, cluster = contract, self._ecs, contract.cluster
        names = [service.name for key, service in contract.services.items() if not self._setting(key)]
        self._services = self._or_nothing("services", {}, lambda: ecs.services(cluster, names))
        groups = sorted({arn for service in self._services.values() for arn in service.settings.target_groups})
        self._groups = self._or_nothing("target groups", {}, lambda: self._read_groups(groups)) if groups else {}

    def _definition(self, arn: str) -> Mapping[str, Any]:
        if arn not in self._definitions:
            self._definitions[arn] = self._or_nothing("a task definition", {}, lambda: self._ecs.task_definition(arn))
        return self._definitions[arn]

    def _or_nothing(self, what: str, nothing: Value, read: Callable[[], Value]) -> Value:
        try:
            return read()
        except AwsError as error:
            usual = TargetGroup()
            self._warn(
                f"{what} could not be read for the deadlines of the services, so AWS's defaults are assumed"
                f" ({usual.healthy_after:.0f} s to become healthy, {usual.drain:.0f} s to drain): {error.message}."
                f" {error.hint}".rstrip()
            )
            return nothing


def duration(seconds: float) -> str:
    """A time for people: whole minutes from two on, else seconds."""
    return f"{seconds / 60:.0f} min" if seconds >= 120 and seconds % 60 == 0 else f"{seconds:g} s"
