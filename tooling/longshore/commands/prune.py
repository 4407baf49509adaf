"""Removes the images that no environment of the application runs, or may go back to."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from longshore.commands.retention import RetainedImages
from longshore.environment.environment import Environment
from longshore.errors import LockedError, LongshoreError, NotReadyError, UsageError
from longshore.ledger.lease import Lease
from longshore.result import Actor
from longshore.run import checks


def prune(env: Environment, *, keep: int, dry_run: bool, yes: bool) -> None:
    """Removes tagged images; untagged ones are the business of the registry's lifecycle policy.

    While it looks and removes, it holds all environments: what a release needs is not decided beside it.

    Args:
        env: any environment of the application.
        keep: so many of the versions that succeeded last in each environment stay.
        dry_run: only say what would be removed.
        yes: ask nothing.

    Raises:
        UsageError: nothing would be kept.
        NotReadyError: what an environment needs is not known; nothing was removed.
        LockedError: an environment is held by somebody else.
        DeclinedError: a person said no, or there is none to ask.
        LongshoreError: the registry did not remove all of it.
    """
    if keep < 1:
        raise UsageError(f"--keep {keep} would leave no way back", "Keep 1 at least; 10 are kept if you don't say.")
    environments = list(_environments(env))
    leases: list[Lease] = []
    with ExitStack() as stack:
        for one in environments:
            with _known(one):
                who = checks.reach(one)
                if not dry_run:
                    leases.append(stack.enter_context(_held(one, who)))
        removable = _judge(env, _needed(environments, keep))
        number = sum(map(len, removable.values()))
        if not number or dry_run:
            env.console.say(f"{number} tags would be removed." if number else "Nothing is to be removed.")
            return
        env.console.prompt.approve(f"Remove {number} tags of {env.target.application} for good?", yes=yes)
        for lease in leases:
            lease.check()
        _remove(env, removable)


@contextmanager
def _held(env: Environment, who: Actor) -> Iterator[Lease]:
    with env.ledger.locks.held(uuid.uuid4().hex, who, "prune of images") as lease:
        yield lease
    for warning in lease.warnings:
        env.console.warn(warning)


def _environments(env: Environment) -> Iterator[Environment]:
    """All environments of the application that take their images from the same registry."""
    for name, settings in env.target.app.environments.items():
        if settings.endpoint == env.target.env.endpoint:
            yield env.sibling(name)
        else:
            env.console.say(f"{name} is in another cloud ({settings.endpoint or 'AWS'}): it runs none of these images.")


@contextmanager
def _known(env: Environment) -> Iterator[None]:
    """Names the environment that can't be asked: nothing is removed on a guess."""
    try:
        yield
    except LockedError:
        raise
    except LongshoreError as error:
        hint = f"{error.hint.rstrip('.')}. " if error.hint else ""
        raise NotReadyError(
            f"which images {env.target.environment} needs is not known: {error.message}",
            f"{hint}Nothing is removed before that. If there is no such environment, take it out of invoke.yaml.",
        ) from error


def _needed(environments: list[Environment], keep: int) -> RetainedImages:
    needed = RetainedImages()
    for env in environments:
        with _known(env):
            needed.add_environment(env, keep)
    for env in environments:
        with _known(env):
            needed.add_reserved(env)
    return needed


def _judge(env: Environment, needed: RetainedImages) -> dict[str, list[str]]:
    """The tags that may go, by repository; says each of them, and why the others stay."""
    removable = {}
    for image in env.target.app.images:
        repository = env.target.repository(image)
        stay: Counter[str] = Counter()
        going = []
        # A listing that grows while it is read may show a tag twice.
        for found in {image.tag: image for image in env.aws.ecr.images(repository)}.values():
            why = needed.reason(found)
            if why:
                stay[why] += 1
            else:
                going.append(found.tag)
                env.console.result(f"{repository}:{found.tag}")
        removable[repository] = going
        for why, number in stay.most_common():
            env.console.say(f"{repository}: {number} stay: {why}")
    return removable


def _remove(env: Environment, removable: dict[str, list[str]]) -> None:
    failed: list[str] = []
    for repository, tags in removable.items():
        left = env.aws.ecr.remove_tags(repository, tags)
        failed += [f"{repository}:{tag}: {why}" for tag, why in left.items()]
        env.console.say(f"{repository}: {len(tags) - len(left)} removed")
    if failed:
        lines = "\n".join(f"  {line}" for line in failed)
        raise LongshoreError(f"{len(failed)} tags could not be removed:\n{lines}", "The others are gone.")
