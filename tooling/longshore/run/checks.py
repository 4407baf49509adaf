"""The checks before a run: everything that it needs is checked before anything is touched."""

from __future__ import annotations

import os
from dataclasses import dataclass

from longshore.config import actor
from longshore.environment.environment import Environment
from longshore.errors import ConfigError, UsageError
from longshore.git import Source
from longshore.images import builders, images
from longshore.result import Actor, ReleaseResult
from longshore.run import image_checks, lock_checks
from longshore.run.checklist import Checklist
from longshore.run.options import ReleaseOptions
from longshore.signals import unchanged
from longshore.terraform import build_variables, unshared_files, variable_files
from longshore.terraform.build_variables import VariableScope


@dataclass(frozen=True)
class ReleaseInputs:
    """The inputs of a release, as the checks determined them.

    Attributes:
        actor: the caller.
        source: the commit to build; None if nothing is built.
        commit: the commit to release, if this clone has it.
    """

    actor: Actor
    source: Source | None
    commit: Source | None = None


@unchanged
def release(env: Environment, options: ReleaseOptions) -> ReleaseInputs:
    """Checks everything that a release needs.

    Raises:
        LongshoreError: something is missing; nothing was touched.
    """
    checklist = _begin(env)
    _reach(env, checklist, locked_out=not options.wait, planning=True, check_env=options.check_env)
    if options.tag:
        tag = options.tag
        checklist.run("image", lambda: image_checks.require_images(env, tag))
        allowed = options.allow_failed_version
        checklist.run("version", lambda: image_checks.refuse_failed_version(env, tag, allowed=allowed))
        checklist.skip("source", f"{tag} is built already")
        checklist.conclude()
        return ReleaseInputs(caller(env), None, images.built_from(env, tag))
    on = options.on or env.target.app.build_on
    checklist.run("builder", lambda: builders.check(env, on))
    return _inputs_from_source(env, checklist, options, on)


@unchanged
def remote(env: Environment, options: ReleaseOptions) -> ReleaseInputs:
    """Checks what a release on CodeBuild needs from here; the build checks the rest.

    Raises:
        LongshoreError: something is missing; nothing was touched.
    """
    checklist = _begin(env)
    checklist.run("account", lambda: account(env))
    checklist.run("project", lambda: _project(env))
    if not options.wait:
        lock_checks.refuse_locked(env)
    return _inputs_from_source(env, checklist, options, builders.CODEBUILD)


@unchanged
def resumed(env: Environment, caller: Actor, entry: ReleaseResult) -> ReleaseInputs:
    """Checks what resuming a release needs: its images, or the commit to build them from.

    Raises:
        LongshoreError: something is missing; nothing was touched.
    """
    pushed = entry.version and all(images.digests(env, entry.version).values())
    if pushed or entry.options.get("tag"):
        return ReleaseInputs(caller, None)
    builders.check(env, str(entry.options.get("on") or env.target.app.build_on))
    commit = images.source_of(env.target)
    if commit.commit != entry.commit or commit.dirty != entry.dirty:
        raise UsageError(
            f"{entry.release} is of commit {entry.commit}, which is not checked out, and its images are incomplete",
            "Check that commit out, or roll back with: invoke release --resume --abort",
        )
    return ReleaseInputs(caller, commit, commit)


@unchanged
def reach(env: Environment, *, locked_out: bool = False, planning: bool = False, check_env: bool = False) -> Actor:
    """Checks what every command needs that changes an environment, and returns the caller.

    Args:
        env: the environment.
        locked_out: refuse at once if the environment is locked.
        planning: the command applies the variable files, or shows the changes that they would make, so they must agree
            with the ECS_ variables of a build. A rollback and a resumed run must work with any variables.
        check_env: compare the ECS_ variables outside a build, too.

    Raises:
        LongshoreError: something is missing; nothing was touched.
    """
    checklist = Checklist(env.console)
    _reach(env, checklist, locked_out=locked_out, planning=planning, check_env=check_env)
    checklist.conclude()
    return caller(env)


