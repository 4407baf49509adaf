"""What is looked at before anything is touched: all findings at once, as a tree OK / SKIP / FAIL."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field

from longshore import git
from longshore.config import actor
from longshore.config.contract import Contract
from longshore.config.target import Stack
from longshore.console import Console
from longshore.environment.environment import Environment
from longshore.errors import ConfigError, LockedError, LongshoreError, NotReadyError, UsageError
from longshore.git import Source
from longshore.images import builders, images
from longshore.ledger.lock import Lock
from longshore.result import Actor, ReleaseResult, Verdict
from longshore.run.options import ReleaseOptions
from longshore.terraform import build_variables, variable_files
from longshore.terraform.build_variables import Place

_BAD_VERSION = (Verdict.ROLLED_BACK, Verdict.ROLLBACK_FAILED)
_ARCHITECTURES = {"linux/amd64": "X86_64", "linux/arm64": "ARM64"}


@dataclass(frozen=True)
class Start:
    """What the checks found out.

    ``source`` is the commit to build, None where nothing is built; ``commit`` the one to release, if it lies here.
    """

    actor: Actor
    source: Source | None
    commit: Source | None = None


@dataclass
class Checks:
    """Runs checks one by one and remembers what failed."""

    console: Console
    failed: list[LongshoreError] = field(default_factory=list)

    def run(self, name: str, look: Callable[[], str]) -> None:
        """Runs a check; what it says is shown behind its name."""
        try:
            self.console.finding("OK", name, look())
        except LongshoreError as error:
            self.failed.append(error)
            self.console.finding("FAIL", name, error.message)

    def skip(self, name: str, why: str) -> None:
        """Says that a check does not apply."""
        self.console.finding("SKIP", name, why)

    def conclude(self) -> None:
        """Ends the checks.

        Raises:
            LongshoreError: the one finding, or all of them in one, with the exit code of the first.
        """
        if len(self.failed) == 1:
            raise self.failed[0]
        if self.failed:
            lines = (f"  {e.message}{f' → {e.hint}' if e.hint else ''}" for e in self.failed)
            error = LongshoreError(f"{len(self.failed)} checks failed; nothing was touched:\n" + "\n".join(lines))
            error.exit_code = self.failed[0].exit_code
            raise error


def release(env: Environment, order: ReleaseOptions) -> Start:
    """Looks at everything that a release needs.

    Raises:
        LongshoreError: what is missing; nothing was touched.
    """
    env.console.say(f"Checks for {env.target.application} in {env.target.environment}")
    checks = Checks(env.console)
    _reach(env, checks, locked_out=not order.wait, planning=True, check_env=order.check_env)
    if order.tag:
        tag = order.tag
        checks.run("image", lambda: _images(env, tag))
        checks.run("version", lambda: _not_failed_before(env, tag, allowed=order.allow_failed_version))
        checks.skip("source", f"{tag} is built already")
        checks.conclude()
        return Start(who(env), None, images.built_from(env, tag))
    on = order.on or env.target.app.build_on
    checks.run("builder", lambda: builders.check(env, on))
    checks.run("source", lambda: _source(env, order, on))
    checks.conclude()
    found = images.source_of(env.target)
    return Start(who(env), found, found)


def remote(env: Environment, order: ReleaseOptions) -> Start:
    """Looks at what it takes to have CodeBuild release: the rest is looked at there.

    Raises:
        LongshoreError: what is missing; nothing was touched.
    """
    env.console.say(f"Checks for {env.target.application} in {env.target.environment}")
    checks = Checks(env.console)
    checks.run("account", lambda: account(env))
    checks.run("project", lambda: _project(env))
    if not order.wait:
        refuse_locked(env)
    checks.run("source", lambda: _source(env, order, builders.CODEBUILD))
    checks.conclude()
    found = images.source_of(env.target)
    return Start(who(env), found, found)


def _project(env: Environment) -> str:
    env.aws.codebuild.ids(env.target.release_project)
    return env.target.release_project


def again(env: Environment, actor: Actor, found: ReleaseResult) -> Start:
    """Looks at what it takes to go on with a release: its images, or the commit to build them from.

    Raises:
        LongshoreError: what is missing; nothing was touched.
    """
    there = found.version and all(images.digests(env, found.version).values())
    if there or found.options.get("tag"):
        return Start(actor, None)
    builders.check(env, str(found.options.get("on") or env.target.app.build_on))
    commit = images.source_of(env.target)
    if commit.commit != found.commit or commit.dirty != found.dirty:
        raise UsageError(
            f"{found.release} is of commit {found.commit}, and its images were not all pushed",
            "Check that commit out here, or go back with: invoke release --resume --abort",
        )
    return Start(actor, commit, commit)


def refuse_locked(env: Environment) -> None:
    """Refuses early where somebody holds the environment; whether nobody does is decided by taking the lock.

    Raises:
        LockedError: says who.
    """
    if held := env.ledger.locks.read():
        raise env.ledger.locks.refuse(held)


def dead_lock(env: Environment) -> Lock | None:
    """The lock, if its holder gives no sign of life for a whole lease; None if nobody holds it.

    Raises:
        LockedError: its holder lives, or somebody holds it until it is freed.
        NotReadyError: a terraform of the holder's may still run: the state is locked.
    """
    locks = env.ledger.locks
    held = locks.read()
    if held is None:
        return None
    env.console.say(f"It is {held}. Watching it for {held.lease:.0f} s")
    if not locks.is_stale(held):
        now = locks.read()
        raise locks.refuse(now) if now else LockedError("it was given back a moment ago", "Try again.")
    refuse_locked_state(env)
    return held


@dataclass(frozen=True)
class StateLock:
    """Terraform's own lock of a state: its id, and who holds it, for what and since when."""

    id: str
    said: str


