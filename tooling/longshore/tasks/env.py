"""What containers get, and what this process has."""

from __future__ import annotations

from invoke.context import Context

from longshore.tasks.common import opened, task


@task(
    write="write the lines into the variable file; printed are only the commands that store the secrets",
    skip="names to leave out, separated by commas",
)
def import_(
    c: Context, app: str | None = None, env: str = "sandbox", skip: str | None = None, write: bool = False
) -> None:
    """Take over the ECS_ variables of this process."""
    import os

    from longshore.commands.import_env import names, take_over

    take_over(opened(c, app, env), os.environ, skip=names(skip), write=write)
