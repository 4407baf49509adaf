"""What changes an environment without a release: an apply, other counts, a restart."""

from __future__ import annotations

from invoke.context import Context

from longshore.tasks.common import end, opened, task


@task(repeatable=["allow_destroy"])
def apply(
    c: Context,
    app: str | None = None,
    env: str = "sandbox",
    yes: bool = False,
    allow_infra: bool = False,
    allow_destroy: list[str] | None = None,
    wait_lock: str | None = None,
    json: bool = False,
) -> None:
    """Apply this tree's Terraform; the version stays."""
    from longshore.commands.apply import apply as verb
    from longshore.run.options import order

    ordered = order(yes=yes, allow_infra=allow_infra, allow_destroy=allow_destroy, wait_lock=wait_lock)
    environment = opened(c, app, env)
    with environment.console.live():
        result = verb(environment, ordered)
    end(environment, result, as_json=json)


@task(
    repeatable=["words"],
    words="the services with their counts: web=3 worker=1",
    force="also a service that autoscaling scales",
)
def scale(
    c: Context,
    words: list[str] | None = None,
    app: str | None = None,
    env: str = "sandbox",
    force: bool = False,
    yes: bool = False,
    wait_lock: str | None = None,
    json: bool = False,
) -> None:
    """Set how many tasks of a service run: scale web=3."""
    from longshore.commands.scale import counts_of
    from longshore.commands.scale import scale as verb
    from longshore.run.options import seconds

    counts, wait = counts_of(words or []), seconds(wait_lock) if wait_lock else 0.0
    environment = opened(c, app, env)
    with environment.console.live():
        result = verb(environment, counts, force=force, yes=yes, wait=wait)
    end(environment, result, as_json=json)


@task(repeatable=["words"], words="the services; all of them if none is named")
def restart(
    c: Context,
    words: list[str] | None = None,
    app: str | None = None,
    env: str = "sandbox",
    yes: bool = False,
    wait_lock: str | None = None,
    json: bool = False,
) -> None:
    """Start the tasks of services anew, with today's secrets."""
    from longshore.commands.restart import restart as verb
    from longshore.run.options import seconds

    wait = seconds(wait_lock) if wait_lock else 0.0
    environment = opened(c, app, env)
    with environment.console.live():
        result = verb(environment, words or [], yes=yes, wait=wait)
    end(environment, result, as_json=json)
