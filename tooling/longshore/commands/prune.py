"""Removes the images that no environment of the application runs, or may roll back to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from longshore import signals
from longshore.commands.retention import RetainedImages
from longshore.environment.environment import Environment
from longshore.errors import LockedError, LongshoreError, NotReadyError, UsageError
from longshore.ledger.lease import Lease
from longshore.run import checks, environment_lock
from longshore.signals import Explanation


def prune(env: Environment, *, keep: int, dry_run: bool, yes: bool, wait: float = 0.0) -> None:
    """Removes tags that no environment needs; untagged images are left to the registry's lifecycle policy.

    Unless it is a dry run, it holds the locks of all environments: no release can begin to need an image while it
    reads and removes.

    Args:
        env: any environment of the application.
        keep: the number of most recent successful versions to keep for each environment.
        dry_run: only show the tags that would be removed.
        yes: do not ask for confirmation.
        wait: seconds to wait for the lock of each environment.

    Raises:
        UsageError: nothing would be kept.
        NotReadyError: the images that an environment needs cannot be determined; nothing was removed.
        LockedError: another process or a person holds an environment.
        DeclinedError: the removal was declined, or there is no terminal to confirm it.
        LongshoreError: the registry did not remove all of the tags.
    """
    if keep < 1:
        raise UsageError(f"--keep must be at least 1, got {keep}: it is the number of versions to keep", "Default: 10.")
    leases: list[Lease] = []
    with signals.explained("nothing was removed", "Run the same command again.") as explanation, ExitStack() as stack:
        environments = list(_environments(env))
        for environment in environments:
            with _naming(environment):
                actor = checks.reach(environment)
                if not dry_run:
                    lock = environment_lock.held(environment, actor, "prune of images", wait=wait)
                    leases.append(stack.enter_context(lock))
        removable = _removable(env, _retained(environments, keep))
        count = sum(map(len, removable.values()))
        if not count or dry_run:
            env.console.say(f"{count} tags would be removed." if count else "There is nothing to remove.")
            return
        env.console.prompt.approve(f"Remove {count} tags of {env.target.application} permanently?", yes=yes)
        _remove(env, removable, leases, explanation)


def _environments(env: Environment) -> Iterator[Environment]:
    """All environments of the application that share its registry."""
    for name, settings in env.target.app.environments.items():
        if settings.endpoint == env.target.env.endpoint:
            yield env.sibling(name)
        else:
            env.console.say(f"Skipping {name}: its endpoint ({settings.endpoint or 'AWS'}) has a different registry")


@contextmanager
def _naming(env: Environment) -> Iterator[None]:
    """Makes an error name the environment whose images cannot be determined: nothing is removed on a guess."""
    try:
        yield
    except LockedError:
        raise
    except LongshoreError as error:
        name = env.target.environment
        hint = f"{error.hint.rstrip('.')}. " if error.hint else ""
        raise NotReadyError(
            f"cannot determine which images {name} still needs: {error.message}",
            f"{hint}Nothing was removed. If {name} no longer exists, remove it from invoke.yaml.",
        ) from error


def _retained(environments: list[Environment], keep: int) -> RetainedImages:
    retained = RetainedImages()
    for env in environments:
        with _naming(env):
            retained.add_environment(env, keep)
    for env in environments:
        with _naming(env):
            retained.add_reserved(env)
    return retained


def _removable(env: Environment, retained: RetainedImages) -> dict[str, list[str]]:
    """The tags to remove, by repository; prints each of them, and how many others are kept for which reason."""
    removable: dict[str, list[str]] = {}
    for key in env.target.app.images:
        repository = env.target.repository(key)
        kept: Counter[str] = Counter()
        removable[repository] = []
        # A listing that grows while it is read may contain a tag twice.
        for image in {image.tag: image for image in env.aws.ecr.images(repository)}.values():
            if reason := retained.reason(image):
                kept[reason] += 1
            else:
                removable[repository].append(image.tag)
                env.console.result(f"{repository}:{image.tag}")
        for reason, count in kept.most_common():
            env.console.say(f"{repository}: {count} kept: {reason}")
    return removable


def _remove(env: Environment, removable: dict[str, list[str]], leases: list[Lease], explanation: Explanation) -> None:
    explanation.left = "some of these tags may have been removed"
    explanation.next_step = "To remove the rest, prune again."
    failed: list[str] = []
    for repository, tags in removable.items():
        for lease in leases:
            lease.check()
        remaining = env.aws.ecr.remove_tags(repository, tags)
        failed += [f"{repository}:{tag}: {reason}" for tag, reason in remaining.items()]
        env.console.say(f"{repository}: {len(tags) - len(remaining)} removed")
    count = sum(map(len, removable.values()))
    if failed:
        lines = "\n".join(f"  {line}" for line in failed)
        raise LongshoreError(
            f"could not remove {len(failed)} of {count} tags:\n{lines}",
            "The other tags were removed. Fix the reasons above, then run the same command again.",
        )
    explanation.left, explanation.next_step = f"all {count} tags were removed", "There is nothing left to remove."
