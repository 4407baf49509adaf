"""An environment's beginning and end, and the images between."""

from __future__ import annotations

from invoke.context import Context

from longshore.run.options import ReleaseOptions
from longshore.tasks.common import opened, task


@task()
def bootstrap(c: Context, app: str | None = None, env: str = "sandbox", *, options: ReleaseOptions) -> None:
    """Set an environment up; safe to run again."""
    from longshore.commands.bootstrap import bootstrap as verb

    environment = opened(c, app, env)
    verb(environment, yes=options.yes, allow_destroy=options.allow_destroy)
    environment.console.say(f"{environment.target.application} is set up in {env}.")


@task(
    keep="so many of the versions that succeeded last stay, for each environment",
    dry_run="only say what would be removed",
)
def prune(
    c: Context,
    app: str | None = None,
    env: str = "sandbox",
    keep: int = 10,
    dry_run: bool = False,
    *,
    options: ReleaseOptions,
) -> None:
    """Remove images that no environment runs or may go to."""
    from longshore.commands.prune import prune as verb

    verb(opened(c, app, env), keep=keep, dry_run=dry_run, yes=options.yes)


@task(yes_really="the environment's name, instead of typing it")
def destroy(c: Context, app: str | None = None, env: str = "sandbox", yes_really: str | None = None) -> None:
    """Take an environment down, but not its images."""
    from longshore.commands.bootstrap import destroy as verb

    environment = opened(c, app, env)
    verb(environment, confirmed=yes_really)
    environment.console.say(f"{env} is gone; its images and its history are kept.")
