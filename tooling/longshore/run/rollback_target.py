"""The ways back by hand: to which release, and whether what it ran is still there."""

from __future__ import annotations

from longshore.config.contract import UNRELEASED
from longshore.environment.environment import Environment
from longshore.errors import NotReadyError, UsageError
from longshore.images import images
from longshore.ledger.releases import Ledger
from longshore.result import ReleaseResult
from longshore.run.run import Run
from longshore.verdict import Verdict

_LOOK = "See: invoke history"


def target(ledger: Ledger, current: ReleaseResult, registered: str, to: str | None) -> ReleaseResult:
    """The release to go back to: a version by its name, or by what runs now.

    Args:
        ledger: the record.
        current: with what each service runs now.
        registered: the tag that is registered last.
        to: the version, or None for the release before the current; the current one where it is not whole: where
            something else runs, or is registered, after a release that died or somebody else's deployment.

    Raises:
        UsageError: there is none.
    """
    if to:
        found = ledger.last_good(to)
        if found is None:
            raise UsageError(f"{to} has never succeeded in {current.environment}", _LOOK)
        return found
    last = ledger.last_good()
    if last is None:
        raise UsageError("nothing was released yet that one could go back to", _LOOK)
    after = {key: service.after.task_definition for key, service in last.services.items() if service.after}
    runs = {key: service.before.task_definition for key, service in current.services.items()}
    strayed = any(runs[key] != task_definition for key, task_definition in after.items() if key in runs)
    return last if strayed or registered != last.version else _before(ledger, last.version)


def default_version(ledger: Ledger) -> str | None:
    """The version to go back to after a process has died: its own, if it was going back, or the last good one."""
    newest = next(ledger.releases(page=1), None)
    if newest and newest.kind == "rollback" and newest.verdict is Verdict.RUNNING and newest.version:
        return newest.version
    last = ledger.last_good()
    return last.version if last else None


def _before(ledger: Ledger, version: str) -> ReleaseResult:
    """The release that ran before a version was released, which need not be the number before.

    Raises:
        UsageError: there is none.
    """
    made = (r for r in ledger.succeeded() if r.kind == "release" and r.version == version)
    earlier = next((r.previous_version for r in made if r.previous_version != version), UNRELEASED)
    found = ledger.last_good(earlier)
    if earlier == UNRELEASED or found is None:
        raise UsageError(f"there is no release before {version} to go back to", _LOOK)
    return found


def refuse_other_images(env: Environment, wanted: ReleaseResult) -> None:
    """Makes sure that the images are still in the registry, byte for byte as they were verified.

    Raises:
        NotReadyError: names those that are not.
    """
    found = images.digests(env, wanted.version)
    recorded = {env.target.repository(name): image.digest for name, image in wanted.images.items()}
    lost = [
        f"{repository}:{wanted.version} is {found.get(repository) or 'gone'}, {digest} was recorded"
        for repository, digest in recorded.items()
        if found.get(repository) != digest
    ]
    if lost:
        raise NotReadyError("an image is not what it was: " + "; ".join(lost), "Go back to another release: --to")


def name_migrations(run: Run, wanted: ReleaseResult) -> None:
    """Says which migrations have run since a release: they are not taken back."""
    since = []
    for release in run.env.ledger.releases(page=20):
        if release.sequence <= wanted.sequence:
            break
        if release.migration and release.migration.succeeded:
            since.append(f"{release.migration.task_definition.rpartition('/')[2]} of {release.version}")
    if since:
        run.warn(f"migrations have run since, and are not taken back: {', '.join(reversed(since))}")


def there_already(run: Run, wanted: ReleaseResult) -> None:
    """Takes down which services run the revision of that release and need not move."""
    names = [service.name for service in run.result.services.values()]
    found = run.env.aws.ecs.services(run.contract.cluster, names)
    for key, service in run.result.services.items():
        after = wanted.services[key].after if key in wanted.services else None
        primary = found[service.name].primary
        settled = primary is not None and primary.rollout_state == "COMPLETED"
        if after and settled and service.before.task_definition == after.task_definition:
            service.after = service.before


def gone_revisions(env: Environment, wanted: ReleaseResult) -> frozenset[str]:
    """Those revisions (ARNs) of a release that can't be rolled out any more: they were deregistered."""
    recorded = [service.after.task_definition for service in wanted.services.values() if service.after]
    recorded += [schedule.after for schedule in wanted.schedules.values() if schedule.after]
    return frozenset(arn for arn in recorded if not env.aws.ecs.is_active(arn))