def state_lock(env: Environment, stack: Stack) -> StateLock | None:
    """Who holds Terraform's lock of a stack, by the object that the S3 backend keeps beside the state (use_lockfile).

    None where nobody does; also where the backend is the root's own, whose lock nobody but Terraform can look at.
    """
    if not stack.backend:
        return None
    held = env.aws.buckets.read(stack.backend["bucket"], f"{stack.backend['key']}.tflock")
    if held is None:
        return None
    try:
        lock = json.loads(held)
        said = f"{lock['Operation']} by {lock['Who']} since {lock['Created']}, lock id {lock['ID']}"
        return StateLock(str(lock["ID"]), f"{stack.backend['key']} is locked: {said}")
    except (ValueError, KeyError, TypeError):
        return StateLock("", f"{stack.backend['key']} is locked: {held[:200]}")


def refuse_locked_state(env: Environment) -> None:
    """Refuses while Terraform's own lock is held: a terraform that outlived its release may still apply.

    Only the lock of a state bucket that Longshore knows can be looked at; with another backend, Terraform itself
    refuses the next plan.

    Raises:
        NotReadyError: says who holds it, since when, its id, and what frees it.
    """
    if held := state_lock(env, env.target.stack):
        where = f"-a {env.target.application} -e {env.target.environment}"
        raise NotReadyError(
            f"Terraform's state {held.said}",
            "If that terraform still runs, wait for it. If it has died, free the state:"
            f" invoke state.unlock {where} --id {held.id}",
        )


def reach(env: Environment, *, locked_out: bool = False, planning: bool = False, check_env: bool = False) -> Actor:
    """Looks at what every command needs that touches an environment.

    Args:
        env: the environment.
        locked_out: refuse at once where somebody holds it.
        planning: it begins to apply what the variable files say, or shows what would be applied. A roll-back, and what
            a dead process has begun, are brought to their end whatever is set on a build.
        check_env: as `--check-env` says.

    Raises:
        LongshoreError: what is missing; nothing was touched.
    """
    checks = Checks(env.console)
    _reach(env, checks, locked_out=locked_out, planning=planning, check_env=check_env)
    checks.conclude()
    return who(env)


def before_bootstrap(env: Environment, *, planning: bool = True) -> None:
    """Looks at what setting up an environment needs, or with ``planning=False`` taking one down."""
    checks = Checks(env.console)
    checks.run("files", lambda: files(env))
    if planning:
        _agree(env, checks)
    checks.run("terraform", lambda: env.terraform.check(before_setup=True))
    checks.run("account", lambda: account(env))
    checks.conclude()


def who(env: Environment) -> Actor:
    """The actor of this process."""
    return actor.identify(env.aws.identity.caller().arn, os.environ)


def _reach(
    env: Environment, checks: Checks, *, locked_out: bool = False, planning: bool = False, check_env: bool = False
) -> None:
    checks.run("files", lambda: files(env))
    if planning:
        _agree(env, checks, always=check_env)
    checks.run("account", lambda: account(env))
    if checks.failed:
        checks.skip("terraform", "what it needs is missing")
        return
    if locked_out:
        refuse_locked(env)  # before all that takes time: of many who come at once, all but one end here
    checks.run("terraform", env.terraform.check)


def files(env: Environment) -> str:
    """The variable files.

    Raises:
        ConfigError: one is missing, or Terraform's folder.
    """
    missing = env.target.stack.check()
    if missing:
        raise ConfigError("; ".join(missing), "Look at terraform.dir and terraform.var_files in invoke.yaml.")
    return ", ".join(file.name for file in env.target.stack.var_files)


def _agree(env: Environment, checks: Checks, *, always: bool = False) -> None:
    if checks.failed:
        checks.skip("variables", "what it needs is missing")
    elif always or build_variables.in_build(os.environ):
        checks.run("variables", lambda: variables(env))
    else:
        checks.skip("variables", "compared with ECS_ variables in a build, and with --check-env")


