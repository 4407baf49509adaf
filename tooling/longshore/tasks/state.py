"""Terraform's state."""

from __future__ import annotations

from invoke.context import Context

from longshore.tasks.common import opened, task


@task(
    id="its exact id, to free it; without one it is only shown who holds it",
    foundation="the state of the stack that all environments share",
)
def unlock(
    c: Context,
    app: str | None = None,
    env: str = "sandbox",
    id: str | None = None,  # noqa: A002 - the flag's name
    foundation: bool = False,
) -> None:
    """Show, or free, Terraform's own lock."""
    from longshore.commands.lock import unlock_state

    unlock_state(opened(c, app, env), id, foundation=foundation)
