"""The version of a release, and its images: reused, built or looked up, while Terraform makes the plan."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from threading import Event
from typing import Any

from longshore import git
from longshore.config import actor
from longshore.environment.environment import Environment
from longshore.errors import AwsError, BuildError, LockLostError, LongshoreError, UsageError
from longshore.images import builders, codebuild, images
from longshore.images.version import parse_tag
from longshore.images.version_counter import Claim, VersionCounter, VersionRequest
from longshore.result import BuildResult, ImageResult
from longshore.run import plan_scope
from longshore.run.options import ReleaseOptions
from longshore.run.run import Run
from longshore.terraform import plan
from longshore.terraform.local import Purpose, SavedPlan


def numbers(env: Environment) -> VersionCounter:
    """What decides which version comes next: the registry, and the ledger with all environments of the application."""
    repositories = [env.target.repository(name) for name in env.target.app.images]
    environments = list(env.target.app.environments)
    recorded = partial(env.ledger.recorded_versions, environments)
    return VersionCounter(env.aws.ecr, repositories, env.ledger.versions, recorded)


def next_tag(env: Environment, wanted: VersionRequest) -> str:
    """The next version; nothing is reserved."""
    return str(numbers(env).peek(wanted))


def reserve_tag(env: Environment, wanted: VersionRequest, claim: Claim | None = None) -> str:
    """The next version, taken for good; in the name of this command if no claim is given."""
    return str(numbers(env).reserve(wanted, claim or Claim.of_command("version --reserve", actor.user(os.environ))))


def _new_tag(env: Environment, wanted: VersionRequest, claim: Claim, *, dirty: bool) -> str:
    """A version of its own; a dirty tree's is marked, takes no number, and is never the base of the next one."""
    if dirty:
        return f"{next_tag(env, wanted)}-dirty.{int(time.time())}"
    return reserve_tag(env, wanted, claim)


@contextmanager
def _unused_if_it_fails(env: Environment, tag: str, by: str) -> Iterator[None]:
    """If the block fails, the number that was taken for it is marked as unused, with the reason."""
    try:
        yield
    except LockLostError:
        raise  # whoever has the lock now may build it
    except LongshoreError as error:
        try:
            env.ledger.versions.mark_unused(tag, by, error.message)
        except AwsError as second:
            env.console.warn(f"{tag} could not be marked as unused: {second.message}")
        raise


def choose_tag(run: Run, order: ReleaseOptions) -> str:
    """The version of this release, reserved for it; the same one however often this is called."""
    if run.result.version:
        return run.result.version
    claim = Claim(run.result.release, run.result.actor.user)
    tag = order.tag or _new_tag(run.env, VersionRequest(order.bump), claim, dirty=run.result.dirty)
    run.result.version = tag
    run.env.console.detail(f"{run.result.previous_version} → {tag}")
    return tag


def build(env: Environment, tag: str | None, how: images.BuildOptions, *, allow_dirty: bool) -> dict[str, ImageResult]:
    """Builds the images by themselves, outside a release.

    Raises:
        UsageError: options that do not go together.
        GitError: uncommitted changes, and they are not allowed; or CodeBuild could not fetch the commit.
        BuildError: an image could not be built or pushed.
    """
    wanted = parse_tag(tag) if tag else None
    if how.on == builders.CODEBUILD and (allow_dirty or not how.push):
        raise UsageError("CodeBuild builds and pushes a commit: it goes without --allow-dirty and --no-push")
    builders.check(env, how.on)
    found = images.committed(env, how.on, allow_dirty=allow_dirty)
    claim = Claim.of_command("build", actor.user(os.environ))
    chosen = wanted or _new_tag(env, VersionRequest(), claim, dirty=found.dirty)
    away = how.on == builders.CODEBUILD  # here, docker gets the signal itself
    watched = env.interrupts.watched(env.console.interrupted) if away else nullcontext()
    with _unused_if_it_fails(env, chosen, claim.by), watched:
        return images.make(
            env, found, chosen, replace(how, token=codebuild.idempotency_token(env.target.application, claim.by))
        )


