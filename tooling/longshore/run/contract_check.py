"""The contract of a stack, checked against invoke.yaml."""

from __future__ import annotations

from typing import cast

from longshore.config.contract import Contract
from longshore.environment.environment import Environment
from longshore.errors import ConfigError
from longshore.run.checklist import Checklist

_ARCHITECTURES = {"linux/amd64": "X86_64", "linux/arm64": "ARM64"}


def read_contract(env: Environment) -> Contract:
    """Reads and checks the contract: it may change until the lock is held, so a run reads it then.

    Raises:
        ConfigError: it is malformed, or does not match invoke.yaml.
    """
    checklist = Checklist(env.console)
    contract = checklist.run(
        "contract", lambda: _checked(env), lambda c: f"{len(c.services)} services, {c.image_tag} is registered"
    )
    checklist.conclude()
    return cast(Contract, contract)  # conclude() raises if the check failed


def _checked(env: Environment) -> Contract:
    contract = env.contract()
    if contract.account_id != env.target.env.account:
        raise ConfigError(
            f"Terraform's state is of AWS account {contract.account_id}, but {env.target.environment} is in"
            f" {env.target.env.account} by invoke.yaml",
            "Check the credentials of Terraform, on Terraform Cloud those of the workspace, and the setting account.",
        )
    for key, image in contract.images.items():
        if key not in env.target.app.images:
            raise ConfigError(
                f"the contract has an image {key!r}, but invoke.yaml has none under"
                f" longshore.applications.{env.target.application}.images",
                "Add it to invoke.yaml, or remove it from the variable file.",
            )
        repository = env.target.repository(key)
        if image.repository != repository:
            raise ConfigError(
                f"the contract has image {key!r} in {image.repository}, but Longshore pushes it to {repository}",
                "Check the repository in the variable file and the application's name in invoke.yaml.",
            )
    _check_platforms(env, contract)
    return contract


def _check_platforms(env: Environment, contract: Contract) -> None:
    for key, service in contract.services.items():
        definition = env.aws.ecs.task_definition(service.task_definition)
        # The default of ECS if a revision does not name one (API reference, RuntimePlatform).
        architecture = definition.get("runtimePlatform", {}).get("cpuArchitecture", "X86_64")
        for image in set(service.containers.values()):
            platform = env.target.app.images[image].platform
            if _ARCHITECTURES.get(platform) != architecture:
                path = f"longshore.applications.{env.target.application}.images.{image}.platform"
                raise ConfigError(
                    f"{path} is {platform}, but the tasks of {key} run on {architecture}",
                    "Fix the platform in invoke.yaml, or cpu_architecture in the variable file.",
                )
