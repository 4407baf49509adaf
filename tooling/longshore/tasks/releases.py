"""Tasks that change the running version: release, promote, roll back."""

from __future__ import annotations

from invoke.context import Context

from longshore.run.options import ReleaseOptions
from longshore.tasks.common import foresee, opened, perform, task
from longshore.tasks.exits import keeping_exit_code


@task()
def release(
    c: Context, app: str | None = None, env: str = "sandbox", *, options: ReleaseOptions, json: bool = False
) -> None:
    """Release this commit: build, plan, roll out, verify."""
    from longshore.commands.dry_run import preview
    from longshore.commands.run_release import run_release

    if options.dry_run:
        foresee(opened(c, app, env), lambda environment: preview(environment, options), as_json=json)
        return
    perform(opened(c, app, env), lambda environment: run_release(environment, options), as_json=json)


@task(
    from_="`environment` in which the version succeeded",
    to="`environment` to release it to",
    version="`version` to promote; default: the last one that succeeded",
)
def promote(
    c: Context,
    from_: str,
    to: str,
    app: str | None = None,
    version: str | None = None,
    *,
    options: ReleaseOptions,
    json: bool = False,
) -> None:
    """Release a version that succeeded in another environment."""
    from longshore.commands.promote import preview
    from longshore.commands.promote import promote as verb

    chosen = options.with_tag(version) if version else options
    target, source = opened(c, app, to), opened(c, app, from_)
    if options.dry_run:
        foresee(target, lambda environment: preview(source, environment, chosen), as_json=json)
        return
    perform(target, lambda environment: verb(source, environment, chosen), as_json=json)


@task(to="`version` to roll back to; default: the previous one, or the current one if something else is running")
def rollback(
    c: Context,
    app: str | None = None,
    env: str = "sandbox",
    to: str | None = None,
    *,
    options: ReleaseOptions,
    json: bool = False,
) -> None:
    """Roll back to an earlier version that succeeded."""
    from longshore.commands.rollback import rollback as verb

    perform(
        opened(c, app, env),
        lambda environment: verb(environment, to=to, yes=options.yes, wait=options.wait),
        as_json=json,
    )


@task(
    service="`key` of the service, if several wait",
    rollback="let ECS roll the deployment back instead",
    yes="do not ask for confirmation",
)
def continue_(
    c: Context,
    app: str | None = None,
    env: str = "sandbox",
    service: str | None = None,
    rollback: bool = False,
    yes: bool = False,
    json: bool = False,
) -> None:
    """Answer the pause hook of a deployment."""
    from longshore.commands.continue_deployment import continue_deployment
    from longshore.tasks.views import continued

    environment = opened(c, app, env)
    answers = continue_deployment(environment, service=service, rollback=rollback, yes=yes)
    with keeping_exit_code(environment.console):
        continued(environment.console, answers, as_json=json)
