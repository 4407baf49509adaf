"""The images of an application: which there are, of which commit, and how they come into the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from longshore import git
from longshore.config.target import Target
from longshore.environment.environment import Environment
from longshore.errors import GitError
from longshore.images import build_image, builders, docker
from longshore.images.version import parse_tag
from longshore.result import BuildResult, ImageResult


def source_of(target: Target) -> git.Source:
    """The commit that the images are built from.

    Raises:
        GitError: the contexts are in no repository, or in several: one release is one commit.
    """
    contexts = [(target.root / settings.context).resolve() for settings in target.app.images.values()]
    found = {read.root: read for read in map(git.read, contexts)}
    if len(found) > 1:
        raise GitError(
            f"the images of {target.application} are built from several repositories: {', '.join(map(str, found))}",
            "Make them one repository, or an application each.",
        )
    return next(iter(found.values()))


def committed(env: Environment, on: str, *, allow_dirty: bool = False) -> git.Source:
    """The commit to build; on CodeBuild it must be one that CodeBuild can fetch.

    Raises:
        GitError: it is not committed, or not pushed.
    """
    found = source_of(env.target)
    if on == builders.CODEBUILD:
        builders.refuse_unpublished(found)
    elif not allow_dirty:
        git.refuse_dirty(found)
    return found


def specs(env: Environment) -> dict[str, build_image.BuildSpec]:
    """How each image is built."""
    root, built = env.target.root, {}
    for name, settings in env.target.app.images.items():
        context = (root / settings.context).resolve()
        built[name] = build_image.BuildSpec(
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


@dataclass(frozen=True)
class BuildOptions:
    """How the images are made.

    Attributes:
        on: what builds them: ``local`` or ``codebuild``.
        token: tells a build on CodeBuild from every other.
        rebuild: build even if the commit was built before.
        push: push what was built; always on CodeBuild.
        resumed: an image that has the tag is the one that this release has pushed before: the number is its own.
        on_result: gets what is known of a build on CodeBuild.
    """

    on: str = builders.LOCAL
    token: str = ""
    rebuild: bool = False
    push: bool = True
    resumed: bool = False
    on_result: Callable[[BuildResult], None] = lambda _: None


def make(env: Environment, found: git.Source, tag: str, how: BuildOptions) -> dict[str, ImageResult]:
    """Builds and pushes every image, or gives an earlier build of the same commit the new tag.

    Raises:
        BuildError: an image could not be built or pushed.
    """
    wanted = specs(env)
    ready = {name: made for name, spec in wanted.items() if (made := _ready(env, spec, found, tag, how))}
    missing = {name: spec for name, spec in wanted.items() if name not in ready}
    if missing and how.on == builders.CODEBUILD:
        built = builders.build_on_codebuild(env, missing, tag, found, how.token, how.on_result)
    else:
        built = builders.build_locally(env, missing, tag, found, push=how.push)
    if how.push:
        _remember(env, missing, found, built)
    return {name: _image_result((ready | built)[name]) for name in wanted}


def _ready(
    env: Environment, spec: build_image.BuildSpec, found: git.Source, tag: str, how: BuildOptions
) -> build_image.BuiltImage | None:
    """An image that need not be built: this release has pushed it before, or the commit was built before."""
    if how.resumed and (pushed := env.aws.ecr.digest(spec.repository.name, tag)):
        return build_image.BuiltImage(spec.image, spec.repository, tag, pushed, reused=False, seconds=0.0)
    if how.rebuild or found.dirty or not how.push:
        return None
    digest = env.ledger.built(spec.image, found.commit, build_image.inputs_digest(spec, found))
    return build_image.reuse(spec, tag, digest, env.aws.ecr) if digest else None


def _remember(
    env: Environment,
    built_by: Mapping[str, build_image.BuildSpec],
    found: git.Source,
    built: Mapping[str, build_image.BuiltImage],
) -> None:
    """Notes what the commit was built into, so that it need not be built again."""
    for name, made in built.items() if not found.dirty else ():
        inputs = build_image.inputs_digest(built_by[name], found)
        env.ledger.remember_build(name, found.commit, inputs, made.digest, made.tag)


def _image_result(made: build_image.BuiltImage) -> ImageResult:
    return ImageResult(repository=made.repository.uri, tag=made.tag, digest=made.digest, reused=made.reused)


def existing(env: Environment, tag: str) -> dict[str, ImageResult]:
    """The images that have this tag already; the checks have seen that all do."""
    made = {}
    for name in env.target.app.images:
        repository = env.aws.ecr.repository(env.target.repository(name))
        digest = env.aws.ecr.digest(repository.name, tag)
        made[name] = ImageResult(repository=repository.uri, tag=tag, digest=digest or "", reused=True)
    return made


def push(env: Environment, tag: str) -> dict[str, ImageResult]:
    """Pushes the images that were built here under a tag with `--no-push`.

    Raises:
        BuildError: one was not built, or could not be pushed.
    """
    found, wanted = source_of(env.target), specs(env)
    engine, show = docker.Docker(masks=env.console.masks), env.console.detail
    tag = parse_tag(tag)
    made = {name: build_image.push(spec, tag, engine, env.aws.ecr, show) for name, spec in wanted.items()}
    _remember(env, wanted, found, made)
    return {name: _image_result(one) for name, one in made.items()}


def build_requested(env: Environment, ordered: builders.RequestedBuild) -> dict[str, ImageResult]:
    """Builds what the variables of a build on CodeBuild order, and pushes it. The ledger is whoever ordered's to write.

    Where nothing is ordered, the images get the tag ``commit-`` with twelve digits of it: no version.

    Raises:
        UsageError: an image is ordered that does not exist.
        BuildError: an image could not be built or pushed.
    """
    found = source_of(env.target)
    git.refuse_dirty(found)
    tag = parse_tag(ordered.tag) if ordered.tag else f"commit-{found.commit[:12]}"
    wanted = ordered.choose(specs(env))
    if not ordered.tag:  # the same commit may be pushed to two branches
        wanted = {name: spec for name, spec in wanted.items() if env.aws.ecr.digest(spec.repository.name, tag) is None}
    return {
        name: _image_result(made) for name, made in builders.build_locally(env, wanted, tag, found, push=True).items()
    }


def built_from(env: Environment, tag: str) -> git.Source | None:
    """The commit that lies here, if all images of a tag were built from it; None if it can't be told."""
    try:
        found = source_of(env.target)
    except GitError:
        return None
    if found.dirty:
        return None
    for name, spec in specs(env).items():
        digest = env.ledger.built(name, found.commit, build_image.inputs_digest(spec, found))
        if digest is None or digest != env.aws.ecr.digest(spec.repository.name, tag):
            return None
    return found
