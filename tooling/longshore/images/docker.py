"""Docker's command line; no other module runs it."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from longshore.errors import BuildError
from longshore.masking import Masks
from longshore.private_files import private_folder
from longshore.process import Completed, OnLine, Runner, execute, home

if TYPE_CHECKING:
    from longshore.aws.ecr import Credentials

_LINES_SHOWN = 30
_LONGEST_LINE = 500
_DIGEST = re.compile(r"digest: (sha256:[0-9a-f]{64})")
# Without buildx, the client builds with its legacy builder and prints this notice first, every time.
_LEGACY_NOTICE = re.compile(
    r"DEPRECATED: The legacy builder"
    r"| {12}(Install the buildx|https://docs\.docker\.com/go/buildx|BuildKit is currently|environment-variable)"
)
_KILLED = re.compile(r"(exit code|non-zero code): 137\b|signal: killed")
# Progress as plain lines, and a plain manifest for one platform instead of an index with attestations: ECS then reports
# the digest that was pushed. The engine's own builder: one of another driver (docker buildx create --use) does not give
# its result to the engine. https://docs.docker.com/build/building/variables/#build-tool-configuration-variables
_BUILD_ENVIRON = {
    "BUILDKIT_PROGRESS": "plain",
    "BUILDX_BUILDER": "default",
    "BUILDX_GIT_LABELS": "false",
    "BUILDX_NO_DEFAULT_ATTESTATIONS": "1",
    "DOCKER_CLI_HINTS": "false",
}
# ECR has no Notary server, which would sign the tag; the digest is compared after the push.
_PUSH_ENVIRON = {"DOCKER_CONTENT_TRUST": "0"}


@dataclass(frozen=True)
class LocalImage:
    """An image of the engine. ``platform`` is for example ``linux/amd64``; ``digests`` are ``repository@sha256:…``."""

    id: str
    platform: str
    digests: tuple[str, ...]


class Docker:
    """The Docker commands of a release.

    Args:
        runner: runs the program.
        masks: removes secrets from its output.
    """

    def __init__(self, runner: Runner = execute, masks: Masks | None = None) -> None:
        self._runner = runner
        self._masks = masks or Masks()

    def check(self) -> str:
        """Describes the engine: its version and platform.

        Raises:
            BuildError: no docker on PATH, or no engine answers.
        """
        form = "{{.Server.Version}} on {{.Server.Os}}/{{.Server.Arch}}"
        done = self._run(["docker", "version", "--format", form])
        if done.exit_code:
            reason = done.errors.strip() or f"exit code {done.exit_code}"
            raise BuildError(f"no Docker engine answers: {reason}", _engine_hint(reason))
        return f"Docker {done.output.strip()}"

    def build(self, arguments: Sequence[str], on_line: OnLine, environ: Mapping[str, str]) -> None:
        """Builds an image with the user's Docker configuration, with BuildKit or the legacy builder.

        Args:
            arguments: of ``docker build``.
            on_line: receives the builder's output.
            environ: variables for docker, with the values of build arguments.

        Raises:
            BuildError: with the last lines of the output.
        """
        done = self._run(["docker", "build", *arguments], {**environ, **_BUILD_ENVIRON}, _important(on_line))
        if done.exit_code:
            raise self._failure(f"docker build failed with exit code {done.exit_code}", done)

    def inspect(self, reference: str) -> LocalImage:
        """Describes an image of the engine.

        Raises:
            BuildError: there is no such image.
        """
        done = self._run(["docker", "image", "inspect", "--format", "{{json .}}", reference])
        if done.exit_code:
            raise BuildError(
                f"the Docker engine has no image {reference}: {done.errors.strip()}",
                "Build it first: invoke build --no-push.",
            )
        raw = self._document(done, reference)
        parts = (raw["Os"], raw["Architecture"], raw.get("Variant"))
        return LocalImage(raw["Id"], "/".join(filter(None, parts)), tuple(raw.get("RepoDigests") or ()))

    def _document(self, done: Completed, reference: str) -> dict[str, Any]:
        """The JSON object in an output, to which a wrapper may have added lines."""
        lines = [line for line in done.output.splitlines() if line.startswith("{")]
        try:
            return dict(json.loads(lines[-1]))
        except (IndexError, ValueError):
            raise self._failure(f"docker image inspect of {reference} printed no JSON", done) from None

    def push(self, reference: str, credentials: Credentials, on_line: OnLine) -> str:
        """Pushes an image. Its credentials are on disk only during the push, in a folder that only this user can read.

        Returns:
            The digest that Docker reports.

        Raises:
            BuildError: with the last lines of the output.
        """
        registry = reference.split("/", 1)[0]
        with self._signed_in(registry, credentials) as (options, environ):
            done = self._run(["docker", *options, "push", reference], environ, on_line)
        if done.exit_code:
            raise self._failure(f"docker push of {reference} failed with exit code {done.exit_code}", done)
        digests = _DIGEST.findall(done.output)
        if not digests:
            raise self._failure(f"docker push of {reference} reported no digest", done)
        return str(digests[-1])

    def login(self, credentials: Credentials) -> None:
        """Signs in the user's Docker configuration, so that a Dockerfile can use images of the registry.

        Raises:
            BuildError: the registry refused the credentials, or docker is not installed.
        """
        command = ["docker", "login", "--username", credentials.username, "--password-stdin", credentials.endpoint]
        done = self._run(command, stdin=credentials.password.get_secret_value())
        if done.exit_code:
            raise self._failure(f"docker login to {credentials.endpoint} failed with exit code {done.exit_code}", done)

    @contextmanager
    def _signed_in(self, registry: str, credentials: Credentials) -> Iterator[tuple[list[str], dict[str, str]]]:
        """Options and environment for the user's engine, with credentials for this registry only."""
        own = Path(os.environ.get("DOCKER_CONFIG") or home() / ".docker")
        context = self._run(["docker", "context", "inspect", "--format", "{{.Name}}"])
        if context.exit_code:
            raise self._failure("docker context inspect failed", context)
        token = f"{credentials.username}:{credentials.password.get_secret_value()}"
        auth = base64.b64encode(token.encode()).decode()
        with private_folder("docker") as private:
            (private.path / "config.json").write_text(
                json.dumps({"auths": {registry: {"auth": auth}}}), encoding="utf-8"
            )
            # Docker looks up the endpoint and certificates of the user's contexts in the folder of its configuration.
            (private.path / "contexts").symlink_to(own.absolute() / "contexts")
            environ = {**_PUSH_ENVIRON, "DOCKER_CONFIG": str(private.path)}
            if os.environ.get("DOCKER_TLS_VERIFY"):
                environ["DOCKER_CERT_PATH"] = os.environ.get("DOCKER_CERT_PATH") or str(own)
            yield ["--context", context.output.strip().rpartition("\n")[2]], environ

    def _failure(self, message: str, done: Completed) -> BuildError:
        lines = [line for line in f"{done.output}\n{done.errors}".splitlines() if _is_important(line)]
        # Masked before they are truncated: a truncated secret is no longer recognised.
        masked = self._masks.mask_lines(lines[-_LINES_SHOWN:])
        text = "\n".join(f"  {line[:_LONGEST_LINE]}" for line in masked)
        return BuildError(f"{message}:\n{text}", _hint(done.exit_code, text))

    def _run(
        self,
        command: Sequence[str],
        environ: Mapping[str, str] | None = None,
        on_line: OnLine | None = None,
        stdin: str = "",
    ) -> Completed:
        with _started(command):
            return self._runner(command, environ or {}, on_line, stdin)


