"""What comes before a release: version, images, plan."""

from __future__ import annotations

from invoke.context import Context
from invoke.exceptions import Exit

from longshore.tasks.common import opened, task


@task(
    bump="patch, minor or major",
    series="count up within vMAJOR.MINOR, such as v1.0",
    reserve="take it, so that nobody else gets it",
    recount="list the whole registry instead of looking above the counter",
)
def version(
    c: Context,
    app: str | None = None,
    env: str = "sandbox",
    bump: str = "patch",
    series: str | None = None,
    reserve: bool = False,
    recount: bool = False,
) -> None:
    """Print the next version and nothing else."""
    from longshore.builds import next_tag, reserve_tag
    from longshore.order import bump_of
    from longshore.reservation import Wanted

    environment, wanted = opened(c, app, env), Wanted(bump_of(bump), series, recount)
    environment.console.result((reserve_tag if reserve else next_tag)(environment, wanted))


@task(
    tag="the tag; the next version if not given",
    push="push what was built",
    rebuild="build even if the commit was built before",
    allow_dirty="build with uncommitted changes",
)
def build(
    c: Context,
    app: str | None = None,
    env: str = "sandbox",
    tag: str | None = None,
    push: bool = True,
    rebuild: bool = False,
    allow_dirty: bool = False,
) -> None:
    """Build and push the images; print tag and digest."""
    from longshore.builds import build as verb

    environment = opened(c, app, env)
    for image in verb(environment, tag, rebuild=rebuild, push=push, allow_dirty=allow_dirty).values():
        environment.console.result(f"{image.repository} {image.tag} {image.digest}")


@task(tag="the tag to plan for; what is released now if not given")
def plan(c: Context, app: str | None = None, env: str = "sandbox", tag: str | None = None) -> None:
    """Show what would change: exit code 0 nothing, 20 some."""
    from longshore import preview
    from longshore.errors import ExitCode

    if preview.plan(opened(c, app, env), tag):
        raise Exit(code=int(ExitCode.DIFFERENCES))
