"""Tasks that read and change nothing: status, drift, history, one release, and a check of the permissions to read."""

from __future__ import annotations

from invoke.context import Context
from invoke.exceptions import Exit

from longshore.tasks.common import at_least_one, opened, task
from longshore.tasks.exits import keeping_exit_code
from longshore.verdict import ExitCode


@task()
def status(c: Context, app: str | None = None, env: str = "sandbox", json: bool = False) -> None:
    """Show what is running, released and registered."""
    from longshore.commands.status import status as verb
    from longshore.tasks.views import status as show

    environment = opened(c, app, env)
    show(environment.console, verb(environment), as_json=json)


@task()
def drift(c: Context, app: str | None = None, env: str = "sandbox", json: bool = False) -> None:
    """Detect drift: exit code 20 if there is any, else 0."""
    from longshore.commands.drift import drift as verb
    from longshore.tasks.views import drift as show

    environment = opened(c, app, env)
    differences = verb(environment)
    with keeping_exit_code(environment.console):
        show(environment.console, differences, as_json=json)
    if differences:
        raise Exit(code=int(ExitCode.DIFFERENCES))


@task(limit="`number` of releases to list; default: 20")
def history(c: Context, app: str | None = None, env: str = "sandbox", limit: int = 20, json: bool = False) -> None:
    """List releases and their outcomes, newest first."""
    from itertools import islice

    from longshore.tasks.views import history as show

    shown = at_least_one("--limit", limit)
    environment = opened(c, app, env)
    show(environment.console, list(islice(environment.ledger.entries(), shown)), as_json=json)


@task(
    release="`id` of the release, as history lists it",
    env="environment in invoke.yaml; default: the one in the id of the release",
)
def show(c: Context, release: str, app: str | None = None, env: str | None = None, json: bool = False) -> None:
    """Show everything recorded about a release."""
    from longshore.tasks.views import show_release

    environment = opened(c, app, env or release.rpartition("-")[0])
    show_release(environment.console, environment.ledger, release, as_json=json)


@task()
def doctor(c: Context, app: str | None = None, env: str = "sandbox") -> None:
    """Check access to everything a release reads."""
    from longshore.commands.doctor import doctor as verb

    verb(opened(c, app, env))
