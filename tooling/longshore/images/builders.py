"""Builders: this machine's Docker engine, or CodeBuild."""

from __future__ import annotations

import json
import os
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
from longshore.masking import Masks, is_published, looks_secret, secrets
from longshore.result import BuildResult

BUILDERS = LOCAL, CODEBUILD = "local", "codebuild"
"""The builders, by the names that ``--on`` and ``build_on`` take."""

TAG, IMAGES, BUILD_ARGS = "LONGSHORE_TAG", "LONGSHORE_IMAGES", "LONGSHORE_BUILD_ARGS"
"""The environment variables that tell a build on CodeBuild which images to build."""


def parse_builder(text: str | None) -> str | None:
    """Parses the name of a builder; None stays None.

    Raises:
        UsageError: there is no such builder.
    """
    if text not in (None, *BUILDERS):
        raise UsageError(f"--on {text!r} is not a builder", f"Use --on {' or --on '.join(BUILDERS)}.")
    return text


@dataclass(frozen=True)
class RequestedBuild:
    """The images that a build on CodeBuild was asked for.

    Attributes:
        tag: None if a push or a person started the build, without a request.
        images: names; empty for all images.
        build_args: by image; they replace those in invoke.yaml.
    """

    tag: str | None
    images: frozenset[str]
    build_args: Mapping[str, Mapping[str, str]]

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> RequestedBuild:
        """Reads the request from the environment variables of the build.

        Raises:
            UsageError: a variable is malformed.
        """
        try:
            document = json.loads(environ.get(BUILD_ARGS) or "{}")
            build_args = {str(name): {str(k): str(v) for k, v in args.items()} for name, args in document.items()}
        except (ValueError, AttributeError) as error:
            raise UsageError(
                f"{BUILD_ARGS} is not a JSON object of objects: {error}",
                'Set it like {"app": {"NAME": "value"}}, or unset it.',
            ) from None
        names = frozenset(filter(None, environ.get(IMAGES, "").split(",")))
        return cls(environ.get(TAG) or None, names, build_args)

    def choose(self, specs: Mapping[str, BuildSpec]) -> dict[str, BuildSpec]:
        """The requested images, with the requested build arguments.

        Raises:
            UsageError: the request names an image that is not in invoke.yaml.
        """
        if unknown := sorted((self.images | self.build_args.keys()) - specs.keys()):
            raise UsageError(
                f"{IMAGES} or {BUILD_ARGS} names {', '.join(unknown)}, which invoke.yaml does not configure",
                f"Use: {', '.join(sorted(specs))}.",
            )
        chosen = {name: spec for name, spec in specs.items() if name in (self.images or specs)}
        return {name: spec.with_args(self.build_args.get(name, spec.build_args)) for name, spec in chosen.items()}


def check(env: Environment, on: str) -> str:
    """Checks that a builder can be reached, and describes it.

    Raises:
        BuildError: no Docker engine answers.
        NotReadyError: there is no CodeBuild project.
        ConfigError: a build argument is a secret, which everyone with access to the build could read.
    """
    if on == LOCAL:
        return docker.Docker().check()
    _refuse_secret_args(env)
    project = env.target.build_project
    env.aws.codebuild.ids(project)
    return f"CodeBuild, project {project}"


def _refuse_secret_args(env: Environment) -> None:
    """Makes sure that no secret of this process is sent to CodeBuild, where the variables of builds are plain text."""
    known = Masks(secrets(os.environ))
    paths = [
        f"images.{image}.build_args.{name}"
        for image, settings in env.target.app.images.items()
        for name, value in settings.build_args.items()
        if not is_published(name) and (looks_secret(name, value) or known.knows(value))
    ]
    if paths:
        raise ConfigError(
            f"{', '.join(paths)}: a secret, which everyone who may read builds on CodeBuild would see",
            "Build on this machine: --on local.",
        )


