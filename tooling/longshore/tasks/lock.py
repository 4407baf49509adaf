"""Tasks for the lock of an environment."""

from __future__ import annotations

from invoke.context import Context

from longshore.tasks.common import opened, task
from longshore.tasks.exits import keeping_exit_code


@task()
def status(c: Context, app: str | None = None, env: str = "sandbox", json: bool = False) -> None:
    """Show who holds the lock of an environment."""
    from longshore.tasks.views import lock as show

    environment = opened(c, app, env)
    show(environment.console, env, environment.ledger.locks.read(), as_json=json)


@task(why="`reason` shown to everyone who is locked out")
def take(c: Context, why: str, app: str | None = None, env: str = "sandbox") -> None:
    """Lock an environment until lock.free is run."""
    from longshore.commands.lock import take as verb

    environment = opened(c, app, env)
    lock = verb(environment, why)
    with keeping_exit_code(environment.console):
        environment.console.result(lock.id)


@task(id="exact id of the lock, as lock.status shows it")
def free(c: Context, id: str, app: str | None = None, env: str = "sandbox") -> None:  # noqa: A002 - the flag's name
    """Free the lock of an interrupted release or of a person."""
    from longshore.commands.lock import free as verb

    environment = opened(c, app, env)
    verb(environment, id)
    environment.console.say(f"The lock of {env} is free.")
