"""A release inside a CodeBuild build: this process starts it, shows its log, and ends with its verdict."""

from __future__ import annotations

import re
import uuid

from longshore.aws.codebuild import Build
from longshore.environment.environment import Environment
from longshore.errors import BuildError, LongshoreError, RemoteReleaseError, UnknownOutcomeError, UnreadableRecordError
from longshore.git import Source
from longshore.images import builders, codebuild
from longshore.images.codebuild import BuildOutcome, BuildRequest, FollowOptions
from longshore.result import ReleaseResult
from longshore.run import checks
from longshore.run.options import ReleaseOptions
from longshore.verdict import ExitCode, Verdict

BUMP, OPTIONS = "LONGSHORE_BUMP", "LONGSHORE_OPTIONS"
RELEASE, EXIT_CODE, MESSAGE = "LONGSHORE_RELEASE", "LONGSHORE_EXIT_CODE", "LONGSHORE_MESSAGE"
"""The variables that the build exports (tasks/ci.py, `exports`)."""


def release_remotely(env: Environment, options: ReleaseOptions) -> ReleaseResult:
    """Starts a build that releases this commit, and follows it to its verdict.

    The verdict is that in the ledger, for the release that the build names; the text of the log does not count. A
    signal ends only this process, because stopping the build would leave its release half done.

    Raises:
        LongshoreError: nothing was released: a check failed here, or the release did not begin in the build. The exit
            code is that of the build.
        UnknownOutcomeError: the build has ended, or its deadline has passed, and its release has no verdict.
    """
    commit = checks.remote(env, options).commit
    if commit is None:
        raise LongshoreError("there is no commit to release")  # for mypy: the checks have read one
    env.console.prompt.approve(
        f"Release {commit.commit[:12]} to {env.target.environment} on CodeBuild?",
        yes=bool(options.yes or options.until),
    )
    with env.interrupts.watched(
        lambda signal: env.console.say(f"{signal}: leaving; the release on CodeBuild continues")
    ):
        outcome = builders.builder(env).run(_request(env, options, commit), _follow_options(env, options))
    if not outcome.log_complete:
        env.console.warn(f"the log of build {outcome.build.id} is incomplete: it could not be read to its end")
    return verdict(env, outcome, commit)


def verdict(env: Environment, outcome: BuildOutcome, commit: Source) -> ReleaseResult:
    """The result of the release inside a build that has ended.

    Raises:
        LongshoreError: the release did not begin; exit code and message are those of the build.
        BuildError: the build failed before its release began.
        UnknownOutcomeError: the release began, and has no verdict, or a newer Longshore recorded it.
    """
    build = outcome.build
    try:
        release = _find(env, build.exported.get(RELEASE)) or _find_by_build(env, build.id)
    except UnreadableRecordError as error:  # the Longshore in the build is newer than this one
        ended = f"build {build.id} ended with {codebuild.status_of(build)}"
        raise UnknownOutcomeError(f"{ended}, but its release cannot be read: {error.message}", error.hint) from error
    if release is None:
        raise _nothing_released(outcome, commit)
    if release.ended is None or release.verdict is Verdict.RUNNING:
        raise UnknownOutcomeError(
            f"build {build.id} ended with {codebuild.status_of(build)} before {release.release} had a verdict",
            "See what is running: invoke status. Resume the release: invoke release --resume",
        )
    return release


def _request(env: Environment, options: ReleaseOptions, commit: Source) -> BuildRequest:
    token = codebuild.idempotency_token(env.target.application, uuid.uuid4().hex)
    variables = {BUMP: options.bump, OPTIONS: options.command_line}
    return BuildRequest(env.target.release_project, commit.commit, token, variables)


def _follow_options(env: Environment, options: ReleaseOptions) -> FollowOptions:
    deadlines = env.target.env.deadlines

    def announce(build: Build) -> None:
        env.console.say(f"CodeBuild: {build.id}. It continues if you interrupt this command.")

    return FollowOptions(
        queue=deadlines.queue,
        run=deadlines.build + options.wait + deadlines.release,
        on_line=env.console.log_line,
        on_start=announce,
        stops=False,
        mask=env.console.masks.mask_lines,
    )


def _find(env: Environment, release: str | None) -> ReleaseResult | None:
    return env.ledger.find(release) if release else None


def _find_by_build(env: Environment, build: str) -> ReleaseResult | None:
    """The release that ran in a build, for a build that was stopped before it could export its id."""
    return next((release for release in env.ledger.recent() if release.actor.build == build), None)


def _nothing_released(outcome: BuildOutcome, commit: Source) -> LongshoreError:
    build = outcome.build
    code = build.exported.get(EXIT_CODE, "")
    if re.fullmatch("[0-9]{1,3}", code) and int(code) in set(ExitCode) - {ExitCode.SUCCEEDED}:
        message = build.exported.get(MESSAGE) or "no reason was recorded"
        return RemoteReleaseError(f"the release in build {build.id} did not begin: {message}", int(code))
    try:
        codebuild.refuse_failed(outcome, commit.commit)
    except BuildError as error:
        return error
    return BuildError(
        f"build {build.id} succeeded, but the ledger has no release of {commit.commit[:12]}",
        "Check the buildspec of the project: it must run invoke release.",
    )
