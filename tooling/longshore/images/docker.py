"""Docker's command line: the one place that runs it."""

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
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from longshore.errors import BuildError
from longshore.masking import Masks
from longshore.process import Completed, OnLine, Runner, execute

if TYPE_CHECKING:
    from longshore.aws.ecr import Credentials

_LINES_SHOWN = 30
_LONGEST_LINE = 500
_DIGEST = re.compile(r"digest: (sha256:[0-9a-f]{64})")
# Without buildx the client builds with its legacy builder and says so each time, before anything else.
_LEGACY_NOTICE = re.compile(
    r"DEPRECATED: The legacy builder"
    r"| {12}(Install the buildx|https://docs\.docker\.com/go/buildx|BuildKit is currently|environment-variable)"
)
_KILLED = re.compile(r"(exit code|non-zero code): 137\b|signal: killed")
# Lines that can be logged, and a plain manifest for the one platform instead of an index with attestations beside it:
# ECS then reports the digest that was pushed.
_BUILD_ENVIRON = {"BUILDKIT_PROGRESS": "plain", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}


@dataclass(frozen=True)
class LocalImage:
    """An image of the engine. ``platform`` is such as ``linux/amd64``, ``digests`` are ``repository@sha256:…``."""

    id: str
    platform: str
    digests: tuple[str, ...]


class Docker:
    """What a release does with Docker.

    Args:
        runner: runs the program.
        masks: what is not to be shown of its output.
    """

    def __init__(self, runner: Runner = execute, masks: Masks | None = None) -> None:
        self._runner = runner
        self._masks = masks or Masks()

    def check(self) -> str:
        """Version and platform of the engine.

        Raises:
            BuildError: no docker on PATH, or no engine answers.
        """
        form = "{{.Server.Version}} on {{.Server.Os}}/{{.Server.Arch}}"
        done = self._run(["docker", "version", "--format", form])
        if done.exit_code:
            why = done.errors.strip() or f"exit code {done.exit_code}"
            raise BuildError(f"no Docker engine answers: {why}", _engine_hint(why))
        return f"Docker {done.output.strip()}"

    def build(self, arguments: Sequence[str], on_line: OnLine) -> None:
        """Builds an image with the user's own configuration of Docker; either builder will do.

        Args:
            arguments: of ``docker build``.
            on_line: gets the builder's output.

        Raises:
            BuildError: with the last lines of the output.
        """
        done = self._run(["docker", "build", *arguments], _BUILD_ENVIRON, _important(on_line))
        if done.exit_code:
            raise self._failure(f"docker build failed with exit code {done.exit_code}", done)

    def inspect(self, reference: str) -> LocalImage:
        """What the engine has under a reference.

        Raises:
            BuildError: there is no such image.
        """
        done = self._run(["docker", "image", "inspect", "--format", "{{json .}}", reference])
        if done.exit_code:
            raise BuildError(f"the engine has no image {reference}: {done.errors.strip()}")
        raw = json.loads(done.output)
        parts = (raw["Os"], raw["Architecture"], raw.get("Variant"))
        return LocalImage(raw["Id"], "/".join(filter(None, parts)), tuple(raw.get("RepoDigests") or ()))

    def push(self, reference: str, credentials: Credentials, on_line: OnLine) -> str:
        """Pushes an image; the credentials are on disk only meanwhile, in a folder for this user alone.

        Returns:
            The digest that Docker says it pushed.

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
            raise self._failure(f"docker push of {reference} named no digest", done)
        return str(digests[-1])

    def login(self, credentials: Credentials) -> None:
        """Signs the user's own configuration of Docker in, for what a Dockerfile takes from the registry.

        Raises:
            BuildError: the registry does not take it, or there is no docker.
        """
        command = ["docker", "login", "--username", credentials.username, "--password-stdin", credentials.endpoint]
        done = self._run(command, stdin=credentials.password.get_secret_value())
        if done.exit_code:
            raise self._failure(f"docker login to {credentials.endpoint} failed with exit code {done.exit_code}", done)

    @contextmanager
    def _signed_in(self, registry: str, credentials: Credentials) -> Iterator[tuple[list[str], dict[str, str]]]:
        """Options and environment with which docker reaches the user's engine, and signs in to this registry only."""
        own = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
        context = self._run(["docker", "context", "inspect", "--format", "{{.Name}}"])
        if context.exit_code:
            raise self._failure("docker context inspect failed", context)
        token = f"{credentials.username}:{credentials.password.get_secret_value()}"
        auth = base64.b64encode(token.encode()).decode()
        with TemporaryDirectory(prefix="longshore-") as private:
            Path(private, "config.json").write_text(json.dumps({"auths": {registry: {"auth": auth}}}))
            # Endpoint and certificates of the user's contexts are looked up in the folder of the configuration.
            Path(private, "contexts").symlink_to(own.absolute() / "contexts")
            environ = {"DOCKER_CONFIG": private}
            if os.environ.get("DOCKER_TLS_VERIFY"):
                environ["DOCKER_CERT_PATH"] = os.environ.get("DOCKER_CERT_PATH") or str(own)
            yield ["--context", context.output.strip()], environ

    def _failure(self, what: str, done: Completed) -> BuildError:
        lines = [line for line in f"{done.output}\n{done.errors}".splitlines() if _is_important(line)]
        # Masked before they are cut: a part of a secret is not recognised any more.
        masked = [self._masks.mask(line) for line in lines[-_LINES_SHOWN:]]
        text = "\n".join(f"  {line[:_LONGEST_LINE]}" for line in masked)
        return BuildError(f"{what}:\n{text}", _hint(done.exit_code, text))

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
    """Turns what keeps docker from running into our error."""
    try:
        yield
    except FileNotFoundError as error:
        raise BuildError("docker is not on PATH", "Install Docker, or run: make setup") from error
    except OSError as error:
        raise BuildError(f"docker can't be run: {error}", "Install Docker, or run: make setup") from error
    except subprocess.TimeoutExpired as error:
        what = " ".join(command[:3])
        raise BuildError(f"{what} did not answer in {error.timeout:g} s", _engine_hint("")) from error


def _important(on_line: OnLine) -> OnLine:
    def pass_on(line: str) -> None:
        if _is_important(line):
            on_line(line)

    return pass_on


def _is_important(line: str) -> bool:
    return bool(line.strip()) and not _LEGACY_NOTICE.match(line)


def _hint(exit_code: int, text: str) -> str:
    if "no space left on device" in text:
        return "The disk is full: docker system df shows what may go, docker system prune removes it."
    if exit_code in (137, -9) or _KILLED.search(text):
        return "It was killed, most often for want of memory: give the engine more, or build less at once."
    if "buildx component is missing" in text:
        return "Install Docker's buildx plug-in, or unset DOCKER_BUILDKIT."
    if "Cannot connect to the Docker daemon" in text:
        return _engine_hint(text)
    return ""


def _engine_hint(why: str) -> str:
    if "permission denied" in why:
        return "Add this user to the group docker, or run as one who may use the engine."
    return "Start it (Docker Desktop, or: systemctl start docker), or look at DOCKER_HOST and docker context ls."
