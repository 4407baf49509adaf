"""Tasks for Terraform's state."""

from __future__ import annotations

from invoke.context import Context

from longshore.tasks.common import opened, task


@task(
    id="exact id of the lock to release; without it, only show who holds the lock",
    foundation="use the state of the foundation, which all environments share",
)
def unlock(
    c: Context,
    app: str | None = None,
    env: str = "sandbox",
    id: str | None = None,  # noqa: A002 - the flag's name
    foundation: bool = False,
) -> None:
    """Show or release the lock of Terraform's state."""
    from longshore.commands.lock import unlock_state

    unlock_state(opened(c, app, env), id, foundation=foundation)
