"""Tasks that prepare a release: version, images, plan."""

from __future__ import annotations

from invoke.context import Context
from invoke.exceptions import Exit

from longshore.run.options import ReleaseOptions
from longshore.tasks.common import opened, task
from longshore.tasks.exits import keeping_exit_code


@task(
    series="increase the patch number within this series, e.g. v1.0",
    reserve="reserve the version, so that no other process gets it",
    recount="list all tags in the registry instead of starting at the recorded version",
)
def version(
    c: Context,
    app: str | None = None,
    env: str = "sandbox",
    series: str | None = None,
    reserve: bool = False,
    recount: bool = False,
    *,
    options: ReleaseOptions,
) -> None:
    """Print the next version, and nothing else."""
    from longshore.images.version_counter import VersionRequest
    from longshore.run.build_and_plan import next_tag, reserve_tag

    environment, wanted = opened(c, app, env), VersionRequest(options.bump, series, recount)
    environment.console.result((reserve_tag if reserve else next_tag)(environment, wanted))


@task(
    tag="`version` to build; default: the next one",
    push="push the images (default), or only build them",
)
def build(
    c: Context,
    app: str | None = None,
    env: str = "sandbox",
    tag: str | None = None,
    push: bool = True,
    *,
    options: ReleaseOptions,
) -> None:
    """Build and push images; print their tags and digests."""
    from longshore.images.images import BuildOptions
    from longshore.run.build_and_plan import build as verb
    from longshore.tasks.views import images as show

    environment = opened(c, app, env)
    how = BuildOptions(on=options.on or environment.target.app.build_on, rebuild=options.rebuild, push=push)
    images = verb(environment, tag, how, allow_dirty=options.allow_dirty)
    with keeping_exit_code(environment.console):
        show(environment.console, images)


@task(tag="`version` that the images were built as")
def push(c: Context, tag: str, app: str | None = None, env: str = "sandbox") -> None:
    """Push images built with build --no-push."""
    from longshore.images.images import push as verb
    from longshore.tasks.views import images as show

    environment = opened(c, app, env)
    images = verb(environment, tag)
    with keeping_exit_code(environment.console):
        show(environment.console, images)


@task(tag="`version` to plan for; default: the released one")
def plan(
    c: Context, app: str | None = None, env: str = "sandbox", tag: str | None = None, *, options: ReleaseOptions
) -> None:
    """Show the plan: exit code 20 if it has changes, else 0."""
    from longshore.commands.plan import plan as verb
    from longshore.verdict import ExitCode

    if verb(opened(c, app, env), tag, check_env=options.check_env):
        raise Exit(code=int(ExitCode.DIFFERENCES))
