"""Terraform's own lock of a state, in the S3 backend: the object beside the state (`use_lockfile`)."""

from __future__ import annotations

import json
from dataclasses import dataclass

from longshore.config.target import Stack
from longshore.environment.environment import Environment
from longshore.errors import NotReadyError


@dataclass(frozen=True)
class StateLock:
    """A lock of a Terraform state: its id, and a sentence with its holder, operation and time."""

    id: str
    description: str


def read(env: Environment, stack: Stack) -> StateLock | None:
    """The lock of a stack's state; None if it is not locked, or if its backend is not one that Longshore can read."""
    if not stack.backend:
        return None
    key = stack.backend["key"]
    content = env.aws.buckets.read(stack.backend["bucket"], f"{key}.tflock")
    if content is None:
        return None
    try:
        lock = json.loads(content)
        holder = f"{lock['Operation']} by {lock['Who']} since {lock['Created']}, lock id {lock['ID']}"
        return StateLock(str(lock["ID"]), f"{key} is locked: {holder}")
    except (ValueError, KeyError, TypeError):
        return StateLock("", f"{key} is locked: {content[:200]}")


def refuse_locked(env: Environment) -> None:
    """Refuses while the state is locked: a terraform process that outlived its release may still be applying.

    Longshore can read the lock in its own state bucket only; with another backend, Terraform refuses the next plan.

    Raises:
        NotReadyError: names the holder, since when, the lock's id, and the command that frees it.
    """
    if lock := read(env, env.target.stack):
        scope = f"-a {env.target.application} -e {env.target.environment}"
        raise NotReadyError(
            f"Terraform's state {lock.description}",
            "If that terraform process is still running, wait for it. If it was killed, unlock the state:"
            f" invoke state.unlock {scope} --id {lock.id}",
        )
