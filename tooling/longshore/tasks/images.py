"""What comes before a release: version, images, plan."""

from __future__ import annotations

from invoke.context import Context
from invoke.exceptions import Exit

from longshore.run.options import ReleaseOptions
from longshore.tasks.common import opened, task


@task(
    series="count up within vMAJOR.MINOR, such as v1.0",
    reserve="take it, so that nobody else gets it",
    recount="list the whole registry instead of looking above the counter",
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
    """Print the next version and nothing else."""
    from longshore.images.version_counter import Wanted
    from longshore.run.build_and_plan import next_tag, reserve_tag

    environment, wanted = opened(c, app, env), Wanted(options.bump, series, recount)
    environment.console.result((reserve_tag if reserve else next_tag)(environment, wanted))


@task(
    tag="the tag; the next version if not given",
    push="push what was built",
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
    """Build and push the images; print tag and digest."""
    from longshore.images.images import BuildOptions
    from longshore.run.build_and_plan import build as verb
    from longshore.tasks.views import images as show

    environment = opened(c, app, env)
    how = BuildOptions(on=options.on or environment.target.app.build_on, rebuild=options.rebuild, push=push)
    show(environment.console, verb(environment, tag, how, allow_dirty=options.allow_dirty))


@task(tag="the tag that they were built with")
def push(c: Context, tag: str, app: str | None = None, env: str = "sandbox") -> None:
    """Push what build --no-push has built."""
    from longshore.images.images import push as verb
    from longshore.tasks.views import images as show

    environment = opened(c, app, env)
    show(environment.console, verb(environment, tag))


@task(tag="the tag to plan for; what is released now if not given")
def plan(
    c: Context, app: str | None = None, env: str = "sandbox", tag: str | None = None, *, options: ReleaseOptions
) -> None:
    """Show what would change: exit code 0 nothing, 20 some."""
    from longshore.commands import preview
    from longshore.errors import ExitCode

    if preview.plan(opened(c, app, env), tag, check_env=options.check_env):
        raise Exit(code=int(ExitCode.DIFFERENCES))
