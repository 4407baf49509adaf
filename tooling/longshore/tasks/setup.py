"""Tasks that set up an environment, tear it down, and remove images that none needs."""

from __future__ import annotations

from invoke.context import Context

from longshore.run.options import ReleaseOptions
from longshore.tasks.common import opened, task


@task(secure_state_bucket="change the settings of an existing state bucket to those that Longshore recommends")
def bootstrap(
    c: Context,
    app: str | None = None,
    env: str = "sandbox",
    secure_state_bucket: bool = False,
    *,
    options: ReleaseOptions,
) -> None:
    """Set up an environment; safe to run again."""
    from longshore.commands.bootstrap import bootstrap as verb

    environment = opened(c, app, env)
    verb(
        environment,
        yes=options.yes,
        allow_destroy=options.allow_destroy,
        wait=options.wait,
        secure_state_bucket=secure_state_bucket,
    )
    environment.console.say(f"{environment.target.application} is set up in {env}.")


@task(
    keep="`number` of most recent successful versions to keep per environment; default: 10",
    dry_run="only list the images that would be removed",
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
    """Remove images that no environment needs any more."""
    from longshore.commands.prune import prune as verb

    verb(opened(c, app, env), keep=keep, dry_run=dry_run, yes=options.yes, wait=options.wait)


@task(yes_really="`name` of the environment, to destroy it without being asked for it")
def destroy(
    c: Context,
    app: str | None = None,
    env: str = "sandbox",
    yes_really: str | None = None,
    *,
    options: ReleaseOptions,
) -> None:
    """Destroy an environment, but keep its images."""
    from longshore.commands.destroy import destroy as verb

    environment = opened(c, app, env)
    verb(environment, confirmed=yes_really, wait=options.wait)
    environment.console.say(f"{env} was destroyed; its images and its history were kept.")
