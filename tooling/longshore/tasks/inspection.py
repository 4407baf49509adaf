"""What is and was: status, history, one release; and whether all can be read."""

from __future__ import annotations

from invoke.context import Context
from invoke.exceptions import Exit

from longshore.tasks.common import opened, task
from longshore.verdict import ExitCode


@task()
def status(c: Context, app: str | None = None, env: str = "sandbox", json: bool = False) -> None:
    """Show what runs, what is released and registered last."""
    from longshore.commands import preview
    from longshore.tasks.views import status as show

    environment = opened(c, app, env)
    show(environment.console, preview.status(environment), as_json=json)


@task()
def drift(c: Context, app: str | None = None, env: str = "sandbox", json: bool = False) -> None:
    """Show what is not as it was released: exit code 0 or 20."""
    from longshore.commands.drift import drift as verb
    from longshore.tasks.views import drift as show

    environment = opened(c, app, env)
    found = verb(environment)
    show(environment.console, found, as_json=json)
    if found:
        raise Exit(code=int(ExitCode.DIFFERENCES))


@task(limit="how many, newest first")
def history(c: Context, app: str | None = None, env: str = "sandbox", limit: int = 20, json: bool = False) -> None:
    """List the releases and how they ended."""
    from itertools import islice

    from longshore.tasks.views import history as show

    environment = opened(c, app, env)
    show(environment.console, list(islice(environment.ledger.releases(), limit)), as_json=json)


@task(json="print one JSON document on stdout")
def show(c: Context, release: str, app: str | None = None, env: str | None = None, json: bool = False) -> None:
    """Show everything that is known of a release."""
    from longshore.tasks.views import show_release

    environment = opened(c, app, env or release.rpartition("-")[0])
    show_release(environment.console, environment.ledger, release, as_json=json)


@task()
def doctor(c: Context, app: str | None = None, env: str = "sandbox") -> None:
    """Try the reads that a release needs; nothing is changed."""
    from longshore.commands.doctor import doctor as verb

    verb(opened(c, app, env))
