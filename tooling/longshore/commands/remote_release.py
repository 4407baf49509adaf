"""A release that runs inside a build on CodeBuild: started here, shown here, and its verdict becomes ours."""

from __future__ import annotations

import uuid
from itertools import islice

from longshore.aws.codebuild import Build
from longshore.environment.environment import Environment
from longshore.errors import BuildError, LongshoreError, RemoteReleaseError, UnknownOutcomeError
from longshore.git import Source
from longshore.images import builders, codebuild
from longshore.images.codebuild import BuildOutcome, BuildRequest, FollowOptions
from longshore.result import ReleaseResult
from longshore.run import checks
from longshore.run.options import ReleaseOptions
from longshore.verdict import ExitCode, Verdict

BUMP, OPTIONS = "LONGSHORE_BUMP", "LONGSHORE_OPTIONS"
RELEASE, EXIT_CODE, MESSAGE = "LONGSHORE_RELEASE", "LONGSHORE_EXIT_CODE", "LONGSHORE_MESSAGE"
"""What the build exports (tasks/ci.py, `exports`)."""

_LOOKED_AT = 20
"""The newest releases, among which the one of a build that exported nothing is looked for."""


def release_remotely(env: Environment, order: ReleaseOptions) -> ReleaseResult:
    """Has the project of an environment release this commit, and follows it to its verdict.

    The verdict is what the ledger says of the release that the build names; the text of the log decides nothing.
    Interrupted, we leave and the release goes on: stopping its machine would leave it half done.

    Raises:
        LongshoreError: nothing was released: it could not begin, here or there, with the exit code that it had there.
        UnknownOutcomeError: the build has ended, or its time was over, and its release has no verdict.
    """
    start = checks.remote(env, order)
    commit = start.commit
    if commit is None:
        raise LongshoreError("there is no commit to release")  # the checks have seen one
    env.console.prompt.approve(
        f"Release {commit.commit[:12]} to {env.target.environment} on CodeBuild?", yes=bool(order.yes or order.until)
    )
    with env.interrupts.watched(lambda signal: env.console.say(f"{signal}: leaving; what was started goes on")):
        followed = builders.builder(env).run(_request(env, order, commit), _watch(env, order))
    if not followed.log_complete:
        env.console.warn(f"the log of {followed.build.id} could not be read to its end: logs incomplete")
    return verdict(env, followed, commit)


def verdict(env: Environment, followed: BuildOutcome, commit: Source) -> ReleaseResult:
    """What became of the release inside a build that has ended.

    Raises:
        LongshoreError: nothing was released; exit code and message are those from there.
        BuildError: the build failed before its release began.
        UnknownOutcomeError: the release was begun, and has no verdict.
    """
    exported = followed.build.exported
    found = _named(env, exported.get(RELEASE)) or _of_build(env, followed.build.id)
    if found is None:
        raise _nothing_released(followed, commit)
    if found.ended is None or found.verdict is Verdict.RUNNING:
        raise UnknownOutcomeError(
            f"{followed.build.id} ended with {codebuild.status_of(followed.build)} while {found.release} ran",
            "Look at it with: invoke status. Go on with: invoke release --resume",
        )
    return found


def _request(env: Environment, order: ReleaseOptions, commit: Source) -> BuildRequest:
    token = codebuild.idempotency_token(env.target.application, uuid.uuid4().hex)
    return BuildRequest(
        env.target.release_project, commit.commit, token, {BUMP: order.bump, OPTIONS: order.command_line}
    )


def _watch(env: Environment, order: ReleaseOptions) -> FollowOptions:
    deadlines = env.target.env.deadlines
    whole = deadlines.build + order.wait + deadlines.release

    def tell(build: Build) -> None:
        env.console.say(f"CodeBuild: {build.id}. It goes on if you leave.")

    mask = env.console.masks.mask_untrusted
    return FollowOptions(deadlines.queue, whole, env.console.log_line, tell, stops=False, mask=mask)


def _named(env: Environment, release: str | None) -> ReleaseResult | None:
    return env.ledger.find(release) if release else None


def _of_build(env: Environment, build: str) -> ReleaseResult | None:
    """The release that ran in a build which could not say so any more."""
    newest = islice(env.ledger.releases(page=_LOOKED_AT), _LOOKED_AT)
    return next((release for release in newest if release.actor.build == build), None)


def _nothing_released(followed: BuildOutcome, commit: Source) -> LongshoreError:
    code = followed.build.exported.get(EXIT_CODE, "")
    if code.isdecimal() and int(code) in set(ExitCode) - {ExitCode.SUCCEEDED}:
        message = followed.build.exported.get(MESSAGE) or "it says no reason"
        return RemoteReleaseError(f"the release in {followed.build.id} did not begin: {message}", int(code))
    try:
        codebuild.refuse_failed(followed, commit.commit)
    except BuildError as error:
        return error
    return BuildError(
        f"{followed.build.id} has succeeded, but no release of {commit.commit[:12]} is in the ledger",
        "Look at the buildspec of the project: it must call invoke release.",
    )
