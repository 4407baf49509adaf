"""What builds the images of a release: the Docker engine of this machine, or CodeBuild."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from longshore import git
from longshore.aws.codebuild import Build
from longshore.environment.environment import Environment
from longshore.errors import BuildError, ConfigError, GitError, UsageError
from longshore.git import Source
from longshore.images import build_image, codebuild, docker
from longshore.images.build_image import BuildSpec, BuiltImage
from longshore.images.codebuild import Builder, BuildOutcome, BuildRequest, FollowOptions
from longshore.result import BuildResult

BUILDERS = LOCAL, CODEBUILD = "local", "codebuild"
"""What builds images: the Docker engine of this machine, or CodeBuild."""

TAG, IMAGES, BUILD_ARGS = "LONGSHORE_TAG", "LONGSHORE_IMAGES", "LONGSHORE_BUILD_ARGS"
"""The variables by which a build on CodeBuild learns what to build."""


def parse_builder(text: str | None) -> str | None:
    """What builds the images, if it was said.

    Raises:
        UsageError: nothing of this name builds.
    """
    if text not in (None, *BUILDERS):
        raise UsageError(f"--on {text!r} is not known", f"Images are built on: {', '.join(BUILDERS)}.")
    return text


@dataclass(frozen=True)
class RequestedBuild:
    """What the variables of a build on CodeBuild order.

    Attributes:
        tag: None where nothing is ordered: somebody has pushed, or started the build by hand.
        images: all of them if empty.
        build_args: by image, in place of those in invoke.yaml.
    """

    tag: str | None
    images: frozenset[str]
    build_args: Mapping[str, Mapping[str, str]]

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> RequestedBuild:
        """What a process's environment orders.

        Raises:
            UsageError: a variable is not as it must be.
        """
        try:
            build_args = json.loads(environ.get(BUILD_ARGS) or "{}")
            found = {str(name): {str(k): str(v) for k, v in args.items()} for name, args in build_args.items()}
        except (ValueError, AttributeError) as error:
            raise UsageError(f"{BUILD_ARGS} is no JSON object of objects: {error}") from None
        names = frozenset(filter(None, environ.get(IMAGES, "").split(",")))
        return cls(environ.get(TAG) or None, names, found)

    def choose(self, specs: Mapping[str, BuildSpec]) -> dict[str, BuildSpec]:
        """Those of the images that are ordered, each with the build arguments that are.

        Raises:
            UsageError: one is ordered that invoke.yaml does not have.
        """
        if unknown := sorted((self.images | self.build_args.keys()) - specs.keys()):
            raise UsageError(f"{IMAGES} orders {', '.join(unknown)}, but invoke.yaml has: {', '.join(sorted(specs))}")
        chosen = {name: spec for name, spec in specs.items() if name in (self.images or specs)}
        return {name: spec.with_args(self.build_args.get(name, spec.build_args)) for name, spec in chosen.items()}


def check(env: Environment, where: str) -> str:
    """What builds, if it can be reached.

    Raises:
        BuildError: no Docker engine answers.
        NotReadyError: there is no CodeBuild project.
        ConfigError: a build argument is secret, and whoever may look at a build would see it.
    """
    if where == LOCAL:
        return docker.Docker().check()
    _refuse_secret_args(env)
    project = env.target.build_project
    env.aws.codebuild.ids(project)
    return f"CodeBuild, project {project}"


def _refuse_secret_args(env: Environment) -> None:
    """What is ordered of CodeBuild is plain text to whoever may read builds: no secret of this process goes there."""
    paths = [
        f"images.{image}.build_args.{name}"
        for image, settings in env.target.app.images.items()
        for name, value in settings.build_args.items()
        if env.console.masks.mask(value) != value
    ]
    if paths:
        raise ConfigError(
            f"{', '.join(paths)}: a secret, which every reader of a build on CodeBuild would see",
            "Build here: --on local.",
        )


def refuse_unpublished(found: Source) -> None:
    """Makes sure that a machine elsewhere can fetch the commit, and that the commit is what lies here.

    Raises:
        GitError: uncommitted changes, or no remote has the commit.
    """
    if found.dirty:
        git.refuse_dirty(found, "Commit them and push: CodeBuild builds what it can fetch, and nothing else.")
    if not git.is_pushed(found):
        raise GitError(
            f"no remote of {found.root} is known to have the commit {found.commit[:12]}: CodeBuild could not fetch it",
            "Push it (git push), or build here: --on local.",
        )


def build_locally(
    env: Environment, specs: Mapping[str, BuildSpec], tag: str, found: Source, *, push: bool
) -> dict[str, BuiltImage]:
    """Builds images with the Docker engine of this machine.

    Raises:
        BuildError: one could not be built or pushed.
    """
    engine, show = docker.Docker(masks=env.console.masks), env.console.detail
    return {
        name: build_image.build(spec, tag, found, engine, env.aws.ecr, push=push, on_line=show)
        for name, spec in specs.items()
    }


def build_on_codebuild(
    env: Environment,
    specs: Mapping[str, BuildSpec],
    tag: str,
    found: Source,
    token: str,
    on_result: Callable[[BuildResult], None],
) -> dict[str, BuiltImage]:
    """Builds images on CodeBuild: one build for all of them.

    Args:
        env: the environment, whose application has the project.
        specs: the images.
        tag: the version.
        found: the commit.
        token: tells this build from every other, however often it is asked for.
        on_result: gets what is known of the build: when it has started, and when it has ended.

    Raises:
        BuildError: it failed; another commit was built; or an image is not in the registry afterwards.
    """
    begun = env.clock.now()
    deadlines = env.target.env.deadlines

    def tell(build: Build) -> None:
        env.console.detail(f"CodeBuild: {build.id}")
        on_result(BuildResult(id=build.id, project=env.target.build_project))

    mask = env.console.masks.mask_untrusted
    watch = FollowOptions(deadlines.queue, deadlines.build, env.console.log_line, tell, mask=mask)
    followed = builder(env).run(_request(env, specs, tag, found, token), watch)
    on_result(build_result(followed, env.clock.now() - begun))
    codebuild.refuse(followed, found.commit)
    return {name: _in_registry(env, spec, tag, followed) for name, spec in specs.items()}


def builder(env: Environment) -> Builder:
    """CodeBuild, as this environment reaches it."""
    return Builder(env.aws.codebuild, env.aws.logs, env.clock)


def build_result(followed: BuildOutcome, seconds: float) -> BuildResult:
    """What the record keeps of a build that has ended."""
    build = followed.build
    return BuildResult(
        id=build.id,
        project=build.project,
        status=build.status,
        initiator=build.initiator,
        seconds=round(seconds, 3),
        log_complete=followed.log_complete,
    )


def _request(env: Environment, specs: Mapping[str, BuildSpec], tag: str, found: Source, token: str) -> BuildRequest:
    variables = {
        "LONGSHORE_APPLICATION": env.target.application,
        "LONGSHORE_ENVIRONMENT": env.target.environment,
        TAG: tag,
        IMAGES: ",".join(specs),
        BUILD_ARGS: json.dumps({name: dict(spec.build_args) for name, spec in specs.items() if spec.build_args}),
    }
    return BuildRequest(env.target.build_project, found.commit, token, variables)


def _in_registry(env: Environment, spec: BuildSpec, tag: str, followed: BuildOutcome) -> BuiltImage:
    digest = env.aws.ecr.digest(spec.repository.name, tag)
    if digest is None:
        raise BuildError(
            f"{followed.build.id} has succeeded, but {spec.repository.name} has no image {tag}",
            "Look at the buildspec of the project: it must build what LONGSHORE_TAG and LONGSHORE_IMAGES say.",
        )
    return BuiltImage(spec.image, spec.repository, tag, digest, reused=False, seconds=0.0)
