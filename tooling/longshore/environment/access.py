"""Endpoint and credentials of an environment. Of the tool, only this module and its tasks know the sandbox."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import ProxyHandler, Request, build_opener

from longshore.aws.process_environment import process_environment, refuse_ambiguous
from longshore.config.project import own_folder
from longshore.config.target import Target
from longshore.errors import SandboxError
from longshore.terraform.cloud.tokens import token

if TYPE_CHECKING:
    from longshore.sandbox.state import State

SANDBOX = "sandbox"
WITHIN = "LONGSHORE_SANDBOX"
"""The variable that the sandbox's CodeBuild sets in its builds."""


@dataclass(frozen=True)
class Access:
    """Endpoint and credentials of an environment.

    ``environ`` has the environment variables that Terraform and boto3 need in addition to this process's own.
    ``base_url`` returns the URL of a service of a cluster, or None if it has none.
    """

    region: str
    environ: Mapping[str, str]
    base_url: Callable[[str, str], str | None] = field(repr=False)

    @property
    def endpoint_url(self) -> str | None:
        """The endpoint of the AWS API, or None for AWS itself."""
        return self.environ.get("AWS_ENDPOINT_URL")

    def process_environment(self) -> dict[str, str]:
        """The environment of this process with ours added, for boto3 and Terraform alike."""
        return process_environment(os.environ, self.environ)


def sandbox_directory(root: Path) -> Path:
    """The state folder of the project's sandbox; inside a build of a sandbox, the folder of that sandbox."""
    given = os.environ.get(WITHIN)
    return Path(given) if given else own_folder(root) / SANDBOX


def resolve(target: Target) -> Access:
    """The access that the environment's ``endpoint`` names.

    Raises:
        ConfigError: the AWS variables of this process contradict each other, or Longshore's folder cannot be written.
        SandboxError: the environment is in the sandbox, which is not running.
    """
    own_folder(target.root)
    region = {"AWS_REGION": target.region, "AWS_DEFAULT_REGION": target.region}
    if target.env.endpoint == SANDBOX:
        return _sandbox(target, region)
    refuse_ambiguous(os.environ)
    endpoint = {"AWS_ENDPOINT_URL": target.env.endpoint} if target.env.endpoint else {}
    return Access(target.region, {**region, **endpoint}, lambda _cluster, _service: target.env.base_url)


def cloud_access(target: Target) -> tuple[str, str]:
    """The URL of Terraform Cloud for this environment, and its token.

    Raises:
        SandboxError: the environment uses the sandbox's stand-in, and the sandbox is not running.
        TerraformError: there is no token.
    """
    workspace = target.workspace
    hostname = workspace.hostname if workspace else ""
    if hostname == SANDBOX:
        running = _running(target)
        return running.terraform_cloud, running.secret_access_key
    return f"https://{hostname}", token(hostname, os.environ)


def _running(target: Target) -> State:
    from longshore.sandbox import state  # noqa: PLC0415 - moto and docker are needed only here

    running = state.load(sandbox_directory(target.root))
    if running is None:
        raise SandboxError(
            f"no sandbox is running for environment {target.environment!r}", "Start it with: invoke sandbox.up"
        )
    return running


def _sandbox(target: Target, region: Mapping[str, str]) -> Access:
    running = _running(target)
    # a build already has the credentials of its role, and must not use the sandbox's own key
    endpoint = {"AWS_ENDPOINT_URL": running.endpoint}
    environ = {**(endpoint if os.environ.get(WITHIN) else running.environment()), **region}

    def base_url(cluster: str, service: str) -> str | None:
        if target.env.base_url:
            return target.env.base_url
        page = Request(f"{running.endpoint}/_sandbox/status", headers=running.authorization())  # noqa: S310 - our own
        with build_opener(ProxyHandler({})).open(page, timeout=10) as answer:
            services = json.load(answer)["services"]
        urls = (s["url"] for s in services if (s["cluster"], s["service"]) == (cluster, service))
        return next(urls, None)

    return Access(target.region, environ, base_url)
