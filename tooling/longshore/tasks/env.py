"""Tasks for the variables that containers get."""

from __future__ import annotations

from invoke.context import Context

from longshore.tasks.common import opened, task


@task(
    write="write the lines to the variable file and print only the commands that store the secrets",
    skip="`names` to leave out, separated by commas",
)
def import_(
    c: Context, app: str | None = None, env: str = "sandbox", skip: str | None = None, write: bool = False
) -> None:
    """Import the ECS_ variables of this process."""
    import os

    from longshore.commands.import_env import import_env as verb
    from longshore.commands.import_env import skipped_names

    verb(opened(c, app, env), os.environ, skip=skipped_names(skip), write=write)