def refuse_unpublished(source: Source) -> None:
    """Makes sure that CodeBuild can fetch the commit, and that the working tree has no other changes.

    Raises:
        GitError: uncommitted changes, or no remote has the commit.
    """
    if source.dirty:
        git.refuse_dirty(source, "Commit and push them: CodeBuild only builds commits that it can fetch.")
    if not git.is_pushed(source):
        raise GitError(
            f"no remote branch of {source.root} contains the commit {source.commit[:12]}, so CodeBuild cannot fetch it",
            "Push it (git push), or build on this machine: --on local.",
        )


def build_locally(
    env: Environment, specs: Mapping[str, BuildSpec], tag: str, source: Source, *, push: bool
) -> dict[str, BuiltImage]:
    """Builds images with this machine's Docker engine.

    Raises:
        BuildError: an image could not be built or pushed.
    """
    engine, on_line = docker.Docker(masks=env.console.masks), env.console.program_line
    return {
        name: build_image.build(spec, tag, source, engine, env.aws.ecr, push=push, on_line=on_line)
        for name, spec in specs.items()
    }


def build_on_codebuild(
    env: Environment,
    specs: Mapping[str, BuildSpec],
    tag: str,
    source: Source,
    token: str,
    on_result: Callable[[BuildResult], None],
) -> dict[str, BuiltImage]:
    """Builds images on CodeBuild, all of them in one build.

    Args:
        env: an environment of the application that has the CodeBuild project.
        specs: the images.
        tag: the version.
        source: the commit.
        token: identifies this build; requests with the same token start one build only.
        on_result: receives the build when it has started, and again when it has ended.

    Raises:
        BuildError: the build failed, built another commit, or left an image out of the registry.
    """
    begun = env.clock.now()
    deadlines = env.target.env.deadlines

    def on_start(build: Build) -> None:
        env.console.detail(f"CodeBuild: {build.id}")
        on_result(BuildResult(id=build.id, project=env.target.build_project))

    mask = env.console.masks.mask_lines
    options = FollowOptions(deadlines.queue, deadlines.build, env.console.log_line, on_start, mask=mask)
    outcome = builder(env).run(_request(env, specs, tag, source, token), options)
    on_result(build_result(outcome, env.clock.now() - begun))
    codebuild.refuse_failed(outcome, source.commit)
    return {name: _pushed_image(env, spec, tag, outcome) for name, spec in specs.items()}


def builder(env: Environment) -> Builder:
    """A builder with the AWS clients of this environment."""
    return Builder(env.aws.codebuild, env.aws.logs, env.clock)


def build_result(outcome: BuildOutcome, seconds: float) -> BuildResult:
    """The record of a build that has ended."""
    build = outcome.build
    return BuildResult(
        id=build.id,
        project=build.project,
        status=build.status,
        initiator=build.initiator,
        seconds=round(seconds, 3),
        log_complete=outcome.log_complete,
    )


def _request(env: Environment, specs: Mapping[str, BuildSpec], tag: str, source: Source, token: str) -> BuildRequest:
    variables = {
        "LONGSHORE_APPLICATION": env.target.application,
        "LONGSHORE_ENVIRONMENT": env.target.environment,
        TAG: tag,
        IMAGES: ",".join(specs),
        BUILD_ARGS: json.dumps({name: dict(spec.build_args) for name, spec in specs.items() if spec.build_args}),
    }
    return BuildRequest(env.target.build_project, source.commit, token, variables)


def _pushed_image(env: Environment, spec: BuildSpec, tag: str, outcome: BuildOutcome) -> BuiltImage:
    digest = env.aws.ecr.digest(spec.repository.name, tag)
    if digest is None:
        raise BuildError(
            f"the build {outcome.build.id} succeeded, but {spec.repository.name} has no image {tag}",
            f"Check the project's buildspec: it must push every image of {IMAGES} with the tag {TAG}.",
        )
    return BuiltImage(spec.image, spec.repository, tag, digest, reused=False, seconds=0.0)