def variables(env: Environment) -> str:
    """The process's ECS_ variables, which must agree with the variable files.

    Raises:
        ConfigError: they do not; every finding by its name, and the lines to add.
    """
    found = variable_files.read(env.target.stack.var_files)
    return build_variables.check(os.environ, found, place(env), env.console.masks)


def place(env: Environment) -> Place:
    """Where the environment's variables belong."""
    target = env.target
    files = ", ".join(os.path.relpath(file, target.root) for file in target.stack.var_files)
    return Place(target.application, target.environment, files)


def account(env: Environment) -> str:
    """Whose credentials these are, in which account and region.

    Raises:
        ConfigError: another account than the environment's.
    """
    caller = env.aws.identity.caller()
    if caller.account != env.target.env.account:
        key = f"longshore.applications.{env.target.application}.environments.{env.target.environment}.account"
        raise ConfigError(
            f"these credentials are for AWS account {caller.account}, but {key} says {env.target.env.account}",
            "Sign in to the right account, or mend the setting.",
        )
    return f"{caller.account}, {env.target.region}, as {caller.arn}"


def contract(env: Environment) -> Contract:
    """The contract, which may change until the lock is held, and is looked at then.

    Raises:
        ConfigError: it does not fit, or does not go with invoke.yaml.
    """
    found: list[Contract] = []

    def look() -> str:
        found.append(_contract(env))
        return f"{len(found[0].services)} services, {found[0].image_tag} is registered last"

    checks = Checks(env.console)
    checks.run("contract", look)
    checks.conclude()
    return found[0]


def _contract(env: Environment) -> Contract:
    contract = env.contract()
    for key, image in contract.images.items():
        if key not in env.target.app.images:
            raise ConfigError(
                f"the contract has an image {key!r}, but invoke.yaml has none under"
                f" longshore.applications.{env.target.application}.images",
                "Add it, or take it out of the variable file.",
            )
        if image.repository != env.target.repository(key):
            raise ConfigError(f"image {key!r} is in {image.repository}, not in {env.target.repository(key)}")
    _platforms(env, contract)
    return contract


def _platforms(env: Environment, contract: Contract) -> None:
    for key, service in contract.services.items():
        definition = env.aws.ecs.task_definition(service.task_definition)
        # ECS's default where a revision does not say (RuntimePlatform's documentation).
        wanted = definition.get("runtimePlatform", {}).get("cpuArchitecture", "X86_64")
        for image in set(service.containers.values()):
            platform = env.target.app.images[image].platform
            if _ARCHITECTURES.get(platform) != wanted:
                path = f"longshore.applications.{env.target.application}.images.{image}.platform"
                raise ConfigError(
                    f"{path} is {platform}, but the tasks of {key} run on {wanted}",
                    "Mend the platform, or cpu_architecture in the variable file.",
                )


def _images(env: Environment, tag: str) -> str:
    missing = [repository for repository, digest in images.digests(env, tag).items() if digest is None]
    if missing:
        raise UsageError(f"tag {tag} does not exist in {', '.join(missing)}", "See the tags with: invoke history")
    return tag


def _not_failed_before(env: Environment, tag: str, *, allowed: bool) -> str:
    """What became of a version the last time that it ran, or should have: one that was declined says nothing of it."""
    telling = (Verdict.SUCCEEDED, *_BAD_VERSION)
    tried = (r for r in env.ledger.releases() if r.judges_version and r.version == tag)
    before = next((r for r in tried if r.verdict in telling), None)
    if before is None or before.verdict is Verdict.SUCCEEDED:
        return f"{tag} {'has succeeded before' if before else 'has never been rolled back'}"
    reason = before.message.partition("\n")[0] or "it says no reason"
    said = f"{tag} has failed before: {before.release} {before.verdict.value} ({reason})"
    if not allowed:
        raise UsageError(said, "If that was not the version's fault, add --allow-failed-version.")
    return said


def _source(env: Environment, order: ReleaseOptions, on: str) -> str:
    found = images.committed(env, on, allow_dirty=order.allow_dirty)
    said = f"{found.commit[:12]}, with uncommitted changes (--allow-dirty)" if found.dirty else found.commit[:12]
    return f"{said} {found.subject}{refuse_older(env, order, found)}"


def refuse_older(env: Environment, order: ReleaseOptions, found: Source | None) -> str:
    """Refuses a commit that what runs was built on top of: releasing it would take back what came since.

    Asked at once, and again once the lock is held: another release may have come first.

    Raises:
        UsageError: it is older, and --allow-older was not given.
    """
    last = env.ledger.last_good()
    if found is None or last is None or last.commit is None:
        return ""
    older = git.is_older(found, last.commit)
    if older is None:
        return f" (this clone does not have {last.commit[:12]}, which runs: whether this is older is not known)"
    if older and not order.allow_older:
        raise UsageError(
            f"{found.commit[:12]} is an ancestor of {last.commit[:12]} ({last.version}), which runs",
            "To go back: invoke rollback. To release the older commit all the same: --allow-older.",
        )
    return f" (older than {last.version}, as ordered)" if older else ""
