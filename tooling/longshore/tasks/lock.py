"""Who holds an environment."""

from __future__ import annotations

from invoke.context import Context

from longshore.tasks.common import opened, task


@task(json="print one JSON document on stdout")
def status(c: Context, app: str | None = None, env: str = "sandbox", json: bool = False) -> None:
    """Show who holds an environment."""
    from longshore.tasks.views import lock as show

    environment = opened(c, app, env)
    show(environment.console, env, environment.ledger.locks.read(), as_json=json)


@task(why="what the others shall read")
def take(c: Context, why: str, app: str | None = None, env: str = "sandbox") -> None:
    """Hold an environment until its lock is freed."""
    from longshore.commands.lock import take as verb

    environment = opened(c, app, env)
    environment.console.result(verb(environment, why).id)


@task(id="its exact id, as lock.status shows it")
def free(c: Context, id: str, app: str | None = None, env: str = "sandbox") -> None:  # noqa: A002 - the flag's name
    """Free the lock of a dead release, or a person's."""
    from longshore.commands.lock import free as verb

    environment = opened(c, app, env)
    verb(environment, id)
    environment.console.say(f"{env} is free.")
