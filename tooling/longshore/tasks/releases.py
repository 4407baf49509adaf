"""What moves services: a release, a promotion, a roll-back."""

from __future__ import annotations

from invoke.context import Context

from longshore.tasks.common import end, opened, task

_FLAGS = {
    "tag": "release this image, which exists, without building",
    "only_release": "plan the task definitions alone, past a change of the infrastructure that is not applied yet",
    "allow_dirty": "build with uncommitted changes; the tag says so",
    "allow_zero": "release though a service has no task, so that it can't be verified",
    "allow_failed_version": "release a version that has failed before",
    "allow_older": "release a commit that what runs was built on top of",
    "on": "what builds the images: local or codebuild; what invoke.yaml says if not given",
    "remote": "build and release inside CodeBuild",
    "rebuild": "build even if the commit was built before",
    "check_env": "compare the ECS_ variables of this process, as in a build",
    "until": "approve: end after the plan, and wait for an approval elsewhere",
}


@task(
    repeatable=["allow_destroy"],
    **_FLAGS,
    bump="patch, minor or major",
    resume="go on with the release whose process has died",
    abort="with --resume: go back instead",
    continue_="go on with this release, which waits for approval",
)
def release(
    c: Context,
    app: str | None = None,
    env: str = "sandbox",
    bump: str = "patch",
    tag: str | None = None,
    yes: bool = False,
    allow_infra: bool = False,
    allow_destroy: list[str] | None = None,
    only_release: bool = False,
    allow_dirty: bool = False,
    allow_zero: bool = False,
    allow_failed_version: bool = False,
    allow_older: bool = False,
    rebuild: bool = False,
    on: str | None = None,
    remote: bool = False,
    check_env: bool = False,
    until: str | None = None,
    wait_lock: str | None = None,
    resume: bool = False,
    abort: bool = False,
    continue_: str | None = None,
    json: bool = False,
) -> None:
    """Carry this commit to a verified, recorded roll-out."""
    from longshore.commands.resume import begin_or_go_on
    from longshore.run.options import order

    ordered = order(
        bump=bump,
        tag=tag,
        yes=yes,
        allow_infra=allow_infra,
        allow_destroy=allow_destroy,
        only_release=only_release,
        allow_dirty=allow_dirty,
        allow_zero=allow_zero,
        allow_failed_version=allow_failed_version,
        allow_older=allow_older,
        rebuild=rebuild,
        on=on,
        remote=remote,
        check_env=check_env,
        until=until,
        wait_lock=wait_lock,
        resume=resume,
        abort=abort,
        continued=continue_,
    )
    environment = opened(c, app, env)
    with environment.console.live():
        result = begin_or_go_on(environment, ordered)
    end(environment, result, as_json=json)


@task(
    repeatable=["allow_destroy"],
    from_="the environment where it has succeeded",
    to="the environment where it goes",
    version="the version; the one released last if not given",
    only_release=_FLAGS["only_release"],
    allow_zero=_FLAGS["allow_zero"],
    allow_failed_version=_FLAGS["allow_failed_version"],
    check_env=_FLAGS["check_env"],
    until=_FLAGS["until"],
)
def promote(
    c: Context,
    from_: str,
    to: str,
    app: str | None = None,
    version: str | None = None,
    yes: bool = False,
    allow_infra: bool = False,
    allow_destroy: list[str] | None = None,
    only_release: bool = False,
    allow_zero: bool = False,
    allow_failed_version: bool = False,
    check_env: bool = False,
    until: str | None = None,
    wait_lock: str | None = None,
    json: bool = False,
) -> None:
    """Release what succeeded in one environment to another."""
    from longshore.commands.promote import promote as verb
    from longshore.run.options import order

    ordered = order(
        tag=version,
        promotes=True,
        yes=yes,
        allow_infra=allow_infra,
        allow_destroy=allow_destroy,
        only_release=only_release,
        allow_zero=allow_zero,
        allow_failed_version=allow_failed_version,
        check_env=check_env,
        until=until,
        wait_lock=wait_lock,
    )
    environment = opened(c, app, to)
    with environment.console.live():
        result = verb(opened(c, app, from_), environment, ordered)
    end(environment, result, as_json=json)


@task(to="the version; the one before the current if not given")
def rollback(
    c: Context,
    app: str | None = None,
    env: str = "sandbox",
    to: str | None = None,
    yes: bool = False,
    wait_lock: str | None = None,
    json: bool = False,
) -> None:
    """Go back to a good release, by default the one before."""
    from longshore.commands.rollback import rollback as verb
    from longshore.run.options import seconds

    wait = seconds(wait_lock) if wait_lock else 0.0
    environment = opened(c, app, env)
    with environment.console.live():
        result = verb(environment, to=to, yes=yes, wait=wait)
    end(environment, result, as_json=json)
