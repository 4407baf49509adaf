"""The verification of a rollback: revisions, digests and health URLs, as in the release that it returns to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from longshore.aws.ecs_types import Service
from longshore.config.contract import UNRELEASED, Check
from longshore.environment.environment import Environment
from longshore.errors import AwsError, UnknownOutcomeError
from longshore.result import ImageResult, ReleaseResult
from longshore.rollout import verification
from longshore.rollout.looks import looks
from longshore.rollout.verification import Expectation, Wanted
from longshore.run.run import Run


def verify(run: Run, env: Environment, keys: Collection[str]) -> None:
    """Verifies that the services run their earlier revisions from the recorded digests, and that production answers.

    A service that another deployment has replaced is not judged, and neither is its URL. A first release returns to
    nothing that could answer.

    Args:
        run: the run.
        env: its environment.
        keys: the services that this process has rolled back; an earlier process may have rolled back others.

    Raises:
        VerifyError: a task is not the earlier one, or a URL does not answer as expected; the message has its answer.
        UnknownOutcomeError: ECS could not be read until the deadline.
    """
    if all(service.outcome != "moved back" for service in run.result.services.values()):
        return
    deadline = env.target.env.deadlines.verify
    current = _read_services(run, env, deadline)
    returned = _Returned(run, env, _last_good(run), current, frozenset(keys))
    expectations, cluster = returned.expectations(), run.contract.cluster
    verified = verification.tasks(env.aws.ecs, cluster, expectations, env.clock, deadline)
    if run.result.previous_version != UNRELEASED:
        returned.ask_urls(deadline, verified.mixed)


@dataclass(frozen=True)
class _Returned:
    """The services after a rollback, beside the record of the release that they have returned to.

    Attributes:
        run: the run.
        env: its environment.
        recorded: the last good release; None if there is none.
        current: the services as ECS shows them, by their keys.
        keys: the services that this process has rolled back.
    """

    run: Run
    env: Environment
    recorded: ReleaseResult | None
    current: Mapping[str, Service]
    keys: frozenset[str]

    def expectations(self) -> list[Expectation]:
        """The expectation for each service that was rolled back."""
        services = {key: s for key, s in self.run.result.services.items() if s.outcome == "moved back"}
        return [
            Expectation(s.name, s.before.task_definition, self._images(key), idle=not s.before.count)
            for key, s in services.items()
            if self._runs_earlier_revision(key)
        ]

    def ask_urls(self, deadline: float, mixed: Collection[str]) -> None:
        """Asks the health URLs that the recorded release has passed; all of the contract, if it has recorded none.

        Without a record of the running revision, its version is unknown: then only the status counts, and a text
        without a version.
        """
        checks = self._checks()
        if self.recorded:
            wanted = Wanted(self.recorded.version, mixed)
            self._ask([c for c in checks if self._is_recorded(c.service)], wanted, deadline)
        self._ask([c for c in checks if not self._is_recorded(c.service)], Wanted(None, mixed), deadline)

    def _ask(self, checks: list[Check], wanted: Wanted, deadline: float) -> None:
        contract = self.run.contract.model_copy(update={"verify": checks})
        base_url, masks = self.env.access.base_url, self.run.console.masks
        for url in verification.urls(contract, base_url, wanted, deadline, self.env.clock, masks):
            self.run.detail(f"{url} answers with {wanted.version}" if wanted.version else f"{url} answers")

    def _checks(self) -> list[Check]:
        recorded = self.recorded.checks if self.recorded else None
        checks = self.run.contract.verify if recorded is None else [Check(**c.model_dump()) for c in recorded]
        return [check for check in checks if self._serves(check.service)]

    def _serves(self, key: str) -> bool:
        """Whether a service runs its earlier revision, and has tasks that could answer."""
        desired = self.current[key].desired if key in self.current else 0
        return key in self.run.contract.services and self._runs_earlier_revision(key) and desired > 0

    def _runs_earlier_revision(self, key: str) -> bool:
        """Whether a service runs its earlier revision: this process has made sure of it, or ECS shows it."""
        service = self.run.result.services.get(key)
        if service is None or service.outcome not in ("moved back", "not moved") or key not in self.current:
            return False
        return key in self.keys or self.current[key].task_definition == service.before.task_definition

    def _is_recorded(self, key: str) -> bool:
        """Whether the record is that of the revision that a service has returned to."""
        service = self.recorded.services.get(key) if self.recorded else None
        after = service.after if service else None
        return after is not None and after.task_definition == self.run.result.services[key].before.task_definition

    def _images(self, key: str) -> dict[str, ImageResult]:
        """The recorded image of each container; none if the revision is not the recorded one."""
        if self.recorded is None or not self._is_recorded(key):
            return {}
        recorded = {f"{image.repository}:{image.tag}": image for image in self.recorded.images.values()}
        try:
            definition = self.env.aws.ecs.task_definition(self.run.result.services[key].before.task_definition)
        except AwsError as error:
            self.run.warn(f"the digests of {key} were not compared after the rollback: {error.message}")
            return {}
        images = {c["name"]: c["image"].partition("@")[0] for c in definition["containerDefinitions"]}
        return {name: recorded[image] for name, image in images.items() if image in recorded}


def _read_services(run: Run, env: Environment, deadline: float) -> dict[str, Service]:
    """The services of the run as ECS shows them, by their keys; those that were left untouched are not read."""
    records = {key: s for key, s in run.result.services.items() if s.outcome in ("moved back", "not moved")}
    names = [service.name for service in records.values()]
    unread = ""
    for look in looks(lambda: env.aws.ecs.services(run.contract.cluster, names), env.clock, deadline):
        if look.seen is not None:
            return {key: look.seen[record.name] for key, record in records.items()}
        unread = look.unread
    raise UnknownOutcomeError(f"could not determine within {deadline:.0f} s which revisions run: {unread}")


def _last_good(run: Run) -> ReleaseResult | None:
    try:
        return run.ledger.last_good()
    except AwsError as error:  # a ledger out of reach does not stop a rollback
        run.warn(f"the digests and the version were not compared after the rollback: {error.message}")
        return None
