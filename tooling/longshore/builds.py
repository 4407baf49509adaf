"""The images of a release: reused, built or looked up, while Terraform makes the plan."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial

from longshore import actor, docker, image, plan, source
from longshore.environment import Environment
from longshore.errors import AwsError, BuildError, GitError, LockLostError, LongshoreError
from longshore.order import Order, tag_of
from longshore.reservation import Claim, Numbers, Wanted
from longshore.result import ImageResult
from longshore.run import Run
from longshore.target import Target
from longshore.terraform import SavedPlan


def numbers(env: Environment) -> Numbers:
    """What decides which version comes next: the registry, and the ledger with all environments of the application."""
    repositories = [env.target.repository(name) for name in env.target.app.images]
    environments = list(env.target.app.environments)
    recorded = partial(env.ledger.recorded_versions, environments)
    return Numbers(env.aws.ecr, repositories, env.ledger.versions, recorded)


def next_tag(env: Environment, wanted: Wanted) -> str:
    """The next version; nothing is reserved."""
    return str(numbers(env).look(wanted))


def reserve_tag(env: Environment, wanted: Wanted, claim: Claim | None = None) -> str:
    """The next version, taken for good; in the name of this command if no claim is given."""
    return str(numbers(env).reserve(wanted, claim or Claim.of_command("version --reserve", actor.user(os.environ))))


def _new_tag(env: Environment, wanted: Wanted, claim: Claim, *, dirty: bool) -> str:
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


def source_of(target: Target) -> source.Source:
    """The commit that the images are built from.

    Raises:
        GitError: the contexts are in no repository, or in several: one release is one commit.
    """
    contexts = [(target.root / settings.context).resolve() for settings in target.app.images.values()]
    found = {read.root: read for read in map(source.read, contexts)}
    if len(found) > 1:
        raise GitError(
            f"the images of {target.application} are built from several repositories: {', '.join(map(str, found))}",
            "Make them one repository, or an application each.",
        )
    return next(iter(found.values()))


def specs(env: Environment) -> dict[str, image.BuildSpec]:
    """How each image is built."""
    root, built = env.target.root, {}
    for name, settings in env.target.app.images.items():
        context = (root / settings.context).resolve()
        built[name] = image.BuildSpec(
            image=name,
            repository=env.aws.ecr.repository(env.target.repository(name)),
            context=context,
            dockerfile=context / settings.dockerfile,
            platform=settings.platform,
            build_args=settings.build_args,
        )
    return built


def digests(env: Environment, tag: str) -> dict[str, str | None]:
    """The digest that each repository has under a tag, by repository; None where there is none."""
    names = [env.target.repository(name) for name in env.target.app.images]
    return {name: env.aws.ecr.digest(name, tag) for name in names}


def choose_tag(run: Run, order: Order) -> str:
    """The version of this release, reserved for it; the same one however often this is called."""
    if run.result.version:
        return run.result.version
    claim = Claim(run.result.release, run.result.actor.user)
    tag = order.tag or _new_tag(run.env, Wanted(order.bump), claim, dirty=run.result.dirty)
    run.result.version = tag
    run.env.console.detail(f"{run.result.previous_version} → {tag}")
    return tag


def make(
    env: Environment, found: source.Source, tag: str, *, rebuild: bool = False, push: bool = True, resumed: bool = False
) -> dict[str, ImageResult]:
    """Builds and pushes every image, or gives an earlier build of the same commit the new tag.

    With ``resumed``, an image that has the tag is the one that this release has pushed before: the number is its own.

    Raises:
        BuildError: an image could not be built or pushed.
    """
    made = {}
    for name, spec in specs(env).items():
        pushed = env.aws.ecr.digest(spec.repository.name, tag) if resumed else None
        if pushed:
            made[name] = ImageResult(repository=spec.repository.uri, tag=tag, digest=pushed)
        else:
            made[name] = _make_one(env, spec, found, tag, rebuild=rebuild, push=push)
    return made


def _make_one(
    env: Environment, spec: image.BuildSpec, found: source.Source, tag: str, *, rebuild: bool, push: bool
) -> ImageResult:
    inputs = image.inputs_digest(spec, found)
    reusable = not (rebuild or found.dirty) and push
    digest = env.ledger.built(spec.image, found.commit, inputs) if reusable else None
    built = image.reuse(spec, tag, digest, env.aws.ecr) if digest else None
    if built is None:
        engine = docker.Docker(masks=env.console.masks)
        built = image.build(spec, tag, found, engine, env.aws.ecr, push=push, on_line=env.console.detail)
        if push and not found.dirty:
            env.ledger.remember_build(spec.image, found.commit, inputs, built.digest, tag)
    return ImageResult(repository=spec.repository.uri, tag=tag, digest=built.digest, reused=built.reused)


def existing(env: Environment, tag: str) -> dict[str, ImageResult]:
    """The images that have this tag already; the checks have seen that all do."""
    made = {}
    for name in env.target.app.images:
        repository = env.aws.ecr.repository(env.target.repository(name))
        digest = env.aws.ecr.digest(repository.name, tag)
        made[name] = ImageResult(repository=repository.uri, tag=tag, digest=digest or "", reused=True)
    return made


def build(env: Environment, tag: str | None, *, rebuild: bool, push: bool, allow_dirty: bool) -> dict[str, ImageResult]:
    """Builds the images by themselves, outside a release.

    Raises:
        GitError: uncommitted changes, and they are not allowed.
        BuildError: an image could not be built or pushed.
    """
    wanted = tag_of(tag) if tag else None
    docker.Docker().check()
    found = source_of(env.target)
    if not allow_dirty:
        source.refuse_dirty(found)
    claim = Claim.of_command("build", actor.user(os.environ))
    chosen = wanted or _new_tag(env, Wanted(), claim, dirty=found.dirty)
    with _unused_if_it_fails(env, chosen, claim.by):
        return make(env, found, chosen, rebuild=rebuild, push=push)


@contextmanager
def built_and_planned(run: Run, order: Order, found: source.Source | None, tag: str) -> Iterator[SavedPlan]:
    """Makes the images and, meanwhile, the plan; shows the difference and lets the gate judge it.

    Raises:
        BuildError: no image, so the plan is thrown away.
        PlanError: the plan would change more than a release may.
    """
    env = run.env
    with ExitStack() as stack:
        with run.step("build and plan"), ThreadPoolExecutor(max_workers=1) as pool:
            planning = pool.submit(_planned, env, tag, stack)
            expected = run.result.images
            if found:
                with _unused_if_it_fails(env, tag, run.result.release), run.effect(f"build {tag}", found.commit):
                    run.result.images = make(env, found, tag, rebuild=order.rebuild, resumed=run.resumed)
            else:
                run.result.images = existing(env, tag)
            _refuse_others(expected, run.result.images)
            saved, changes = planning.result()
            judge(run, order, changes)
        yield saved


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


def _planned(env: Environment, tag: str, stack: ExitStack) -> tuple[SavedPlan, list[plan.Change]]:
    saved = stack.enter_context(env.terraform.plan({"image_tag": tag}))
    return saved, plan.changes(env.terraform.show(saved))


def judge(run: Run, order: Order, found: Sequence[plan.Change]) -> None:
    """Takes down what the plan would change, and lets the gate judge it.

    Raises:
        PlanError: it would change more than a release may.
    """
    run.env.console.masks.hide(plan.secret_values(found))
    run.result.changes, run.result.fingerprint = plan.difference(found), plan.fingerprint(found)
    run.env.console.differences(run.result.changes)
    plan.gate(found, run.env.target.app.allow_changes, allow_infra=order.allow_infra)
