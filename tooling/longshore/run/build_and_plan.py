"""The version of a release and its images, which are built, reused or looked up while Terraform makes the plan."""

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
from longshore.errors import (
    AwsError,
    BuildError,
    LockLostError,
    LongshoreError,
    UnreadableRecordError,
    UsageError,
)
from longshore.images import builders, codebuild, images
from longshore.images.version import parse_tag
from longshore.images.version_counter import Claim, VersionCounter, VersionRequest
from longshore.result import BuildResult, ImageResult
from longshore.run import plan_scope
from longshore.run.options import ReleaseOptions
from longshore.run.run import Run
from longshore.signals import StoppedBySignal
from longshore.terraform import gate, plan, plan_diff
from longshore.terraform.driver import PlanOptions, SavedPlan


def version_counter(env: Environment) -> VersionCounter:
    """The counter of an application's versions: its registry, and the ledger of all its environments."""
    repositories = [env.target.repository(name) for name in env.target.app.images]
    environments = list(env.target.app.environments)
    recorded = partial(env.ledger.recorded_versions, environments)
    return VersionCounter(env.aws.ecr, repositories, env.ledger.versions, recorded)


def next_tag(env: Environment, request: VersionRequest) -> str:
    """The next version, without reserving it."""
    return str(version_counter(env).peek(request))


def reserve_tag(env: Environment, request: VersionRequest, claim: Claim | None = None) -> str:
    """Reserves the next version permanently; without a claim, for this command."""
    return str(
        version_counter(env).reserve(request, claim or Claim.of_command("version --reserve", actor.user(os.environ)))
    )


def _new_tag(env: Environment, request: VersionRequest, claim: Claim, *, dirty: bool) -> str:
    """A new version; that of a dirty tree is marked as dirty, is not reserved, and no later version counts from it."""
    return _dirty_tag(env, request) if dirty else reserve_tag(env, request, claim)


def _dirty_tag(env: Environment, request: VersionRequest) -> str:
    return f"{next_tag(env, request)}-dirty.{int(time.time())}"


def foresee_tag(env: Environment, options: ReleaseOptions, source: git.Source | None) -> str:
    """The version that a release would take, without reserving it."""
    request = VersionRequest(options.bump)
    return options.tag or (_dirty_tag if source and source.dirty else next_tag)(env, request)


@contextmanager
def _unused_if_it_fails(env: Environment, tag: str, by: str) -> Iterator[None]:
    """If the block fails, marks the version that was reserved for it as unused, with the reason."""
    try:
        yield
    except LockLostError:
        raise  # the process that holds the lock now may build it
    except (LongshoreError, StoppedBySignal) as error:
        try:
            env.ledger.versions.mark_unused(tag, by, error.message)
        except (AwsError, UnreadableRecordError) as second:
            env.console.warn(f"could not mark {tag} as unused: {second.message}")
        raise


def choose_tag(run: Run, env: Environment, options: ReleaseOptions) -> str:
    """The version of this run, reserved at the first call."""
    if run.result.version:
        return run.result.version
    claim = Claim(run.result.release, run.result.actor.user)
    tag = options.tag or _new_tag(env, VersionRequest(options.bump), claim, dirty=run.result.dirty)
    run.result.version = tag
    run.detail(f"{run.result.previous_version} → {tag}")
    return tag


def build(env: Environment, tag: str | None, how: images.BuildOptions, *, allow_dirty: bool) -> dict[str, ImageResult]:
    """Builds the images without releasing them.

    Raises:
        UsageError: two options exclude each other.
        GitError: there are uncommitted changes and they are not allowed, or CodeBuild cannot fetch the commit.
        BuildError: an image could not be built or pushed.
    """
    wanted = parse_tag(tag) if tag else None
    if how.on == builders.CODEBUILD and (allow_dirty or not how.push):
        raise UsageError(
            "--on codebuild cannot be combined with --allow-dirty or --no-push: it builds and pushes a commit"
        )
    builders.check(env, how.on)
    source = images.committed(env, how.on, allow_dirty=allow_dirty)
    claim = Claim.of_command("build", actor.user(os.environ))
    version = wanted or _new_tag(env, VersionRequest(), claim, dirty=source.dirty)
    remote = how.on == builders.CODEBUILD  # a local docker receives the signal itself
    watched = env.interrupts.watched(env.console.interrupted) if remote else nullcontext()
    token = codebuild.idempotency_token(env.target.application, claim.by)
    with _unused_if_it_fails(env, version, claim.by), watched:
        return images.make(env, source, version, replace(how, token=token))


