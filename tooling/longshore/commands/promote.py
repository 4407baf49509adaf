"""A promotion: releases a version that succeeded in one environment to another, with the same digests."""

from __future__ import annotations

from longshore.commands import dry_run
from longshore.commands.dry_run import Forecast
from longshore.commands.release import run_steps
from longshore.environment.environment import Environment
from longshore.errors import UsageError
from longshore.result import ReleaseResult
from longshore.run import checks
from longshore.run.checks import ReleaseInputs
from longshore.run.contract_check import read_contract
from longshore.run.lifecycle import RunRequest, running
from longshore.run.options import ReleaseOptions


def promote(origin: Environment, env: Environment, options: ReleaseOptions) -> ReleaseResult:
    """Releases a version to an environment after it has succeeded in another one.

    Args:
        origin: the environment where it has succeeded.
        env: the environment to release it to.
        options: ``tag`` is the version; None for the one released last in ``origin``.

    Raises:
        LongshoreError: it has not succeeded there, or its images have changed: nothing was touched.
    """
    promoted = _promoted(origin, env, options)
    options = options.with_tag(promoted.version)
    inputs = checks.release(env, options)
    request = RunRequest(
        "release", inputs.actor, read_contract, options=options.document(), wait=options.wait, promoted=promoted
    )
    with running(env, request) as run:
        # The commit may be older than the running one: the operator chose its version.
        run_steps(run, env, options, ReleaseInputs(inputs.actor, None))
    return run.result


def preview(origin: Environment, env: Environment, options: ReleaseOptions) -> Forecast:
    """Shows the steps that a promotion would take; takes the same arguments as `promote`, and reads only."""
    promoted = _promoted(origin, env, options)
    return dry_run.preview(env, options.with_tag(promoted.version), promoted)


def _promoted(origin: Environment, env: Environment, options: ReleaseOptions) -> ReleaseResult:
    """The release whose version is promoted.

    Raises:
        UsageError: both environments are the same one, or the version has not succeeded in the first.
    """
    if origin.target.environment == env.target.environment:
        raise UsageError(f"--from and --to are both {env.target.environment}", "Promote to another environment.")
    return _last_success(origin, options.tag)


def _last_success(origin: Environment, version: str | None) -> ReleaseResult:
    """The newest release of a version to an environment, if it succeeded.

    Raises:
        UsageError: it never succeeded there, or its newest release failed.
    """
    name = origin.target.environment
    if version is None:
        release = next((r for r in origin.ledger.succeeded() if r.judges_version), None)
        if release is None:
            raise UsageError(f"nothing has succeeded in {name} yet", f"Release there first: invoke release -e {name}")
        return release
    releases = origin.ledger.of_version(version)
    newest = next((r for r in releases if r.judges_version and r.verdict.is_conclusive), None)
    if newest is None or not newest.verdict.good:
        reason = (
            f"the verdict of its last release there is {newest.verdict}" if newest else "it was never released there"
        )
        raise UsageError(f"{version} did not succeed in {name}: {reason}", f"See: invoke history -e {name}")
    return newest