@unchanged
def before_bootstrap(env: Environment, *, planning: bool = True) -> None:
    """Checks what setting up an environment needs, or with ``planning=False`` destroying it.

    Raises:
        LongshoreError: something is missing; nothing was touched.
    """
    checklist = Checklist(env.console)
    checklist.run("files", lambda: files(env, planning=True))
    if planning:
        _compare_variables(env, checklist)
    checklist.run("terraform", lambda: env.terraform.check(before_setup=True))
    checklist.run("account", lambda: account(env))
    checklist.conclude()


def caller(env: Environment) -> Actor:
    """The actor of this process."""
    return actor.identify(env.aws.identity.caller().arn, os.environ)


def files(env: Environment, *, planning: bool = False) -> str:
    """The names of the variable files.

    Raises:
        ConfigError: one is missing, or Terraform's folder; with ``planning`` also if other machines would lack one that
            Terraform loads.
    """
    missing = env.target.stack.check()
    if missing:
        raise ConfigError("; ".join(missing), "Check terraform.dir and terraform.var_files in invoke.yaml.")
    if planning:
        unshared_files.refuse(env.target.stack)
    return ", ".join(file.name for file in env.target.stack.all_var_files)


def variables(env: Environment) -> str:
    """Compares the process's ECS_ variables with the variable files.

    Raises:
        ConfigError: they differ; names every difference, and the lines to add.
    """
    values = variable_files.read(env.target.stack.all_var_files)
    return build_variables.check(os.environ, values, variable_scope(env), env.console.masks)


def variable_scope(env: Environment) -> VariableScope:
    """The scope of the environment's variables: application, environment and variable files."""
    target = env.target
    names = ", ".join(os.path.relpath(file, target.root) for file in target.stack.var_files)
    return VariableScope(target.application, target.environment, names)


def account(env: Environment) -> str:
    """The account, region and identity of the credentials.

    Raises:
        ConfigError: they are for an account other than the environment's.
    """
    identity = env.aws.identity.caller()
    if identity.account != env.target.env.account:
        key = f"longshore.applications.{env.target.application}.environments.{env.target.environment}.account"
        raise ConfigError(
            f"these credentials are for AWS account {identity.account}, but {key} is {env.target.env.account}",
            "Sign in to the right account, or fix the setting.",
        )
    return f"{identity.account}, {env.target.region}, as {identity.arn}"


def _begin(env: Environment) -> Checklist:
    env.console.say(f"Checks for {env.target.application} in {env.target.environment}")
    return Checklist(env.console)


def _inputs_from_source(env: Environment, checklist: Checklist, options: ReleaseOptions, on: str) -> ReleaseInputs:
    checklist.run("source", lambda: image_checks.check_source(env, options, on))
    checklist.conclude()
    source = images.source_of(env.target)
    return ReleaseInputs(caller(env), source, source)


def _reach(
    env: Environment, checklist: Checklist, *, locked_out: bool = False, planning: bool = False, check_env: bool = False
) -> None:
    checklist.run("files", lambda: files(env, planning=planning))
    if planning:
        _compare_variables(env, checklist, always=check_env)
    checklist.run("account", lambda: account(env))
    if checklist.failed:
        checklist.skip("terraform", "an earlier check failed")
        return
    if locked_out:
        lock_checks.refuse_locked(env)  # before anything slow: of many releases at once, all but one end here
    checklist.run("terraform", env.terraform.check)


def _compare_variables(env: Environment, checklist: Checklist, *, always: bool = False) -> None:
    if checklist.failed:
        checklist.skip("variables", "an earlier check failed")
    elif always or build_variables.in_codebuild(os.environ):
        checklist.run("variables", lambda: variables(env))
    else:
        checklist.skip("variables", "compared with ECS_ variables in a build, and with --check-env")


def _project(env: Environment) -> str:
    env.aws.codebuild.ids(env.target.release_project)
    return env.target.release_project