@contextmanager
def built_and_planned(run: Run, order: ReleaseOptions, found: git.Source | None, tag: str) -> Iterator[SavedPlan]:
    """Makes the images and, meanwhile, the plan; shows the difference and lets the gate judge it.

    Raises:
        BuildError: no image, so the plan is thrown away.
        PlanError: the plan would change more than a release may.
    """
    env = run.env
    with ExitStack() as stack:
        unwanted = Event()
        with run.step("build and plan"), ThreadPoolExecutor(max_workers=1) as pool, _set_if_it_fails(unwanted):
            planning = pool.submit(_planned, run, tag, stack, unwanted)
            expected = run.result.images
            if found:
                with _unused_if_it_fails(env, tag, run.result.release), run.effect(f"build {tag}", found.commit):
                    run.result.images = images.make(env, found, tag, _making(run, order))
            else:
                run.result.images = images.existing(env, tag)
            _refuse_others(expected, run.result.images)
            saved, shown = planning.result()
            judge(run, order, plan.changes(shown))
        yield saved


@contextmanager
def planned(run: Run, order: ReleaseOptions) -> Iterator[tuple[SavedPlan, dict[str, Any]]]:
    """Makes the plan for the version that runs; shows the difference and lets the gate judge it.

    Yields:
        The plan, and Terraform's JSON representation of it.

    Raises:
        PlanError: the plan would change more than was allowed.
    """
    with ExitStack() as stack:
        with run.step("plan"):
            saved, shown = _planned(run, run.result.version, stack)
            judge(run, order, plan.changes(shown))
        yield saved, shown


def _making(run: Run, order: ReleaseOptions) -> images.BuildOptions:
    def note(build: BuildResult) -> None:
        if run.result.build is None:
            run.note("build on CodeBuild", build.id)
        run.result.build = build
        if not build.log_complete:
            run.warn(f"the log of {build.id} could not be read to its end: logs incomplete")

    release = f"{run.result.release} {run.result.started.isoformat()}"
    return images.BuildOptions(
        on=order.on or run.env.target.app.build_on,
        token=codebuild.idempotency_token(run.env.target.application, release),
        rebuild=order.rebuild,
        resumed=run.resumed,
        on_result=note,
    )


def _refuse_others(expected: Mapping[str, ImageResult], found: Mapping[str, ImageResult]) -> None:
    """Makes sure that the images are those that were recorded before, where some were: byte for byte.

    Raises:
        BuildError: an image is gone, or is another one.
    """
    for name, recorded in expected.items():
        digest = found[name].digest if name in found else ""
        if digest != recorded.digest:
            raise BuildError(
                f"image {name} has digest {digest or 'none'} under {recorded.tag}, not {recorded.digest} as recorded",
                "Build the commit again under a new version: invoke release",
            )


@contextmanager
def _set_if_it_fails(unwanted: Event) -> Iterator[None]:
    """If the block fails, says so to the thread that makes the plan: its place in a queue is not waited for."""
    try:
        yield
    except BaseException:
        unwanted.set()
        raise


def _planned(run: Run, tag: str, stack: ExitStack, unwanted: Event | None = None) -> tuple[SavedPlan, dict[str, Any]]:
    purpose = Purpose(wanted=lambda: unwanted is None or not unwanted.is_set())
    saved = stack.enter_context(
        plan_scope.planned(run, tag, alone=plan_scope.only_task_definitions(run), purpose=purpose)
    )
    return saved, run.env.terraform.show(saved)


def judge(run: Run, order: ReleaseOptions, found: Sequence[plan.Change]) -> None:
    """Takes down what the plan would change, and lets the gate judge it.

    Raises:
        PlanError: it would change more than a release may.
    """
    run.env.console.masks.hide(plan.secret_values(found))
    run.result.changes, run.result.fingerprint = plan.difference(found), plan.fingerprint(found)
    run.env.console.differences(run.result.changes)
    plan.gate(found, order.allowed(run.env.target.app.allow_changes))
