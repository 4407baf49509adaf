"""How an environment's AWS API is reached. The one place that knows that a sandbox exists."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

from longshore.config.target import Target
from longshore.errors import SandboxError
from longshore.terraform.cloud.tokens import token

if TYPE_CHECKING:
    from longshore.sandbox.state import State

SANDBOX = "sandbox"
WITHIN = "LONGSHORE_SANDBOX"
"""Variable that the sandbox's CodeBuild sets for its builds."""


@dataclass(frozen=True)
class Access:
    """Endpoint and credentials of an environment.

    ``environ`` is what terraform and boto3 need beyond this process's own environment; empty for AWS itself.
    ``base_url`` gives the URL at which a service of a cluster answers, or None where none is known.
    """

    region: str
    environ: Mapping[str, str]
    base_url: Callable[[str, str], str | None] = field(repr=False)

    @property
    def endpoint_url(self) -> str | None:
        """Where the AWS API answers, if not at AWS."""
        return self.environ.get("AWS_ENDPOINT_URL")

    def process_environment(self) -> dict[str, str]:
        """This process's environment with ours on top; a session of the user's never mixes with keys of ours."""
        inherited = dict(os.environ)
        if "AWS_ACCESS_KEY_ID" in self.environ:
            for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
                inherited.pop(name, None)
        return inherited | dict(self.environ)


def own_folder(root: Path) -> Path:
    """The folder of everything that Longshore keeps in a project, which never makes its git tree dirty."""
    folder = root / ".longshore"
    if not (folder / ".gitignore").exists():
        folder.mkdir(exist_ok=True)
        (folder / ".gitignore").write_text("*\n")
    return folder


def sandbox_directory(root: Path) -> Path:
    """Where the project's sandbox keeps its state; inside a build of a sandbox that one's, as its variable says."""
    given = os.environ.get(WITHIN)
    return Path(given) if given else own_folder(root) / SANDBOX


def resolve(target: Target) -> Access:
    """The access that the environment's ``endpoint`` names.

    Raises:
        SandboxError: the environment is in the sandbox, and none is running.
    """
    own_folder(target.root)
    region = {"AWS_REGION": target.region, "AWS_DEFAULT_REGION": target.region}
    if target.env.endpoint == SANDBOX:
        return _sandbox(target, region)
    endpoint = {"AWS_ENDPOINT_URL": target.env.endpoint} if target.env.endpoint else {}
    return Access(target.region, {**region, **endpoint}, lambda _cluster, _service: target.env.base_url)


def cloud_access(target: Target) -> tuple[str, str]:
    """Where Terraform Cloud answers for this environment, and the token for it.

    Raises:
        SandboxError: it is the sandbox's stand-in, and no sandbox is running.
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
    # a build acts with its role's credentials, which it has already, and not with the sandbox's own key
    within = {"AWS_ENDPOINT_URL": running.endpoint}
    environ = {**(within if os.environ.get(WITHIN) else running.environment()), **region}

    def base_url(cluster: str, service: str) -> str | None:
        if target.env.base_url:
            return target.env.base_url
        with urlopen(f"{running.endpoint}/_sandbox/status", timeout=10) as answer:  # noqa: S310 - our own endpoint
            services = json.load(answer)["services"]
        found = (s["url"] for s in services if (s["cluster"], s["service"]) == (cluster, service))
        return next(found, None)

    return Access(target.region, environ, base_url)
