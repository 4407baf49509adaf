"""Takes a version that succeeded in one environment to another, byte for byte: nothing is built."""

from __future__ import annotations

from longshore.commands.release import run_steps
from longshore.environment.environment import Environment
from longshore.errors import UsageError
from longshore.result import ReleaseResult
from longshore.run import checks
from longshore.run.checks import Start
from longshore.run.options import ReleaseOptions
from longshore.run.run import RunRequest, running


def promote(tried: Environment, env: Environment, order: ReleaseOptions) -> ReleaseResult:
    """Releases a version to an environment after it has succeeded in another one.

    Args:
        tried: where it has succeeded.
        env: where it goes.
        order: its ``tag`` is the version; None for the one that was released last in ``tried``.

    Raises:
        LongshoreError: it has not succeeded there, or its images are not what they were: nothing was touched.
    """
    if tried.target.environment == env.target.environment:
        raise UsageError(f"--from and --to are both {env.target.environment}", "A version is promoted to another one.")
    given = _succeeded(tried, order.tag)
    order = order.with_tag(given.version)
    start = checks.release(env, order)
    opening = RunRequest(
        "release", start.actor, checks.contract, options=order.document(), wait=order.wait, promoted=given
    )
    with running(env, opening) as run:
        run_steps(run, order, Start(start.actor, None))  # what it was built from says nothing of what runs there
    return run.result


def _succeeded(tried: Environment, version: str | None) -> ReleaseResult:
    """The newest release of a version that still counts as good where it was tried.

    Raises:
        UsageError: it never succeeded there, or failed since.
    """
    name = tried.target.environment
    if version is None:
        found = next((r for r in tried.ledger.succeeded() if r.judges_version), None)
        if found is None:
            raise UsageError(f"nothing has succeeded in {name} yet", f"Release there first: invoke release -e {name}")
        return found
    ended = (r for r in tried.ledger.releases() if r.judges_version and r.verdict.is_conclusive)
    newest = next((r for r in ended if r.version == version), None)
    if newest is None or not newest.verdict.good:
        said = f"its last release there is {newest.verdict}" if newest else "it was never released there"
        raise UsageError(f"{version} did not succeed in {name}: {said}", f"See: invoke history -e {name}")
    return newest
