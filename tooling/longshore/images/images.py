"""The images of an application: their commit, their specifications, and how to get them into the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from longshore import git
from longshore.config.target import Target
from longshore.environment.environment import Environment
from longshore.errors import GitError
from longshore.images import build_image, builders, docker
from longshore.images.build_image import BuildSpec, BuiltImage
from longshore.images.version import parse_tag
from longshore.result import BuildResult, ImageResult


def source_of(target: Target) -> git.Source:
    """The commit that the images are built from.

    Raises:
        GitError: the contexts are in no repository, or in several: one release is one commit.
    """
    contexts = [(target.root / settings.context).resolve() for settings in target.app.images.values()]
    sources = {source.root: source for source in map(git.read, contexts)}
    if len(sources) > 1:
        raise GitError(
            f"the images of {target.application} are built from several repositories: {', '.join(map(str, sources))}",
            "A release is one commit: put the images into one repository, or make each an application.",
        )
    return next(iter(sources.values()))


def committed(env: Environment, on: str, *, allow_dirty: bool = False) -> git.Source:
    """The commit to build; CodeBuild needs one that it can fetch.

    Raises:
        GitError: there are uncommitted changes, or the commit was not pushed.
    """
    source = source_of(env.target)
    if on == builders.CODEBUILD:
        builders.refuse_unpublished(source)
    elif not allow_dirty:
        git.refuse_dirty(source)
    return source


def specs(env: Environment) -> dict[str, BuildSpec]:
    """How to build each image, by its name."""
    root, by_name = env.target.root, {}
    for name, settings in env.target.app.images.items():
        context = (root / settings.context).resolve()
        by_name[name] = BuildSpec(
            image=name,
            repository=env.aws.ecr.repository(env.target.repository(name)),
            context=context,
            dockerfile=context / settings.dockerfile,
            platform=settings.platform,
            build_args=settings.build_args,
        )
    return by_name


def digests(env: Environment, tag: str) -> dict[str, str | None]:
    """The digest of a tag in each repository, by repository; None if the repository does not have the tag."""
    names = [env.target.repository(name) for name in env.target.app.images]
    return {name: env.aws.ecr.digest(name, tag) for name in names}


@dataclass(frozen=True)
class BuildOptions:
    """How images are built.

    Attributes:
        on: the builder: ``local`` or ``codebuild``.
        token: identifies a build on CodeBuild.
        rebuild: build even if the commit was built before.
        push: push the images; CodeBuild always does.
        resumed: reuse images that have the tag: the release reserved it, and pushed them before it was interrupted.
        on_result: receives the state of a build on CodeBuild.
    """

    on: str = builders.LOCAL
    token: str = ""
    rebuild: bool = False
    push: bool = True
    resumed: bool = False
    on_result: Callable[[BuildResult], None] = lambda _: None


def make(env: Environment, source: git.Source, tag: str, options: BuildOptions) -> dict[str, ImageResult]:
    """Builds and pushes every image, or adds the tag to an earlier build of the same commit.

    Raises:
        BuildError: an image could not be built or pushed.
    """
    by_name = specs(env)
    ready = {name: image for name, spec in by_name.items() if (image := _ready(env, spec, source, tag, options))}
    missing = {name: spec for name, spec in by_name.items() if name not in ready}
    if missing and options.on == builders.CODEBUILD:
        built = builders.build_on_codebuild(env, missing, tag, source, options.token, options.on_result)
    else:
        built = builders.build_locally(env, missing, tag, source, push=options.push)
    if options.push:
        _remember(env, missing, source, built)
    return _results({name: (ready | built)[name] for name in by_name})


def _ready(env: Environment, spec: BuildSpec, source: git.Source, tag: str, options: BuildOptions) -> BuiltImage | None:
    """An image that need not be built: this release pushed it already, or the commit was built before."""
    if options.resumed and (pushed := env.aws.ecr.digest(spec.repository.name, tag)):
        return BuiltImage(spec.image, spec.repository, tag, pushed, reused=False, seconds=0.0)
    digest = _built_before(env, spec, source, options)
    return build_image.reuse(spec, tag, digest, env.aws.ecr) if digest else None


def _built_before(env: Environment, spec: BuildSpec, source: git.Source, options: BuildOptions) -> str | None:
    """The digest that was built from the same commit and inputs; None if there is none, or it must not be reused."""
    if options.rebuild or source.dirty or not options.push:
        return None
    return env.ledger.built(spec.image, source.commit, build_image.inputs_digest(spec, source))


def _remember(
    env: Environment, by_name: Mapping[str, BuildSpec], source: git.Source, built: Mapping[str, BuiltImage]
) -> None:
    """Records the digests of a commit, so that later releases of it reuse them."""
    for name, image in built.items() if not source.dirty else ():
        inputs = build_image.inputs_digest(by_name[name], source)
        env.ledger.remember_build(name, source.commit, inputs, image.digest, image.tag)


def _results(built: Mapping[str, BuiltImage]) -> dict[str, ImageResult]:
    return {
        name: ImageResult(repository=image.repository.uri, tag=image.tag, digest=image.digest, reused=image.reused)
        for name, image in built.items()
    }


@dataclass(frozen=True)
class ForecastImage:
    """An image of a release that has not begun.

    Attributes:
        name: its name in invoke.yaml.
        repository: its repository.
        tag: the version.
        action: ``build``, ``reuse`` an earlier build of the same commit and inputs, or nothing, as it ``exists``.
        digest: of the image in the registry; empty if it would be built.
        builder: where it would be built.
    """

    name: str
    repository: str
    tag: str
    action: Literal["build", "reuse", "exists"]
    digest: str = ""
    builder: str = ""

    def __str__(self) -> str:
        reference = f"{self.repository}:{self.tag}"
        if self.action == "build":
            return f"image {self.name}: would be built ({self.builder}) and pushed as {reference}"
        if self.action == "reuse":
            return f"image {self.name}: was built from this commit already; {self.digest} would get the tag {self.tag}"
        return f"image {self.name}: {reference} exists ({self.digest})"


def foresee(env: Environment, source: git.Source | None, tag: str, options: BuildOptions) -> tuple[ForecastImage, ...]:
    """Which images `make` would build, and which it would reuse; without a commit, those with the tag. Reads only."""
    if source is None:
        return tuple(
            ForecastImage(name, image.repository, tag, "exists", image.digest)
            for name, image in existing(env, tag).items()
        )
    return tuple(_foresee(env, spec, source, tag, options) for spec in specs(env).values())


def _foresee(env: Environment, spec: BuildSpec, source: git.Source, tag: str, options: BuildOptions) -> ForecastImage:
    digest = _built_before(env, spec, source, options)
    if digest and env.aws.ecr.manifest(spec.repository.name, digest):
        return ForecastImage(spec.image, spec.repository.uri, tag, "reuse", digest)
    return ForecastImage(spec.image, spec.repository.uri, tag, "build", builder=options.on)


def existing(env: Environment, tag: str) -> dict[str, ImageResult]:
    """The images with an existing tag; the checks made sure that all of them have it."""
    results = {}
    for name in env.target.app.images:
        repository = env.aws.ecr.repository(env.target.repository(name))
        digest = env.aws.ecr.digest(repository.name, tag)
        manifest = env.aws.ecr.manifest(repository.name, digest) if digest else None
        results[name] = ImageResult(
            repository=repository.uri,
            tag=tag,
            digest=digest or "",
            reused=True,
            platforms=manifest.platforms if manifest else [],
        )
    return results


def push(env: Environment, tag: str) -> dict[str, ImageResult]:
    """Pushes the images that were built on this machine with `--no-push`.

    Raises:
        BuildError: an image was not built, or could not be pushed.
    """
    source, by_name = source_of(env.target), specs(env)
    engine, on_line = docker.Docker(masks=env.console.masks), env.console.program_line
    tag = parse_tag(tag)
    built = {name: build_image.push(spec, tag, engine, env.aws.ecr, on_line) for name, spec in by_name.items()}
    _remember(env, by_name, source, built)
    return _results(built)


def build_requested(env: Environment, request: builders.RequestedBuild) -> dict[str, ImageResult]:
    """Builds and pushes the images that this build on CodeBuild was asked for.

    The process that asked for them writes to the ledger. Without a request, the tag is ``commit-`` with twelve digits
    of the commit, which is not a version.

    Raises:
        UsageError: the request names an unknown image.
        BuildError: an image could not be built or pushed.
    """
    source = source_of(env.target)
    git.refuse_dirty(source)
    tag = parse_tag(request.tag) if request.tag else f"commit-{source.commit[:12]}"
    chosen = request.choose(specs(env))
    if not request.tag:  # the same commit may be pushed to two branches
        ecr = env.aws.ecr
        chosen = {name: spec for name, spec in chosen.items() if ecr.digest(spec.repository.name, tag) is None}
    return _results(builders.build_locally(env, chosen, tag, source, push=True))


def built_from(env: Environment, tag: str) -> git.Source | None:
    """The checked-out commit, if all images of a tag were built from it; None if that cannot be determined."""
    try:
        source = source_of(env.target)
    except GitError:
        return None
    if source.dirty:
        return None
    for name, spec in specs(env).items():
        digest = env.ledger.built(name, source.commit, build_image.inputs_digest(spec, source))
        if digest is None or digest != env.aws.ecr.digest(spec.repository.name, tag):
            return None
    return source
