"""The target of a rollback: the release to return to, and whether its images and revisions still exist."""

from __future__ import annotations

from longshore.aws.ecs import Ecs
from longshore.config.contract import UNRELEASED
from longshore.environment.environment import Environment
from longshore.errors import NotReadyError, UsageError
from longshore.images import images
from longshore.ledger.releases import Ledger
from longshore.result import ReleaseResult
from longshore.rollout.completion import is_settled
from longshore.run.run import Run
from longshore.verdict import Verdict

_SEE = "See: invoke history"


def choose(ledger: Ledger, current: ReleaseResult, registered: str, version: str | None) -> ReleaseResult:
    """The release to roll back to.

    Args:
        ledger: the record.
        current: the entry of this run, with the running revision of each service.
        registered: the tag that is registered last.
        version: its version. None for the release before the current one; or the current one, if something else is
            running or registered, as after an interrupted release or another deployment.

    Raises:
        UsageError: there is none.
    """
    if version:
        release = ledger.last_good(version)
        if release is None:
            raise UsageError(f"{version} has never succeeded in {current.environment}", _SEE)
        return release
    last = ledger.last_good()
    if last is None:
        raise UsageError("nothing was released yet, so there is no release to roll back to", _SEE)
    recorded = {key: service.after.task_definition for key, service in last.services.items() if service.after}
    running = {key: service.before.task_definition for key, service in current.services.items()}
    strayed = any(running[key] != revision for key, revision in recorded.items() if key in running)
    return last if strayed or registered != last.version else _release_before(ledger, last.version)


def default_version(ledger: Ledger) -> str | None:
    """The version to roll back to after an interrupted run: that of an interrupted rollback, or the last good one."""
    newest = next(ledger.releases(page=1), None)
    if newest and newest.kind == "rollback" and newest.verdict is Verdict.RUNNING and newest.version:
        return newest.version
    last = ledger.last_good()
    return last.version if last else None


def refuse_changed_images(env: Environment, target: ReleaseResult) -> None:
    """Checks that the registry still has the images of a release, with the digests that were verified.

    Raises:
        NotReadyError: names those that differ.
    """
    digests = images.digests(env, target.version)
    recorded = {env.target.repository(name): image.digest for name, image in target.images.items()}
    changed = [
        f"{repository}:{target.version} is {digests.get(repository) or 'gone'}, {digest} was recorded"
        for repository, digest in recorded.items()
        if digests.get(repository) != digest
    ]
    if changed:
        raise NotReadyError(f"an image has changed: {'; '.join(changed)}", "Roll back to another release with --to")


def warn_of_migrations(run: Run, target: ReleaseResult) -> None:
    """Warns of the migrations that have run since a release: a rollback does not undo them."""
    since = []
    for release in run.ledger.releases(page=20):
        if release.sequence <= target.sequence:
            break
        if release.migration and release.migration.succeeded:
            since.append(f"{release.migration.task_definition.rpartition('/')[2]} of {release.version}")
    if since:
        run.warn(f"migrations have run since, and are not undone: {', '.join(reversed(since))}")


def skip_unchanged(run: Run, ecs: Ecs, target: ReleaseResult, inactive: frozenset[str]) -> None:
    """Marks the services that run the revision of that release already and need not be updated.

    Args:
        run: the run.
        ecs: reads the services.
        target: the release.
        inactive: its revisions that were deregistered; a service that runs one gets a new one.
    """
    names = [service.name for service in run.result.services.values()]
    services = ecs.services(run.contract.cluster, names)
    for key, service in run.result.services.items():
        after = target.services[key].after if key in target.services else None
        settled = is_settled(ecs, run.contract.cluster, services[service.name])
        unchanged = after is not None and service.before.task_definition == after.task_definition
        if settled and unchanged and service.before.task_definition not in inactive:
            service.after = service.before


def inactive_revisions(ecs: Ecs, target: ReleaseResult) -> frozenset[str]:
    """The revisions (ARNs) of a release that cannot be rolled out any more because they were deregistered."""
    revisions = [service.after.task_definition for service in target.services.values() if service.after]
    revisions += [schedule.after for schedule in target.schedules.values() if schedule.after]
    return frozenset(arn for arn in revisions if not ecs.is_active(arn))


def _release_before(ledger: Ledger, version: str) -> ReleaseResult:
    """The release that was running before a version was released; its number need not be the one before.

    Raises:
        UsageError: there is none.
    """
    releases = (r for r in ledger.of_version(version) if r.kind == "release" and r.verdict is Verdict.SUCCEEDED)
    earlier = next((r.previous_version for r in releases if r.previous_version != version), UNRELEASED)
    release = ledger.last_good(earlier)
    if earlier == UNRELEASED or release is None:
        raise UsageError(f"there is no release before {version} to roll back to", _SEE)
    return release