@contextmanager
def built_and_planned(
    run: Run, env: Environment, options: ReleaseOptions, source: git.Source | None
) -> Iterator[SavedPlan]:
    """Builds the images and makes the plan at the same time; shows the differences, and the gate judges them.

    Args:
        run: the run, whose version is chosen.
        env: the environment.
        options: of the release.
        source: the commit to build; None if the images exist.

    Raises:
        BuildError: an image could not be built; the plan is discarded.
        PlanError: the plan would change more than a release may.
    """
    with ExitStack() as stack:
        unwanted = Event()
        with run.step("build and plan"), ThreadPoolExecutor(max_workers=1) as pool, _set_if_it_fails(unwanted):
            planning = pool.submit(_planned, run, env, stack, unwanted)
            recorded = run.result.images
            run.result.images = _images(run, env, options, source)
            refuse_other_digests(recorded, {name: image.digest for name, image in run.result.images.items()})
            saved, shown = planning.result()
            judge(run, env, options, plan.changes(shown))
        yield saved


def _images(run: Run, env: Environment, options: ReleaseOptions, source: git.Source | None) -> dict[str, ImageResult]:
    tag = run.result.version
    if source is None:
        return images.existing(env, tag)
    with _unused_if_it_fails(env, tag, run.result.release), run.effect(f"build {tag}", source.commit):
        return images.make(env, source, tag, _build_options(run, env, options))


@contextmanager
def planned(run: Run, env: Environment, options: ReleaseOptions) -> Iterator[tuple[SavedPlan, dict[str, Any]]]:
    """Makes the plan for the released version; shows the differences, and the gate judges them.

    Yields:
        The plan, and Terraform's JSON representation of it.

    Raises:
        PlanError: the plan would change more than is allowed.
    """
    with ExitStack() as stack:
        with run.step("plan"):
            saved, shown = _planned(run, env, stack)
            judge(run, env, options, plan.changes(shown))
        yield saved, shown


def _build_options(run: Run, env: Environment, options: ReleaseOptions) -> images.BuildOptions:
    def on_result(build: BuildResult) -> None:
        if run.result.build is None:
            run.note("build on CodeBuild", build.id)
        run.result.build = build
        if not build.log_complete:
            run.warn(f"the log of build {build.id} is incomplete: it could not be read to its end")

    release = f"{run.result.release} {run.result.started.isoformat()}"
    return images.BuildOptions(
        on=options.on or env.target.app.build_on,
        token=codebuild.idempotency_token(env.target.application, release),
        rebuild=options.rebuild,
        resumed=run.resumed,
        on_result=on_result,
    )


def refuse_other_digests(recorded: Mapping[str, ImageResult], current: Mapping[str, str]) -> None:
    """Refuses images whose digests differ from those that an earlier process, or another environment, recorded.

    Args:
        recorded: the recorded images, by name.
        current: the digest of each image in the registry; empty or missing if it is not there.

    Raises:
        BuildError: an image is missing, or its digest differs.
    """
    for name, image in recorded.items():
        digest = current.get(name, "")
        if digest != image.digest:
            raise BuildError(
                f"image {name}:{image.tag} has digest {digest or 'none'}, but {image.digest} was recorded",
                "Build the commit again under a new version: invoke release",
            )


@contextmanager
def _set_if_it_fails(unwanted: Event) -> Iterator[None]:
    """If the block fails, tells the thread that makes the plan to leave the queue of Terraform Cloud."""
    try:
        yield
    except BaseException:
        unwanted.set()
        raise


def _planned(
    run: Run, env: Environment, stack: ExitStack, unwanted: Event | None = None
) -> tuple[SavedPlan, dict[str, Any]]:
    targeted = plan_scope.only_task_definitions(run.result)
    options = PlanOptions(still_needed=lambda: unwanted is None or not unwanted.is_set())
    planning = plan_scope.planned(env.terraform, run.contract, run.result.version, targeted=targeted, options=options)
    saved = stack.enter_context(planning)
    return saved, env.terraform.show(saved)


def judge(run: Run, env: Environment, options: ReleaseOptions, changes: Sequence[plan.Change]) -> None:
    """Records and shows the changes of a plan; the gate refuses those that are not allowed.

    Raises:
        PlanError: the plan would change more than is allowed.
    """
    run.hide(plan.secret_values(changes))
    run.result.changes, run.result.fingerprint = plan_diff.describe(changes), plan.fingerprint(changes)
    run.console.differences(run.result.changes)
    gate.check(changes, options.allowed(env.target.app.allow_changes))
