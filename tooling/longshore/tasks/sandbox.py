"""The local cloud."""

from __future__ import annotations

from invoke.context import Context

from longshore.tasks.common import task


@task(port="port of the AWS API; any free one if not given")
def up(c: Context, port: int = 0) -> None:
    """Start the local cloud, with real containers."""
    from longshore.tasks import sandboxes

    sandboxes.up(c, port)


@task()
def down(c: Context) -> None:
    """Stop the local cloud and remove all that it made."""
    from longshore.tasks import sandboxes

    sandboxes.down(c)


@task()
def status(c: Context, json: bool = False) -> None:
    """Show where the local cloud answers and what it runs."""
    from longshore.tasks import sandboxes

    sandboxes.status(c, as_json=json)


@task(name="last part of a build project's source location; the only repository if not given")
def repository(c: Context, name: str = "") -> None:
    """Show where the local cloud keeps a git repository."""
    from longshore.tasks import sandboxes

    sandboxes.repository(c, name)


@task(
    operation="the call it strikes: ecs:UpdateService, or ecs:reads, ecs:writes, ecs:*; cloud:NAME",
    kind="throttle, error, expired, denied, lost, delay, stale, failures or refuse",
    times="how many calls it strikes; all of them if not given",
    skip="how many calls pass before",
    every="it strikes each so-many-th call",
    seconds="of a delay",
    code="of a refusal: AWS's error code",
    message="of a refusal",
    window="seconds for which a deployment shows FAILED before ECS rolls it back",
    clear="clear all faults",
)
def fault(
    c: Context,
    operation: str | None = None,
    kind: str | None = None,
    times: str | None = None,
    skip: str | None = None,
    every: str | None = None,
    seconds: str | None = None,
    code: str | None = None,
    message: str | None = None,
    window: str | None = None,
    clear: bool = False,
    json: bool = False,
) -> None:
    """List, set or clear the faults of the local cloud."""
    from longshore.tasks import sandboxes

    given = {"operation": operation, "kind": kind, "times": times, "skip": skip, "every": every}
    given |= {"seconds": seconds, "code": code, "message": message, "window": window}
    sandboxes.fault(c, given, clear=clear, as_json=json)
