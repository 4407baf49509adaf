"""Tasks for a build machine: start Docker, log in to the registry, build images, export the outcome of a release."""

from __future__ import annotations

import os

from invoke.context import Context

from longshore.tasks.common import opened, task
from longshore.tasks.exits import keeping_exit_code


@task()
def engine(c: Context) -> None:
    """Start a Docker engine if none answers."""
    from longshore.config.project import own_folder, project_root
    from longshore.images import docker_engine
    from longshore.terminal.console import Console

    console = Console()
    log = own_folder(project_root(c.config)) / "dockerd.log"
    console.say(f"{docker_engine.start(log, console.say)} answers.")


@task()
def login(c: Context, app: str | None = None, env: str = "sandbox") -> None:
    """Log Docker in to the registry."""
    from longshore.images.docker import Docker

    environment = opened(c, app, env)
    credentials = environment.aws.ecr.credentials()
    Docker(masks=environment.console.masks).login(credentials)
    environment.console.say(f"Docker is logged in to {credentials.endpoint}.")


@task()
def ordered(c: Context, app: str | None = None, env: str = "sandbox") -> None:
    """Build the images this CodeBuild build was started for."""
    from longshore.images.builders import RequestedBuild
    from longshore.images.images import build_requested
    from longshore.tasks.views import images as show

    environment = opened(c, app, env)
    images = build_requested(environment, RequestedBuild.read(os.environ))
    with keeping_exit_code(environment.console):
        show(environment.console, images)


@task(file="file with the output of invoke release --json")
def exports(c: Context, file: str) -> None:
    """Print the outcome of a release as shell variables."""
    from longshore.config.project import project_root
    from longshore.tasks.views import exports as show
    from longshore.terminal.console import Console

    show(Console(), project_root(c.config) / file)
