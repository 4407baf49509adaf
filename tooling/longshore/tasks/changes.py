"""Tasks that change an environment without a release: apply, scale, restart."""

from __future__ import annotations

from invoke.context import Context

from longshore.run.options import ReleaseOptions
from longshore.tasks.common import opened, perform, task


@task()
def apply(
    c: Context, app: str | None = None, env: str = "sandbox", *, options: ReleaseOptions, json: bool = False
) -> None:
    """Apply Terraform; the version stays the same."""
    from longshore.commands.apply import apply as verb

    perform(opened(c, app, env), lambda environment: verb(environment, options), as_json=json)


@task(
    repeatable=["words"],
    words="number of tasks as `service=count`; --words can be left out: scale web=3 worker=1",
    force="scale even a service that autoscaling manages",
)
def scale(
    c: Context,
    words: list[str] | None = None,
    app: str | None = None,
    env: str = "sandbox",
    force: bool = False,
    *,
    options: ReleaseOptions,
    json: bool = False,
) -> None:
    """Set how many tasks services run: scale web=3."""
    from longshore.commands.scale import counts_of
    from longshore.commands.scale import scale as verb

    counts = counts_of(words or [])
    perform(
        opened(c, app, env),
        lambda environment: verb(environment, counts, force=force, yes=options.yes, wait=options.wait),
        as_json=json,
    )


@task(repeatable=["words"], words="`service` to restart; default: all; --words can be left out: restart web worker")
def restart(
    c: Context,
    words: list[str] | None = None,
    app: str | None = None,
    env: str = "sandbox",
    *,
    options: ReleaseOptions,
    json: bool = False,
) -> None:
    """Restart services so that tasks pick up current secrets."""
    from longshore.commands.restart import restart as verb

    perform(
        opened(c, app, env),
        lambda environment: verb(
            environment, words or [], yes=options.yes, wait=options.wait, allow_alarm=options.allow_alarm
        ),
        as_json=json,
    )
