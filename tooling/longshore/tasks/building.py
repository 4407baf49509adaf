"""What comes before a release: version, images, plan; and what a build machine needs for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from invoke.context import Context
from invoke.exceptions import Exit

from longshore.tasks.common import opened, task

if TYPE_CHECKING:
    from longshore.environment.environment import Environment
    from longshore.result import ImageResult


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
    from longshore.images.version import parse_bump
    from longshore.images.version_counter import VersionRequest
    from longshore.run.build_and_plan import next_tag, reserve_tag

    environment, wanted = opened(c, app, env), VersionRequest(parse_bump(bump), series, recount)
    environment.console.result((reserve_tag if reserve else next_tag)(environment, wanted))


@task(
    tag="the tag; the next version if not given",
    push="push what was built",
    rebuild="build even if the commit was built before",
    allow_dirty="build with uncommitted changes",
    on="local or codebuild; what invoke.yaml says if not given",
)
def build(
    c: Context,
    app: str | None = None,
    env: str = "sandbox",
    tag: str | None = None,
    push: bool = True,
    rebuild: bool = False,
    allow_dirty: bool = False,
    on: str | None = None,
) -> None:
    """Build and push the images; print tag and digest."""
    from longshore.images.builders import parse_builder
    from longshore.images.images import BuildOptions
    from longshore.run.build_and_plan import build as verb

    environment = opened(c, app, env)
    how = BuildOptions(on=parse_builder(on) or environment.target.app.build_on, rebuild=rebuild, push=push)
    made(environment, verb(environment, tag, how, allow_dirty=allow_dirty))


@task()
def ordered(c: Context, app: str | None = None, env: str = "sandbox") -> None:
    """Build and push what a CodeBuild build was ordered to."""
    from longshore.images.builders import RequestedBuild
    from longshore.images.images import build_requested

    environment = opened(c, app, env)
    made(environment, build_requested(environment, RequestedBuild.read(os.environ)))


@task(tag="the tag that they were built with")
def push(c: Context, tag: str, app: str | None = None, env: str = "sandbox") -> None:
    """Push what build --no-push has built."""
    from longshore.images.images import push as verb

    environment = opened(c, app, env)
    made(environment, verb(environment, tag))


def made(environment: Environment, images: Mapping[str, ImageResult]) -> None:
    """Prints a line for each image."""
    for image in images.values():
        environment.console.result(f"{image.repository} {image.tag} {image.digest}")


@task()
def login(c: Context, app: str | None = None, env: str = "sandbox") -> None:
    """Sign Docker in to the registry."""
    from longshore.images.docker import Docker

    environment = opened(c, app, env)
    credentials = environment.aws.ecr.credentials()
    Docker(masks=environment.console.masks).login(credentials)
    environment.console.say(f"Docker is signed in to {credentials.endpoint}.")


@task()
def engine(c: Context) -> None:
    """Start a Docker engine where none answers."""
    from longshore.console import Console
    from longshore.environment.access import own_folder
    from longshore.environment.environment import project_root
    from longshore.images import docker_engine

    console = Console()
    console.say(f"{docker_engine.start(own_folder(project_root(c.config)) / 'dockerd.log', console.say)} answers.")


@task(file="the JSON document of invoke release --json")
def exports(c: Context, file: str) -> None:
    """Print a release's document as variables of a shell."""
    from longshore.console import Console
    from longshore.environment.environment import project_root
    from longshore.tasks.views import exports as show

    show(Console(), project_root(c.config) / file)


@task(
    tag="the tag to plan for; what is released now if not given",
    check_env="compare the ECS_ variables of this process, as in a build",
)
def plan(
    c: Context, app: str | None = None, env: str = "sandbox", tag: str | None = None, check_env: bool = False
) -> None:
    """Show what would change: exit code 0 nothing, 20 some."""
    from longshore.commands import preview
    from longshore.errors import ExitCode

    if preview.plan(opened(c, app, env), tag, check_env=check_env):
        raise Exit(code=int(ExitCode.DIFFERENCES))