@contextmanager
def _started(command: Sequence[str]) -> Iterator[None]:
    """Translates the errors of starting docker into BuildError."""
    try:
        yield
    except FileNotFoundError as error:
        raise BuildError("docker is not on PATH", "Install Docker, or run: make setup") from error
    except OSError as error:
        raise BuildError(f"cannot run docker: {error}", "Install Docker, or run: make setup") from error
    except subprocess.TimeoutExpired as error:
        raise BuildError(
            f"{' '.join(command[:3])} did not answer within {error.timeout:g} s", _engine_hint("")
        ) from error


def _important(on_line: OnLine) -> OnLine:
    def pass_on(line: str) -> None:
        if _is_important(line):
            on_line(line)

    return pass_on


def _is_important(line: str) -> bool:
    return bool(line.strip()) and not _LEGACY_NOTICE.match(line)


def _hint(exit_code: int, text: str) -> str:
    if "no space left on device" in text:
        return "The disk is full. See: docker system df. To free space: docker system prune."
    if exit_code in (137, -9) or _KILLED.search(text):
        return (
            "It was killed, usually because the engine ran out of memory: give it more, or build fewer images at once."
        )
    if "exec format error" in text.lower():
        return (
            "The engine cannot run programs for the platform of the image: build on a machine, or in a build project,"
            " with that processor, or install an emulator."
        )
    if "buildx component is missing" in text:
        return "Install Docker's buildx plug-in, or unset DOCKER_BUILDKIT."
    if "Cannot connect to the Docker daemon" in text:
        return _engine_hint(text)
    return ""


def _engine_hint(reason: str) -> str:
    if "permission denied" in reason:
        return "Add this user to the group docker, or run as a user who may use the engine."
    return "Start it (Docker Desktop, or: systemctl start docker), or check DOCKER_HOST and docker context ls."
