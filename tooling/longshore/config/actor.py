"""The actor: the AWS identity, and the person or CI job behind it."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Mapping

from longshore.result import Actor

_USERS = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "CODEBUILD_INITIATOR")
_JOB_URLS = (
    "CI_JOB_URL",  # GitLab
    "CODEBUILD_BUILD_URL",
    "BUILD_URL",  # Jenkins
    "BUILDKITE_BUILD_URL",
    "CIRCLE_BUILD_URL",
)


def identify(arn: str, environ: Mapping[str, str]) -> Actor:
    """Identifies the actor of this process.

    Args:
        arn: the AWS identity, from STS.
        environ: the environment variables, in which CI systems describe their job.
    """
    environ = {name: _text(value) for name, value in environ.items()}
    return Actor(
        arn=arn,
        user=user(environ),
        host=socket.gethostname(),
        ci_url=_job_url(environ),
        build=environ.get("CODEBUILD_BUILD_ID") or None,
        initiator=environ.get("CODEBUILD_INITIATOR") or None,
    )


def user(environ: Mapping[str, str]) -> str:
    """The person behind this process, from its environment variables and without a call to AWS.

    In a CodeBuild build, it is the initiator of the build: the user of the container is always root.
    """
    try:
        return _text(next((environ[name] for name in _USERS if environ.get(name)), None) or getpass.getuser())
    except (KeyError, OSError):  # a container whose user id has no name
        return "unknown"


def _text(value: str) -> str:
    """A variable as text: bytes that the locale does not have arrive as surrogates, which no record can hold."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _job_url(environ: Mapping[str, str]) -> str | None:
    github = [environ.get(f"GITHUB_{part}") for part in ("SERVER_URL", "REPOSITORY", "RUN_ID")]
    if all(github):
        return "{}/{}/actions/runs/{}".format(*github)
    return next((environ[name] for name in _JOB_URLS if environ.get(name)), None)
